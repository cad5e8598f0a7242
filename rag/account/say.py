"""Dates, money and lists as people say them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence


def say_day(day: dt.date, today: dt.date) -> str:
    """ "today", "Tuesday" within the last six days, else "Friday, November 27" (with the year when it is another)."""
    if day == today:
        return "today"
    if day == today + dt.timedelta(days=1):
        return f"tomorrow, {day:%A}, {day:%B} {day.day}"
    if day == today - dt.timedelta(days=1):
        return "yesterday"
    year = f", {day.year}" if day.year != today.year else ""
    if today > day > today - dt.timedelta(days=7):
        return f"{day:%A}"
    if abs((day - today).days) < 100:
        return f"{day:%A}, {day:%B} {day.day}{year}"
    return f"{day:%B} {day.day}, {day.year}"


def on_day(day: dt.date, today: dt.date) -> str:
    """The same after a verb: "on Tuesday", "today"."""
    said = say_day(day, today)
    return said if said.startswith(("today", "tomorrow", "yesterday")) else f"on {said}"


def say_money(cents: int) -> str:
    return f"${cents / 100:,.2f}"


def say_list(items: Sequence[str], last: str = "and") -> str:
    """ "a", "a and b", "a, b and c"."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def say_count(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}" if count else f"no {many or one + 's'}"
