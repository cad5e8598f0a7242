"""Made-up examples."""

from __future__ import annotations

import datetime as dt
from typing import Any

from rag.learning.examples import Example, Kind, example_id

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def example(
    number: int,
    data: dict[str, Any],
    kind: Kind = "retrieval",
    customer: str | None = "c1",
    minutes: float | None = None,
    staff: bool = False,
    new: bool = False,
) -> Example:
    """One row, a day after the one before it unless `minutes` after noon are given."""
    at = NOON + (dt.timedelta(days=number) if minutes is None else dt.timedelta(minutes=minutes))
    source = (f"rating:m{number}",)
    return Example(example_id(kind, source), kind, source, None if staff else customer, staff, at, data, new)


def matched(
    question: str = "How long do refills take?", article: str = "refill-timing", good: bool = True
) -> dict[str, Any]:
    return {"question": question, "article": article, "good": good}
