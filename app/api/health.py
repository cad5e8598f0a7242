"""Is it alive, is it ready, and how does it do."""

from __future__ import annotations

import asyncio
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from app.api.documented import problems
from app.api.problems import Problem
from app.api.services import Served
from app.store.errors import StoreError
from app.tuning.live import LiveAssistant

router = APIRouter(tags=["health"])
PATIENCE_S = 3.0


class Alive(BaseModel):
    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    status: Literal["ready"] = "ready"
    detail: str | None = Field(None, description="What a person should look at, though messages are answered.")


@router.get("/healthz", responses=problems())
async def healthz() -> Alive:
    """200 as long as the process answers."""
    return Alive()


@router.get("/readyz", responses=problems(503), response_model_exclude_none=True)
async def readyz(served: Served) -> Ready:
    """200 when a message would be answered and kept: the assistant is loaded and the database answers."""
    try:
        await asyncio.wait_for(served.read(served.store.ping), PATIENCE_S)
    except (StoreError, TimeoutError):
        sentence = "The conversation store does not answer; try again in a few seconds."
        raise Problem("unavailable", sentence, headers={"Retry-After": "5"}) from None
    live = served.assistant
    return Ready(detail=(live.trouble or None) if isinstance(live, LiveAssistant) else None)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(served: Served) -> Response:
    """Figures in the Prometheus text format."""
    return Response(served.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
