"""Suites and intents as rows of a table: right with its interval, what changed, the other figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from eval.metrics.intervals import Difference, bootstrap
from eval.report import charts, words
from eval.report.change import TONES, Change, verdict
from eval.report.digest import Digest
from eval.report.stored import Stored

SEED = 17
Figures = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Compared:
    """A difference as it is shown, in points; `verdict` is "" where chance could have made it."""

    said: str
    within: str
    verdict: str
    tone: str  # good · bad · even
    order: float


@dataclass(frozen=True)
class Metric:
    label: str
    said: str
    count: int
    was: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """A suite or an intent: its share of right cases, what changed, and its other figures."""

    name: str
    count: int
    wrong: int
    value: float
    right: str
    within: str
    chart: Markup
    changes: tuple[Compared | None, ...] = ()
    metrics: tuple[Metric, ...] = ()
    unmeasured: tuple[str, ...] = ()


def suites(run: Stored, found: Digest, changes: Sequence[Change]) -> list[Group]:
    rights = {suite: _right(run, found, suite) for suite in found.suites}
    start = scale(right["low"] for right in rights.values())
    return [_suite(run, found, suite, rights[suite], changes, start) for suite in found.suites]


def intents(run: Stored) -> list[Group]:
    """The weakest first."""
    kept: Mapping[str, Any] = run.summary.get("intents") or {}
    rights = {name: (entry.get("metrics") or {}).get("right") or {} for name, entry in kept.items()}
    start = scale(right.get("low") for right in rights.values())
    made = [
        _group(name, right["count"], round((1 - right["value"]) * right["count"]), right, start)
        for name, right in rights.items()
        if right.get("value") is not None
    ]
    return sorted(made, key=lambda group: (group.value, -group.count, group.name))


def scale(lows: Iterable[float | None]) -> float:
    """Where the shared axis of the charts begins: at a tenth below the lowest interval, never above 90 %."""
    known = [low for low in lows if low is not None]
    return min(0.9, max(0.0, int(10 * min(known, default=0.9)) / 10))


def compared(found: Difference | None) -> Compared | None:
    if found is None or found.value is None:
        return None
    said = verdict(found)
    tone = TONES.get(said, "even")
    within = f"{words.points(found.low)} to {words.points(found.high)}, {words.chance(found.p)}"
    return Compared(
        words.points(found.value),
        within if found.low or found.high else "",
        "" if tone == "even" else said,
        tone,
        found.value,
    )


def _suite(
    run: Stored, found: Digest, suite: str, right: Mapping[str, Any], changes: Sequence[Change], start: float
) -> Group:
    cases = found.suites[suite]
    known = {name: figure for name, figure in figures(run.summary, suite).items() if name != "right"}
    then = [figures(change.other.summary, suite) for change in changes]
    return _group(
        suite,
        len(cases),
        sum(not found.right[case] for case in cases),
        right,
        start,
        changes=tuple(compared(change.suites.get(suite)) for change in changes),
        metrics=tuple(_metric(name, figure, then) for name, figure in known.items() if figure.get("count")),
        unmeasured=tuple(words.metric_label(name) for name, figure in known.items() if not figure.get("count")),
    )


def _group(name: str, count: int, wrong: int, right: Mapping[str, Any], start: float, **more: Any) -> Group:
    low, value, high = right.get("low"), right["value"], right.get("high")
    return Group(
        words.capital(words.label(name)),
        count,
        wrong,
        value,
        words.share(value),
        words.interval("right", low, high),
        charts.whisker(low, value, high, start),
        **more,
    )


def figures(summary: Mapping[str, Any], suite: str) -> Figures:
    return ((summary.get("suites") or {}).get(suite) or {}).get("metrics") or {}


def _right(run: Stored, found: Digest, suite: str) -> Mapping[str, Any]:
    """The summary's estimate, which the gates go by; from the rows where the run left no summary."""
    kept = figures(run.summary, suite).get("right")
    if kept and kept.get("value") is not None:
        return kept
    made = bootstrap([found.right[case] for case in found.suites[suite]], seed=SEED)
    return {"value": made.value, "low": made.low, "high": made.high}


def _metric(name: str, figure: Mapping[str, Any], then: Sequence[Figures]) -> Metric:
    was = tuple(words.figure(name, old[name].get("value")) if name in old else words.DASH for old in then)
    return Metric(words.capital(words.metric_label(name)), words.estimate(name, figure), int(figure["count"]), was)
