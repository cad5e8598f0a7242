"""Conversations in which people said what they think of answers: by ratings, signs, corrections, other departments."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, union

from app.store.corrections import CorrectionStore, Proposal
from app.store.database import Database
from app.store.exported import Told, told
from app.store.feedback import FeedbackStore, Sign
from app.store.tables import audit, conversations, corrections, feedback, messages, signs

NEW = dt.timedelta(days=7)  # an account that was first heard of so short a time before


@dataclass(frozen=True)
class Transfer:
    """An agent passed the conversation on to another department."""

    id: str
    at: dt.datetime
    to: str


@dataclass(frozen=True)
class Heard:
    """`proposals`: of any state, with their corrections. `first`: when the customer was first heard of."""

    told: Told
    signs: tuple[Sign, ...]
    proposals: tuple[Proposal, ...]
    transfers: tuple[Transfer, ...]
    first: dt.datetime | None

    def new(self, at: dt.datetime) -> bool:
        """Whether somebody is not signed in, or only came some days before."""
        return self.first is None or at - self.first < NEW


def how_many(database: Database, since: dt.datetime) -> int:
    """Conversations with feedback begun since then, whoever's. Raises `StoreError`."""
    with database.reading() as db:
        return int(db.execute(select(func.count()).select_from(_spoken(since).subquery())).scalar_one())


def heard(database: Database, since: dt.datetime, most: int) -> Iterator[Heard]:
    """The newest `most` conversations with feedback begun since then, oldest first; not of customers who opted out.

    Raises `StoreError`.
    """
    spoken = _spoken(since).subquery()
    newest = select(spoken.c.id).order_by(spoken.c.created_at.desc(), spoken.c.id).limit(most)
    with database.reading() as db:
        ids = set(db.execute(newest).scalars())
        firsts: Mapping[str, dt.datetime] = {
            row.customer_id: row.first
            for row in db.execute(
                select(conversations.c.customer_id, func.min(conversations.c.created_at).label("first"))
                .where(conversations.c.customer_id.is_not(None))
                .group_by(conversations.c.customer_id)
            )
        }
        passed: dict[str, list[Transfer]] = defaultdict(list)
        moved = select(audit).where(audit.c.action == "handover.transfer", audit.c.at >= since).order_by(audit.c.id)
        for row in db.execute(moved):
            passed[row.conversation_id].append(Transfer(f"{row.id}", row.at, str(row.detail.get("to", ""))))
    said, corrected = FeedbackStore(database), CorrectionStore(database)
    for one in told(database, since, ids):
        yield Heard(
            one,
            tuple(said.signs(one.id)),
            tuple(corrected.proposals(None, None, one.id, None)),
            tuple(passed.get(one.id, ())),
            firsts.get(one.customer_id) if one.customer_id else None,
        )


def _spoken(since: dt.datetime) -> Any:
    """Conversations in which there is anything to learn from."""
    unknown = messages.c.reply["outcome"].as_string() == "unknown"
    ids = union(
        *(select(table.c.conversation_id) for table in (feedback, signs, corrections)),
        select(messages.c.conversation_id).where(messages.c.role == "assistant", unknown),
        select(audit.c.conversation_id).where(audit.c.action == "handover.transfer"),
    ).subquery()
    mine = conversations.c.id.in_(select(ids.c.conversation_id))
    return select(conversations.c.id, conversations.c.created_at).where(conversations.c.created_at >= since, mine)
