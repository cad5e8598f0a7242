"""Corrections by people, and what each of them could become, for a person to accept or reject."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row, insert, select, update

from app.store.conversations import storable
from app.store.database import Database, now
from app.store.tables import conversations, corrections, proposals

ProposalKind = Literal["knowledge", "case", "preference"]
State = Literal["open", "accepted", "rejected"]
KINDS: tuple[ProposalKind, ...] = ("knowledge", "case", "preference")
PAGE = 200


@dataclass(frozen=True)
class Correction:
    """An agent's text in place of the assistant's.

    `kind`: "edited" a suggestion, or "answered" after a failed answer. `context`: the turns before the question,
    oldest first, each with "role" and "text". `evidence`: each with "id", "title" and "text".
    """

    conversation_id: str
    message_id: str  # the agent's
    kind: str
    question: str
    context: tuple[dict[str, Any], ...]
    evidence: tuple[dict[str, Any], ...]
    rejected: str
    chosen: str
    agent_id: str
    versions: dict[str, Any]
    created_at: dt.datetime
    id: str


@dataclass(frozen=True)
class Proposal:
    """One thing that a correction could become. `customer_id` is the conversation's owner, None: anonymous."""

    id: str
    kind: ProposalKind
    data: dict[str, Any]
    state: State
    decided_by: str | None
    decided_at: dt.datetime | None
    created_at: dt.datetime
    correction: Correction
    customer_id: str | None


Propose = Callable[[Correction], Mapping[ProposalKind, Mapping[str, Any]]]


class AlreadyDecided(ValueError):
    """Somebody accepted or rejected this proposal before; `state` says which."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


def as_it_is(correction: Correction) -> Mapping[ProposalKind, Mapping[str, Any]]:
    """Proposals that say no more than the correction."""
    pair = {"question": correction.question, "chosen": correction.chosen}
    return {"knowledge": pair, "case": pair, "preference": pair | {"rejected": correction.rejected}}


class CorrectionStore:
    """Every method may raise `StoreError`. `propose` makes the proposals of a new correction; it must be quick."""

    def __init__(self, database: Database, propose: Propose = as_it_is) -> None:
        self._db, self._propose = database, propose

    def note(
        self,
        db: Connection,
        *,
        conversation_id: str,
        message_id: str,
        kind: str,
        question: str,
        context: Sequence[Mapping[str, Any]],
        evidence: Sequence[Mapping[str, Any]],
        rejected: str,
        chosen: str,
        agent_id: str,
        versions: Mapping[str, Any],
    ) -> str:
        """Keeps a correction with its proposals, within the transaction that keeps the agent's message.

        Gives its id; a message that is noted again keeps what was noted first.
        """
        before = db.execute(select(corrections.c.id).where(corrections.c.message_id == message_id)).scalar_one_or_none()
        if before is not None:
            return str(before)
        correction = Correction(
            conversation_id=conversation_id,
            message_id=message_id,
            kind=kind,
            question=storable(question),
            context=tuple(dict(turn) for turn in context),
            evidence=tuple(dict(item) for item in evidence),
            rejected=storable(rejected),
            chosen=storable(chosen),
            agent_id=agent_id,
            versions=dict(versions),
            created_at=now(),
            id=uuid.uuid4().hex,
        )
        db.execute(insert(corrections), asdict(correction))
        row = {"correction_id": correction.id, "state": "open", "created_at": correction.created_at}
        proposed = self._propose(correction)
        db.execute(
            insert(proposals),
            [row | {"id": uuid.uuid4().hex, "kind": kind, "data": dict(proposed[kind])} for kind in KINDS],
        )
        return correction.id

    def proposals(
        self,
        state: State | None = "open",
        kind: ProposalKind | None = None,
        conversation_id: str | None = None,
        limit: int | None = PAGE,
    ) -> list[Proposal]:
        """Proposals, the oldest correction first; None: of any state or kind, or all of them."""
        query = _joined().order_by(proposals.c.created_at, corrections.c.id, proposals.c.kind).limit(limit)
        if state:
            query = query.where(proposals.c.state == state)
        if kind:
            query = query.where(proposals.c.kind == kind)
        if conversation_id:
            query = query.where(corrections.c.conversation_id == conversation_id)
        with self._db.reading() as db:
            return [_proposal(row) for row in db.execute(query)]

    def proposal(self, proposal_id: str) -> Proposal | None:
        if not proposal_id.isascii() or "\x00" in proposal_id:
            return None
        with self._db.reading() as db:
            row = db.execute(_joined().where(proposals.c.id == proposal_id)).one_or_none()
        return None if row is None else _proposal(row)

    def decide(
        self,
        proposal_id: str,
        state: Literal["accepted", "rejected"],
        by: str,
        note: str = "",
        along: Callable[[Connection], Mapping[str, Any]] | None = None,
    ) -> Proposal | None:
        """Accepts or rejects an open proposal; None where there is none. Raises `AlreadyDecided`.

        `along` writes what the decision brings with it, within the same transaction, and gives what to add to the data.
        """
        with self._db.writing() as db:
            mine = proposals.c.id == proposal_id
            row = db.execute(select(proposals).where(mine).with_for_update()).one_or_none()
            if row is None:
                return None
            if row.state != "open":
                raise AlreadyDecided(row.state)
            data = row.data | ({"note": storable(note)} if note else {}) | dict(along(db) if along else {})
            change = {"state": state, "decided_by": by, "decided_at": now(), "data": data}
            db.execute(update(proposals).where(mine).values(change))
            return _proposal(db.execute(_joined().where(mine)).one())


def _joined() -> Any:
    told = [column.label(f"of_{column.name}") for column in corrections.c]
    return (
        select(proposals, conversations.c.customer_id, *told)
        .join(corrections, proposals.c.correction_id == corrections.c.id)
        .join(conversations, corrections.c.conversation_id == conversations.c.id)
    )


def _proposal(row: Row[Any]) -> Proposal:
    told = {column.name: getattr(row, f"of_{column.name}") for column in corrections.c}
    told["context"], told["evidence"] = tuple(told["context"]), tuple(told["evidence"])
    return Proposal(
        id=row.id,
        kind=row.kind,
        data=row.data,
        state=row.state,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        created_at=row.created_at,
        correction=Correction(**told),
        customer_id=row.customer_id,
    )
