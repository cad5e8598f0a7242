"""Conversations, messages and traces on SQLite or PostgreSQL. Thread-safe; every write is one transaction."""

from __future__ import annotations

import itertools
import re
import secrets
import uuid

from sqlalchemy import bindparam, case, func, insert, literal, or_, select

from app.store.database import Database, now
from app.store.errors import AlreadyRecorded, UnknownConversation
from app.store.records import Conversation, Recorded, StoredHandover, StoredMessage, StoredTrace
from app.store.tables import conversations, handovers, messages, traces
from rag.turn import Answer, Focus, PastTurn, Reply

CONVERSATION_ID = re.compile(r"[A-Za-z0-9_-]{22}")
PAST_TURNS = 12
PAGE = 500
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL keeps no NUL, and half a surrogate pair is no text

_ONE = select(conversations).where(conversations.c.id == bindparam("id"))
_LOCKED = _ONE.with_for_update()
_LAST_SEQ = select(func.coalesce(func.max(messages.c.seq), 0)).where(messages.c.conversation_id == bindparam("id"))
_BY_KEY = select(messages.c.seq, messages.c.text).where(
    messages.c.conversation_id == bindparam("id"), messages.c.idempotency_key == bindparam("key")
)
_BY_SEQ = select(messages.c.reply).where(
    messages.c.conversation_id == bindparam("id"), messages.c.seq == bindparam("seq")
)
_PAST = (
    select(messages.c.role, messages.c.text, messages.c.focus)
    .where(messages.c.conversation_id == bindparam("id"))
    .order_by(messages.c.seq.desc())
    .limit(bindparam("rows"))
)
_PAGE = (
    select(messages)
    .where(messages.c.conversation_id == bindparam("id"), messages.c.seq > bindparam("after"))
    .order_by(messages.c.seq)
    .limit(bindparam("rows"))
)
_TRACE = select(traces).where(or_(traces.c.id == bindparam("id"), traces.c.message_id == bindparam("id")))


