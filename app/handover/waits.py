"""The expected wait, from the waits that there really were."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Iterable

from app.handover.hours import is_open
from rails.handing import Hours

LATEST = 20
FEWEST = 3  # under which nothing is expected
RECENT = dt.timedelta(days=14)


def expected_minutes(waits: Iterable[tuple[dt.datetime, dt.datetime]], hours: Hours, now: dt.datetime) -> int | None:
    """The median of the latest waits, from call to claim, in minutes; of those that began in opening hours.

    `waits`: newest first. A wait that a clock set back made negative counts as none.
    """
    counted = [
        max(0.0, (claimed - called).total_seconds() / 60)
        for called, claimed in waits
        if now - called < RECENT and is_open(hours, called)
    ][:LATEST]
    return round(statistics.median(counted)) if len(counted) >= FEWEST else None
