"""How sure is a figure, and is one run better than another? Seeded, and the order of the cases plays no part."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
FLIPS = 10_000
EXACT_UP_TO = 12  # differences; 4,096 sign patterns
Z = 1.959964  # of 95 %
AT_ONCE = 4_000_000  # numbers drawn at once, for memory's sake
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval. On zero cases all three are None, which is no pass of anything."""

    value: float | None
    low: float | None
    high: float | None
    count: int

    @property
    def says(self) -> str:
        if self.value is None or self.low is None or self.high is None:
            return "undefined" if self.count else "no cases"
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f}, {self.count} cases)"

    def at_least(self, goal: float) -> bool:
        return self.value is not None and self.value >= goal

    def at_most(self, goal: float) -> bool:
        return self.value is not None and self.value <= goal


@dataclass(frozen=True)
class Difference:
    """After less before, over the cases that both have, with a 95 % interval; `p` two-sided. None on zero cases."""

    value: float | None
    low: float | None
    high: float | None
    p: float | None
    count: int

    @property
    def says(self) -> str:
        if self.value is None or self.low is None or self.high is None or self.p is None:
            return "no cases in both"
        return f"{self.value:+.3f} ({self.low:+.3f} to {self.high:+.3f}, p = {self.p:.3f}, {self.count} cases)"


def bootstrap(values: Iterable[float], seed: int = 0) -> Interval:
    """The mean with its percentile bootstrap interval (Efron 1979). Raises `ValueError` for a value that is not finite.

    Where every case is right, or every one wrong, resampling knows no doubt; Wilson's interval (1927) stands in.
    """
    found = _finite(values)
    if not found.size:
        return Interval(None, None, None, 0)
    mean = _mean(found)
    if found[0] == found[-1] and found[0] in (0.0, 1.0):
        return Interval(mean, *wilson(int(found.sum()), found.size), found.size)
    low, high = _percentiles(found, seed)
    return Interval(mean, min(low, mean), max(high, mean), found.size)


def wilson(right: int, count: int) -> tuple[float, float]:
    """95 % interval of a share; `count` at least 1."""
    share, squared = right / count, Z * Z
    middle = (share + squared / (2 * count)) / (1 + squared / count)
    half = Z * math.sqrt(share * (1 - share) / count + squared / (4 * count * count)) / (1 + squared / count)
    return max(0.0, middle - half) if right else 0.0, min(1.0, middle + half) if right < count else 1.0


def paired(before: Mapping[str, float], after: Mapping[str, float], seed: int = 0) -> Difference:
    """Compares two runs case by case: a permutation test that flips the signs of the differences (Fisher 1935).

    Exact for up to twelve cases that differ, and where all differ by the same; else of 10,000 draws.
    """
    differences = _finite(after[name] - before[name] for name in before.keys() & after.keys())
    if not differences.size:
        return Difference(None, None, None, None, 0)
    mean = _mean(differences)
    low, high = _percentiles(differences, seed)
    return Difference(mean, min(low, mean), max(high, mean), _p(differences[differences != 0], seed), differences.size)


def _finite(values: Iterable[float]) -> Floats:
    found = np.sort(np.fromiter((float(value) for value in values), dtype=np.float64))
    if found.size and not np.isfinite(found).all():
        raise ValueError("a score is not a finite number; leave out what could not be scored")
    return found


def _mean(found: Floats) -> float:
    return math.fsum(found) / found.size


def _percentiles(found: Floats, seed: int) -> tuple[float, float]:
    dice = np.random.default_rng(seed)
    levels, counts = np.unique(found, return_counts=True)
    if levels.size <= 32:  # the same draw, by how often each value comes
        means = dice.multinomial(found.size, counts / found.size, RESAMPLES) @ levels / found.size
    else:
        rows = max(1, AT_ONCE // found.size)
        sizes = [min(rows, RESAMPLES - done) for done in range(0, RESAMPLES, rows)]
        means = np.concatenate([found[dice.integers(found.size, size=(n, found.size))].mean(axis=1) for n in sizes])
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def _p(differing: Floats, seed: int) -> float:
    if not differing.size:
        return 1.0
    sizes = np.abs(differing)
    if np.allclose(sizes, sizes[0], rtol=1e-12):
        from scipy.stats import binomtest

        return float(binomtest(int((differing > 0).sum()), differing.size).pvalue)
    seen = abs(math.fsum(differing)) - 1e-12 * float(sizes.sum())  # equal but for rounding counts as equal
    if differing.size <= EXACT_UP_TO:
        patterns = (np.arange(2**differing.size)[:, None] >> np.arange(differing.size)) & 1
        return float((np.abs((1 - 2 * patterns) @ differing) >= seen).mean())
    dice = np.random.default_rng(seed)
    rows = max(1, AT_ONCE // differing.size)
    drawn = (min(rows, FLIPS - done) for done in range(0, FLIPS, rows))
    extreme = sum(
        int((np.abs((1 - 2 * dice.integers(2, size=(n, differing.size), dtype=np.int8)) @ differing) >= seen).sum())
        for n in drawn
    )
    return (extreme + 1) / (FLIPS + 1)
