"""Cases: what is said to the assistant and what is expected of it, in files that a support person can edit.

`read_suites(folder, known)` gives every suite or raises `CaseErrors`, which names file and line of each mistake.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from eval import account
from eval.known import Known
from eval.questions import SUITES
from rag.turn import Outcome
from rails.strict_yaml import FileErrors, line_of, read_strict

Kind = Literal[
    "answer", "conversation", "account", "access", "fairness", "tone", "handover", "redteam", "reading", "retrieval"
]
TODAY = dt.date(2026, 11, 20)
SEED = 11
SCHEMA = SUITES / "schema.json"
Text = Annotated[str, Field(min_length=1)]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=80)]
Word = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
CALLING: frozenset[Outcome] = frozenset({"handover", "emergency"})  # outcomes with which a person is always called


class CaseErrors(FileErrors):
    """Suites can't be used; one line a mistake, with file and line."""


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Expect(Part):
    """What must hold of a reply. What is left out is not looked at."""

    outcome: Outcome | list[Outcome] | None = None
    articles: list[str] = []  # at least one of them is cited
    all_articles: list[str] = []  # each of them is cited
    records: list[str] = []  # each of these account records is cited or named
    facts: list[Text] = []  # each stands in the answer; "|" between wordings
    never: list[Text] = []  # none stands in the answer
    reason: str | list[str] | None = None
    handover: bool | None = None  # whether a person has been called by then
    actions: list[Literal["handover", "cards", "sign_in"]] | None = None  # allowed beside talking
    reference: str = ""
    grade_at_most: float | None = Field(None, gt=0)

    @property
    def outcomes(self) -> frozenset[Outcome]:
        return frozenset([self.outcome] if isinstance(self.outcome, str) else self.outcome or ())

    @property
    def reasons(self) -> frozenset[str]:
        return frozenset([self.reason] if isinstance(self.reason, str) else self.reason or ())

    @property
    def cited(self) -> tuple[str, ...]:
        """Every id that a citation may rightly have."""
        return (*self.articles, *self.all_articles, *self.records)

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("it expects nothing; write at least one of outcome, articles, facts, never, …")
        never = {squeezed(text) for text in self.never}
        wanted = [part for fact in self.facts for part in fact.split("|")] + self.records
        if twice := [text for text in wanted if squeezed(text) in never]:
            raise ValueError(f"{twice[0].strip()!r} must appear and must never appear; take it out of one of the two")
        if self.outcomes == {"unknown"} and (self.articles or self.all_articles):
            raise ValueError("the outcome is unknown, and articles are to be cited; take one of the two out")
        if self.handover is False and self.outcomes and self.outcomes <= CALLING:
            raise ValueError(f"with the outcome {min(self.outcomes)} a person is called; handover can't be false")
        if self.handover and self.actions is not None and "handover" not in self.actions:
            raise ValueError("a person is to be called, and actions do not allow handover; add it there")
        return self


class Turn(Part):
    """One message of the customer, with what is expected of its reply if that is more than nothing."""

    say: Text
    expect: Expect | None = None


class Case(Part):
    """One case as it stands in a file. `say` is short for one turn; `expect` is about the last turn."""

    id: Id
    say: Text | None = None
    turns: list[Text | Turn] = []
    customer: str | None = None
    today: dt.date | None = None
    style: Word = "plain"
    slice: dict[Word, Word] = {}
    need: str | None = None
    intent: str | None = None
    expect: Expect | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.say is None) == (not self.turns):
            raise ValueError("it needs say or turns, and not both")
        if not self.expected and self.intent is None:
            raise ValueError("it expects nothing; write expect")
        last = self.turns[-1] if self.turns else None
        if self.expect and isinstance(last, Turn) and last.expect:
            raise ValueError("the last turn has an expectation, and the case has one too; keep one of them")
        if self.customer is None and any(expect.records for _, expect in self.expected):
            raise ValueError("records are expected of a visitor who is not signed in; name the customer")
        return self

    @property
    def said(self) -> tuple[str, ...]:
        """The customer's messages, in order."""
        texts = [self.say] if self.say is not None else self.turns
        return tuple(turn.say if isinstance(turn, Turn) else turn for turn in texts)

    @property
    def expected(self) -> tuple[tuple[int, Expect], ...]:
        """What is expected, with the place of its turn (from 0)."""
        own = [(n, turn.expect) for n, turn in enumerate(self.turns) if isinstance(turn, Turn) and turn.expect]
        last = len(self.turns) - 1 if self.turns else 0
        return tuple(own) + (((last, self.expect),) if self.expect else ())

    @property
    def final(self) -> Expect | None:
        """What is expected of the last turn."""
        return next((expect for n, expect in reversed(self.expected) if n == len(self.said) - 1), None)


