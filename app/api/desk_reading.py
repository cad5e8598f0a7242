"""What staff reads at the desk: a conversation with its customer and account, why an answer was given, past ones."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from app.api.agent import HandoverView, view
from app.api.auth import Agent
from app.api.chat import MessageView, message_view
from app.api.documented import problems
from app.api.explanation import Why, explained
from app.api.problems import Problem
from app.api.services import Served, Services
from app.handover.account import AccountView, account_view
from app.store.conversations import storable
from app.store.database import now
from app.store.records import Conversation, FoundConversation, MessageRole, StoredMessage
from app.tokens import Identity
from rag.account.book import Account
from rag.turn import Citation

router = APIRouter(prefix="/v1/agent", tags=["desk"])
SNIPPET = 240  # characters of a message that a search shows


class ConversationView(BaseModel):
    id: str
    created_at: dt.datetime
    signed_in: bool


class CustomerView(BaseModel):
    id: str
    name: str | None
    plus_member: bool | None


class Rated(BaseModel):
    rating: str
    reasons: list[str]
    comment: str


class DeskMessage(MessageView):
    trace_id: str | None
    feedback: Rated | None


class NoteView(BaseModel):
    id: str
    author_id: str
    text: str
    created_at: dt.datetime


class DeskConversation(BaseModel):
    """`account` is there while a person is called or holds the conversation, and null where the book is away."""

    conversation: ConversationView
    customer: CustomerView | None
    messages: list[DeskMessage]
    handover: HandoverView | None
    notes: list[NoteView]
    account: AccountView | None


class TraceView(BaseModel):
    why: Why
    sources: list[Citation]


class Hit(BaseModel):
    conversation_id: str
    customer_id: str | None
    customer_name: str | None
    created_at: dt.datetime
    role: MessageRole
    text: str = Field(description="The part of the latest message that fits.")
    said_at: dt.datetime


class Hits(BaseModel):
    conversations: list[Hit]


@router.get("/conversations/{conversation_id}", responses=problems(401, 403, 404, 422, 503))
async def conversation(conversation_id: str, agent: Agent, served: Served) -> DeskConversation:
    """The whole conversation, with all that is at hand for its customer."""
    return await served.read(_conversation, served, agent, conversation_id)


@router.get("/messages/{message_id}/trace", responses=problems(401, 403, 404, 422, 503))
async def trace(message_id: str, agent: Agent, served: Served) -> TraceView:
    """Why an answer of the assistant was given, and from which sources."""
    return await served.read(_trace, served, agent, message_id)


@router.get("/search", responses=problems(401, 403, 422, 503))
async def search(
    agent: Agent,
    served: Served,
    q: Annotated[str, Query(max_length=200, description="Words as they stand in a message.")] = "",
    customer: Annotated[str | None, Query(min_length=1, max_length=64, description="Only this customer's.")] = None,
) -> Hits:
    """Past conversations, latest first, 50 at most."""
    words = storable(q.strip())
    if len(words) < 2 and customer is None:
        raise Problem("invalid", "Send q with at least 2 characters, or the id of a customer.")
    return await served.read(_search, served, agent, words, storable(customer) if customer else None)


def _conversation(served: Services, agent: Identity, conversation_id: str) -> DeskConversation:
    found = _known(served.store.conversation(conversation_id))
    served.audit.add(agent, "conversation.read", found.id, found.customer_id)
    handover = served.handovers.latest(found.id)
    account = None
    if found.customer_id and served.book and handover and handover.open:
        served.audit.add(agent, "account.read", found.id, found.customer_id)
        account = served.account(found.customer_id)
    ratings = served.desk.ratings(found.id)
    return DeskConversation(
        conversation=ConversationView(
            id=found.id, created_at=found.created_at, signed_in=found.customer_id is not None
        ),
        customer=_customer(served, found, account),
        messages=[_message(message, ratings.get(message.id)) for message in _all(served, found.id)],
        handover=view(handover) if handover else None,
        notes=[NoteView(**vars(note)) for note in served.desk.notes(found.id)],
        account=account_view(account, now()) if account else None,
    )


def _customer(served: Services, found: Conversation, account: Account | None) -> CustomerView | None:
    if found.customer_id is None:
        return None
    if account is None:
        return CustomerView(id=found.customer_id, name=served.names.of(found.customer_id), plus_member=None)
    return CustomerView(id=account.customer.id, name=account.customer.name, plus_member=account.customer.plus_member)


def _message(message: StoredMessage, rated: dict[str, Any] | None) -> DeskMessage:
    return DeskMessage(
        **message_view(message).model_dump(),
        trace_id=message.reply.trace_id if message.reply else None,
        feedback=Rated(**rated) if rated else None,
    )


def _all(served: Services, conversation_id: str) -> list[StoredMessage]:
    found: list[StoredMessage] = []
    while page := served.store.messages(conversation_id, found[-1].seq if found else 0):
        found += page
    return found


def _trace(served: Services, agent: Identity, message_id: str) -> TraceView:
    found = served.store.trace(message_id)
    reply = None
    if found is not None and found.message_id == message_id:
        of = _known(served.store.conversation(found.conversation_id))
        served.audit.add(agent, "trace.read", of.id, of.customer_id, {"message_id": message_id})
        reply = next((m.reply for m in _all(served, of.id) if m.id == message_id), None)
    if found is None or reply is None:
        raise Problem("not-found", "There is no such answer of the assistant; use the id of one of its messages.")
    return TraceView(why=explained(found.data, reply), sources=list(reply.citations))


def _search(served: Services, agent: Identity, words: str, customer_id: str | None) -> Hits:
    found = served.desk.search(words, customer_id)
    ids = [one.conversation_id for one in found]
    customers = sorted({one.customer_id for one in found if one.customer_id})
    detail = {"conversations": ids, "customers": customers}
    served.audit.add(agent, "search", customer_id=customer_id, detail=detail)
    return Hits(conversations=[_hit(one, words, served.names.of(one.customer_id)) for one in found])


def _hit(found: FoundConversation, words: str, name: str | None) -> Hit:
    at = max(0, found.text.lower().find(words.lower()) - SNIPPET // 3)
    text = f"{'…' if at else ''}{found.text[at : at + SNIPPET]}{'…' if at + SNIPPET < len(found.text) else ''}"
    return Hit(
        conversation_id=found.conversation_id,
        customer_id=found.customer_id,
        customer_name=name,
        created_at=found.created_at,
        role=found.role,
        text=text,
        said_at=found.said_at,
    )


def _known(found: Conversation | None) -> Conversation:
    if found is None:
        raise Problem(
            "not-found", "There is no such conversation; GET /v1/agent/queue and /search list those there are."
        )
    return found
