"""How figures are worded on the quality page: a figure that nothing was counted for says so, and is never a zero."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from app.ui.text import plain

NO_CASES = "no cases"
MINUS = "\N{MINUS SIGN}"
NARROW = "\N{NO-BREAK SPACE}"


def percent(value: object) -> str:
    """A share of 0 to 1, such as "84.2 %". Only what is all is 100 %, and only what is none is 0 %."""
    if not isinstance(value, int | float):
        return NO_CASES
    if value in (0, 1):
        return f"{value:.0%}".replace("%", f"{NARROW}%")
    return f"{min(max(100 * value, 0.1), 99.9):.1f}{NARROW}%"


def interval(low: object, high: object) -> str:
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        return ""
    return f"{percent(low).removesuffix(f'{NARROW}%')} to {percent(high)}"


def points(value: float) -> str:
    """A difference of two shares in percentage points, with its sign."""
    said = f"{abs(100 * value):.1f}"
    return "0.0" if said == "0.0" else f"{'+' if value > 0 else MINUS}{said}"


def milliseconds(value: object) -> str:
    if not isinstance(value, int | float):
        return NO_CASES
    return f"{value / 1000:.1f}{NARROW}s" if value >= 10_000 else f"{value:,.0f}{NARROW}ms"


def counted(number: object, one: str, many: str = "") -> str:
    """Such as "1 turn" or "1,200 turns"."""
    number = number if isinstance(number, int) else 0
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def of_how_many(share: Mapping[str, Any]) -> str:
    """Such as "12 of 1,200"."""
    cases, of = share.get("cases"), share.get("of")
    return f"{cases:,} of {of:,}" if isinstance(cases, int) and isinstance(of, int) and of else NO_CASES


def more_or_less(now: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """A share beside that of the period before, in words."""
    then = before.get("value")
    if not isinstance(now.get("value"), int | float) or not isinstance(then, int | float):
        return "nothing before to compare with" if then is None else ""
    change = now["value"] - then
    if f"{abs(100 * change):.1f}" == "0.0":
        return "the same as before"
    return f"{abs(100 * change):.1f} points {'more' if change > 0 else 'less'} than before"


def grown(now: object, before: object) -> str:
    """A count beside that of the period before, in words."""
    if not isinstance(now, int) or not isinstance(before, int) or not before:
        return "nothing before to compare with"
    change = round(100 * (now - before) / before)
    return (
        f"{abs(change):,}{NARROW}% {'more' if change > 0 else 'fewer'} than before" if change else "as many as before"
    )


def short_day(value: object) -> str:
    """ "2026-11-05" as "Nov 5"; anything else as it is."""
    try:
        date = dt.date.fromisoformat(str(value)[:10])
    except ValueError:
        return str(value)
    return f"{date:%b} {date.day}"


def moment(value: object) -> str:
    """ "2026-11-05T10:30:00Z" as "Nov 5, 2026, 10:30"; anything else as it is."""
    try:
        at = dt.datetime.fromisoformat(str(value)).astimezone(dt.UTC)
    except ValueError:
        return str(value)
    return f"{at:%b} {at.day}, {at:%Y, %H:%M}"


def table(heads: list[str], lines: list[list[str]], name: str = "") -> str:
    """HTML. The first column names the line, the others hold figures; all of it is text."""
    top = "".join(f'<th scope="col">{plain(head)}</th>' for head in heads)
    body = "".join(
        f'<tr><th scope="row">{plain(line[0])}</th>{"".join(f"<td>{plain(cell)}</td>" for cell in line[1:])}</tr>'
        for line in lines
    )
    label = f' aria-label="{plain(name)}"' if name else ""
    return (
        f'<div class="fh-scroll" tabindex="0" role="region"{label}><table class="fh-figures"><thead><tr>{top}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
