"""Is what was looked for near the top? Binary relevance; `relevant` may be in any order, `ranked` is best first.

An id that is ranked twice counts where it stands first. Each raises `ValueError` when nothing is relevant: there is no
score then, and 0 or 1 would be one.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence


def recall_at(ranked: Sequence[str], relevant: Collection[str], k: int) -> float:
    """Share of the relevant ids that are among the first `k`, 0 to 1."""
    wanted = _some(relevant)
    return len(wanted & set(_once(ranked)[:k])) / len(wanted)


def reciprocal_rank(ranked: Sequence[str], relevant: Collection[str]) -> float:
    """One over the rank of the first relevant id; 0 when there is none. Its mean over questions is MRR."""
    wanted = _some(relevant)
    return next((1 / rank for rank, name in enumerate(_once(ranked), 1) if name in wanted), 0.0)


def ndcg_at(ranked: Sequence[str], relevant: Collection[str], k: int) -> float:
    """Discounted gain of the first `k` against the best order there is (Järvelin and Kekäläinen 2002), 0 to 1."""
    wanted = _some(relevant)
    gain = sum(_discount(rank) for rank, name in enumerate(_once(ranked)[:k], 1) if name in wanted)
    best = sum(_discount(rank) for rank in range(1, min(k, len(wanted)) + 1))
    return gain / best


def _discount(rank: int) -> float:
    return 1 / math.log2(rank + 1)


def _once(ranked: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(ranked))


def _some(relevant: Collection[str]) -> set[str]:
    if not relevant:
        raise ValueError("nothing is relevant, so a ranking has no score")
    return set(relevant)
