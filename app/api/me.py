"""What a customer may do with their own data: have it, have it deleted, say what it may be used for."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, StrictBool

from app.api.auth import Customer
from app.api.documented import problems
from app.api.services import Served

router = APIRouter(prefix="/v1/me", tags=["me"])


class Choices(BaseModel):
    no_training: StrictBool = Field(description="True: nothing of yours is used to tune the assistant.")


class ConversationData(BaseModel):
    """One conversation with all that hangs on it; the rows are as they are kept."""

    id: str
    created_at: dt.datetime
    messages: list[dict[str, Any]]
    traces: list[dict[str, Any]] = Field(description="What was understood and used for each reply.")
    handovers: list[dict[str, Any]]
    feedback: list[dict[str, Any]]
    signs: list[dict[str, Any]]
    notes: list[dict[str, Any]] = Field(description="What staff noted, without who it was.")
    suggestions: list[dict[str, Any]] = Field(description="What the assistant drafted for staff to answer with.")
    corrections: list[dict[str, Any]] = Field(description="What staff said in place of the assistant.")


class MyData(BaseModel):
    customer_id: str
    account: dict[str, Any] | None = Field(description="Your record in the account book; null: there is none.")
    choices: Choices
    conversations: list[ConversationData]


@router.get("/data", responses=problems(401, 403, 503))
async def data(me: Customer, served: Served, response: Response) -> MyData:
    """Everything that is kept about you."""
    account = await served.read(served.book.account, me.id) if served.book else None
    kept = await served.read(served.people.data, me.id)
    response.headers["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return MyData.model_validate(kept | {"account": dataclasses.asdict(account) if account else None})


@router.delete("/data", status_code=204, responses=problems(401, 403, 413, 415, 503))
async def delete(me: Customer, served: Served) -> None:
    """Deletes your conversations with everything that hangs on them. Orders and prescriptions stay with the pharmacy."""
    await served.read(served.people.delete, me)


@router.get("/choices", responses=problems(401, 403, 503))
async def choices(me: Customer, served: Served) -> Choices:
    """What you have decided about your data."""
    return Choices(no_training=await served.read(served.people.no_training, me.id))


@router.put("/choices", responses=problems(400, 401, 403, 413, 415, 503))
async def choose(wanted: Choices, me: Customer, served: Served) -> Choices:
    """Decides about your data, from now on and for what is already there. It stays when your data are deleted."""
    await served.read(served.people.choose, me.id, wanted.no_training)
    return wanted
