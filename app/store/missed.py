"""Questions that found no good answer: those that the assistant could not answer, and those whose answer was rated down."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import and_, or_, select

from app.store.database import Database
from app.store.tables import choices, conversations, feedback, messages, traces

MissKind = Literal["unanswered", "badly_rated"]
TROUBLE = ("internal", "account_away")  # reasons for "unknown" that no article could mend
MOST = 20_000


@dataclass(frozen=True)
class Missed:
    """A question, made whole by the turns before it, and what was wrong with its answer."""

    message_id: str  # the answer's
    question: str
    kind: MissKind
    at: dt.datetime


def missed(database: Database, since: dt.datetime) -> list[Missed]:
    """Since then, newest first; not of customers who opted out. Raises `StoreError`."""
    said, answered = messages.alias("said"), messages.alias("answered")
    reason = answered.c.reply["reason"].as_string()
    unknown = and_(answered.c.reply["outcome"].as_string() == "unknown", or_(reason.is_(None), reason.not_in(TROUBLE)))
    query = (
        select(
            answered.c.id,
            said.c.text,
            answered.c.created_at,
            feedback.c.rating,
            traces.c.data["asked"][0]["query"].as_string().label("whole"),
        )
        .select_from(answered)
        .join(said, and_(said.c.conversation_id == answered.c.conversation_id, said.c.seq == answered.c.seq - 1))
        .join(conversations, conversations.c.id == answered.c.conversation_id)
        .join(traces, traces.c.message_id == answered.c.id)
        .outerjoin(feedback, feedback.c.message_id == answered.c.id)
        .outerjoin(choices, choices.c.customer_id == conversations.c.customer_id)
        .where(
            answered.c.role == "assistant",
            said.c.role == "customer",
            answered.c.created_at >= since,
            or_(unknown, feedback.c.rating == "down"),
            or_(choices.c.no_training.is_(None), choices.c.no_training.is_(False)),
        )
        .order_by(answered.c.created_at.desc(), answered.c.id)
        .limit(MOST)
    )
    with database.reading() as db:
        rows = db.execute(query).all()
    return [
        Missed(row.id, row.whole or row.text, "badly_rated" if row.rating == "down" else "unanswered", row.created_at)
        for row in rows
    ]
