"""How well the assistant does, for evaluators: live traffic in figures, and stored evaluation runs."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path
from typing import Annotated, Literal, get_args

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from app.api.auth import Evaluator
from app.api.documented import problems
from app.api.problems import Problem
from app.api.services import Served, Services
from app.evaluations import StoredRun, SuiteScores, report_of, stored_runs
from app.store.database import now
from app.store.quality import Counts, Latency, service

router = APIRouter(prefix="/v1/quality", tags=["quality"])
HORIZON = 366
MOST_RUNS = 200
Outcome = Literal["answered", "clarify", "unknown", "refused", "emergency", "handover"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
NO_CASES = "no cases"


class Share(BaseModel):
    """`cases` of `of`. Without anything to count, `value` is null and `says` is "no cases"."""

    value: float | None
    cases: int
    of: int
    says: str


class LatencyView(BaseModel):
    """Milliseconds of a whole turn; null where no turn was timed."""

    p50_ms: float | None
    p95_ms: float | None
    count: int
    says: str


class ReasonCount(BaseModel):
    reason: str
    count: int
    cancelled: int = Field(description="Of these, how many the customer took back.")


class Figures(BaseModel):
    """Counts and shares, of nobody in particular."""

    conversations: int = Field(description="Begun then, in which something was said or a person called.")
    turns: int = Field(description="Answers of the assistant.")
    contained: Share = Field(description="Conversations in which no person was called, or the call was cancelled.")
    outcomes: dict[Outcome, Share] = Field(description="Of the turns.")
    rated: Share = Field(description="Turns that were rated.")
    up: Share = Field(description="Ratings that are up.")
    repeated: Share = Field(description="Turns after which the same question was asked again in other words.")
    handovers: list[ReasonCount] = Field(description="Calls of a person, the most frequent reason first.")
    latency: LatencyView


class Day(Figures):
    day: dt.date = Field(description="In UTC; the last one is today, so far.")


class Live(BaseModel):
    since: dt.date
    until: dt.date
    days: list[Day] = Field(description="Each day of the period, oldest first.")
    total: Figures
    before: Figures = Field(description="As many days before.")


class RunView(BaseModel):
    """A stored run. `ended` null: it was interrupted or is going on, and has no scores yet."""

    id: str
    began: dt.datetime
    ended: dt.datetime | None
    versions: dict[str, str]
    quick: bool = Field(description="Only the part of the cases that `pestle eval --quick` runs.")
    suites: dict[str, SuiteScores]
    p50_ms: float | None
    p95_ms: float | None
    has_report: bool


class BrokenView(BaseModel):
    id: str
    why: str


class RunList(BaseModel):
    runs: list[RunView] = Field(description="Oldest first.")
    broken: list[BrokenView] = Field(description="Folders that were passed over.")


@router.get("/live", responses=problems(401, 403, 503))
async def live(
    evaluator: Evaluator,
    served: Served,
    days: Annotated[int, Query(ge=1, le=HORIZON, description="With today, in UTC.")] = 28,
) -> Live:
    """Live traffic in figures. Customers who opted out of training count too: nothing that they wrote is read."""
    return await asyncio.to_thread(_live, served, days)


@router.get("/runs", responses=problems(401, 403))
async def runs(
    evaluator: Evaluator,
    served: Served,
    limit: Annotated[int, Query(ge=1, le=MOST_RUNS, description="The newest so many.")] = 50,
) -> RunList:
    """Runs of `pestle eval`, with the scores of each suite."""
    found, broken = await asyncio.to_thread(stored_runs, _root(served), limit)
    return RunList(runs=[_run(one) for one in found], broken=[BrokenView(**vars(one)) for one in broken])


@router.get("/runs/{run_id}/report", response_class=HTMLResponse, responses=problems(401, 403, 404, 503))
async def report(run_id: str, evaluator: Evaluator, served: Served) -> HTMLResponse:
    """The report of a run: one HTML file to be saved and opened. It holds the cases, so each look is noted."""
    html = await asyncio.to_thread(_report, served, run_id)
    if html is None:
        raise Problem("not-found", "There is no such report; GET /v1/quality/runs lists the runs that have one.")
    await served.read(served.audit.add, evaluator, "quality.report", detail={"run": run_id})
    return HTMLResponse(html, headers={"Content-Disposition": f'attachment; filename="{run_id}.html"'})


def _live(served: Services, days: int) -> Live:
    found = service(served.database, days, now())
    return Live(
        since=min(found.days),
        until=max(found.days),
        days=[Day(day=day, **vars(_figures(counts))) for day, counts in found.days.items()],
        total=_figures(found.total),
        before=_figures(found.before),
    )


def _figures(counts: Counts) -> Figures:
    ratings = counts.up + counts.down
    reasons = sorted(counts.handovers.items(), key=lambda item: (-item[1], item[0]))
    return Figures(
        conversations=counts.conversations,
        turns=counts.turns,
        contained=_share(counts.conversations - counts.called, counts.conversations),
        outcomes={name: _share(counts.outcomes.get(name, 0), counts.turns) for name in OUTCOMES},
        rated=_share(ratings, counts.turns),
        up=_share(counts.up, ratings),
        repeated=_share(counts.rephrased, counts.turns),
        handovers=[
            ReasonCount(reason=name, count=count, cancelled=counts.cancelled.get(name, 0)) for name, count in reasons
        ],
        latency=_latency(counts.latency),
    )


def _share(cases: int, of: int) -> Share:
    return Share(value=cases / of if of else None, cases=cases, of=of, says=f"{cases} of {of}" if of else NO_CASES)


def _latency(found: Latency) -> LatencyView:
    said = f"{found.count} turn{'' if found.count == 1 else 's'}" if found.count else NO_CASES
    return LatencyView(p50_ms=found.p50, p95_ms=found.p95, count=found.count, says=said)


def _run(one: StoredRun) -> RunView:
    told = vars(one)
    return RunView(**{name: told[name] for name in told if name not in ("p50", "p95")}, p50_ms=one.p50, p95_ms=one.p95)


def _report(served: Services, run_id: str) -> bytes | None:
    found = report_of(_root(served), run_id)
    return found.read_bytes() if found else None


def _root(served: Services) -> Path:
    return served.settings.home / "eval"
