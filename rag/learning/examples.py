"""Examples: what learning makes of feedback. One row a thing to learn from, with the trail to where it came from.

Texts hold no personal data: who collects replaces it. What `data` holds depends on the kind:

| kind | data |
|---|---|
| routing | `Routed`: what a message was read as, and what people made of it |
| rephrasing | `Rephrased`: a question as it was put again and again, and how that ended |
| retrieval | `Matched`: a question, and an article that did or did not answer it |
| ranking | `Preferred` or `Judged`: two answers of which one is better, or one answer and what was thought of it |
| chat | a row that TRL reads, and its question: `Paired`, `Rated` or `Talked` |
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict, get_args

Kind = Literal["routing", "rephrasing", "retrieval", "ranking", "chat"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Ended = Literal["content", "failed", "open"]
VISITOR = "visitor-"  # how the key of somebody who is not signed in begins


class ExamplesBroken(ValueError):
    """A file of examples can't be read; the message names file, line and mistake."""


class Routed(TypedDict):
    """`why`: "department", "not_what_i_asked", "corrected", "accepted" or "content"."""

    turns: list[str]  # they alternate and end with the customer's message
    why: str
    intent: NotRequired[str | None]  # what is wanted, where that is known by name
    was: NotRequired[str | None]  # the intent that it was read as; with `intent` None this one is known to be wrong
    article: NotRequired[str | None]  # the article that answers it; its intent is what is wanted
    department: NotRequired[str | None]  # the one that an agent sent it to


class Rephrased(TypedDict):
    """One question of one customer in its wordings, oldest first; the lists are as long as each other."""

    said: list[str]
    articles: list[str | None]  # the first article that the answer cited
    outcomes: list[str]
    ended: Ended  # content: thanks, a thumb up or a suggestion taken; failed: a thumb down, a person, gone


class Matched(TypedDict):
    question: str
    article: str
    good: bool
    passage: NotRequired[str | None]  # the cited passage, such as "track-order#1"
    against: NotRequired[list[str]]  # articles that were cited and wrong


class Preferred(TypedDict):
    question: str
    chosen: str
    rejected: str
    article: NotRequired[str | None]


class Judged(TypedDict):
    question: str
    answer: str
    good: bool
    article: NotRequired[str | None]
    passages: NotRequired[list[str]]
    reasons: NotRequired[list[str]]


class Paired(TypedDict):
    question: str
    prompt: Any
    chosen: Any
    rejected: Any


class Rated(TypedDict):
    question: str
    prompt: Any
    completion: Any
    label: bool


class Talked(TypedDict):
    question: str
    messages: list[dict[str, str]]


@dataclass(frozen=True)
class Example:
    """One row. `source`: the store's rows that it was made of; `customer`: a keyed hash, None for staff's own."""

    id: str
    kind: Kind
    source: tuple[str, ...]
    customer: str | None
    staff: bool
    at: dt.datetime  # aware
    data: Mapping[str, Any]
    new: bool = False  # the account was there for a few days only, or nobody was signed in
    origin: str = "sign"  # "rating", "sign", "correction", "proposal", "department" or "missed"
    weight: float = field(default=1.0, compare=False)  # set by cleaning

    @property
    def signed_in(self) -> bool:
        return self.customer is not None and not self.customer.startswith(VISITOR)

    @property
    def text(self) -> str:
        """The customer's words that it is about."""
        data = self.data
        if "turns" in data:
            return str(data["turns"][-1])
        if "said" in data:
            return str(data["said"][0])
        return str(data["question"])

    @property
    def target(self) -> str:
        """What would gain or lose by it: an article, an intent, a department; empty where nothing is named."""
        data = self.data
        if "said" in data:
            return next((f"article {one}" for one in reversed(data["articles"]) if one), "")
        for name in ("article", "intent", "department", "was"):
            if data.get(name):
                return f"{name} {data[name]}"
        return ""

    @property
    def good(self) -> bool | None:
        """Whether it speaks for its target; None where it does neither."""
        data = self.data
        if "ended" in data:
            return {"content": True, "failed": False}.get(data["ended"])
        if "good" in data or "label" in data:
            return bool(data["good"] if "good" in data else data["label"])
        return data.get("why") != "not_what_i_asked" if "why" in data else True

    def weighing(self, weight: float) -> Example:
        return replace(self, weight=weight)

    def line(self) -> str:
        """As a line of JSON, the same for the same example."""
        row = {
            "id": self.id, "kind": self.kind, "source": list(self.source), "customer": self.customer, "staff": self.staff,
            "at": self.at.isoformat(), "data": self.data, "new": self.new, "origin": self.origin, "weight": self.weight,
        }  # fmt: skip
        return json.dumps(row, ensure_ascii=False, sort_keys=True)


def example_id(kind: Kind, source: Sequence[str], what: str = "") -> str:
    """The id of what is made of these rows; `what` tells several of the same kind apart."""
    return hashlib.sha256("\0".join((kind, *source, what)).encode()).hexdigest()[:20]


def digest(examples: Iterable[Example]) -> str:
    """A hash of the examples, in whatever order they come."""
    lines = sorted(hashlib.sha256(one.line().encode()).digest() for one in examples)
    return hashlib.sha256(b"".join(lines)).hexdigest()


def write_examples(path: Path, examples: Iterable[Example]) -> int:
    """Writes them, whole or not at all; gives how many."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside, count = path.with_name(f".{path.name}.new"), 0
    try:
        with beside.open("w", encoding="utf-8") as file:
            for count, one in enumerate(examples, 1):  # noqa: B007 -- how many there were
                file.write(f"{one.line()}\n")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return count


def read_examples(path: Path) -> Iterator[Example]:
    """One at a time: there may be a million. Raises ExamplesBroken."""
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                row = json.loads(line)
                if row["kind"] not in KINDS:
                    raise ValueError(f"there is no kind {row['kind']!r}")
                at = dt.datetime.fromisoformat(row["at"])
                yield Example(
                    row["id"], row["kind"], tuple(row["source"]), row["customer"], row["staff"], at, row["data"],
                    row.get("new", False), row.get("origin", "sign"), row.get("weight", 1.0),
                )  # fmt: skip
            except (ValueError, KeyError, TypeError) as error:
                raise ExamplesBroken(f"{path}:{number}: it is no example ({type(error).__name__}: {error})") from None