class SuiteFile(Part):
    suite: Word
    kind: Kind
    about: Text
    today: dt.date = TODAY
    seed: int = Field(SEED, ge=0)
    cases: list[Case] = Field(min_length=1)


FILE = TypeAdapter(SuiteFile)


@dataclass(frozen=True)
class Task:
    """A case with all that is needed to run it. What stands under `case` comes from older held-out files."""

    suite: str
    kind: Kind
    today: dt.date  # the day of the demo business; the clock is on the day of the case, if it names one
    seed: int
    case: Case
    head: str = ""  # the head that a reading is about
    positive: bool = False  # whether its rail should speak
    intents: tuple[str, ...] = ()  # any of them is right
    account: account.Case | None = None  # checked by `eval.account.check`
    disloyal: int | None = None  # seed of a composer that lies, leaks and obeys


@dataclass(frozen=True)
class Suite:
    """`tasks` can be gone through again and again; it need not be a list."""

    name: str
    kind: Kind
    about: str
    digest: str  # sha256 of the data
    count: int
    tasks: Iterable[Task]


def squeezed(text: str) -> str:
    return " ".join(text.lower().split())


def suite_files(folder: Path = SUITES) -> list[Path]:
    """The files of the new format: those that begin with a mapping that names a suite."""
    return [path for path in sorted(folder.glob("*.yaml")) if _names_suite(path)]


def _names_suite(path: Path) -> bool:
    with path.open(encoding="utf-8", errors="replace") as file:
        return any(line.startswith(("suite:", "kind:")) for line in file)


def read_suite(path: Path, known: Known) -> tuple[SuiteFile, str]:
    """The file's suite and the hash of its text. Raises CaseErrors."""
    file = read_strict(path, FILE, CaseErrors)
    mistakes = [
        f"{path}:{line_of(path, ('cases', n))}: {case.id}: {fault}"
        for n, case in enumerate(file.cases)
        for fault in known.faults(case, file.seed, file.today, alternating=file.kind == "reading")
    ]
    if mistakes:
        raise CaseErrors(mistakes)
    return file, hashlib.sha256(path.read_bytes()).hexdigest()


def tasks_of(file: SuiteFile) -> list[Task]:
    return [Task(file.suite, file.kind, file.today, file.seed, case) for case in file.cases]


def read_suites(known: Known, folder: Path = SUITES) -> list[Suite]:
    """Every suite of the folder, by name. Raises CaseErrors with the mistakes of all files together."""
    suites: dict[str, Suite] = {}
    places: dict[str, str] = {}
    mistakes: list[str] = []
    for path in suite_files(folder):
        try:
            file, digest = read_suite(path, known)
        except CaseErrors as errors:
            mistakes += errors.mistakes
            continue
        if file.suite in suites:
            mistakes.append(f"{path}:{line_of(path, ('suite',))}: suite {file.suite!r} stands in two files; rename one")
        for n, case in enumerate(file.cases):
            if case.id in places:
                mistakes.append(
                    f"{path}:{line_of(path, ('cases', n))}: id {case.id!r} is used already, in {places[case.id]}"
                )
            places.setdefault(case.id, f"{path.name} (case {n + 1})")
        tasks = tasks_of(file)
        suites[file.suite] = Suite(file.suite, file.kind, file.about, digest, len(tasks), tasks)
    if mistakes:
        raise CaseErrors(mistakes)
    return [suites[name] for name in sorted(suites)]


def schema() -> str:
    """The JSON Schema of a suite's file, for editors. `python -m eval.cases` writes it."""
    return json.dumps(FILE.json_schema(), indent=1, sort_keys=True) + "\n"


def chosen(suites: Sequence[Suite], names: Sequence[str]) -> list[Suite]:
    """Those with a given name, or whose name begins with it (`fairness` takes `fairness_a`). Raises ValueError."""
    for name in names:
        if not any(_is(suite.name, name) for suite in suites):
            raise ValueError(f"there is no suite {name!r}; there are {', '.join(suite.name for suite in suites)}")
    return [suite for suite in suites if not names or any(_is(suite.name, name) for name in names)]


def _is(suite: str, name: str) -> bool:
    return suite == name or suite.startswith(f"{name}_")


def dumped(expect: Expect | None) -> dict[str, Any]:
    return expect.model_dump(exclude_unset=True) if expect else {}


if __name__ == "__main__":
    SCHEMA.write_text(schema(), encoding="utf-8")
