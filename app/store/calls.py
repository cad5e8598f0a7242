"""Pieces of a transaction that stores share: the lock on a conversation, its next message, its open hand-over.

Whatever changes a conversation locks its row first. So a person's claim and an answer of the assistant come one after
the other, on SQLite (one writer at a time) and on PostgreSQL alike.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from app.handover.summary import Said, Summary, summarise
from app.store.errors import UnknownConversation
from app.store.records import StoredHandover, StoredMessage
from app.store.tables import conversations, handovers, messages
from rag.turn import Focus, Handover, Reply

UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL keeps no NUL, and half a surrogate pair is no text
READ_FOR_SUMMARY = 60
LONGEST_NOTE = 8_000  # of all that a customer left for the person, together

_LOCK = select(conversations).where(conversations.c.id == bindparam("id")).with_for_update()
_LAST_SEQ = select(func.coalesce(func.max(messages.c.seq), 0)).where(messages.c.conversation_id == bindparam("id"))
_OPEN = select(handovers).where(handovers.c.open_for == bindparam("id"))
_SAID = (
    select(messages.c.role, messages.c.text, messages.c.reply)
    .where(messages.c.conversation_id == bindparam("id"), messages.c.role.in_(("customer", "assistant", "agent")))
    .order_by(messages.c.seq.desc())
    .limit(READ_FOR_SUMMARY)
)


def storable(text: str) -> str:
    """The text with what no database keeps (NUL, half a surrogate pair) replaced by U+FFFD."""
    return UNSTORABLE.sub("\ufffd", text)


def lock(db: Connection, conversation_id: str) -> Row[Any]:
    """The conversation's row, locked to the end of the transaction. Raises `UnknownConversation`."""
    row = db.execute(_LOCK, {"id": conversation_id}).one_or_none()
    if row is None:
        raise UnknownConversation(conversation_id)
    return row


def append(
    db: Connection,
    conversation_id: str,
    role: str,
    text: str,
    at: dt.datetime,
    *,
    id: str | None = None,
    author: str | None = None,
    reply: Reply | None = None,
    focus: Focus | None = None,
    key: str | None = None,
) -> StoredMessage:
    """The next message of a conversation that this transaction has locked."""
    last: int = db.execute(_LAST_SEQ, {"id": conversation_id}).scalar_one()
    row = {
        "id": id or uuid.uuid4().hex,
        "conversation_id": conversation_id,
        "seq": last + 1,
        "role": role,
        "author": author,
        "text": storable(text),
        "reply": reply,
        "focus": focus,
        "idempotency_key": key,
        "created_at": at,
    }
    db.execute(insert(messages), row)
    return message_of({**row, "reply": reply.model_dump(mode="json") if reply else None})


def message_of(row: Any) -> StoredMessage:
    """From a mapping with the table's columns. The reply is told only where the assistant speaks."""
    spoken = row["role"] == "assistant" and row["reply"] is not None
    return StoredMessage(
        row["id"],
        row["seq"],
        row["role"],
        row["text"],
        Reply.model_validate(row["reply"]) if spoken else None,
        row["created_at"],
        row["author"],
    )


def handover_of(row: Row[Any]) -> StoredHandover:
    return StoredHandover(**{field.name: row._mapping[field.name] for field in fields(StoredHandover)})


def open_handover(db: Connection, conversation_id: str) -> StoredHandover | None:
    """The one that waits or is held."""
    row = db.execute(_OPEN, {"id": conversation_id}).one_or_none()
    return None if row is None else handover_of(row)


def call(
    db: Connection,
    conversation_id: str,
    wanted: Handover,
    at: dt.datetime,
    *,
    id: str | None = None,
    message_id: str | None = None,
    note: str = "",
) -> tuple[StoredHandover, bool]:
    """Calls a person to a conversation that this transaction has locked; True where nobody had been called yet.

    An open hand-over is never doubled: it takes up the note, and what is urgent now makes it urgent.
    """
    summary, note = _summary(db, conversation_id), storable(note.strip())
    before = open_handover(db, conversation_id)
    if before is not None:
        changed: dict[str, Any] = {"summary": summary.text, "facts": summary.facts}
        if note and note not in before.note:
            changed["note"] = f"{before.note}\n{note}".strip()[-LONGEST_NOTE:]
        if wanted.urgency == "urgent" != before.urgency:
            changed |= {"urgency": "urgent", "reason": wanted.reason}
            if before.state == "waiting":
                changed["department"] = wanted.department
        db.execute(update(handovers).where(handovers.c.id == before.id).values(changed))
    else:
        row = {
            "id": id or uuid.uuid4().hex,
            "conversation_id": conversation_id,
            "message_id": message_id,
            "reason": wanted.reason,
            "urgency": wanted.urgency,
            "department": wanted.department,
            "created_at": at,
            "state": "waiting",
            "open_for": conversation_id,
            "summary": summary.text,
            "facts": summary.facts,
            "note": note,
        }
        db.execute(insert(handovers), row)
    found = open_handover(db, conversation_id)
    assert found is not None, "a hand-over that was just written is not there"
    return found, before is None


def _summary(db: Connection, conversation_id: str) -> Summary:
    rows = db.execute(_SAID, {"id": conversation_id}).all()[::-1]
    replies = [Reply.model_validate(row.reply) if row.role == "assistant" and row.reply else None for row in rows]
    return summarise([Said(row.role, row.text, reply) for row, reply in zip(rows, replies, strict=True)])
