"""What customers say about answers: ratings that may change, and signs, each kept once."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from app.store.conversations import storable
from app.store.database import Database, now
from app.store.tables import conversations, feedback, messages, signs, traces

Rating = Literal["up", "down"]
SignKind = Literal["rephrased", "asked_person", "left", "took_suggestion", "thanked"]
SIGNS: frozenset[str] = frozenset(get_args(SignKind))
MOST_EARLIER = 20  # changes of mind that are remembered; the oldest go first

# The conversation is locked, not the message: whoever deletes or records takes that lock first, too.
_RATED = (
    select(messages.c.id, messages.c.conversation_id, conversations.c.customer_id)
    .join(conversations, messages.c.conversation_id == conversations.c.id)
    .where(messages.c.id == bindparam("id"), messages.c.role == "assistant")
)
_LOCKED = _RATED.with_for_update(of=conversations)
_FEEDBACK = select(feedback).where(feedback.c.message_id == bindparam("id"))
_TRACE = select(traces.c.data).where(traces.c.message_id == bindparam("id"))
_SIGN = select(signs.c.id).where(signs.c.message_id == bindparam("id"), signs.c.kind == bindparam("sign"))


class UnknownMessage(LookupError):
    """No answer of the assistant has this id, or not for this customer: the two can't be told apart."""


@dataclass(frozen=True)
class Feedback:
    """A rating as it stands. `earlier`: what it was before each change of mind, oldest first."""

    message_id: str
    conversation_id: str
    rating: Rating
    reasons: tuple[str, ...]
    comment: str
    earlier: tuple[dict[str, Any], ...]
    versions: dict[str, Any]  # of policy, knowledge and models, as the answer was made with
    created_at: dt.datetime
    changed_at: dt.datetime


@dataclass(frozen=True)
class Sign:
    """Something that a customer did after an answer."""

    conversation_id: str
    message_id: str
    kind: str
    data: dict[str, Any]
    created_at: dt.datetime


class FeedbackStore:
    """Every method may raise `StoreError`. `customer_id` None: an anonymous visitor, whose messages are nobody's."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def rate(
        self, message_id: str, customer_id: str | None, rating: Rating, reasons: Sequence[str] = (), comment: str = ""
    ) -> Feedback:
        """Rates an answer, or changes the mind about it; the same rating again changes nothing.

        Raises `UnknownMessage`.
        """
        said = {"rating": rating, "reasons": list(dict.fromkeys(reasons)), "comment": storable(comment)}
        with self._db.writing() as db:
            of = _owned(db, message_id, customer_id, lock=True)
            before = db.execute(_FEEDBACK, {"id": message_id}).one_or_none()
            at = now()
            if before is None:
                row = said | {"earlier": [], "versions": _versions(db, message_id), "created_at": at, "changed_at": at}
                db.execute(insert(feedback), row | {"message_id": message_id, "conversation_id": of.conversation_id})
            elif any(getattr(before, name) != value for name, value in said.items()):
                was = {name: getattr(before, name) for name in said} | {"at": before.changed_at.isoformat()}
                change = said | {"earlier": [*before.earlier, was][-MOST_EARLIER:], "changed_at": at}
                db.execute(update(feedback).where(feedback.c.message_id == message_id).values(change))
            return _feedback(db.execute(_FEEDBACK, {"id": message_id}).one())

    def withdraw(self, message_id: str, customer_id: str | None) -> None:
        """Takes a rating back with all that it was before; twice is fine. Raises `UnknownMessage`."""
        with self._db.writing() as db:
            _owned(db, message_id, customer_id, lock=True)
            db.execute(delete(feedback).where(feedback.c.message_id == message_id))

    def rating(self, message_id: str, customer_id: str | None) -> Feedback | None:
        """The rating as it stands; None where there is none. Raises `UnknownMessage`."""
        with self._db.reading() as db:
            _owned(db, message_id, customer_id)
            found = db.execute(_FEEDBACK, {"id": message_id}).one_or_none()
        return None if found is None else _feedback(found)

    def owned(self, message_id: str, customer_id: str | None) -> str:
        """The id of the conversation in which this answer was given. Raises `UnknownMessage`."""
        with self._db.reading() as db:
            return str(_owned(db, message_id, customer_id).conversation_id)

    def of_conversation(self, conversation_id: str) -> dict[str, Feedback]:
        """All ratings of a conversation, by message."""
        query = select(feedback).where(feedback.c.conversation_id == conversation_id)
        with self._db.reading() as db:
            return {row.message_id: _feedback(row) for row in db.execute(query)}

    def sign(self, conversation_id: str, message_id: str, kind: str, data: Mapping[str, Any] | None = None) -> bool:
        """Keeps a sign once for each answer and kind. False: it was there, or there is no such answer.

        Raises ValueError for a kind that isn't one.
        """
        if kind not in SIGNS:
            raise ValueError(f"{kind!r} is no sign; there are {', '.join(sorted(SIGNS))}")
        with self._db.writing() as db:
            of = db.execute(_LOCKED, {"id": message_id}).one_or_none() if _plausible(message_id) else None
            if of is None or of.conversation_id != conversation_id:
                return False
            if db.execute(_SIGN, {"id": message_id, "sign": kind}).first():
                return False
            row = {"id": uuid.uuid4().hex, "conversation_id": conversation_id, "message_id": message_id, "kind": kind}
            db.execute(insert(signs), row | {"data": dict(data or {}), "created_at": now()})
        return True

    def signs(self, conversation_id: str) -> list[Sign]:
        """The signs of a conversation, oldest first."""
        query = select(signs).where(signs.c.conversation_id == conversation_id).order_by(signs.c.created_at, signs.c.id)
        with self._db.reading() as db:
            rows = db.execute(query).all()
        return [Sign(row.conversation_id, row.message_id, row.kind, row.data, row.created_at) for row in rows]


def _owned(db: Connection, message_id: str, customer_id: str | None, lock: bool = False) -> Any:
    found = (
        db.execute(_LOCKED if lock else _RATED, {"id": message_id}).one_or_none() if _plausible(message_id) else None
    )
    if found is None or found.customer_id != customer_id:
        raise UnknownMessage(message_id)
    return found


def _plausible(message_id: str) -> bool:
    return message_id.isascii() and "\x00" not in message_id and len(message_id) <= 64


def _versions(db: Connection, message_id: str) -> dict[str, Any]:
    trace = db.execute(_TRACE, {"id": message_id}).scalar_one_or_none() or {}
    return dict(trace.get("versions") or {})


def _feedback(row: Row[Any]) -> Feedback:
    return Feedback(
        row.message_id,
        row.conversation_id,
        row.rating,
        tuple(row.reasons),
        row.comment,
        tuple(row.earlier),
        dict(row.versions),
        row.created_at,
        row.changed_at,
    )
