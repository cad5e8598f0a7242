"""Knowledge gaps: what customers asked and got no good answer to."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from app.api.auth import Reviewer
from app.api.documented import problems
from app.api.problems import Problem
from app.api.services import Served, Services
from app.learning.gaps import HORIZON, Gap
from app.store.drafts import Draft
from app.store.missed import missed
from app.tokens import Identity

router = APIRouter(prefix="/v1/knowledge", tags=["knowledge"])


class GapView(BaseModel):
    """Questions that belong together. The id stays the same while more of them come."""

    id: str
    question: str = Field(description="The most typical one, without personal data.")
    count: int
    trend: list[int] = Field(description="How often in each week of the period, the newest last.")
    examples: list[str]
    kind: Literal["unanswered", "badly_rated"]
    draft_id: str | None = Field(description="An open draft that was begun for it.")


class GapList(BaseModel):
    gaps: list[GapView]


@router.get("/gaps", responses=problems(401, 403, 503))
async def gaps(
    reviewer: Reviewer, served: Served, days: Annotated[int, Query(ge=1, le=HORIZON, description="Up to now.")] = 28
) -> GapList:
    """Questions without an answer and answers that were rated down, the most asked first."""
    return await asyncio.to_thread(_listed, served, reviewer, days)


def find(served: Services, days: int) -> list[Gap]:
    """Raises a 503 `Problem` where no assistant is loaded."""
    finder = served.learning.gaps
    if finder is None:
        raise Problem("unavailable", "Questions can't be compared here; start Pestle with its assistant.")
    now = dt.datetime.now(dt.UTC)
    return finder.find(missed(served.database, now - dt.timedelta(days=HORIZON)), days, now)


def _listed(served: Services, reviewer: Identity, days: int) -> GapList:
    found = find(served, days)
    served.audit.add(reviewer, "gaps.read", detail={"count": len(found), "days": days})
    drafts = served.drafts.drafts(None)
    views = [view for gap in found if (view := _view(gap, drafts))]
    return GapList(gaps=views)


def _view(gap: Gap, drafts: list[Draft]) -> GapView | None:
    """None for a gap that an article has filled, unless it was asked again since."""
    of_gap = [draft for draft in drafts if draft.source.get("gap_id") == gap.id]
    if any(draft.state == "published" and draft.changed_at > gap.newest for draft in of_gap):
        return None
    return GapView(
        id=gap.id,
        question=gap.question,
        count=gap.count,
        trend=list(gap.trend),
        examples=list(gap.examples),
        kind=gap.kind,
        draft_id=next((draft.id for draft in of_gap if draft.state == "open"), None),
    )
