"""Why an answer was given, for whoever may read it. Only where PESTLE_EXPLAIN is on."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from app.api.auth import Visitor, owns
from app.api.documented import problems
from app.api.explanation import Why, explained
from app.api.problems import Problem
from app.api.services import Served
from app.store.conversations import ConversationStore
from app.tokens import Identity
from rag.turn import Reply

router = APIRouter(prefix="/v1", tags=["why"])


class Features(BaseModel):
    """What this server has turned on."""

    explain: bool = Field(description="GET /v1/messages/{message_id}/why answers.")


@router.get("/features", responses=problems())
async def features(served: Served) -> Features:
    """What a page may offer here."""
    return Features(explain=served.settings.explain)


async def only_where_on(served: Served) -> None:
    """Raises a 404 `Problem` where explanations are turned off."""
    if not served.settings.explain:
        raise Problem("not-found", "Explanations are turned off here; a reply names its sources itself.")


@router.get("/messages/{message_id}/why", dependencies=[Depends(only_where_on)], responses=problems(401, 403, 404, 503))
async def why(message_id: str, visitor: Visitor, served: Served) -> Why:
    """Why this answer: what was understood, checked and left out, in plain words and without any text."""
    found = await served.read(_explained, served.store, message_id, visitor)
    if found is None:
        raise Problem("not-found", "There is no such answer; use the message_id of a reply that you were given.")
    return found


def _explained(store: ConversationStore, message_id: str, visitor: Identity | None) -> Why | None:
    """None alike for another's message, for a customer's own words and for a message that isn't there."""
    trace = store.trace(message_id)
    if trace is None or trace.message_id != message_id:
        return None
    if not owns(store.conversation(trace.conversation_id), visitor):
        return None
    reply = _reply(store, trace.conversation_id, message_id)
    return explained(trace.data, reply) if reply else None


def _reply(store: ConversationStore, conversation_id: str, message_id: str) -> Reply | None:
    after = 0
    while page := store.messages(conversation_id, after):
        for message in page:
            if message.id == message_id:
                return message.reply
        after = page[-1].seq
    return None
