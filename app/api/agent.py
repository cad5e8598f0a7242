"""The desk: the queue, and what staff does with a hand-over."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Awaitable
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Header
from pydantic import BaseModel, BeforeValidator, Field, StringConstraints

from app.api.auth import Agent
from app.api.bells import DESK
from app.api.chat import LARGEST_SEQ, MessageView, message_view
from app.api.documented import problems
from app.api.problems import Problem
from app.api.services import Served, Services
from app.handover.status import notice
from app.store.calls import storable
from app.store.database import now
from app.store.errors import AlreadyRecorded, CustomerWrote, HandoverMoved, UnknownConversation, UnknownHandover
from app.store.records import HandoverState, Queued, StoredHandover
from app.tokens import Identity
from rag.turn import Department, Urgency

router = APIRouter(prefix="/v1/agent", tags=["desk"])
T = TypeVar("T")
LONGEST = 8_000
PROBLEMS = problems(400, 401, 403, 404, 409, 413, 415, 422, 503)

storably = BeforeValidator(lambda text: storable(text) if isinstance(text, str) else text)
Words = Annotated[
    str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=LONGEST), storably
]
Remark = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, max_length=LONGEST), storably]
Seen = Annotated[
    int | None,
    Field(
        ge=0, le=LARGEST_SEQ, description="seq of the last message that was read; 409 where the customer wrote since."
    ),
]
Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=200, description="The same key gives the same message."),
]


class HandoverView(BaseModel):
    """A hand-over as staff sees it."""

    id: str
    conversation_id: str
    state: HandoverState
    reason: str
    urgency: Urgency
    department: Department
    summary: str
    facts: list[dict[str, Any]] = Field(description="Account records that answers were about, with what was said.")
    note: str = Field(description="What the customer left for the person.")
    agent_id: str | None
    agent_name: str | None
    created_at: dt.datetime
    claimed_at: dt.datetime | None
    answered_at: dt.datetime | None
    ended_at: dt.datetime | None
    code: str | None


class QueueItem(BaseModel):
    handover_id: str
    conversation_id: str
    customer_name: str | None
    reason: str
    urgency: Urgency
    department: Department
    summary: str
    note: str
    state: HandoverState
    waiting_s: int = Field(description="Seconds since the customer asked.")
    agent_id: str | None
    agent_name: str | None
    last_text: str
    unread: int = Field(description="The customer's messages that no person has answered yet.")
    notes: int = Field(description="Notes of staff.")


class Queue(BaseModel):
    """Emergencies first, then who waits longest."""

    waiting: list[QueueItem]
    held: list[QueueItem]
    version: str


class NewReply(BaseModel):
    text: Words
    suggestion_id: str | None = Field(None, max_length=64, description="The suggestion that this was made from.")


class NewNote(BaseModel):
    text: Words


class Transfer(BaseModel):
    department: Department
    note: Remark = ""


class Resolution(BaseModel):
    code: Literal["answered", "fixed", "referred", "no_reply", "abuse", "duplicate"]
    note: Remark = ""
    seen_seq: Seen = None


class GivingBack(BaseModel):
    note: Remark = ""
    seen_seq: Seen = None


@router.get("/queue", responses=problems(401, 403, 422, 503))
async def queue(agent: Agent, served: Served, department: Department | None = None) -> Queue:
    """Who waits for a person, and who talks to one."""
    return await served.read(_queue, served, agent, department)


@router.post("/handovers/{handover_id}/claim", responses=PROBLEMS)
async def claim(handover_id: str, agent: Agent, served: Served) -> HandoverView:
    """Takes a hand-over; the assistant is silent from then on. Of two at once one wins, the other gets a 409."""
    found = await found_handover(served.read(served.handovers.get, handover_id))
    joined = notice("joined", served.handing, found.department, agent.name)
    claimed = await found_handover(served.read(served.handovers.claim, handover_id, agent, joined))
    return _changed(claimed, served)


@router.post("/handovers/{handover_id}/heartbeat", status_code=204, responses=PROBLEMS)
async def heartbeat(handover_id: str, agent: Agent, served: Served) -> None:
    """The agent is there. Without a sign for `PESTLE_AGENT_AWAY_S` seconds the hand-over goes back to the queue."""
    await found_handover(served.read(served.handovers.seen, handover_id, agent))


@router.post("/handovers/{handover_id}/reply", responses=PROBLEMS)
async def reply(handover_id: str, said: NewReply, agent: Agent, served: Served, key: Key = None) -> MessageView:
    """Writes to the customer."""
    own = None if key is None else "a:" + hashlib.sha256(f"{agent.id}\0{key}".encode()).hexdigest()
    try:
        found = await found_handover(served.read(served.handovers.get, handover_id))
        sent = await found_handover(
            served.read(served.handovers.reply, handover_id, agent, said.text, own, said.suggestion_id)
        )
    except AlreadyRecorded:
        sentence = "This Idempotency-Key came with another text before; send a new key with a new text."
        raise Problem("key-reused", sentence) from None
    served.bells.ring(found.conversation_id, DESK)
    return message_view(sent)


@router.post("/handovers/{handover_id}/notes", status_code=204, responses=PROBLEMS)
async def add_note(handover_id: str, said: NewNote, agent: Agent, served: Served) -> None:
    """Writes what staff should know and the customer never sees."""
    await found_handover(served.read(served.handovers.add_note, handover_id, agent, said.text))
    served.bells.ring(DESK)


@router.post("/handovers/{handover_id}/transfer", responses=PROBLEMS)
async def transfer(handover_id: str, to: Transfer, agent: Agent, served: Served) -> HandoverView:
    """Passes it to a department's queue, where it keeps its place by waiting time."""
    said = notice("transferred", served.handing, to.department)
    passed = served.read(served.handovers.transfer, handover_id, agent, to.department, to.note, said)
    return _changed(await found_handover(passed), served)


