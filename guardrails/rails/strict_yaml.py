"""YAML files that people edit, read through a pydantic type; a mistake is reported with file and line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

Value = TypeVar("Value")
_FAST: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml is ten times faster


class Loader(_FAST):  # type: ignore[misc]
    """Safe YAML in which only true and false are booleans: a column may well be called No."""

    yaml_implicit_resolvers = {  # noqa: RUF012 -- the library's own name for a class-wide table
        first: [(tag, words) for tag, words in pairs if tag != "tag:yaml.org,2002:bool"]
        for first, pairs in _FAST.yaml_implicit_resolvers.items()
    }


BOOLEAN = re.compile("^(?:true|True|TRUE|false|False|FALSE)$")
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", BOOLEAN, list("tTfF"))


class FileErrors(ValueError):
    """One line a mistake: `file:line: what is wrong`."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


def read_strict(path: Path, kind: TypeAdapter[Value], errors: type[FileErrors] = FileErrors) -> Value:
    """The file's content as `kind`. Raises `errors`, also where the file can't be read."""
    try:
        return kind.validate_python(yaml.load(path.read_text(encoding="utf-8"), Loader))
    except (OSError, UnicodeDecodeError) as error:
        raise errors([f"{path}: can't be read ({error})"]) from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise errors([f"{path}:{line}: {error.problem}"]) from error
    except ValidationError as error:
        found = [(e["loc"], e["msg"]) for e in error.errors()]
        raise errors([f"{path}:{line_of(path, loc)}: {_where(loc)}{said}" for loc, said in found]) from error


def line_of(path: Path, loc: Sequence[int | str]) -> int:
    """The line (from 1) of the deepest part of `loc` that is present in the file."""
    node: Any = yaml.compose(path.read_text(encoding="utf-8"), Loader)
    for part in loc:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
        elif isinstance(node, yaml.MappingNode):
            found = next((value for key, value in node.value if key.value == str(part)), None)
            if found is None:
                break
            node = found
        else:
            break
    return node.start_mark.line + 1 if node is not None else 1


def _where(loc: Sequence[int | str]) -> str:
    names = [str(part) for part in loc if not isinstance(part, int)]
    return f"{'.'.join(names)}: " if names else ""
