"""The life of a hand-over: waiting → held → resolved or returned; back to waiting by transfer or when the agent is away.

Thread-safe; every change is one transaction that locks the conversation first, with its entry in the audit record.
"""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, func, insert, literal, select, update

from app.store.audit import note as audited
from app.store.calls import append, call, handover_of, lock, open_handover, storable
from app.store.corrected import correct
from app.store.corrections import CorrectionStore
from app.store.database import Database, now
from app.store.errors import AlreadyRecorded, CustomerWrote, HandoverMoved, UnknownConversation, UnknownHandover
from app.store.records import StoredHandover, StoredMessage
from app.store.tables import Utc, conversations, handovers, messages, notes
from app.tokens import Identity
from rag.turn import Department, Handover

FLOORS = 64


class HandoverStore:
    """Every method may raise `StoreError`. What staff does needs the hand-over's id, and raises `UnknownHandover` where
    there is none and `HandoverMoved` where it isn't theirs to do it.

    A `notice` is what the conversation says of the change, for the customer and the person alike.
    """

    def __init__(self, database: Database, corrections: CorrectionStore | None = None) -> None:
        self._db = database
        self._corrections = corrections
        self._floors = [threading.Lock() for _ in range(FLOORS)]

    # The customer's side

    def call(self, conversation_id: str, wanted: Handover, note: str = "") -> tuple[StoredHandover, bool]:
        """Calls a person; True where none had been called yet. Raises `UnknownConversation`."""
        with self._db.writing() as db:
            lock(db, conversation_id)
            return call(db, conversation_id, wanted, now(), note=note)

    def latest(self, conversation_id: str) -> StoredHandover | None:
        """The open one, or else the one that ended last."""
        mine = select(handovers).where(handovers.c.conversation_id == conversation_id)
        newest = mine.order_by(handovers.c.open_for.is_(None), handovers.c.created_at.desc()).limit(1)
        with self._db.reading() as db:
            row = db.execute(newest).one_or_none()
        return None if row is None else handover_of(row)

    def opened(self, conversation_id: str) -> StoredHandover | None:
        """The one that waits or is held."""
        with self._db.reading() as db:
            return open_handover(db, conversation_id)

    def cancel(self, conversation_id: str) -> None:
        """The customer no longer wants a person. Raises `HandoverMoved` unless one waits, `UnknownConversation`.

        What is urgent stays: somebody has to look at it, whatever is wished in that moment.
        """
        with self._db.writing() as db:
            lock(db, conversation_id)
            found = open_handover(db, conversation_id)
            if found is None or found.state != "waiting" or found.urgency == "urgent":
                raise HandoverMoved(found)
            _set(db, found.id, state="cancelled", open_for=None, ended_at=now())

    @contextmanager
    def speaking(self, conversation_id: str) -> Iterator[bool]:
        """Whether the assistant may speak now. No person's claim is committed while the block runs."""
        share = select(conversations.c.id).where(conversations.c.id == conversation_id).with_for_update(read=True)
        held = select(handovers.c.id).where(handovers.c.open_for == conversation_id, handovers.c.state == "held")
        with self._floor(conversation_id), self._db.reading() as db:
            db.execute(share)
            yield db.execute(held).first() is None

    # The desk's side

    def get(self, handover_id: str) -> StoredHandover:
        with self._db.reading() as db:
            return _get(db, handover_id)

    def claim(self, handover_id: str, agent: Identity, notice: str) -> StoredHandover:
        """Takes a waiting one. Of two at once one wins; the other gets `HandoverMoved` with who holds it."""
        at = now()
        with self._changing(handover_id) as (db, found):
            waiting = (handovers.c.id == handover_id, handovers.c.state == "waiting")
            first = func.coalesce(handovers.c.claimed_at, literal(at, Utc))
            mine = {"state": "held", "agent_id": agent.id, "agent_name": agent.name, "claimed_at": first, "seen_at": at}
            if not db.execute(update(handovers).where(*waiting).values(mine)).rowcount:
                if _holds(found, agent):
                    return found
                raise HandoverMoved(found)
            append(db, found.conversation_id, "notice", notice, at)
            _audit(db, agent, "handover.claim", found)
            return _get(db, handover_id)

    def seen(self, handover_id: str, agent: Identity) -> None:
        """The agent is there."""
        with self._db.writing() as db:
            if not _touch(db, handover_id, agent):
                raise HandoverMoved(_get(db, handover_id))

    def release(self, handover_id: str, seen_at: dt.datetime, notice: str) -> bool:
        """Back to the queue, unless the agent was there after `seen_at`. False where nothing was done."""
        try:
            with self._changing(handover_id) as (db, found):
                if found.state != "held" or found.seen_at != seen_at:
                    return False
                _set(db, handover_id, **NOBODYS)
                append(db, found.conversation_id, "notice", notice, now())
                return True
        except UnknownHandover:
            return False

    def reply(
        self, handover_id: str, agent: Identity, text: str, key: str | None = None, suggestion_id: str | None = None
    ) -> StoredMessage:
        """The person's words to the customer; with them, where they correct the assistant, the correction.

        The same key gives the same message; raises `AlreadyRecorded` where it came with another text.
        """
        at = now()
        with self._changing(handover_id) as (db, found):
            if key and (before := _by_key(db, found.conversation_id, key)):
                if before.text != storable(text):
                    raise AlreadyRecorded(key)
                return before
            _mine(found, agent)
            last = append(db, found.conversation_id, "agent", text, at, author=agent.name, key=key)
            _set(db, handover_id, seen_at=at, answered_at=found.answered_at or at)
            if self._corrections:
                correct(db, self._corrections, last, found.conversation_id, agent.id, suggestion_id)
            _audit(db, agent, "handover.reply", found, message_id=last.id)
            return last

    def add_note(self, handover_id: str, agent: Identity, text: str) -> None:
        """What staff should know, and the customer never sees. Whoever reads the conversation may add one."""
        with self._changing(handover_id) as (db, found):
            _note(db, found, agent, text)
            _touch(db, handover_id, agent)
            _audit(db, agent, "handover.note", found)

    def transfer(
        self, handover_id: str, agent: Identity, department: Department, note: str, notice: str
    ) -> StoredHandover:
        """To another department's queue, where it keeps its place by waiting time."""
        with self._changing(handover_id) as (db, found):
            _mine(found, agent)
            _set(db, handover_id, department=department, claimed_at=None, **NOBODYS)
            _note(db, found, agent, note)
            append(db, found.conversation_id, "notice", notice, now())
            _audit(db, agent, "handover.transfer", found, to=department)
            return _get(db, handover_id)

    def resolve(
        self, handover_id: str, agent: Identity, code: str, note: str, notice: str, seen_seq: int | None = None
    ) -> StoredHandover:
        """Raises `CustomerWrote`, and ends nothing, where the customer has written since the message `seen_seq`."""
        return self._end(handover_id, agent, "resolved", code, note, notice, seen_seq)

    def give_back(
        self, handover_id: str, agent: Identity, note: str, notice: str, seen_seq: int | None = None
    ) -> StoredHandover:
        """The assistant answers again. Raises `CustomerWrote` as `resolve` does."""
        return self._end(handover_id, agent, "returned", None, note, notice, seen_seq)

    def _end(
        self,
        handover_id: str,
        agent: Identity,
        state: str,
        code: str | None,
        note: str,
        notice: str,
        seen_seq: int | None,
    ) -> StoredHandover:
        at = now()
        with self._changing(handover_id) as (db, found):
            _mine(found, agent)
            if seen_seq is not None and _wrote(db, found.conversation_id, seen_seq):
                raise CustomerWrote(handover_id)
            _set(db, handover_id, state=state, code=code, open_for=None, ended_at=at)
            _note(db, found, agent, note)
            append(db, found.conversation_id, "notice", notice, at)
            _audit(db, agent, f"handover.{state}", found, code=code)
            return _get(db, handover_id)

    @contextmanager
    def _changing(self, handover_id: str) -> Iterator[tuple[Connection, StoredHandover]]:
        conversation_id = self.get(handover_id).conversation_id
        with self._floor(conversation_id), self._db.writing() as db:
            try:
                lock(db, conversation_id)
            except UnknownConversation:
                raise UnknownHandover(handover_id) from None
            yield db, _get(db, handover_id)

    def _floor(self, conversation_id: str) -> threading.Lock:
        # PostgreSQL's row locks would do alone; SQLite lets readers by while somebody writes.
        return self._floors[hash(conversation_id) % FLOORS]


