"""Made-up rephrasings, and a ground whose vectors can be worked out in the head."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np

from rag.encoder import Vectors
from rag.learning.examples import Example, example_id
from rag.learning.rephrasing import Ground

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
FAILED, WORKS, OTHER = "my box is awol", "where is my parcel", "delete my account"
ANSWERS = {WORKS: "track", "track my parcel": "track", OTHER: "delete-account"}  # what search finds by itself
KNOWN = {"where is a parcel": "track", "how do i delete an account": "delete-account"}
TEXTS = "my box is awol where parcel delete account track a how do i one lost it the help"
WORDS = frozenset(TEXTS.split())


def encode(texts: Sequence[str]) -> Vectors:
    """A direction for each word: as alike as words are shared."""
    out = np.zeros((len(texts), 256), dtype=np.float32)
    for n, text in enumerate(texts):
        for word in text.lower().split():
            out[n, int.from_bytes(word.encode()[-4:], "little") % 251] += 1.0
    unit: Vectors = out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
    return unit


def ground(
    danger: str = "overdose", off: frozenset[str] = frozenset(), seen: Mapping[str, Sequence[str]] | None = None
) -> Ground:
    """Search finds what ANSWERS says, and nothing else for sure; `seen`: the articles that it sees for a wording."""
    places = {FAILED: ["returns", "track"], **(seen or {})}

    def found(text: str) -> tuple[Sequence[str], bool]:
        return ([ANSWERS[text]], True) if text in ANSWERS else (places.get(text, []), False)

    return Ground(
        str.lower, encode, lambda texts: [danger in text for text in texts], found, encode(list(KNOWN)),
        list(KNOWN.values()), WORDS, "made-up", off,
    )  # fmt: skip


def chain(
    number: int,
    *said: str,
    customer: str | None = None,
    ended: str = "content",
    article: str | None = "track",
    days: float = 0.0,
    weight: float = 1.0,
    outcome: str = "answered",
) -> Example:
    """A customer of their own, unless named, says it again and again; the last answer cites the article."""
    source = (f"message:{number}",)
    data = {
        "said": list(said),
        "articles": [*[None] * (len(said) - 1), article],
        "outcomes": [*["unknown"] * (len(said) - 1), outcome],
        "ended": ended,
    }
    at = NOON - dt.timedelta(days=days) + dt.timedelta(seconds=number)
    return Example(
        example_id("rephrasing", source), "rephrasing", source, customer or f"c{number}", False, at, data, weight=weight
    )


def repaired(count: int = 4, **more: float) -> list[Example]:
    """So many customers say FAILED, then WORKS, and are content."""
    return [chain(n, FAILED, WORKS, **more) for n in range(count)]  # type: ignore[arg-type]
