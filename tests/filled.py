"""A conversation with something in every table that hangs on conversations."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import Table, func, insert, select, update

from app.store.conversations import ConversationStore
from app.store.database import Database, now
from app.store.tables import (
    conversations,
    corrections,
    feedback,
    handovers,
    messages,
    metadata,
    notes,
    proposals,
    signs,
    suggestions,
    traces,
)
from tests.fakes import scripted

OF_CUSTOMERS = (
    conversations,
    messages,
    traces,
    handovers,
    notes,
    suggestions,
    feedback,
    signs,
    corrections,
    proposals,
)


def fill(database: Database, customer_id: str | None, words: str, state: str = "resolved") -> str:
    """The id of a conversation in which `words` stand in every text; its hand-over is in `state`."""
    store = ConversationStore(database)
    answer = scripted(f"Answer with {words}.")
    answer.trace["text"] = words
    key = store.create(customer_id)
    store.record(key, f"Question with {words}", answer)
    about = {"conversation_id": key, "message_id": answer.reply.message_id}
    made = {"created_at": now()}
    correction = uuid.uuid4().hex
    rows: list[tuple[Table, dict[str, Any]]] = [
        (handovers, about | made | {
            "id": uuid.uuid4().hex, "reason": "button", "urgency": "soon", "department": "care", "state": state,
            "open_for": key if state in ("waiting", "held") else None, "summary": words, "facts": [{"said": words}], "note": words,
            "agent_id": "Sam" if state == "held" else None,
        }),
        (notes, made | {"id": uuid.uuid4().hex, "conversation_id": key, "author_id": "Sam", "text": words}),
        (suggestions, made | {
            "id": uuid.uuid4().hex, "conversation_id": key, "question": words, "text": words, "citations": [],
            "evidence": [], "versions": {},
        }),
        (feedback, about | made | {
            "rating": "down", "reasons": ["wrong"], "comment": words, "earlier": [], "versions": {}, "changed_at": now(),
        }),
        (signs, about | made | {"id": uuid.uuid4().hex, "kind": "left", "data": {}}),
        (corrections, about | made | {
            "id": correction, "kind": "answered", "question": words, "context": [], "evidence": [], "rejected": words,
            "chosen": words, "agent_id": "Sam", "versions": {},
        }),
        (proposals, made | {
            "id": uuid.uuid4().hex, "correction_id": correction, "kind": "case", "data": {"text": words}, "state": "open",
        }),
    ]  # fmt: skip
    with database.writing() as db:
        for table, row in rows:
            db.execute(insert(table), row)
    return key


def age(database: Database, conversation_id: str, days: float) -> None:
    """As if everything in it had happened so long ago."""
    at = now() - dt.timedelta(days=days)
    with database.writing() as db:
        db.execute(update(conversations).where(conversations.c.id == conversation_id).values(created_at=at))
        db.execute(update(messages).where(messages.c.conversation_id == conversation_id).values(created_at=at))


def counts(database: Database) -> dict[str, int]:
    """Rows by table."""
    with database.reading() as db:
        return {table.name: db.execute(select(func.count()).select_from(table)).scalar_one() for table in OF_CUSTOMERS}


def hanging() -> set[str]:
    """Every table that leads to a conversation by its foreign keys, conversations among them."""
    found = {"conversations"}
    for table in metadata.sorted_tables:
        if {key.column.table.name for key in table.foreign_keys} & found:
            found.add(table.name)
    return found
