"""Evaluation runs, drawn: each suite over the runs, the runs as a table, two of them beside each other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from app.ui.figures import NO_CASES, interval, milliseconds, moment, percent, points, short_day, table
from app.ui.quality_live import part
from app.ui.text import plain

Run = Mapping[str, Any]
SHOWN = 20  # runs in a suite's chart
SHORT = 22  # characters of a version


def complete(runs: Sequence[Run]) -> list[Run]:
    """Those that can be compared over time: ended, and with all cases."""
    return [run for run in runs if run.get("ended") and not run.get("quick")]


def suites_html(runs: Sequence[Run]) -> str:
    """A small chart for each suite: the share right with its interval, one mark a run."""
    found = complete(runs)
    names = sorted({name for run in found for name in part(run, "suites")})
    if not names:
        return ""
    return f'<div class="fh-suites">{"".join(_suite(name, found) for name in names)}</div>'


def runs_html(runs: Sequence[Run]) -> str:
    """The newest first."""
    lines = [
        [
            moment(run.get("began")), str(run.get("id")), _kind(run), f"{_cases(run):,}" if run.get("ended") else "",
            _all_right(run), milliseconds(run.get("p95_ms")) if run.get("ended") else "", _versions(run),
        ]
        for run in reversed(runs)
    ]  # fmt: skip
    heads = ["Began (UTC)", "Run", "Note", "Cases", "Right, of all", "95th percentile", "Versions"]
    return table(heads, lines, "Runs")


def compared_html(before: Run, after: Run) -> str:
    """What two runs say of each suite. A change is called one only where the intervals are apart."""
    one, other = part(before, "suites"), part(after, "suites")
    lines = []
    for name in sorted({*one, *other}):
        was, now = right(one, name), right(other, name)
        lines.append([_label(name), _estimate(was), _estimate(now), *_change(was, now)])
    changed = [
        f"{name}: {_short(old)} → {_short(new)}"
        for name, new in part(after, "versions").items()
        if (old := part(before, "versions").get(name)) != new
    ]
    said = "What changed: " + "; ".join(changed) + "." if changed else "Both have the same versions."
    heads = [
        "Suite",
        f"{moment(before.get('began'))}{_mark(before)}",
        f"{moment(after.get('began'))}{_mark(after)}",
        "Points",
        "Says",
    ]
    return table(heads, lines, "Two runs beside each other") + f'<p class="fh-hint">{plain(said)}</p>'


def broken_html(broken: Sequence[Mapping[str, Any]]) -> str:
    if not broken:
        return ""
    lines = "".join(f"<li><b>{plain(one.get('id', ''))}</b>: {plain(one.get('why', ''))}</li>" for one in broken)
    number = f"{len(broken)} folder was" if len(broken) == 1 else f"{len(broken)} folders were"
    return f'<div class="fh-errors" role="note"><b>{number} passed over</b><ul>{lines}</ul></div>'


def named(run: Run) -> str:
    """A run in one line, for a list to choose from."""
    return f"{moment(run.get('began'))}{_mark(run)} · {run.get('id')}"


def right(suites: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return part(part(part(suites, name), "metrics"), "right")


def _suite(name: str, runs: Sequence[Run]) -> str:
    with_it = [run for run in runs if right(part(run, "suites"), name)][-SHOWN:]
    marks = [right(part(run, "suites"), name) for run in with_it]
    title = f"<h3>{plain(_label(name))}</h3>"
    if not marks:
        return f'<div class="fh-suite fh-empty">{title}<b>not scored</b><p>it has no share of right cases</p></div>'
    last = marks[-1]
    if not _is_number(last.get("value")):
        return f'<div class="fh-suite fh-empty">{title}<b>{NO_CASES}</b><p>in the last run</p></div>'
    ends = [float(mark[end]) for mark in marks for end in ("low", "value", "high") if _is_number(mark.get(end))]
    floor = min(math.floor(10 * min(ends)) / 10, 0.9)
    columns = "".join(_mark_html(run, mark, floor) for run, mark in zip(with_it, marks, strict=True))
    change = ""
    if len(marks) > 1 and _is_number(marks[-2].get("value")):
        change = f"{points(last['value'] - marks[-2]['value'])} points against the run before"
    said = "; ".join(
        f"{short_day(r.get('began'))} {percent(m.get('value'))}" for r, m in zip(with_it, marks, strict=True)
    )
    within = interval(last.get("low"), last.get("high"))
    cases = f"{last.get('count') or 0:,} cases"
    return (
        f'<div class="fh-suite">{title}<b>{percent(last["value"])}</b><p>{plain(within)}{", " if within else ""}{cases}</p>'
        f'<div class="fh-runs" role="img" aria-label="{plain(said)}"><small>{percent(1)}</small>'
        f"<small>{100 * floor:.0f}</small><div>{columns}</div></div><p>{plain(change or 'the first run')}</p></div>"
    )


def _mark_html(run: Run, mark: Mapping[str, Any], floor: float) -> str:
    if not _is_number(mark.get("value")):
        return f'<span title="{plain(moment(run.get("began")))}: {NO_CASES}"></span>'

    def at(value: float) -> float:
        return 100 * (min(max(value, floor), 1.0) - floor) / (1 - floor)

    told = f"{moment(run.get('began'))}: {_estimate(mark)}"
    bar = ""
    if _is_number(mark.get("low")) and _is_number(mark.get("high")):
        bar = (
            f'<i style="bottom:{at(mark["low"]):.1f}%;height:{max(1.0, at(mark["high"]) - at(mark["low"])):.1f}%"></i>'
        )
    return f'<span title="{plain(told)}">{bar}<b style="bottom:{at(mark["value"]):.1f}%"></b></span>'


def _change(was: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, str]:
    if not _is_number(was.get("value")) or not _is_number(now.get("value")):
        return "", "no cases in one" if was and now else "only in one"
    said = "no clear difference"
    if all(_is_number(one.get(end)) for one in (was, now) for end in ("low", "high")):
        if now["low"] > was["high"]:
            said = "better"
        elif now["high"] < was["low"]:
            said = "worse"
    if was.get("count") != now.get("count"):
        said += ", but not the same cases"
    return points(now["value"] - was["value"]), said


def _estimate(mark: Mapping[str, Any]) -> str:
    if not mark:
        return ""
    within = interval(mark.get("low"), mark.get("high"))
    return percent(mark.get("value")) + (f" ({within})" if within and _is_number(mark.get("value")) else "")


def _scored(run: Run) -> list[Mapping[str, Any]]:
    marks = [right(part(run, "suites"), name) for name in part(run, "suites")]
    return [mark for mark in marks if _is_number(mark.get("value")) and mark.get("count")]


def _cases(run: Run) -> int:
    return sum(int(one.get("count") or 0) for one in part(run, "suites").values() if isinstance(one, Mapping))


def _all_right(run: Run) -> str:
    """Of the cases of all suites together: a large suite weighs more."""
    marks = _scored(run)
    cases = sum(mark["count"] for mark in marks)
    return percent(sum(mark["value"] * mark["count"] for mark in marks) / cases) if cases else ""


def _kind(run: Run) -> str:
    kinds = ("quick" if run.get("quick") else "", "" if run.get("ended") else "not ended")
    return ", ".join(kind for kind in kinds if kind)


def _mark(run: Run) -> str:
    return f" ({kind})" if (kind := _kind(run)) else ""


def _versions(run: Run) -> str:
    found = part(run, "versions")
    return " · ".join(f"{name} {_short(found[name])}" for name in ("code", "policy", "knowledge") if name in found)


def _short(value: object) -> str:
    said = str(value) if value is not None else "none"
    return said if len(said) <= SHORT else f"{said[:SHORT]}…"


def _label(name: str) -> str:
    said = name.replace("_", " ")
    return said[:1].upper() + said[1:]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)
