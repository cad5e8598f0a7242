"""Yes or no, and which of several: what was expected against what was done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Decision:
    """`precision`: share of what was done that was expected, None when nothing was done. `recall`: share of what was
    expected that was done, None when nothing was expected. `false_alarms`: how often it was done and not expected, of
    `unexpected` cases in which it should not be; `count`: all cases.
    """

    precision: float | None
    recall: float | None
    count: int
    false_alarms: int
    unexpected: int = 0

    @property
    def false_alarm_rate(self) -> float | None:
        return self.false_alarms / self.unexpected if self.unexpected else None


@dataclass(frozen=True)
class Confusion:
    """`matrix[i][j]`: how many cases of `labels[i]` were taken for `labels[j]`."""

    labels: tuple[str, ...]
    matrix: tuple[tuple[int, ...], ...]


def precision_recall(pairs: Iterable[tuple[bool, bool]]) -> Decision:
    """Of pairs (expected, done)."""
    seen = Counter((bool(expected), bool(done)) for expected, done in pairs)
    hits, missed, false = seen[True, True], seen[True, False], seen[False, True]
    return Decision(
        hits / (hits + false) if hits + false else None,
        hits / (hits + missed) if hits + missed else None,
        seen.total(),
        false,
        false + seen[False, False],
    )


def confusion(pairs: Iterable[tuple[str, str]]) -> Confusion:
    """Of pairs (expected, got); labels in the order of the alphabet."""
    seen = Counter(pairs)
    labels = tuple(sorted({label for pair in seen for label in pair}))
    return Confusion(labels, tuple(tuple(seen[row, column] for column in labels) for row in labels))
