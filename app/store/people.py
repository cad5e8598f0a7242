"""What a customer may do with what is kept about them: have it, have it deleted, say what it may be used for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, Table, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.store.audit import entry, note
from app.store.database import Database, now
from app.store.tables import (
    choices,
    conversations,
    corrections,
    feedback,
    handovers,
    messages,
    notes,
    proposals,
    signs,
    suggestions,
    traces,
)
from app.tokens import Identity

OF_CONVERSATIONS = (signs, feedback, corrections, suggestions, notes, handovers, traces)  # each before `messages`
SHOWN: tuple[tuple[str, Table, tuple[str, ...]], ...] = (
    ("messages", messages, ("id", "seq", "role", "author", "text", "reply", "created_at")),
    ("traces", traces, ("id", "message_id", "data", "created_at")),  # of data only TOLD
    (
        "handovers",
        handovers,
        ("id", "reason", "urgency", "department", "state", "summary", "facts", "note", "created_at", "ended_at"),
    ),
    ("feedback", feedback, ("message_id", "rating", "reasons", "comment", "earlier", "created_at", "changed_at")),
    ("signs", signs, ("message_id", "kind", "data", "created_at")),
    ("notes", notes, ("text", "created_at")),
    ("suggestions", suggestions, ("question", "text", "citations", "created_at")),
    ("corrections", corrections, ("message_id", "kind", "question", "context", "rejected", "chosen", "created_at")),
)


TOLD = ("text", "customer_id", "outcome", "reason", "evidence", "released", "versions")  # no scores, nothing held back


class PeopleStore:
    """Every method may raise `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def no_training(self, customer_id: str) -> bool:
        """Whether this customer wants nothing of theirs used to tune the assistant."""
        with self._db.reading() as db:
            return _no_training(db, customer_id)

    def choose(self, customer_id: str, no_training: bool) -> None:
        try:
            self._choose(customer_id, no_training)
        except IntegrityError:  # two first choices at once: by now there is one to change
            self._choose(customer_id, no_training)

    def _choose(self, customer_id: str, no_training: bool) -> None:
        row = {"no_training": no_training, "changed_at": now()}
        with self._db.writing() as db:
            if not db.execute(update(choices).where(choices.c.customer_id == customer_id).values(row)).rowcount:
                db.execute(insert(choices), row | {"customer_id": customer_id})

    def data(self, customer_id: str) -> dict[str, Any]:
        """Everything that is kept about a customer besides the account book's own records, as plain JSON values."""
        mine = conversations.c.customer_id == customer_id
        with self._db.reading() as db:
            found = db.execute(select(conversations).where(mine).order_by(conversations.c.created_at)).all()
            told: list[dict[str, Any]] = [{"id": row.id, "created_at": row.created_at} for row in found]
            by_id = {one["id"]: one for one in told}
            for name, table, shown in SHOWN:
                for one in told:
                    one[name] = []
                for row in db.execute(_of(table, mine)).mappings():
                    if of := by_id.get(row["conversation_id"]):  # a conversation that began just now is left out
                        of[name].append(_shown(name, row, shown))
            no_training = _no_training(db, customer_id)
        return {"customer_id": customer_id, "choices": {"no_training": no_training}, "conversations": told}

    def delete(self, identity: Identity) -> int:
        """Deletes all conversations of a customer with what hangs on them; the choices stay. Gives how many there were.

        One transaction with its audit entry. What was still to be decided from a correction goes with it.
        """
        with self._db.writing() as db:
            mine = select(conversations.c.id).where(conversations.c.customer_id == identity.id)
            # in one order, so that two deletions at once wait for each other and nothing worse
            ids = list(db.execute(mine.order_by(conversations.c.id).with_for_update()).scalars())
            remove(db, ids)
            note(db, identity, "data.delete", customer_id=identity.id, detail={"conversations": len(ids)})
        return len(ids)

    def newest(self) -> dt.datetime | None:
        """When the latest message was said; None: nobody has said anything."""
        with self._db.reading() as db:
            found: dt.datetime | None = db.execute(select(func.max(messages.c.created_at))).scalar_one()
        return found

    def expire(self, before: dt.datetime, limit: int) -> int:
        """Deletes up to `limit` conversations in which nothing was said since, and no person is waited for or there.

        Gives how many; 0: none are left. One transaction with its audit entry.
        """
        with self._db.writing() as db:
            old = select(conversations.c.id).where(*_over(before)).limit(limit)
            locked = list(db.execute(old.with_for_update(skip_locked=True)).scalars())
            # asked again under the lock: somebody may have written between the look and the lock
            ids = list(db.execute(old.where(conversations.c.id.in_(locked))).scalars())
            remove(db, ids)
            if ids:
                detail = {"conversations": len(ids), "before": before.isoformat()}
                entry(db, "retention", "system", "data.expire", detail=detail)
        return len(ids)


def remove(db: Connection, conversation_ids: Iterable[str]) -> None:
    """Deletes conversations with all that hangs on them, children first, within the caller's transaction."""
    ids = list(conversation_ids)
    for some in (ids[start : start + 500] for start in range(0, len(ids), 500)):
        corrected = select(corrections.c.id).where(corrections.c.conversation_id.in_(some))
        db.execute(delete(proposals).where(proposals.c.correction_id.in_(corrected)))
        for table in (*OF_CONVERSATIONS, messages):
            db.execute(delete(table).where(table.c.conversation_id.in_(some)))
        db.execute(delete(conversations).where(conversations.c.id.in_(some)))


def _over(before: dt.datetime) -> tuple[ColumnElement[bool], ...]:
    recent = select(messages.c.id).where(
        messages.c.conversation_id == conversations.c.id, messages.c.created_at >= before
    )
    called = select(handovers.c.id).where(handovers.c.open_for == conversations.c.id)
    return conversations.c.created_at < before, ~recent.exists(), ~called.exists()


def _shown(name: str, row: RowMapping, columns: Iterable[str]) -> dict[str, Any]:
    shown = {column: row[column] for column in columns}
    if name == "traces":
        shown["data"] = {part: value for part, value in shown["data"].items() if part in TOLD}
    return shown


def _of(table: Table, mine: ColumnElement[bool]) -> Select[Any]:
    order = table.c.seq if "seq" in table.c else table.c.created_at
    joined = table.join(conversations, table.c.conversation_id == conversations.c.id)
    return select(table).select_from(joined).where(mine).order_by(order)


def _no_training(db: Connection, customer_id: str) -> bool:
    found = db.execute(select(choices.c.no_training).where(choices.c.customer_id == customer_id)).scalar_one_or_none()
    return bool(found)
