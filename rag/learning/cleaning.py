"""Cleaning: feedback is what strangers write. Nobody counts much, bursts and quarrels wait for a person, staff count more.

What may not be learnt from is set aside with its reason, never dropped in silence.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from rag.learning.examples import Example
from rag.specialists.examples import HEADS
from rag.specialists.reader import Heads
from rag.words import stems

DANGERS = ("emergency", "self_harm", "medical_advice", "injection", "abuse")
CLUSTER_CAP = 3.0  # what one customer may weigh in one cluster
ROUND_CAP = 20.0  # and in a whole round
STAFF = 3.0  # what a row of staff weighs
BURST, WITHIN = 8, dt.timedelta(hours=1)  # so many rows on one target within so long
BURST_NEW = 0.8  # of them from accounts that are new
QUARREL = 4  # rows from which on opinions can be divided
DIVIDED = (0.35, 0.65)  # share of good ones between which they are

Group = Callable[[Sequence[Example]], Sequence[Hashable]]  # which examples are about the same: equal keys
Dangerous = Callable[[Sequence[str]], Sequence[bool]]


class DangerChanged(RuntimeError):
    """A danger head is not what it was, though nothing may teach it; the candidate is thrown away."""


@dataclass(frozen=True)
class Aside:
    """An example that is not learnt from until a person has looked; `reason`: "danger", "burst" or "divided"."""

    example: Example
    reason: str


@dataclass(frozen=True)
class Cleaned:
    """`kept` are weighted."""

    kept: tuple[Example, ...]
    aside: tuple[Aside, ...]

    @property
    def reasons(self) -> Counter[str]:
        return Counter(one.reason for one in self.aside)


def by_words(examples: Sequence[Example]) -> list[Hashable]:
    """Examples of the same target, or of the same content words where no target is named."""
    return [(one.kind, one.target or " ".join(sorted(set(stems(one.text))))) for one in examples]


def clean(examples: Sequence[Example], dangerous: Dangerous | None = None, group: Group = by_words) -> Cleaned:
    """Sets aside and weighs. The same examples give the same in whatever order they come."""
    left = sorted(examples, key=lambda one: (one.at, one.id))
    aside: list[Aside] = []
    for reason, found in (
        ("danger", lambda rows: _dangerous(rows, dangerous)),
        ("burst", _bursts),
        ("divided", _divided),
    ):
        out = found(left)
        aside += [Aside(one, reason) for one in left if one.id in out]
        left = [one for one in left if one.id not in out]
    return Cleaned(tuple(_weighted(left, group(left) if left else ())), tuple(aside))


def _dangerous(rows: Sequence[Example], dangerous: Dangerous | None) -> set[str]:
    """Customers' rows with words that a danger head hears something in."""
    theirs = [one for one in rows if not one.staff]
    if dangerous is None or not theirs:
        return set()
    texts = list(dict.fromkeys(text for one in theirs for text in _words(one)))
    heard = dict(zip(texts, dangerous(texts), strict=True))
    return {one.id for one in theirs if any(heard[text] for text in _words(one))}


def _words(one: Example) -> list[str]:
    """All that the customer said in it."""
    data = one.data
    if "turns" in data:
        return list(data["turns"][::2])
    return list(data["said"]) if "said" in data else [one.text]


def _bursts(rows: Sequence[Example]) -> set[str]:
    """Many rows on one target within an hour, most of them from new accounts."""
    found: set[str] = set()
    by_target: dict[str, list[Example]] = defaultdict(list)
    for one in rows:
        if one.target and not one.staff:
            by_target[one.target].append(one)
    for some in by_target.values():
        first, new = 0, 0
        for last, one in enumerate(some):
            new += one.new
            while one.at - some[first].at > WITHIN:
                new -= some[first].new
                first += 1
            count = last - first + 1
            if count >= BURST and new >= BURST_NEW * count:
                found.update(other.id for other in some[first : last + 1])
    return found


