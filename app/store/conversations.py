"""Conversations, messages and traces on SQLite or PostgreSQL. Thread-safe; every write is one transaction."""

from __future__ import annotations

import datetime as dt
import re
import secrets
import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, literal, or_, select, update

from app.store.calls import append, call, lock, message_of, open_handover, storable
from app.store.database import Database, now
from app.store.errors import AlreadyRecorded
from app.store.past import past_turns
from app.store.records import Conversation, Kept, Recorded, StoredHandover, StoredMessage, StoredTrace
from app.store.tables import conversations, messages, traces
from rag.turn import Answer, PastTurn, Reply

__all__ = ["CONVERSATION_ID", "PAGE", "ConversationStore", "storable"]

CONVERSATION_ID = re.compile(r"[A-Za-z0-9_-]{22}")
PAST_TURNS = 12
PAGE = 500
LARGEST = 2_147_483_647

_ONE = select(conversations).where(conversations.c.id == bindparam("id"))
_LAST_SEQ = select(func.coalesce(func.max(messages.c.seq), 0)).where(messages.c.conversation_id == bindparam("id"))
_BY_KEY = select(messages.c.seq, messages.c.text, messages.c.reply).where(
    messages.c.conversation_id == bindparam("id"), messages.c.idempotency_key == bindparam("key")
)
_BY_SEQ = select(messages.c.reply).where(
    messages.c.conversation_id == bindparam("id"), messages.c.seq == bindparam("seq")
)
_PAST = (
    select(messages.c.role, messages.c.text, messages.c.focus)
    .where(
        messages.c.conversation_id == bindparam("id"),
        messages.c.role != "notice",
        messages.c.seq < bindparam("before"),
    )
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

    def past(self, conversation_id: str, last: int = PAST_TURNS, before: int = LARGEST) -> tuple[PastTurn, ...]:
        """The latest turns of messages with seq < before, oldest first, with what a person said in them."""
        with self._db.reading() as db:
            rows = db.execute(_PAST, {"id": conversation_id, "rows": 2 * last, "before": before}).all()[::-1]
        return past_turns([(row.role, row.text, row.focus) for row in rows])

    def record(
        self, conversation_id: str, text: str, answer: Answer, idempotency_key: str | None = None
    ) -> Kept | None:
        """Keeps the message, its reply and its trace: all three, or nothing.

        While a person holds the conversation, which is decided here and not before, the answer is dropped: the message
        is kept for the person, and what is given back says so. None, and nothing kept, when the assistant only listened
        (`with_agent`) and nobody holds the conversation any more. Raises `UnknownConversation`, `AlreadyRecorded`.
        """
        reply, at = answer.reply, now()
        with self._db.writing() as db:
            lock(db, conversation_id)
            if idempotency_key and db.execute(_BY_KEY, {"id": conversation_id, "key": idempotency_key}).first():
                raise AlreadyRecorded(idempotency_key)
            before = open_handover(db, conversation_id)
            if before is not None and before.state == "held":
                return _tell(db, before, text, answer, idempotency_key)
            if reply.outcome == "with_agent":
                return None
            if answer.handover and before is not None:
                reply = reply.model_copy(update={"handover_id": before.id})
            append(db, conversation_id, "customer", text, at, key=idempotency_key)
            told = append(
                db, conversation_id, "assistant", reply.text, at, id=reply.message_id, reply=reply, focus=answer.focus
            )
            _trace(db, conversation_id, reply, answer.trace, at)
            if answer.handover and reply.handover_id:
                call(db, conversation_id, answer.handover, at, id=reply.handover_id, message_id=reply.message_id)
        return Kept(reply, told.seq)

    def replay(self, conversation_id: str, idempotency_key: str) -> Recorded | None:
        """The turn that was recorded under this key, with the text that it was about; None when there is none."""
        with self._db.reading() as db:
            said = db.execute(_BY_KEY, {"id": conversation_id, "key": idempotency_key}).one_or_none()
            if said is None:
                return None
            # the reply to a message that went to a person stands beside the message itself
            reply = said.reply or db.execute(_BY_SEQ, {"id": conversation_id, "seq": said.seq + 1}).scalar_one()
        return Recorded(said.text, Reply.model_validate(reply))

    def messages(self, conversation_id: str, after: int = 0, limit: int = PAGE) -> list[StoredMessage]:
        """Messages with seq > after, oldest first, `limit` at most."""
        with self._db.reading() as db:
            rows = db.execute(_PAGE, {"id": conversation_id, "after": after, "rows": limit}).all()
        return [message_of(row._mapping) for row in rows]

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

    def note(self, message_id: str, notes: Mapping[str, Any]) -> bool:
        """Adds to the record of a turn that was kept. False: it is gone."""
        mine = traces.c.message_id == message_id
        with self._db.writing() as db:
            data = db.execute(select(traces.c.data).where(mine).with_for_update()).scalar_one_or_none()
            if data is None:
                return False
            db.execute(update(traces).where(mine).values(data={**data, **notes}))
        return True


def _tell(db: Connection, held: StoredHandover, text: str, answer: Answer, key: str | None) -> Kept:
    """Keeps a message for the person who holds the conversation. Danger is made urgent, and its reviewed text shown."""
    at, message_id = now(), uuid.uuid4().hex
    reply = Reply(
        message_id=message_id,
        trace_id=answer.reply.trace_id,
        text="",
        outcome="with_agent",
        reason="with_agent",
        handover_id=held.id,
    )
    last = append(db, held.conversation_id, "customer", text, at, id=message_id, reply=reply, key=key)
    _trace(db, held.conversation_id, reply, {"outcome": "with_agent", "handover_id": held.id}, at)
    if answer.reply.outcome == "emergency" and answer.handover:
        call(db, held.conversation_id, answer.handover, at)
        last = append(db, held.conversation_id, "notice", answer.reply.text, at)
    return Kept(reply, last.seq, dropped=True)


def _trace(db: Connection, conversation_id: str, reply: Reply, data: dict[str, Any], at: dt.datetime) -> None:
    row = {"id": reply.trace_id, "message_id": reply.message_id, "conversation_id": conversation_id}
    db.execute(insert(traces), row | {"data": data, "created_at": at})
