"""Does a probability mean what it says? Pairs are (what was so, the probability given to it)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Bin:
    """`bin`: its lower edge. `mean`: of the probabilities in it. `share`: of its cases that were so."""

    bin: float
    mean: float
    share: float
    count: int


def reliability(pairs: Iterable[tuple[bool, float]], bins: int = 10) -> tuple[Bin, ...]:
    """Bins of equal width that hold a case, lowest first; a probability of 1 belongs to the last.

    Raises `ValueError` for one outside 0 to 1.
    """
    held: dict[int, list[tuple[bool, float]]] = {}
    for so, probability in pairs:
        if not 0 <= probability <= 1:
            raise ValueError(f"{probability} is no probability")
        held.setdefault(min(int(probability * bins), bins - 1), []).append((bool(so), float(probability)))
    return tuple(
        Bin(n / bins, sum(p for _, p in found) / len(found), sum(so for so, _ in found) / len(found), len(found))
        for n, found in sorted(held.items())
    )


def expected_calibration_error(pairs: Iterable[tuple[bool, float]], bins: int = 10) -> float | None:
    """Mean distance of share and probability, by the cases in each bin (Naeini et al. 2015); None on zero cases."""
    found = reliability(pairs, bins)
    count = sum(one.count for one in found)
    return sum(one.count * abs(one.share - one.mean) for one in found) / count if count else None