NOBODYS: dict[str, Any] = {"state": "waiting", "agent_id": None, "agent_name": None, "seen_at": None}


def _get(db: Connection, handover_id: str) -> StoredHandover:
    known = handover_id.isascii() and "\x00" not in handover_id
    row = db.execute(select(handovers).where(handovers.c.id == handover_id)).one_or_none() if known else None
    if row is None:
        raise UnknownHandover(handover_id)
    return handover_of(row)


def _holds(found: StoredHandover, agent: Identity) -> bool:
    return found.state == "held" and found.agent_id == agent.id


def _mine(found: StoredHandover, agent: Identity) -> None:
    if not _holds(found, agent):
        raise HandoverMoved(found)


def _set(db: Connection, handover_id: str, **values: Any) -> None:
    db.execute(update(handovers).where(handovers.c.id == handover_id).values(values))


def _touch(db: Connection, handover_id: str, agent: Identity) -> bool:
    mine = (handovers.c.id == handover_id, handovers.c.state == "held", handovers.c.agent_id == agent.id)
    return bool(db.execute(update(handovers).where(*mine).values(seen_at=now())).rowcount)


def _note(db: Connection, found: StoredHandover, agent: Identity, text: str) -> None:
    if text.strip():
        row = {"id": uuid.uuid4().hex, "conversation_id": found.conversation_id, "author_id": agent.id}
        db.execute(insert(notes), row | {"text": storable(text), "created_at": now()})


def _wrote(db: Connection, conversation_id: str, after: int) -> bool:
    theirs = (messages.c.conversation_id == conversation_id, messages.c.role == "customer", messages.c.seq > after)
    return db.execute(select(messages.c.id).where(*theirs).limit(1)).first() is not None


def _by_key(db: Connection, conversation_id: str, key: str) -> StoredMessage | None:
    mine = (messages.c.conversation_id == conversation_id, messages.c.idempotency_key == key)
    row = db.execute(select(messages).where(*mine)).one_or_none()
    return None if row is None else StoredMessage(row.id, row.seq, row.role, row.text, None, row.created_at, row.author)


def _audit(db: Connection, agent: Identity, action: str, found: StoredHandover, **detail: Any) -> None:
    customer = select(conversations.c.customer_id).where(conversations.c.id == found.conversation_id)
    customer_id = db.execute(customer).scalar_one()
    audited(db, agent, action, found.conversation_id, customer_id, {"handover_id": found.id, **detail})
