"""Business days, federal holidays, and the days on which a box that must stay cold may leave."""

from __future__ import annotations

import datetime as dt
from functools import cache

DAY = dt.timedelta(days=1)
MONDAY, THURSDAY = 0, 3


def _nth(year: int, month: int, weekday: int, n: int) -> dt.date:
    first = dt.date(year, month, 1)
    return first + dt.timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


@cache
def holidays(year: int) -> frozenset[dt.date]:
    """The US federal holidays as observed: Saturday moves to Friday, Sunday to Monday (5 U.S.C. 6103)."""
    fixed = [dt.date(year, m, d) for m, d in ((1, 1), (6, 19), (7, 4), (11, 11), (12, 25))]
    fixed.append(dt.date(year + 1, 1, 1))  # when it is a Saturday, it is kept on this year's last day
    observed = [day - DAY if day.weekday() == 5 else day + DAY if day.weekday() == 6 else day for day in fixed]
    last_may = dt.date(year, 5, 31)
    memorial = last_may - dt.timedelta(days=last_may.weekday())
    floating = [_nth(year, 1, 0, 3), _nth(year, 2, 0, 3), memorial, _nth(year, 9, 0, 1), _nth(year, 10, 0, 2)]
    return frozenset([*observed, *floating, _nth(year, 11, 3, 4)])


def is_business_day(day: dt.date) -> bool:
    return day.weekday() < 5 and day not in holidays(day.year)


def add_business_days(day: dt.date, count: int) -> dt.date:
    """The day `count` business days after `day` (before it, when negative); with 0 the first one from `day` on."""
    if count == 0:
        return day if is_business_day(day) else add_business_days(day, 1)
    step = DAY if count > 0 else -DAY
    left = abs(count)
    while left:
        day += step
        left -= is_business_day(day)
    return day


def business_days_between(first: dt.date, last: dt.date) -> int:
    """Business days after `first` up to and with `last`."""
    return sum(is_business_day(first + dt.timedelta(days=n)) for n in range(1, (last - first).days + 1))


def is_cold_shipping_day(day: dt.date) -> bool:
    """Monday to Thursday, and the carrier delivers the day after."""
    return MONDAY <= day.weekday() <= THURSDAY and is_business_day(day) and is_business_day(day + DAY)


def next_shipping_day(day: dt.date, cold: bool) -> dt.date:
    """The first day from `day` on at which a parcel may leave."""
    while not (is_cold_shipping_day(day) if cold else is_business_day(day)):
        day += DAY
    return day
