"""Rows of a file from somebody outside: CSV, JSON Lines or YAML, read one by one, each with its line.

`rows(path)` raises `CaseErrors` where the file itself can't be read any further; what a row says is checked by its reader.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.events import AliasEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent, SequenceStartEvent

from eval.cases import CaseErrors
from rails.strict_yaml import Loader

LONGEST_LINE = 1 << 20  # bytes
DEEPEST = 20  # brackets within brackets; a case has five
BINARY = {
    b"PK\x03\x04": "a spreadsheet or another zip file; save the sheet as CSV (UTF-8)",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet; save the sheet as CSV (UTF-8)",
    b"%PDF": "a PDF; write the questions into a CSV file",
    b"\x1f\x8b": "compressed; unpack it first",
    b"\xff\xfe": "UTF-16; save it as UTF-8",
    b"\xfe\xff": "UTF-16; save it as UTF-8",
}
FORMATS = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".yaml": "yaml", ".yml": "yaml"}
CELL_SEPARATOR = ";"


@dataclass(frozen=True)
class Row:
    """What stands in one row. `lines`: where each key stands by its dotted name, for YAML. `cells`: values are text of a table."""

    line: int
    values: dict[str, Any]
    lines: dict[str, int] = field(default_factory=dict)
    cells: bool = False


@dataclass(frozen=True)
class Head:
    """What stands before the rows: the columns of a table, or what a YAML file of our own format says of its suite."""

    line: int
    columns: tuple[str, ...] = ()
    values: dict[str, Any] = field(default_factory=dict)


def survey(path: Path) -> str:
    """The sha256 of a file that is UTF-8 text with something in it. Raises `CaseErrors`."""
    digest, number, some = hashlib.sha256(), 0, False
    try:
        if not path.is_file():
            raise CaseErrors([f"{path}: there is no such file"])
        with path.open("rb") as file:
            while line := file.readline(LONGEST_LINE):
                number += 1
                if number == 1 and (kind := next((said for mark, said in BINARY.items() if line.startswith(mark)), "")):
                    raise CaseErrors([f"{path}: this is {kind}"])
                if b"\0" in line:
                    raise CaseErrors([f"{path}:{number}: this is no text; save it as UTF-8 text"])
                if len(line) == LONGEST_LINE:
                    raise CaseErrors(
                        [f"{path}:{number}: the line is longer than {LONGEST_LINE:,} bytes; a row is one line"]
                    )
                line.decode("utf-8")
                digest.update(line)
                some = some or bool(line.strip().strip(b"\xef\xbb\xbf"))
    except UnicodeDecodeError:
        raise CaseErrors(
            [f"{path}:{number}: this is not UTF-8; save the file as UTF-8 (in a spreadsheet: CSV UTF-8)"]
        ) from None
    except OSError as error:
        raise CaseErrors([f"{path}: can't be read ({error.strerror})"]) from None
    if not some:
        raise CaseErrors([f"{path}: the file is empty; it needs a row with a question"])
    return digest.hexdigest()


def rows(path: Path) -> Iterator[Row | Head]:
    """Every row in order. Raises `CaseErrors`."""
    if not (kind := FORMATS.get(path.suffix.lower())):
        raise CaseErrors(
            [f"{path}: the name must end in .csv, .tsv, .jsonl, .ndjson, .yaml or .yml, so that it can be read"]
        )
    yield from {"csv": _csv, "jsonl": _jsonl, "yaml": _yaml}[kind](path)


def _text(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from file


def _csv(path: Path) -> Iterator[Row | Head]:
    first = next((line for line in _text(path) if line.strip()), "")
    separator = max(",;\t", key=first.count)  # spreadsheets of half of Europe write semicolons
    reader = csv.reader(_text(path), delimiter=separator, strict=True)
    header: list[str] = []
    start = 1
    try:
        for cells in reader:
            line, start = start, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = [cell.strip().lower() for cell in cells]
                if twice := next((name for name in header if name and header.count(name) > 1), None):
                    raise CaseErrors([f"{path}:{line}: column {twice!r} is there twice"])
                yield Head(line, columns=tuple(header))
                continue
            if len(cells) > len(header):
                raise CaseErrors(
                    [f"{path}:{line}: {len(cells)} cells in a table of {len(header)} columns; put a cell with {separator!r} into quotes"]
                )  # fmt: skip
            named = {name: cell.strip() for name, cell in zip(header, cells, strict=False)}
            yield Row(line, {name: cell for name, cell in named.items() if cell}, cells=True)
    except csv.Error as error:
        raise CaseErrors([f"{path}:{start}: {error}; a quote that opens a cell must close it"]) from None


def _jsonl(path: Path) -> Iterator[Row]:
    for number, line in enumerate(_text(path), 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line, object_pairs_hook=once)
        except json.JSONDecodeError as error:
            raise CaseErrors([f"{path}:{number}: no JSON ({error.msg}); each line is one object, such as {{\"question\": \"…\"}}"]) from None  # fmt: skip
        except RecursionError:
            raise CaseErrors([f"{path}:{number}: it is nested too deeply"]) from None
        except ValueError as error:
            raise CaseErrors([f"{path}:{number}: {error}"]) from None
        if not isinstance(values, dict):
            raise CaseErrors([f'{path}:{number}: each line must be one object, such as {{"question": "…"}}'])
        yield Row(number, values)


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """For `json.loads`: an object in which each key stands once. Raises `ValueError`."""
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"key {next(name for name in names if names.count(name) > 1)!r} is there twice")
    return values


class _Stream(Loader):
    """Parsed by libyaml, put together here: one item of a list at a time, and without aliases."""

    compose_scalar_node = Composer.compose_scalar_node
    compose_sequence_node = Composer.compose_sequence_node
    compose_mapping_node = Composer.compose_mapping_node

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self.anchors: dict[str, Any] = {}
        self.depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            raise yaml.MarkedYAMLError(problem="anchors and aliases are not read here", problem_mark=event.start_mark)
        if self.depth >= DEEPEST:
            raise yaml.MarkedYAMLError(problem="it is nested too deeply", problem_mark=event.start_mark)
        self.depth += 1
        try:
            return Composer.compose_node(self, parent, index)
        finally:
            self.depth -= 1

    def next_value(self) -> tuple[Any, int, dict[str, int]]:
        """The next item, its line, and the lines of its keys."""
        node = self.compose_node(None, None)
        lines = dict(_key_lines(node))
        return self.construct_document(node), node.start_mark.line + 1, lines


def _key_lines(node: Any, above: str = "") -> Iterator[tuple[str, int]]:
    """The dotted name of every key within a mapping, and its line."""
    seen: set[str] = set()
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if key.value in seen:
            raise yaml.MarkedYAMLError(problem=f"key {key.value!r} is there twice", problem_mark=key.start_mark)
        seen.add(key.value)
        yield f"{above}{key.value}", key.start_mark.line + 1
        yield from _key_lines(value, f"{above}{key.value}.")


def _yaml(path: Path) -> Iterator[Row | Head]:
    with path.open("rb") as file:
        loader = _Stream(file)
        try:
            loader.get_event()  # the stream
            loader.get_event()  # the document
            if loader.check_event(MappingStartEvent):
                yield from _suite(path, loader)
            elif loader.check_event(SequenceStartEvent):
                yield from _items(path, loader)
            else:
                raise CaseErrors(
                    [f"{path}:1: the file must be a list of cases, or suite, kind and cases as docs/outside.md shows"]
                )
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise CaseErrors([f"{path}:{line}: {error.problem}"]) from None
        except (yaml.YAMLError, ValueError) as error:
            raise CaseErrors([f"{path}: {error}"]) if not isinstance(error, CaseErrors) else error from None
        finally:
            loader.dispose()


def _suite(path: Path, loader: _Stream) -> Iterator[Row | Head]:
    line = loader.get_event().start_mark.line + 1
    values: dict[str, Any] = {}
    while loader.check_event(ScalarEvent):
        key = loader.get_event()
        if key.value in values:
            raise CaseErrors([f"{path}:{key.start_mark.line + 1}: key {key.value!r} is there twice"])
        if key.value == "cases":
            yield Head(line, values=values)
            if not loader.check_event(SequenceStartEvent):
                raise CaseErrors([f"{path}:{key.start_mark.line + 1}: cases must be a list"])
            yield from _items(path, loader)
            if loader.check_event(ScalarEvent):
                late = loader.get_event()
                raise CaseErrors([f"{path}:{late.start_mark.line + 1}: {late.value} must stand before cases"])
            return
        values[key.value] = loader.next_value()[0]
    raise CaseErrors([f"{path}:{line}: the file has no list called cases"])


def _items(path: Path, loader: _Stream) -> Iterator[Row]:
    loader.get_event()
    while not loader.check_event(SequenceEndEvent):
        values, line, lines = loader.next_value()
        if not isinstance(values, dict):
            raise CaseErrors([f"{path}:{line}: a case must be keys and values, such as question: …"])
        yield Row(line, values, lines)
    loader.get_event()
