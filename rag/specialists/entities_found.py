"""What every finder of entities gives, and how overlapping finds are settled."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

ORDER = (
    "email", "tracking", "insurance_id", "order", "prescription", "transfer", "phone", "strength", "date", "money",
    "quantity", "drug", "bare_strength", "number",
)  # fmt: skip
RANK = {kind: n for n, kind in enumerate(ORDER)}
WORD = re.compile(r"[^\W\d_]+")


class Found(NamedTuple):
    """One find: its type, its place in the text, its one spelling, and what is odd about it."""

    type: str
    start: int
    end: int
    canonical: str
    note: str = ""


class Message(NamedTuple):
    """A text with what tells cheaply which finders have anything to look for."""

    text: str
    words: frozenset[str]  # runs of letters, in lower case: "10mg" gives "mg"
    digits: int

    @classmethod
    def of(cls, text: str) -> Message:
        return cls(text, frozenset(WORD.findall(text.lower())), sum(map(text.count, "0123456789")))


def settled(found: Iterable[Found], length: int) -> list[Found]:
    """Without overlaps, in the order of the text: the more specific type wins, then the longer span, then the first."""
    taken, kept = bytearray(length), []
    for one in sorted(found, key=lambda f: (RANK[f.type], f.start - f.end, f.start)):
        if one.start < one.end and not any(taken[one.start : one.end]):
            taken[one.start : one.end] = b"\1" * (one.end - one.start)
            kept.append(one)
    return sorted(kept, key=lambda f: f.start)
