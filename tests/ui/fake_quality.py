"""The quality endpoints of the fake API: figures and runs as a test puts them there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Header
from fastapi.responses import HTMLResponse

if TYPE_CHECKING:
    from tests.ui.fake_desk import FakeDesk

LAST = dt.date(2026, 11, 25)
OUTCOMES = ("answered", "clarify", "unknown", "refused", "emergency", "handover")


def share(cases: int, of: int) -> dict[str, Any]:
    says = f"{cases} of {of}" if of else "no cases"
    return {"value": cases / of if of else None, "cases": cases, "of": of, "says": says}


def figures(conversations: int, handovers: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Of so many conversations of two turns each; one in five was not contained, one turn in ten had no answer."""
    turns, called = 2 * conversations, conversations // 5
    unknown = turns // 10
    outcomes = {name: share(0, turns) for name in OUTCOMES}
    outcomes |= {"answered": share(turns - unknown, turns), "unknown": share(unknown, turns)}
    count = "no cases" if not turns else f"{turns} turns"
    return {
        "conversations": conversations, "turns": turns, "contained": share(conversations - called, conversations),
        "outcomes": outcomes, "rated": share(turns // 4, turns), "up": share(turns // 5, turns // 4),
        "repeated": share(turns // 20, turns), "handovers": handovers or [],
        "latency": {"p50_ms": 20.0 if turns else None, "p95_ms": 50.0 if turns else None, "count": turns, "says": count},
    }  # fmt: skip


def live(days: int, a_day: int, handovers: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    dates = [LAST - dt.timedelta(days=n) for n in range(days - 1, -1, -1)]
    return {
        "since": str(dates[0]), "until": str(LAST), "days": [{"day": str(date), **figures(a_day)} for date in dates],
        "total": figures(days * a_day, handovers), "before": figures(days * a_day // 2),
    }  # fmt: skip


def run(id: str, began: str, right: dict[str, float | None], **other: Any) -> dict[str, Any]:
    suites = {
        name: {"count": 200, "metrics": {"right": {"value": value, "low": value and value - 0.02,
               "high": value and value + 0.02, "count": 0 if value is None else 200}}}
        for name, value in right.items()
    }  # fmt: skip
    made = {
        "id": id, "began": began, "ended": began, "versions": {"policy": began[:10]}, "quick": False, "suites": suites,
        "p50_ms": 20.0, "p95_ms": 50.0, "has_report": False,
    }  # fmt: skip
    return made | other


def add_quality_side(app: FastAPI, desk: FakeDesk, agent: Callable[..., Any], problem: Callable[..., Any]) -> None:
    roles = ("evaluator", "admin")

    @app.get("/v1/quality/live")
    def figures_of(days: int = 28, authorization: str | None = Header(None)) -> Any:
        _, refused = agent(authorization, *roles)
        return refused or live(days, desk.a_day, desk.reasons)

    @app.get("/v1/quality/runs")
    def runs(authorization: str | None = Header(None)) -> Any:
        _, refused = agent(authorization, *roles)
        found = [{**run, "has_report": run["id"] in desk.reports} for run in desk.runs]
        return refused or {"runs": found, "broken": desk.broken}

    @app.get("/v1/quality/runs/{run_id}/report")
    def report(run_id: str, authorization: str | None = Header(None)) -> Any:
        _, refused = agent(authorization, *roles)
        if refused or run_id not in desk.reports:
            return refused or problem(404, "There is no such report.")
        return HTMLResponse(desk.reports[run_id])
