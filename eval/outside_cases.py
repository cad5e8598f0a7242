"""Cases of somebody outside, from a file: checked, with the line of each mistake, and made into a suite like our own.

A row with no expectation is run and has no verdict. The file is read in a stream, once to check it and once to run it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from eval.cases import SEED, TODAY, Case, CaseErrors, Expect, Kind, Suite, Task, squeezed
from eval.known import Known
from eval.outside_rows import CELL_SEPARATOR, Head, Row, rows, survey
from rag.turn import Outcome

COLUMNS = (
    "question",
    "expected_article",
    "articles",
    "facts",
    "never",
    "outcome",
    "customer",
    "id",
    "reference",
    "slice",
)
LISTS = ("articles", "facts", "never", "outcome")  # of a cell, parted by ";"
EXPECTED = ("articles", "facts", "never", "outcome", "reference")
KEYS = (*COLUMNS, *(name for name in Case.model_fields if name not in COLUMNS))
MOST_MISTAKES = 50  # that are told at once
NAME = "outside"


class Asked(Case):
    """A case that expects nothing."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.say is None) == (not self.turns):
            raise ValueError("it needs question, or say, or turns, and one of them only")
        return self


class About(BaseModel):
    """What stands before the cases in a YAML file of our own format."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    suite: str = Field(NAME, pattern=r"^[a-z0-9_]+$", max_length=80)
    kind: Kind = "conversation"
    about: str = ""
    today: dt.date = TODAY
    seed: int = Field(SEED, ge=0)


@dataclass(frozen=True)
class Outside:
    """A file that was checked. Goes through its tasks again and again, reading the file anew each time."""

    path: Path
    digest: str  # sha256 of the file
    about: About
    count: int
    open: frozenset[str]  # ids of the cases that expect nothing that could be met or missed

    def __iter__(self) -> Iterator[Task]:
        for row in rows(self.path):
            if isinstance(row, Row):
                yield Task(self.about.suite, self.about.kind, self.about.today, self.about.seed, case_of(row))

    def suite(self) -> Suite:
        about = self.about.about or f"Cases of {self.path.name}."
        return Suite(self.about.suite, self.about.kind, about, self.digest, self.count, self)


def decides(case: Case, kind: Kind) -> bool:
    """Whether something that is expected can be met or missed; a reference can only be near."""
    if kind == "reading" and case.intent:
        return True
    return any(
        value or value is False or name == "actions"
        for _, expect in case.expected
        for name, value in expect.model_dump(exclude_unset=True, exclude={"reference"}).items()
    )


def read_outside(path: Path, known: Known) -> Outside:
    """Checks every row. Raises `CaseErrors`, a line for each of the first 50 mistakes."""
    digest, about, count, mistakes = survey(path), About(), 0, list[str]()
    seen, undecided = _Seen(), set[str]()
    for row in rows(path):
        if isinstance(row, Head):
            found, faults = _head(path, row)
            about = found or about
            mistakes += faults
            if faults:
                break
            continue
        count += 1
        faults = [f"{path}:{line}: {fault}" for line, fault in _faults(row, about, known, seen)]
        mistakes += faults
        if not faults and not decides(case := case_of(row), about.kind):
            undecided.add(case.id)
        if len(mistakes) >= MOST_MISTAKES:
            mistakes = [*mistakes[:MOST_MISTAKES], f"{path}: there may be more; these are the first {MOST_MISTAKES}"]
            break
    if not mistakes and not count:
        mistakes = [f"{path}: there are no cases in it; add a row with a question"]
    if mistakes:
        raise CaseErrors(mistakes)
    return Outside(path, digest, about, count, frozenset(undecided))


def case_of(row: Row) -> Case:
    """Raises pydantic's ValidationError, and ValueError for what only tables can get wrong."""
    values = dict(row.values)
    expect: dict[str, Any] = {}
    if row.cells:
        for name in (*LISTS, "expected_article", "slice"):
            if name in values:
                values[name] = [part.strip() for part in values[name].split(CELL_SEPARATOR) if part.strip()]
        if "slice" in values:
            values["slice"] = dict(_sliced(part) for part in values["slice"])
    if "expected_article" in values:
        if "articles" in values:
            raise ValueError("expected_article and articles are the same; keep one of them")
        values["articles"] = values.pop("expected_article")
    for name in EXPECTED:
        if name in values:
            value = values.pop(name)
            one = name in ("articles", "facts", "never") and isinstance(value, str)
            expect[name] = [value] if one else value
    if expect and "expect" in values:
        raise ValueError(f"{min(expect)} stands beside expect; write it into expect")
    if expect:
        values["expect"] = expect
    if "question" in values:
        if {"say", "turns"} & values.keys():
            raise ValueError("question stands beside say or turns; keep one of them")
        values["say"] = values.pop("question")
    given = values.get("id", f"line-{row.line}")
    values["id"] = str(given) if isinstance(given, int) and not isinstance(given, bool) else given
    turns = values.get("turns")
    expects = "expect" in values or any("expect" in turn for turn in turns or () if isinstance(turn, dict))
    return (Case if expects else Asked).model_validate(values)


