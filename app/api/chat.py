"""Conversations and their messages."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, BeforeValidator, Field, StrictStr

from app.api.auth import Visitor, owned
from app.api.documented import problems
from app.api.events import stream_messages, stream_turn, streaming
from app.api.services import Served
from app.api.turns import Asked
from app.store.conversations import PAGE, storable
from app.store.records import Conversation, MessageRole, StoredMessage
from app.tokens import Identity
from rag.turn import Reply

router = APIRouter(prefix="/v1/conversations", tags=["conversations"])
LARGEST_SEQ = 2_147_483_647
EVENT_STREAM: dict[str, Any] = {"text/event-stream": {"schema": {"type": "string"}}}
REPLIES = (
    "The reply as JSON; or, where Accept names text/event-stream, as events: sentence, citation, suggestion, handover "
    "as they are released, then done with the whole reply, or error with problem details."
)
After = Annotated[int | None, Query(ge=0, le=LARGEST_SEQ, description="Only messages whose seq is larger.")]
Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=200, description="The same key gives the same turn."),
]


class NewConversation(BaseModel):
    conversation_id: str = Field(description="Unguessable. For an anonymous visitor it is the only key: keep it.")


class NewMessage(BaseModel):
    text: Annotated[StrictStr, BeforeValidator(lambda text: storable(text) if isinstance(text, str) else text)]


class MessageView(BaseModel):
    """A message as it was sent, or as it was answered; `reply` is the whole reply where role is "assistant".

    "agent": a person, whose shown name is `author`. "notice": what happened, such as who joined.
    """

    id: str
    seq: int
    role: MessageRole
    author: str | None = None
    text: str
    reply: Reply | None
    created_at: dt.datetime


class MessagePage(BaseModel):
    messages: list[MessageView]
    more: bool = Field(description="True: ask again with `after` set to the last seq.")


@router.post("", status_code=201, responses=problems(401, 403, 413, 415, 503))
async def start(visitor: Visitor, served: Served, response: Response) -> NewConversation:
    """Starts a conversation: the signed-in customer's, or an anonymous one."""
    key = await served.read(served.store.create, visitor.id if visitor else None)
    response.headers["Location"] = f"/v1/conversations/{key}/messages"
    return NewConversation(conversation_id=key)


@router.post(
    "/{conversation_id}/messages",
    response_model=Reply,
    responses={
        200: {"description": REPLIES, "content": EVENT_STREAM},
        **problems(400, 401, 403, 404, 409, 413, 415, 422, 503),
    },
)
async def send(
    conversation_id: str, message: NewMessage, request: Request, visitor: Visitor, served: Served, key: Key = None
) -> Response:
    """Asks. Messages of one conversation are answered one after the other; a turn that began is finished and kept."""
    if refusal := getattr(request.state, "refusal", None):
        if served.turns.alarm(message.text) is None:
            raise refusal
        served.limits.urgent(conversation_id)
    asked = Asked(conversation_id, message.text, visitor, key)
    if "text/event-stream" in request.headers.get("accept", "").lower():
        return await stream_turn(served.turns, asked)
    reply = await asyncio.shield(served.turns.start(asked))
    return Response(reply.model_dump_json(), media_type="application/json")


@router.get("/{conversation_id}/messages", responses=problems(401, 403, 404, 422, 503))
async def read(conversation_id: str, visitor: Visitor, served: Served, after: After = None) -> MessagePage:
    """The conversation so far, oldest first."""
    await _conversation(served, conversation_id, visitor)
    found = await served.read(served.store.messages, conversation_id, after or 0, PAGE + 1)
    return MessagePage(messages=[message_view(message) for message in found[:PAGE]], more=len(found) > PAGE)


@router.get(
    "/{conversation_id}/events",
    response_class=Response,
    responses={
        200: {"description": "`message` events, each with its seq as the event's id.", "content": EVENT_STREAM},
        **problems(401, 403, 404, 422, 503),
    },
)
async def follow(
    conversation_id: str,
    request: Request,
    visitor: Visitor,
    served: Served,
    after: After = None,
    last_event_id: Annotated[int | None, Header(ge=0, le=LARGEST_SEQ)] = None,
) -> Response:
    """New messages as they come: after Last-Event-ID, or after `after`, or from now on."""
    await _conversation(served, conversation_id, visitor)
    seen = last_event_id if last_event_id is not None else after
    if seen is None:
        seen = await served.read(served.store.last_seq, conversation_id)

    async def newer(than: int) -> list[StoredMessage]:
        return await served.read(served.store.messages, conversation_id, than)

    until = visitor.expires if visitor else None
    return streaming(
        stream_messages(
            newer,
            lambda message: message_view(message).model_dump(mode="json"),
            seen,
            until,
            served.stopping,
            served.bells,
            conversation_id,
        )
    )


async def _conversation(served: Served, conversation_id: str, visitor: Identity | None) -> Conversation:
    return owned(await served.read(served.store.conversation, conversation_id), visitor)


def message_view(message: StoredMessage) -> MessageView:
    return MessageView(
        id=message.id,
        seq=message.seq,
        role=message.role,
        author=message.author,
        text=message.text,
        reply=message.reply,
        created_at=message.created_at,
    )
