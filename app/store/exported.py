"""What may leave for training: whole conversations, with ratings and accepted pairs, of nobody who opted out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, or_, select

from app.store.corrections import Correction, CorrectionStore
from app.store.database import Database
from app.store.feedback import Feedback, FeedbackStore
from app.store.tables import choices, conversations, messages, traces

BATCH = 200


@dataclass(frozen=True)
class Said:
    """A message. `trace`: how the assistant came to it; empty for people's."""

    id: str
    role: str
    author: str | None
    text: str
    at: dt.datetime
    trace: dict[str, Any]


@dataclass(frozen=True)
class Told:
    """A conversation with what was said about it. `pairs`: corrections whose preference pair was accepted."""

    id: str
    customer_id: str | None
    messages: tuple[Said, ...]
    ratings: dict[str, Feedback]  # by message
    pairs: tuple[Correction, ...]


def opted_out(database: Database, since: dt.datetime) -> int:
    """How many conversations since then stay out because their customers want it so."""
    query = (
        select(func.count())
        .select_from(conversations)
        .join(choices, choices.c.customer_id == conversations.c.customer_id)
        .where(choices.c.no_training.is_(True), conversations.c.created_at >= since)
    )
    with database.reading() as db:
        return int(db.execute(query).scalar_one())


def told(database: Database, since: dt.datetime, only: Collection[str] | None = None) -> Iterator[Told]:
    """Conversations begun since then, oldest first, in small batches; `only` these. Raises `StoreError`."""
    allowed = (
        select(conversations.c.id, conversations.c.customer_id)
        .outerjoin(choices, choices.c.customer_id == conversations.c.customer_id)
        .where(
            conversations.c.created_at >= since,
            or_(choices.c.no_training.is_(None), choices.c.no_training.is_(False)),
        )
        .order_by(conversations.c.created_at, conversations.c.id)
    )
    with database.reading() as db:
        found = [row for row in db.execute(allowed) if only is None or row.id in only]
    ratings, corrections = FeedbackStore(database), CorrectionStore(database)
    for start in range(0, len(found), BATCH):
        batch = found[start : start + BATCH]
        said = _messages(database, [row.id for row in batch])
        for row in batch:
            if row.id in said:
                pairs = corrections.proposals("accepted", "preference", row.id, None)
                yield Told(
                    row.id,
                    row.customer_id,
                    tuple(said[row.id]),
                    ratings.of_conversation(row.id),
                    tuple(one.correction for one in pairs),
                )


def _messages(database: Database, ids: list[str]) -> dict[str, list[Said]]:
    query = (
        select(messages, traces.c.data.label("trace"))
        .outerjoin(traces, traces.c.message_id == messages.c.id)
        .where(messages.c.conversation_id.in_(ids))
        .order_by(messages.c.conversation_id, messages.c.seq)
    )
    found: dict[str, list[Said]] = {}
    with database.reading() as db:
        for row in db.execute(query):
            said = Said(row.id, row.role, row.author, row.text, row.created_at, row.trace or {})
            found.setdefault(row.conversation_id, []).append(said)
    return found
