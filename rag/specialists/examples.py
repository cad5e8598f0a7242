"""Examples: what people write, from knowledge_base/intents, knowledge_base/dangers and knowledge_base/conversation.

A row is a message, or a short conversation: customer and assistant in turns, the customer first and last; then the label
is the last message's, read in its context.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter

from rails.strict_yaml import FileErrors, line_of, read_strict

Route = Literal["account", "chat", "human", "out_of_scope", "knowledge"]
HEADS = (
    "emergency", "self_harm", "medical_advice", "injection", "abuse", "wants_human", "frustration", "follow_up",
    "in_scope",
)  # fmt: skip
FEWEST = 10  # examples under which an intent, or a side of a head, can't be learnt


class ExamplesError(FileErrors):
    """An examples file can't be used; the message names file, line and mistake."""


def _in_turns(turns: list[str]) -> list[str]:
    if len(turns) % 2 == 0:
        raise ValueError("a conversation has an odd number of turns: the customer speaks first and last")
    return turns


Text = Annotated[str, Field(min_length=1)]
Row = Text | Annotated[list[Text], Field(min_length=3), AfterValidator(_in_turns)]
Families = dict[Annotated[str, Field(pattern=r"^[a-z0-9_]+$")], list[Row]]


class IntentFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    intent: str = Field(pattern=r"^[a-z_]+$")
    route: Route
    description: str = ""
    articles: list[str] = []  # whose questions are asked with this intent
    examples: list[Row] = Field(min_length=FEWEST)


class HeadFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    head: Literal[
        "emergency", "self_harm", "medical_advice", "injection", "abuse", "wants_human", "frustration", "follow_up"
    ]
    batch: str
    positive: Families
    negative: Families


@dataclass(frozen=True)
class Example:
    """One row. `turns` ends with the customer's message; `source` is the file's name, `family` its place in it."""

    turns: tuple[str, ...]
    source: str
    family: str = ""

    @property
    def text(self) -> str:
        return self.turns[-1]


@dataclass(frozen=True)
class Intents:
    """All intents: their rows in the order of the files, the route of each, and the intent of each article."""

    rows: tuple[tuple[Example, str], ...]
    routes: dict[str, str]
    of_article: dict[str, str]


@dataclass(frozen=True)
class Marked:
    """A row of one head: positive, or a hard negative."""

    example: Example
    head: str
    positive: bool


INTENT, HEAD = TypeAdapter(IntentFile), TypeAdapter(HeadFile)


def read_intents(folder: Path) -> Intents:
    """Raises ExamplesError."""
    rows: list[tuple[Example, str]] = []
    routes: dict[str, str] = {}
    of_article: dict[str, str] = {}
    for path in _files(folder):
        file = read_strict(path, INTENT, ExamplesError)
        if file.intent in routes:
            raise ExamplesError([f"{path}:{line_of(path, ('intent',))}: intent {file.intent!r} stands in two files"])
        routes[file.intent] = file.route
        of_article.update(dict.fromkeys(file.articles, file.intent))
        rows.extend((Example(_turns(row), path.name, file.intent), file.intent) for row in file.examples)
    return Intents(tuple(rows), routes, of_article)


def read_heads(*folders: Path) -> tuple[Marked, ...]:
    """The rows of all heads, each text once. Raises ExamplesError, also for a head with too few rows on a side."""
    rows: dict[tuple[str, ...], Marked] = {}
    for path in (path for folder in folders for path in _files(folder)):
        for marked in read_head_file(path):
            rows.setdefault((marked.head, *(turn.lower() for turn in marked.example.turns)), marked)
    for head in sorted({marked.head for marked in rows.values()}):
        for positive in (True, False):
            count = sum(marked.head == head and marked.positive == positive for marked in rows.values())
            if count < FEWEST:
                side = "positive" if positive else "negative"
                raise ExamplesError([f"{folders[0]}: head {head} has {count} {side} rows; at least {FEWEST} are needed"])
    return tuple(rows.values())


def read_head_file(path: Path) -> Iterator[Marked]:
    """The rows of one file. Raises ExamplesError."""
    file = read_strict(path, HEAD, ExamplesError)
    for positive, families in ((True, file.positive), (False, file.negative)):
        for family, rows in families.items():
            yield from (Marked(Example(_turns(row), path.name, family), file.head, positive) for row in rows)


def _files(folder: Path) -> list[Path]:
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise ExamplesError([f"{folder}: there are no examples (*.yaml)"])
    return paths


def _turns(row: str | list[str]) -> tuple[str, ...]:
    return (row,) if isinstance(row, str) else tuple(row)