def _sliced(part: str) -> tuple[str, str]:
    name, sign, value = part.partition("=")
    if not sign:
        raise ValueError(f"slice {part!r} must be written as name=value, such as dialect=indian")
    return name.strip(), value.strip()


class _Seen:
    """Ids, and what was expected of each question."""

    def __init__(self) -> None:
        self.ids: dict[str, int] = {}
        self.outcomes: dict[int, tuple[frozenset[Outcome], int]] = {}

    def faults(self, case: Case, line: int) -> Iterator[str]:
        if case.id in self.ids:
            yield f"id {case.id!r} is used already, in line {self.ids[case.id]}"
        self.ids.setdefault(case.id, line)
        if (final := case.final) and final.outcomes:
            said = hash((tuple(map(squeezed, case.said)), case.customer, case.today))
            outcomes, before = self.outcomes.setdefault(said, (final.outcomes, line))
            if not outcomes & final.outcomes:
                yield (
                    f"the same question has the outcome {' or '.join(sorted(outcomes))} in line {before}, "
                    f"and {' or '.join(sorted(final.outcomes))} here; it can't be both"
                )


def _faults(row: Row, about: About, known: Known, seen: _Seen) -> Iterator[tuple[int, str]]:
    if unknown := [name for name in row.values if name not in KEYS]:
        for name in unknown:
            yield row.lines.get(name, row.line), f"there is no key {name!r}; there are {', '.join(KEYS)}"
        return
    if not {"question", "say", "turns"} & row.values.keys():
        yield row.line, "the question is missing"
        return
    try:
        _encodable(row.values)
        case = case_of(row)
    except ValidationError as error:
        for one in error.errors():
            place = [str(part) for part in one["loc"] if not str(part).startswith(("constrained", "str", "list["))]
            names = [".".join(place[:n]) for n in range(len(place), 0, -1)]
            line = next((row.lines[name] for name in names if name in row.lines), row.line)
            yield line, f"{_named(place)}{_said(one['type'], one['msg'], one['loc'])}"
        return
    except (ValueError, TypeError, AttributeError) as error:
        yield row.line, str(error)
        return
    if not all(text.strip() for text in case.said):
        yield row.line, "the question is empty"
    for fault in (*known.faults(case, about.seed, about.today, about.kind == "reading"), *seen.faults(case, row.line)):
        yield row.line, fault


def _head(path: Path, head: Head) -> tuple[About | None, list[str]]:
    if head.columns:
        unknown = [name for name in head.columns if name and name not in COLUMNS]
        faults = [f"there is no column {name!r}; there are {', '.join(COLUMNS)}" for name in unknown]
        if "question" not in head.columns:
            faults.append(f"no column is called question; the first line names the columns, of {', '.join(COLUMNS)}")
        return None, [f"{path}:{head.line}: {fault}" for fault in faults]
    try:
        return About.model_validate(head.values), []
    except ValidationError as error:
        said = [(e["loc"], _said(e["type"], e["msg"], e["loc"], tuple(About.model_fields))) for e in error.errors()]
        return None, [f"{path}:{head.line}: {_named([str(part) for part in loc])}{fault}" for loc, fault in said]


def _encodable(value: Any) -> None:
    for text in [value] if isinstance(value, str) else _inside(value):
        if isinstance(text, str):
            try:
                text.encode()
            except UnicodeEncodeError:
                raise ValueError(
                    "there is half a character in it (a lone surrogate, \\ud800 to \\udfff); write it whole"
                ) from None
        else:
            _encodable(text)


def _inside(value: Any) -> list[Any]:
    return (
        [*value.keys(), *value.values()] if isinstance(value, dict) else list(value) if isinstance(value, list) else []
    )


def _named(place: list[str]) -> str:
    names = [part for part in place if not part.isdigit()]
    return f"{'.'.join(dict.fromkeys(names))}: " if names else ""


def _said(kind: str, message: str, loc: tuple[int | str, ...], keys: tuple[str, ...] = ()) -> str:
    if kind == "extra_forbidden":
        there = keys or (tuple(Expect.model_fields) if "expect" in loc else ("say", "expect"))
        return f"there is no such key; there are {', '.join(there)}"
    if kind == "literal_error" and "outcome" in loc:
        return f"must be one of {', '.join(get_args(Outcome))}"
    return message.removeprefix("Value error, ")
