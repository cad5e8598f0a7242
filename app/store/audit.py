"""Who of the staff saw or did what with a customer's conversation or account. Append-only: triggers refuse changes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json
from sqlalchemy import ColumnElement, Connection, Text, cast, insert, or_, select

from app.store.conversations import CONVERSATION_ID
from app.store.database import Database, now
from app.store.tables import audit
from app.tokens import Identity

NOTHING: Mapping[str, Any] = {}
PAGE = 500


@dataclass(frozen=True)
class Entry:
    """One access. `id` grows with each; `detail` names counts, codes and ids, never what was read or written."""

    id: int
    at: dt.datetime
    actor_id: str
    role: str
    action: str
    conversation_id: str | None
    customer_id: str | None
    detail: dict[str, Any]


class AuditStore:
    """Every method may raise `StoreError`; a caller that could not note an access must not grant it."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(
        self,
        identity: Identity,
        action: str,
        conversation_id: str | None = None,
        customer_id: str | None = None,
        detail: Mapping[str, Any] = NOTHING,
    ) -> None:
        """Notes one access, such as "conversation.read"."""
        with self._db.writing() as db:
            note(db, identity, action, conversation_id, customer_id, detail)

    def entries(
        self, customer_id: str | None = None, conversation_id: str | None = None, after: int = 0, limit: int = PAGE
    ) -> list[Entry]:
        """Entries with id > after, oldest first; of one customer or conversation where it is named.

        A look at many at once, such as a search, names them in its detail and is among them.
        """
        query = select(audit).where(audit.c.id > after).order_by(audit.c.id).limit(limit)
        if customer_id is not None:
            query = query.where(or_(audit.c.customer_id == customer_id, _named(customer_id)))
        if conversation_id is not None:
            query = query.where(or_(audit.c.conversation_id == conversation_id, _named(conversation_id)))
        with self._db.reading() as db:
            rows = db.execute(query).all()
        return [Entry(*row) for row in rows]


def _named(id: str) -> ColumnElement[bool]:
    return cast(audit.c.detail, Text).contains(to_json(id).decode(), autoescape=True)


def note(
    db: Connection,
    identity: Identity,
    action: str,
    conversation_id: str | None = None,
    customer_id: str | None = None,
    detail: Mapping[str, Any] = NOTHING,
) -> None:
    """The same within a transaction that is open already, so that what was done and its entry stand or fall together."""
    entry(db, identity.id, identity.role, action, conversation_id, customer_id, detail)


def entry(
    db: Connection,
    actor_id: str,
    role: str,
    action: str,
    conversation_id: str | None = None,
    customer_id: str | None = None,
    detail: Mapping[str, Any] = NOTHING,
) -> None:
    """For what is no person: the role is then "system".

    A conversation id that can't be one is left out: the column would not hold it.
    """
    known = conversation_id if conversation_id and CONVERSATION_ID.fullmatch(conversation_id) else None
    row = {
        "at": now(),
        "actor_id": actor_id,
        "role": role,
        "action": action,
        "conversation_id": known,
        "customer_id": customer_id,
        "detail": dict(detail),
    }
    db.execute(insert(audit), row)