@router.post("/handovers/{handover_id}/resolve", responses=PROBLEMS)
async def resolve(handover_id: str, how: Resolution, agent: Agent, served: Served) -> HandoverView:
    """Ends it, with how it ended."""
    said = await _said("resolved", handover_id, agent, served)
    ended = served.read(served.handovers.resolve, handover_id, agent, how.code, how.note, said, how.seen_seq)
    return _changed(await found_handover(ended), served)


@router.post("/handovers/{handover_id}/return", responses=PROBLEMS)
async def give_back(handover_id: str, back: GivingBack, agent: Agent, served: Served) -> HandoverView:
    """Hands back to the assistant, which knows what was said."""
    said = await _said("returned", handover_id, agent, served)
    returned = served.read(served.handovers.give_back, handover_id, agent, back.note, said, back.seen_seq)
    return _changed(await found_handover(returned), served)


def _changed(found: StoredHandover, served: Services) -> HandoverView:
    served.bells.ring(found.conversation_id, DESK)
    return view(found)


def view(found: StoredHandover) -> HandoverView:
    return HandoverView(**{name: getattr(found, name) for name in HandoverView.model_fields})


async def _said(name: str, handover_id: str, agent: Identity, served: Services) -> str:
    found = await found_handover(served.read(served.handovers.get, handover_id))
    return notice(name, served.handing, found.department, agent.name)


async def found_handover(doing: Awaitable[T]) -> T:
    """What was done; raises the `Problem` that says why it could not be."""
    try:
        return await doing
    except (UnknownHandover, UnknownConversation):  # deleted with its conversation, or never there
        raise Problem("not-found", "There is no such hand-over; GET /v1/agent/queue lists the open ones.") from None
    except HandoverMoved as error:
        raise moved(error.handover) from None
    except CustomerWrote:
        sentence = "The customer has just written something more; read it, answer it, and then end the conversation."
        raise Problem("conflict", sentence) from None


def moved(found: StoredHandover | None) -> Problem:
    if found is not None and found.state == "held":
        return Problem("taken", f"{found.agent_name} has this conversation; take another one from the queue.")
    if found is not None and found.state == "waiting":
        return Problem("conflict", "This hand-over waits in the queue; claim it first.")
    return Problem("conflict", "This hand-over has ended; the customer can ask for a person again.")


def _queue(served: Services, agent: Identity, department: Department | None) -> Queue:
    version = served.desk.now().version  # before the rows: what changes in between is then told of once more
    found = served.desk.queue(department)
    ids, desk = [one.handover.conversation_id for one in found], (agent.role, agent.id, department)
    new = [one for one in found if one.handover.conversation_id in served.shown.new(desk, ids)]
    if new:  # a desk looks at each change; what it was shown before is in the record already
        named = [one.handover.conversation_id for one in new]
        customers = sorted({one.customer_id for one in new if one.customer_id})
        served.audit.add(agent, "queue.read", detail={"conversations": named, "customers": customers})
    served.shown.keep(desk, ids)
    at = now()
    items = [_item(one, served.names.of(one.customer_id), at) for one in found]
    return Queue(
        waiting=[item for item in items if item.state == "waiting"],
        held=[item for item in items if item.state == "held"],
        version=version,
    )


def _item(queued: Queued, name: str | None, at: dt.datetime) -> QueueItem:
    one = queued.handover
    return QueueItem(
        handover_id=one.id,
        conversation_id=one.conversation_id,
        customer_name=name,
        reason=one.reason,
        urgency=one.urgency,
        department=one.department,
        summary=one.summary,
        note=one.note,
        state=one.state,
        waiting_s=max(0, int((at - one.created_at).total_seconds())),
        agent_id=one.agent_id,
        agent_name=one.agent_name,
        last_text=queued.last_text,
        unread=queued.unread,
        notes=queued.notes,
    )
