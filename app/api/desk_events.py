"""Server-sent events for the desk: that the queue changed, and that something was said where this agent talks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from fastapi import APIRouter, Response

from app.api.auth import Agent
from app.api.bells import DESK
from app.api.documented import problems
from app.api.events import BEAT, KEEP_ALIVE_S, frame, streaming
from app.api.problems import problem_of
from app.api.services import Served, Services
from app.tokens import Identity

router = APIRouter(prefix="/v1/agent", tags=["desk"])
CALM_S = 0.1  # a busy desk is told ten times a second and not more often
FOLLOWED = "`queue` with its version whenever it reads differently; `message` with conversation_id and seq."


@router.get(
    "/events",
    response_class=Response,
    responses={
        200: {"description": FOLLOWED, "content": {"text/event-stream": {"schema": {"type": "string"}}}},
        **problems(401, 403, 422, 503),
    },
)
async def events(agent: Agent, served: Served) -> Response:
    """What happens at the desk, as it happens; the first event tells the queue's version now."""
    return streaming(_events(agent, served))


async def _events(agent: Identity, served: Services) -> AsyncIterator[str]:
    """Ends when the server stops or the token has expired. The store is asked, since others write to it too."""
    yield "retry: 2000\n\n"
    with served.bells.hung(DESK) as bell:
        async for part in _changes(agent, served, bell):
            yield part


async def _changes(agent: Identity, served: Services, bell: asyncio.Event) -> AsyncIterator[str]:
    version, seen, beat = "", dict[str, int](), time.monotonic()
    while not served.stopping.is_set() and time.time() < agent.expires:
        try:
            now = await served.board.look()
        except Exception as error:
            yield frame("error", problem_of(error).body())
            return
        changed, held = now.version != version, now.held.get(agent.id, {})
        if changed:
            yield frame("queue", {"version": now.version})
        for conversation_id, seq in held.items():
            if seen.get(conversation_id) != seq:
                yield frame("message", {"conversation_id": conversation_id, "seq": seq})
        if changed:
            beat = time.monotonic()
        elif time.monotonic() - beat >= KEEP_ALIVE_S:
            beat = time.monotonic()
            yield BEAT
        version, seen = now.version, held
        await asyncio.sleep(CALM_S)
        await served.bells.rung(bell)
