"""The customer's side of a hand-over: ask for a person, see how it stands, no longer want one."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, BeforeValidator, Field, StringConstraints

from app.api.auth import Visitor, owned
from app.api.bells import DESK
from app.api.documented import problems
from app.api.problems import Problem
from app.api.services import Served, Services
from app.handover.department import department_of
from app.handover.status import status
from app.handover.waits import expected_minutes
from app.learning.signs import pressed
from app.store.calls import storable
from app.store.database import now
from app.store.errors import HandoverMoved, UnknownConversation
from app.store.records import Conversation, HandoverState, StoredHandover
from app.tokens import Identity
from rag.turn import Department, Handover, Urgency

router = APIRouter(prefix="/v1/conversations/{conversation_id}/handover", tags=["handover"])
NOT_NEEDED = "A person is here already; write to them that you don't need them any more."
STILL_CALLED = (
    "Someone will still look in on this conversation, to be sure that you are safe; you need not do anything."
)
LATEST = 60  # messages from which the department is chosen

storably = BeforeValidator(lambda text: storable(text) if isinstance(text, str) else text)
Note = Annotated[str, StringConstraints(strict=True, max_length=2000), storably]


class Wish(BaseModel):
    note: Note = Field("", description="What the person should know, in the customer's own words.")
    department: Department | None = Field(None, description="null: chosen by what the conversation is about.")


class HandoverStatus(BaseModel):
    handover_id: str
    state: HandoverState
    department: Department
    urgency: Urgency
    place: int | None = Field(description="1: next in line. null unless waiting.")
    wait_minutes: int | None = Field(description="The median of recent real waits; null where too few are known.")
    open_now: bool
    opens_at: dt.datetime | None = Field(description="The next opening, where nobody is there now.")
    agent_name: str | None
    text: str = Field(description="For the customer: what happens next, and how the answer reaches them.")


@router.post(
    "",
    status_code=201,
    responses={
        200: {"description": "A person had been asked already; the note was added.", "model": HandoverStatus},
        **problems(400, 401, 403, 404, 413, 415, 422, 503),
    },
)
async def ask(conversation_id: str, wish: Wish, visitor: Visitor, served: Served, response: Response) -> HandoverStatus:
    """Asks for a person. Never twice: where one is waited for or is there, that is what is answered."""
    conversation = await _own(served, conversation_id, visitor)
    try:
        found, new = await served.read(_call, served, conversation.id, wish)
    except UnknownConversation:
        owned(None, visitor)
        raise
    served.bells.ring(conversation.id, DESK)
    if new:
        await served.read(pressed, served.store, served.feedback, conversation.id)
    response.status_code = 201 if new else 200
    return await served.read(_status, served, found, conversation)


@router.get("", responses=problems(401, 403, 404, 422, 503))
async def read(conversation_id: str, visitor: Visitor, served: Served) -> HandoverStatus:
    """How the open hand-over stands, or the last one; 404 where there was none."""
    conversation = await _own(served, conversation_id, visitor)
    found = await served.read(served.handovers.latest, conversation.id)
    if found is None:
        raise _none()
    return await served.read(_status, served, found, conversation)


@router.delete("", status_code=204, responses=problems(401, 403, 404, 409, 422, 503))
async def cancel(conversation_id: str, visitor: Visitor, served: Served) -> None:
    """The customer no longer wants a person. Only while they wait for one, and not in an emergency."""
    conversation = await _own(served, conversation_id, visitor)
    try:
        await served.read(served.handovers.cancel, conversation.id)
    except UnknownConversation:
        owned(None, visitor)
    except HandoverMoved as moved:
        if moved.handover is None:
            raise _none() from None
        there = moved.handover.state == "held"
        raise Problem("conflict", NOT_NEEDED if there else STILL_CALLED) from None
    served.bells.ring(conversation.id, DESK)


async def _own(served: Services, conversation_id: str, visitor: Identity | None) -> Conversation:
    return owned(await served.read(served.store.conversation, conversation_id), visitor)


def _call(served: Services, conversation_id: str, wish: Wish) -> tuple[StoredHandover, bool]:
    department = wish.department
    if department is None:
        after = max(0, served.store.last_seq(conversation_id) - LATEST)
        replies = [message.reply for message in served.store.messages(conversation_id, after) if message.reply]
        department = department_of(served.handing, replies)
    return served.handovers.call(conversation_id, Handover("button", "soon", department), served.mask(wish.note))


def _status(served: Services, found: StoredHandover, conversation: Conversation) -> HandoverStatus:
    at, place, wait = now(), None, None
    if found.state == "waiting":
        hours = served.handing.departments[found.department].hours
        place = served.desk.place(found.id)
        wait = expected_minutes(served.desk.waits(found.department), hours, at)
    told = status(found, served.handing, place, wait, conversation.customer_id is not None, at)
    return HandoverStatus(
        handover_id=found.id,
        state=found.state,
        department=found.department,
        urgency=found.urgency,
        place=told.place,
        wait_minutes=told.wait_minutes,
        open_now=told.open_now,
        opens_at=told.opens_at,
        agent_name=found.agent_name,
        text=told.text,
    )


def _none() -> Problem:
    return Problem("not-found", "No person has been asked for here; POST to this address asks for one.")
