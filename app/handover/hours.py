"""Opening hours: whether somebody is there now, and when next. All instants are aware."""

from __future__ import annotations

import datetime as dt
from functools import cache
from zoneinfo import ZoneInfo

from rails.handing import Holiday, Hours, Weekday

DAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
AHEAD = 366  # days in which the next opening is looked for


def is_open(hours: Hours, at: dt.datetime) -> bool:
    here = at.astimezone(ZoneInfo(hours.zone))
    span = _span(hours, here.date())
    return span is not None and span[0] <= here.time() < span[1]


def opens_at(hours: Hours, at: dt.datetime) -> dt.datetime | None:
    """The next opening after `at`, in UTC; None where there is none within a year."""
    zone = ZoneInfo(hours.zone)
    today = at.astimezone(zone).date()
    for day in (today + dt.timedelta(days=n) for n in range(AHEAD)):
        if span := _span(hours, day):
            opening = dt.datetime.combine(day, span[0], zone).astimezone(dt.UTC)
            if opening > at:
                return opening
    return None


def said(hours: Hours, opening: dt.datetime, at: dt.datetime) -> str:
    """An opening as customers read it, such as "tomorrow at 8 am Eastern time"."""
    zone = ZoneInfo(hours.zone)
    here, today = opening.astimezone(zone), at.astimezone(zone).date()
    away = (here.date() - today).days
    day = (
        "today"
        if away == 0
        else "tomorrow"
        if away == 1
        else f"on {here:%A}"
        if away < 7
        else f"on {here:%A, %B} {here.day}"
    )
    minutes = f":{here:%M}" if here.minute else ""
    return f"{day} at {here.hour % 12 or 12}{minutes} {'am' if here.hour < 12 else 'pm'} {hours.zone_name}"


def _span(hours: Hours, day: dt.date) -> tuple[dt.time, dt.time] | None:
    closed = any(_days(day.year)[name] == day for name in hours.closed)
    return None if closed else hours.open.get(DAYS[day.weekday()])


@cache
def _days(year: int) -> dict[Holiday, dt.date]:
    """The days themselves: one that falls on a Sunday is not moved."""
    last_of_may = dt.date(year, 5, 31)
    first_of_september, first_of_november = dt.date(year, 9, 1), dt.date(year, 11, 1)
    return {
        "new_years_day": dt.date(year, 1, 1),
        "memorial_day": last_of_may - dt.timedelta(days=last_of_may.weekday()),
        "independence_day": dt.date(year, 7, 4),
        "labor_day": first_of_september + dt.timedelta(days=-first_of_september.weekday() % 7),
        "thanksgiving": first_of_november + dt.timedelta(days=(3 - first_of_november.weekday()) % 7 + 21),
        "christmas_day": dt.date(year, 12, 25),
    }
