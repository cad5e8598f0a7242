"""Is an answer carried by its sources, and near to a good one? None where there is nothing to score."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence


def grounded_share(supported: Sequence[bool]) -> float | None:
    """Share of an answer's sentences that their evidence supports; one verdict a sentence."""
    return sum(map(bool, supported)) / len(supported) if supported else None


def citation_precision(cited: Collection[str], right: Collection[str]) -> float | None:
    """Share of the cited ids that are right ones; None when nothing is cited."""
    return len(set(cited) & set(right)) / len(set(cited)) if cited else None


def citation_recall(cited: Collection[str], right: Collection[str]) -> float | None:
    """Share of the right ids that are cited; None when there are no right ones."""
    return len(set(cited) & set(right)) / len(set(right)) if right else None


def cosine(a: Sequence[float], b: Sequence[float]) -> float:
    """-1 to 1; 0 when either has no length. Raises `ValueError` for vectors of different dimensions."""
    top = sum(float(x) * float(y) for x, y in zip(a, b, strict=True))
    length = math.sqrt(sum(float(x) ** 2 for x in a)) * math.sqrt(sum(float(y) ** 2 for y in b))
    return max(-1.0, min(1.0, top / length)) if length else 0.0
