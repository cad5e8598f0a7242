"""Live traffic, drawn: tiles with their course, conversations and latency by day, hand-overs by reason, outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.ui.desk.queue import REASONS
from app.ui.desk.state import rows
from app.ui.figures import (
    NO_CASES,
    counted,
    grown,
    milliseconds,
    more_or_less,
    of_how_many,
    percent,
    short_day,
    table,
)
from app.ui.text import plain

Figures = Mapping[str, Any]
WHY = {**REASONS, "button": "pressed the button", "held_back": "no answer that holds", "out_of_scope": "out of scope"}
OUTCOMES = {
    "answered": "Answered", "clarify": "Asked back", "unknown": "No answer", "refused": "Refused",
    "handover": "Called a person", "emergency": "Emergency",
}  # fmt: skip
MANY = 40  # bars of a tile that leave no room between them
LEAST = 3  # per cent of the height of the smallest bar that can be seen


def tiles_html(live: Figures) -> str:
    total, before, days = part(live, "total"), part(live, "before"), rows(live, "days")
    called, called_before = _calls(total), _calls(before)
    now_ms, then_ms = (part(one, "latency").get("p95_ms") for one in (total, before))
    change = "nothing before to compare with"
    if isinstance(now_ms, int | float) and isinstance(then_ms, int | float):
        change = f"{milliseconds(then_ms)} before"
    conversations = [_number(day.get("conversations")) for day in days]
    tiles = [
        _share_tile("Contained", "contained", "conversations without a person", total, before, days),
        _tile(
            "Conversations", f"{total.get('conversations') or 0:,}", counted(total.get("turns"), "turn"),
            grown(total.get("conversations"), before.get("conversations")), conversations,
        ),
        _share_tile("Rated helpful", "up", "ratings", total, before, days),
        _share_tile("Turns rated", "rated", "turns", total, before, days),
        _share_tile("No answer", "unknown", "turns", total, before, days),
        _share_tile("Asked again", "repeated", "turns", total, before, days),
        _tile(
            "Calls of a person", f"{called:,}", _cancelled(total), grown(called, called_before), [_calls(d) for d in days]
        ),
        _tile(
            "Slowest 5 % take over", milliseconds(now_ms), _timed(total), change,
            [_number(part(day, "latency").get("p95_ms")) for day in days],
        ),
    ]  # fmt: skip
    return f'<div class="fh-tiles">{"".join(tiles)}</div>'


def conversations_html(live: Figures) -> str:
    """Bars by day: contained below, with a person above."""
    days = rows(live, "days")
    pairs = [(_number(part(d, "contained").get("cases")), _number(part(d, "contained").get("of"))) for d in days]
    most = max((of for _, of in pairs), default=0) or 1
    columns, busiest = "", ""
    for day, (cases, of) in zip(days, pairs, strict=True):
        date = short_day(day.get("day"))
        busiest = date if of == most and not busiest else busiest
        told = f"{date}: {counted(of, 'conversation')}, {of - cases} with a person"
        columns += (
            f'<span title="{plain(told)}"><i class="fh-with" style="height:{_height(of - cases, most)}%"></i>'
            f'<i style="height:{_height(cases, most)}%"></i></span>'
        )
    said = f"Conversations by day, at most {most}, on {busiest}. All figures are in the table below."
    key = '<p class="fh-legend"><i></i> contained <i class="fh-with"></i> with a person</p>'
    return _chart("Conversations by day", said, key, columns, f"{most:,}", days)


def latency_html(live: Figures) -> str:
    """Each day from the median to the 95th percentile."""
    days = rows(live, "days")
    ends = [(part(d, "latency").get("p50_ms"), part(d, "latency").get("p95_ms")) for d in days]
    most = max((p95 for _, p95 in ends if isinstance(p95, int | float)), default=0) or 1
    columns = ""
    for day, (p50, p95) in zip(days, ends, strict=True):
        if not isinstance(p50, int | float) or not isinstance(p95, int | float):
            columns += f'<span title="{plain(short_day(day.get("day")))}: {NO_CASES}"></span>'
            continue
        told = f"{short_day(day.get('day'))}: median {milliseconds(p50)}, 95th percentile {milliseconds(p95)}"
        low = 100 * p50 / most
        columns += (
            f'<span title="{plain(told)}"><i class="fh-range" style="height:{max(LEAST, 100 * p95 / most - low):.1f}%;'
            f'margin-bottom:calc(var(--fh-tall) * {low / 100:.3f})"></i></span>'
        )
    total = part(live, "total")
    said = f"Time of a turn by day, from the median to the 95th percentile, up to {milliseconds(most)}."
    key = (
        f'<p class="fh-legend"><i class="fh-range"></i> from the median ({milliseconds(part(total, "latency").get("p50_ms"))} '
        f"in all) to the 95th percentile ({milliseconds(part(total, 'latency').get('p95_ms'))})</p>"
    )
    return _chart("Time of a turn", said, key, columns, milliseconds(most), days)


def reasons_html(live: Figures) -> str:
    found = rows(part(live, "total"), "handovers")
    if not found:
        return '<h3>Why a person was called</h3><p class="fh-none">Nobody was called in this time.</p>'
    most = max(_number(one.get("count")) for one in found) or 1
    lines = []
    for one in found:
        name = str(one.get("reason") or "")
        count, cancelled = _number(one.get("count")), _number(one.get("cancelled"))
        words = f"{count}" + (f", {cancelled} cancelled" if cancelled else "")
        lines.append(_bar(WHY.get(name, name.replace("_", " ")), words, 100 * count / most))
    return f'<h3>Why a person was called</h3><ul class="fh-bars">{"".join(lines)}</ul>'


def outcomes_html(live: Figures) -> str:
    found = part(part(live, "total"), "outcomes")
    lines = []
    for name, label in OUTCOMES.items():
        share = part(found, name)
        value = share.get("value")
        words = f"{percent(value)} ({of_how_many(share)})" if value is not None else NO_CASES
        lines.append(_bar(label, words, 100 * value if isinstance(value, int | float) else 0))
    return f'<h3>How turns ended</h3><ul class="fh-bars">{"".join(lines)}</ul>'


def days_html(live: Figures) -> str:
    """All of it as a table, the newest day first, for whoever reads rather than looks."""
    shares: dict[str, Callable[[Figures], Figures]] = {
        "Contained": lambda d: part(d, "contained"),
        "Rated": lambda d: part(d, "rated"),
        "Up": lambda d: part(d, "up"),
        "No answer": lambda d: part(part(d, "outcomes"), "unknown"),
        "Asked back": lambda d: part(part(d, "outcomes"), "clarify"),
        "Refused": lambda d: part(part(d, "outcomes"), "refused"),
        "Emergency": lambda d: part(part(d, "outcomes"), "emergency"),
        "Asked again": lambda d: part(d, "repeated"),
    }
    lines = [
        [
            short_day(day.get("day")), f"{day.get('conversations') or 0:,}", f"{day.get('turns') or 0:,}",
            *(of_how_many(share(day)) for share in shares.values()),
            str(_calls(day)), milliseconds(part(day, "latency").get("p50_ms")), milliseconds(part(day, "latency").get("p95_ms")),
        ]
        for day in reversed(rows(live, "days"))
    ]  # fmt: skip
    heads = ["Day", "Conversations", "Turns", *shares, "Calls", "Median", "95th percentile"]
    return f'<details class="fh-more"><summary>By day, as a table</summary>{table(heads, lines, "By day")}</details>'


def part(value: Figures, name: str) -> Figures:
    found = value.get(name)
    return found if isinstance(found, Mapping) else {}


def _share_tile(title: str, name: str, of: str, total: Figures, before: Figures, days: Sequence[Figures]) -> str:
    def share(one: Figures) -> Figures:
        return part(one, name) or part(part(one, "outcomes"), name)

    now = share(total)
    counts = f"{of_how_many(now)} {of}" if now.get("value") is not None else f"of no {of.split()[0]}"
    course = [_number(share(day).get("value")) for day in days]
    return _tile(title, percent(now.get("value")), counts, more_or_less(now, share(before)), course)


def _tile(title: str, value: str, counts: str, change: str, course: Sequence[float]) -> str:
    most = max(course, default=0) or 1
    bars = "".join(f'<i style="height:{_height(n, most)}%"></i>' for n in course)
    none = " fh-empty" if value == NO_CASES else ""
    many = " fh-many" if len(course) > MANY else ""
    return (
        f'<div class="fh-tile{none}"><h3>{plain(title)}</h3><b>{plain(value)}</b><p>{plain(counts)}</p>'
        f'<p>{plain(change)}</p><div class="fh-course{many}" aria-hidden="true">{bars}</div></div>'
    )


def _chart(title: str, said: str, key: str, columns: str, most: str, days: Sequence[Figures]) -> str:
    ends = [short_day(days[at].get("day")) for at in (0, len(days) // 2, -1)] if len(days) > 2 else []
    below = "".join(f"<span>{plain(end)}</span>" for end in ends)
    return (
        f'<h3>{plain(title)}</h3>{key}<div class="fh-days" role="img" aria-label="{plain(said)}">'
        f'<small>{plain(most)}</small><div class="fh-columns">{columns}</div></div><p class="fh-below">{below}</p>'
    )


def _bar(name: str, words: str, width: float) -> str:
    return (
        f"<li><span>{plain(name[:1].upper() + name[1:])}</span><b>{plain(words)}</b>"
        f'<i style="width:{max(width, 0.5 if width else 0):.1f}%"></i></li>'
    )


def _height(number: float, most: float) -> int:
    return max(LEAST, round(100 * number / most)) if number else 0


def _number(value: Any) -> Any:
    return value if isinstance(value, int | float) else 0


def _calls(figures: Figures) -> int:
    return int(sum(_number(one.get("count")) for one in rows(figures, "handovers")))


def _timed(figures: Figures) -> str:
    count = part(figures, "latency").get("count")
    return counted(count, "turn") if count else "of no turns"


def _cancelled(figures: Figures) -> str:
    number = int(sum(_number(one.get("cancelled")) for one in rows(figures, "handovers")))
    return f"{number:,} of them cancelled" if number else "none cancelled" if _calls(figures) else "nobody was called"
