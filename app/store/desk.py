"""What the desk reads: the queue, waits, notes, ratings, past conversations."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import Any

from sqlalchemy import case, func, select

from app.store.calls import handover_of
from app.store.database import Database
from app.store.records import FoundConversation, OpenNow, Queued, StoredHandover, StoredNote
from app.store.tables import conversations, feedback, handovers, messages, notes

WAITS = 60  # how many of the latest waits are looked at
FOUND = 50
LOOKED_AT = 500  # messages that fit, of which each conversation gives its latest

_URGENT_FIRST = (case((handovers.c.urgency == "urgent", 0), else_=1), handovers.c.created_at, handovers.c.id)
_OPEN = handovers.c.open_for.is_not(None)
_SAID = messages.alias("said")


def _of(role: str) -> Any:
    return (_SAID.c.conversation_id == handovers.c.conversation_id, _SAID.c.role == role)


_LAST = (
    select(_SAID.c.text)
    .where(*_of("customer"))
    .order_by(_SAID.c.seq.desc())
    .limit(1)
    .correlate(handovers)
    .scalar_subquery()
    .label("last")
)
_ANSWERED = messages.alias("answered")
_SINCE = (
    select(func.coalesce(func.max(_ANSWERED.c.seq), 0))
    .where(_ANSWERED.c.conversation_id == handovers.c.conversation_id, _ANSWERED.c.role == "agent")
    .correlate(handovers)
    .scalar_subquery()
)
_UNREAD = (
    select(func.count())
    .where(*_of("customer"), _SAID.c.seq > _SINCE, _SAID.c.created_at >= handovers.c.created_at)
    .correlate(handovers)
    .scalar_subquery()
    .label("unread")
)
_SEQ = (
    select(func.coalesce(func.max(_SAID.c.seq), 0))
    .where(_SAID.c.conversation_id == handovers.c.conversation_id)
    .correlate(handovers)
    .scalar_subquery()
    .label("last_seq")
)
_NOTES = (
    select(func.count())
    .where(notes.c.conversation_id == handovers.c.conversation_id)
    .correlate(handovers)
    .scalar_subquery()
    .label("notes")
)


class DeskStore:
    """Every method may raise `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def queue(self, department: str | None = None) -> list[Queued]:
        """Open hand-overs: urgent ones first, then by waiting time."""
        joined = handovers.join(conversations, handovers.c.conversation_id == conversations.c.id)
        shown = (handovers, conversations.c.customer_id, _LAST, _UNREAD, _NOTES)
        query = select(*shown).select_from(joined).where(_OPEN)
        if department is not None:
            query = query.where(handovers.c.department == department)
        with self._db.reading() as db:
            rows = db.execute(query.order_by(*_URGENT_FIRST)).all()
        return [Queued(handover_of(row), row.customer_id, row.last or "", row.unread, row.notes) for row in rows]

    def now(self) -> OpenNow:
        """What is open, in short."""
        shown = (handovers.c.id, handovers.c.conversation_id, handovers.c.state, handovers.c.agent_id)
        more = (handovers.c.urgency, handovers.c.department, func.length(handovers.c.note), _SEQ, _NOTES)
        with self._db.reading() as db:
            rows = db.execute(select(*shown, *more).where(_OPEN).order_by(handovers.c.id)).all()
        held: dict[str, dict[str, int]] = {}
        for row in rows:
            if row.state == "held":
                held.setdefault(row.agent_id, {})[row.conversation_id] = row.last_seq
        version = hashlib.sha256(repr([tuple(row) for row in rows]).encode()).hexdigest()[:16]
        return OpenNow(version, held)

    def held(self) -> list[StoredHandover]:
        """All that some agent holds."""
        with self._db.reading() as db:
            rows = db.execute(select(handovers).where(handovers.c.state == "held")).all()
        return [handover_of(row) for row in rows]

    def place(self, handover_id: str) -> int | None:
        """1 for the next of its department; None unless it waits."""
        waiting = select(handovers.c.id, handovers.c.department).where(handovers.c.state == "waiting")
        with self._db.reading() as db:
            rows = db.execute(waiting.order_by(*_URGENT_FIRST)).all()
        department = next((row.department for row in rows if row.id == handover_id), None)
        ids = [row.id for row in rows if row.department == department]
        return ids.index(handover_id) + 1 if handover_id in ids else None

    def waits(self, department: str) -> list[tuple[dt.datetime, dt.datetime]]:
        """When the latest of a department called and when each was first claimed there, newest first.

        Whoever had been answered elsewhere before did not wait all that time.
        """
        pair = select(handovers.c.created_at, handovers.c.claimed_at)
        elsewhere = handovers.c.answered_at < handovers.c.claimed_at
        mine = (
            handovers.c.department == department,
            handovers.c.claimed_at.is_not(None),
            ~func.coalesce(elsewhere, False),
        )
        with self._db.reading() as db:
            rows = db.execute(pair.where(*mine).order_by(handovers.c.created_at.desc()).limit(WAITS)).all()
        return [(row.created_at, row.claimed_at) for row in rows]

    def notes(self, conversation_id: str) -> list[StoredNote]:
        query = select(notes).where(notes.c.conversation_id == conversation_id).order_by(notes.c.created_at, notes.c.id)
        with self._db.reading() as db:
            rows = db.execute(query).all()
        return [StoredNote(row.id, row.author_id, row.text, row.created_at) for row in rows]

    def ratings(self, conversation_id: str) -> Mapping[str, dict[str, Any]]:
        """What the customer said of answers: {"rating", "reasons", "comment"} by message id."""
        shown = (feedback.c.message_id, feedback.c.rating, feedback.c.reasons, feedback.c.comment)
        with self._db.reading() as db:
            rows = db.execute(select(*shown).where(feedback.c.conversation_id == conversation_id)).all()
        return {row.message_id: {"rating": row.rating, "reasons": row.reasons, "comment": row.comment} for row in rows}

    def search(self, text: str, customer_id: str | None = None) -> list[FoundConversation]:
        """Conversations in which a message holds the text (empty: all of the customer's), latest first, 50 at most."""
        joined = messages.join(conversations, messages.c.conversation_id == conversations.c.id)
        shown = (conversations, messages.c.role, messages.c.text, messages.c.created_at.label("said_at"))
        query = select(*shown).select_from(joined).where(messages.c.role != "notice")
        if text:
            query = query.where(messages.c.text.icontains(text, autoescape=True))
        if customer_id is not None:
            query = query.where(conversations.c.customer_id == customer_id)
        with self._db.reading() as db:
            rows = db.execute(
                query.order_by(messages.c.created_at.desc(), messages.c.seq.desc()).limit(LOOKED_AT)
            ).all()
        found: dict[str, FoundConversation] = {}
        for row in rows:
            one = FoundConversation(row.id, row.customer_id, row.created_at, row.role, row.text, row.said_at)
            found.setdefault(row.id, one)
        return list(found.values())[:FOUND]
