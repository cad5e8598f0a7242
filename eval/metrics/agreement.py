"""Do two judges agree beyond chance?"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from eval.metrics.intervals import RESAMPLES, Floats, Interval


def kappa(a: Sequence[Hashable], b: Sequence[Hashable], weighted: bool = False, seed: int = 0) -> Interval:
    """Cohen's kappa (1960) with a bootstrap interval: 1 full agreement, 0 what chance gives.

    `weighted`: labels are numbers, and a disagreement counts by its square (Cohen 1968). Undefined where both gave one
    and the same label to every case. Raises `ValueError` when the lengths differ.
    """
    if len(a) != len(b):
        raise ValueError(f"{len(a)} labels can't be compared with {len(b)}")
    labels = sorted({*a, *b}, key=lambda label: (str(type(label)), label))
    place = {label: n for n, label in enumerate(labels)}
    table = np.zeros((len(labels), len(labels)))
    for pair in zip(a, b, strict=True):
        table[place[pair[0]], place[pair[1]]] += 1
    cost = _squared(labels) if weighted else 1.0 - np.eye(len(labels))
    value = _kappa(table, cost)
    if value is None:
        return Interval(None, None, None, len(a))
    dice = np.random.default_rng(seed)
    drawn = dice.multinomial(len(a), (table / table.sum()).ravel(), RESAMPLES).reshape(-1, *table.shape)
    found = [one for one in (_kappa(sample, cost) for sample in drawn) if one is not None]
    low, high = np.percentile(found, [2.5, 97.5]) if found else (value, value)
    return Interval(value, min(float(low), value), max(float(high), value), len(a))


def _squared(labels: list[Hashable]) -> Floats:
    at = np.array(labels, dtype=np.float64)
    return np.asarray((at[:, None] - at[None, :]) ** 2, dtype=np.float64)


def _kappa(table: Floats | NDArray[np.int64], cost: Floats) -> float | None:
    count = table.sum()
    if not count:
        return None
    by_chance = float((np.outer(table.sum(axis=1), table.sum(axis=0)) / count * cost).sum())
    return 1 - float((table * cost).sum()) / by_chance if by_chance else None