class ConversationStore:
    """Every method may raise `StoreError`. `app.store.migrate.migrate(url)` must have run before."""

    def __init__(self, database: Database | str) -> None:
        """`database`: the one that other stores use too, or a URL."""
        self._db = Database(database) if isinstance(database, str) else database

    def close(self) -> None:
        self._db.close()

    def ping(self) -> None:
        """Raises `StoreError` unless the database answers."""
        with self._db.reading() as db:
            db.execute(select(literal(1))).one()

    def create(self, customer_id: str | None) -> str:
        """A new conversation's unguessable id. None: an anonymous visitor's."""
        key = secrets.token_urlsafe(16)
        with self._db.writing() as db:
            db.execute(insert(conversations), {"id": key, "customer_id": customer_id, "created_at": now()})
        return key

    def conversation(self, conversation_id: str) -> Conversation | None:
        if not CONVERSATION_ID.fullmatch(conversation_id):
            return None
        with self._db.reading() as db:
            row = db.execute(_ONE, {"id": conversation_id}).one_or_none()
        return None if row is None else Conversation(row.id, row.customer_id, row.created_at)

    def past(self, conversation_id: str, last: int = PAST_TURNS) -> tuple[PastTurn, ...]:
        """The latest turns, oldest first."""
        with self._db.reading() as db:
            rows = db.execute(_PAST, {"id": conversation_id, "rows": 2 * last}).all()[::-1]
        return tuple(
            PastTurn(said.text, answered.text, Focus.model_validate(answered.focus or {}))
            for said, answered in itertools.pairwise(rows)
            if (said.role, answered.role) == ("customer", "assistant")
        )

    def record(self, conversation_id: str, text: str, answer: Answer, idempotency_key: str | None = None) -> int:
        """Keeps the message, its reply and its trace: all three, or nothing. Gives the reply's seq.

        Raises `UnknownConversation`, `AlreadyRecorded`.
        """
        reply, at = answer.reply, now()
        with self._db.writing() as db:
            if db.execute(_LOCKED, {"id": conversation_id}).one_or_none() is None:
                raise UnknownConversation(conversation_id)
            if idempotency_key and db.execute(_BY_KEY, {"id": conversation_id, "key": idempotency_key}).first():
                raise AlreadyRecorded(idempotency_key)
            last: int = db.execute(_LAST_SEQ, {"id": conversation_id}).scalar_one()
            both = {"conversation_id": conversation_id, "created_at": at}
            db.execute(
                insert(messages),
                [
                    both
                    | {
                        "id": uuid.uuid4().hex,
                        "seq": last + 1,
                        "role": "customer",
                        "text": storable(text),
                        "reply": None,
                        "focus": None,
                        "idempotency_key": idempotency_key,
                    },
                    both
                    | {
                        "id": reply.message_id,
                        "seq": last + 2,
                        "role": "assistant",
                        "text": storable(reply.text),
                        "reply": reply,
                        "focus": answer.focus,
                        "idempotency_key": None,
                    },
                ],
            )
            db.execute(
                insert(traces),
                both | {"id": reply.trace_id, "message_id": reply.message_id, "data": answer.trace},
            )
            if (handover := answer.handover) and reply.handover_id:
                db.execute(
                    insert(handovers),
                    both
                    | {
                        "id": reply.handover_id,
                        "message_id": reply.message_id,
                        "reason": handover.reason,
                        "urgency": handover.urgency,
                        "department": handover.department,
                        "state": "waiting",
                        "open_for": conversation_id,
                        "summary": "",
                        "facts": [],
                        "note": "",
                    },
                )
        return last + 2

    def replay(self, conversation_id: str, idempotency_key: str) -> Recorded | None:
        """The turn that was recorded under this key, with the text that it was about; None when there is none."""
        with self._db.reading() as db:
            said = db.execute(_BY_KEY, {"id": conversation_id, "key": idempotency_key}).one_or_none()
            if said is None:
                return None
            reply = db.execute(_BY_SEQ, {"id": conversation_id, "seq": said.seq + 1}).scalar_one()
        return Recorded(said.text, Reply.model_validate(reply))

    def messages(self, conversation_id: str, after: int = 0, limit: int = PAGE) -> list[StoredMessage]:
        """Messages with seq > after, oldest first, `limit` at most."""
        with self._db.reading() as db:
            rows = db.execute(_PAGE, {"id": conversation_id, "after": after, "rows": limit}).all()
        return [
            StoredMessage(
                row.id,
                row.seq,
                row.role,
                row.text,
                None if row.reply is None else Reply.model_validate(row.reply),
                row.created_at,
            )
            for row in rows
        ]

    def handovers(self, limit: int = PAGE) -> list[StoredHandover]:
        """Conversations that a person must look at: urgent ones first, then the oldest."""
        urgent = case((handovers.c.urgency == "urgent", 0), else_=1)
        query = select(handovers).order_by(urgent, handovers.c.created_at, handovers.c.id).limit(limit)
        with self._db.reading() as db:
            rows = db.execute(query).all()
        return [
            StoredHandover(
                row.id, row.conversation_id, row.message_id, row.reason, row.urgency, row.department, row.created_at
            )
            for row in rows
        ]

    def last_seq(self, conversation_id: str) -> int:
        """The seq of the newest message; 0 when there is none."""
        with self._db.reading() as db:
            last: int = db.execute(_LAST_SEQ, {"id": conversation_id}).scalar_one()
        return last

    def trace(self, trace_id: str) -> StoredTrace | None:
        """The record of a turn, by the trace's id or by the reply's."""
        if not trace_id.isascii() or "\x00" in trace_id:
            return None
        with self._db.reading() as db:
            row = db.execute(_TRACE, {"id": trace_id}).first()
        if row is None:
            return None
        return StoredTrace(row.id, row.conversation_id, row.message_id, row.data, row.created_at)


def storable(text: str) -> str:
    """The text with what no database keeps (NUL, half a surrogate pair) replaced by U+FFFD."""
    return UNSTORABLE.sub("\ufffd", text)
