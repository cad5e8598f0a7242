"""Votes of the articles: what search finds says which of the general intents a message has.

The reader tells a question about one's own records from a general one; which general one, the articles that answer it
often know better. So their votes move probability among the intents of the route `knowledge`, and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from rag.retrieve import Found
from rag.specialists.reader import Reading

ROUTE = "knowledge"
SHARPNESS = 1.0  # of the softmax over the articles' scores
WEIGHTS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)  # tried when it is fitted


def votes(found: Found, of_article: Mapping[str, str]) -> dict[str, float]:
    """Each intent's share of the articles found, times the probability that the best one answers at all (0 to 1)."""
    if not found.hits:
        return {}
    best = found.hits[0].score
    odds = [(of_article.get(hit.article_id), math.exp(SHARPNESS * (hit.score - best))) for hit in found.hits]
    total = sum(odd for _, odd in odds)
    shares: dict[str, float] = {}
    for name, odd in odds:
        if name is not None:
            shares[name] = shares.get(name, 0.0) + found.answerable * odd / total
    return shares


def voted(reading: Reading, cast: Mapping[str, float], weight: float, route_of: Mapping[str, str]) -> Reading:
    """The reading with the probability of the knowledge intents dealt out again by the votes."""
    general = [(name, p) for name, p in reading.intents if route_of[name] == ROUTE]
    before = sum(p for _, p in general)
    raised = {name: p * math.exp(weight * cast.get(name, 0.0)) for name, p in general}
    after = sum(raised.values())
    if not cast or weight == 0 or after <= 0:
        return reading
    intents = [(name, raised[name] * before / after if name in raised else p) for name, p in reading.intents]
    return replace(reading, intents=tuple(sorted(intents, key=lambda pair: -pair[1])))


def fit_weight(
    rows: Sequence[tuple[Reading, Mapping[str, float], Sequence[str]]], route_of: Mapping[str, str]
) -> tuple[float, float, float]:
    """The weight of the votes that makes the right intents of these rows most probable, and how often the first intent
    is right without and with it. Rows: reading, votes, right intents."""

    def loss(weight: float) -> float:
        total = 0.0
        for reading, cast, right in rows:
            shares = dict(voted(reading, cast, weight, route_of).intents)
            total -= math.log(sum(shares[name] for name in right) + 1e-9)
        return total

    best = min(WEIGHTS, key=loss)
    hits = [
        sum(voted(reading, cast, weight, route_of).intent in right for reading, cast, right in rows)
        for weight in (0.0, best)
    ]
    return best, hits[0] / max(1, len(rows)), hits[1] / max(1, len(rows))