def _divided(rows: Sequence[Example]) -> set[str]:
    """Like words about the same target, judged good and bad in like shares; each customer has one voice in each.

    Where staff have spoken, the customers' rows go and theirs stay.
    """
    found: set[str] = set()
    by_case: dict[Hashable, list[Example]] = defaultdict(list)
    for one in rows:
        if one.good is not None:
            by_case[one.kind, one.target, " ".join(sorted(set(stems(one.text))))].append(one)
    for some in by_case.values():
        voices = {(one.customer or one.id, one.good) for one in some}
        good = sum(1 for _, voice in voices if voice)
        if len(voices) >= QUARREL and DIVIDED[0] <= good / len(voices) <= DIVIDED[1]:
            found.update(one.id for one in some if not one.staff)
    return found


def _weighted(rows: Sequence[Example], groups: Sequence[Hashable]) -> Iterator[Example]:
    """Staff's rows at STAFF. A customer's share what one of them may weigh, in a cluster and in the round.

    Who is not signed in can be anybody again and again: in a cluster all of them together weigh no more than one
    customer, or than all who are known.
    """
    weight = {one.id: STAFF if one.staff else 1.0 for one in rows}
    place = {one.id: group for one, group in zip(rows, groups, strict=True)}
    theirs = [one for one in rows if not one.staff]
    _cap(weight, theirs, lambda one: (one.customer or one.id, place[one.id]), lambda _: CLUSTER_CAP)
    known: dict[Hashable, float] = defaultdict(float)
    for one in rows:
        known[place[one.id]] += weight[one.id] if one.staff or one.signed_in else 0.0
    visitors = [one for one in theirs if not one.signed_in]
    _cap(weight, visitors, lambda one: place[one.id], lambda group: max(CLUSTER_CAP, known[group]))
    _cap(weight, theirs, lambda one: one.customer or one.id, lambda _: ROUND_CAP)
    return (one.weighing(round(weight[one.id], 6)) for one in rows)


def _cap(
    weight: dict[str, float],
    rows: Iterable[Example],
    key: Callable[[Example], Hashable],
    most: Callable[[Hashable], float],
) -> None:
    """Scales the weights of the rows with the same key so that they sum to at most so much."""
    sums: dict[Hashable, float] = defaultdict(float)
    rows = list(rows)
    for one in rows:
        sums[key(one)] += weight[one.id]
    for one in rows:
        total, cap = sums[key(one)], most(key(one))
        if total > cap:
            weight[one.id] *= cap / total


def danger_digest(heads: Heads) -> str:
    """A hash of all that the danger heads are made of, and of what they read."""
    at = [HEADS.index(name) for name in DANGERS]
    hidden = heads.mark_hidden
    parts = [
        heads.mark_weights[at], heads.mark_bias[at], heads.slopes[at], heads.offsets[at],
        hidden.inward, hidden.inward_bias, hidden.outward[at], hidden.outward_bias[at],
    ]  # fmt: skip
    made = hashlib.sha256("\0".join((heads.reader, heads.encoder)).encode())
    for part in parts:
        made.update(np.ascontiguousarray(part, dtype=np.float32).tobytes())
    made.update(repr([(name, heads.bounds[name].unsure, heads.bounds[name].sure) for name in DANGERS]).encode())
    return made.hexdigest()


def same_dangers(before: Heads, after: Heads) -> None:
    """Raises DangerChanged where learning has touched a danger head."""
    if danger_digest(before) != danger_digest(after):
        raise DangerChanged("the danger heads are not those that serve; nothing that customers do may change them")


def leaks(folder: Path, strings: Iterable[str]) -> list[str]:
    """Files of a folder in which one of these strings stands, in whatever case: "FILE: STRING"."""
    wanted = [(one, one.lower().encode()) for one in strings if one]
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        data = path.read_bytes().lower()
        found += [f"{path.relative_to(folder)}: {one}" for one, raw in wanted if raw in data]
    return found


def newest(examples: Iterable[Example], most: int) -> list[Example]:
    """The newest so many of each kind, oldest first."""
    order = sorted(examples, key=lambda one: (one.kind, one.at, one.id))
    return [one for _, some in groupby(order, key=lambda one: one.kind) for one in list(some)[-most:]]
