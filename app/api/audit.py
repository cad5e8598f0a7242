"""The audit record, for admins: who of the staff saw or did what with a customer's conversation or account."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from app.api.auth import Admin
from app.api.documented import problems
from app.api.services import Served
from app.store.audit import PAGE

router = APIRouter(prefix="/v1/audit", tags=["audit"])
LARGEST_ID = 2_147_483_647


class EntryView(BaseModel):
    """One access; `detail` holds counts, codes and ids, never what was read or written."""

    id: int
    at: dt.datetime
    actor_id: str
    role: str
    action: str
    conversation_id: str | None
    customer_id: str | None
    detail: dict[str, Any]


class AuditPage(BaseModel):
    entries: list[EntryView]
    more: bool = Field(description="True: ask again with `after` set to the last id.")


@router.get("", responses=problems(401, 403, 503))
async def read(
    admin: Admin,
    served: Served,
    customer: Annotated[str | None, Query(max_length=64, description="Only what concerns this customer.")] = None,
    conversation: Annotated[str | None, Query(max_length=64, description="Only what concerns this one.")] = None,
    after: Annotated[int, Query(ge=0, le=LARGEST_ID, description="Only entries whose id is larger.")] = 0,
) -> AuditPage:
    """Entries, oldest first. Reading them is an entry too."""
    asked = {"after": after, **({"conversation": conversation} if conversation else {})}
    await served.read(served.audit.add, admin, "audit.read", None, customer, asked)
    found = await served.read(served.audit.entries, customer, conversation, after, PAGE + 1)
    return AuditPage(entries=[EntryView(**vars(entry)) for entry in found[:PAGE]], more=len(found) > PAGE)
