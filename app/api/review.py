"""The review page's side: what corrections could become, for a pharmacist or an admin to accept or reject."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy import Connection

from app.api.auth import Reviewer
from app.api.documented import problems
from app.api.problems import Problem
from app.api.services import Served, Services
from app.learning import cases
from app.learning.cleaning import with_marks, with_surrogates
from app.learning.personal import Person
from app.learning.proposals import as_yaml, cited
from app.learning.proposals import case as case_of
from app.store import drafts
from app.store.audit import note
from app.store.corrections import AlreadyDecided, Correction, Proposal, ProposalKind, State
from app.tokens import Identity
from rag.account.book import AccountError

router = APIRouter(prefix="/v1/review", tags=["review"])


class CorrectionView(BaseModel):
    """What happened: the question, what the assistant said or suggested, and what the person said."""

    id: str
    conversation_id: str
    message_id: str
    kind: str = Field(description='"edited" a suggestion, or "answered" after a failed answer.')
    question: str
    context: list[dict[str, Any]]
    evidence: list[dict[str, Any]]
    rejected: str
    chosen: str
    agent_id: str
    versions: dict[str, Any]
    created_at: dt.datetime


class ProposalView(BaseModel):
    """`data` is what accepting would keep: an article's change with its diff, a case as YAML, or a preference pair."""

    id: str
    kind: ProposalKind
    state: State
    data: dict[str, Any]
    correction: CorrectionView
    decided_by: str | None
    decided_at: dt.datetime | None
    created_at: dt.datetime
    draft_id: str | None = Field(description="The draft that an accepted article became.")


class ProposalList(BaseModel):
    proposals: list[ProposalView]


class Decision(BaseModel):
    decision: Literal["accept", "reject"]
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000)] = ""


@router.get("/proposals", responses=problems(401, 403, 503))
async def proposals(
    reviewer: Reviewer,
    served: Served,
    state: Annotated[State, Query()] = "open",
    kind: Annotated[ProposalKind | None, Query()] = None,
) -> ProposalList:
    """Proposals, the oldest correction first."""
    return await served.read(_listed, served, reviewer, state, kind)


@router.get("/proposals/{proposal_id}", responses=problems(401, 403, 404, 503))
async def proposal(proposal_id: str, reviewer: Reviewer, served: Served) -> ProposalView:
    """One proposal with its correction."""
    return await served.read(_one, served, reviewer, proposal_id)


@router.post("/proposals/{proposal_id}", responses=problems(400, 401, 403, 404, 409, 413, 415, 422, 503))
async def decide(proposal_id: str, decision: Decision, reviewer: Reviewer, served: Served) -> ProposalView:
    """Accepts or rejects, once. An article becomes a draft, a case is added to the cases, a pair is kept for export."""
    return await served.read(_decided, served, reviewer, proposal_id, decision)


def _listed(served: Services, reviewer: Identity, state: State, kind: ProposalKind | None) -> ProposalList:
    found = served.corrections.proposals(state, kind)
    people: dict[str | None, Person] = {}
    for one in found:
        if one.customer_id not in people:
            people[one.customer_id] = _person(served, one.customer_id, strict=False)
    ids = sorted({one.correction.conversation_id for one in found})
    customers = sorted({one.customer_id for one in found if one.customer_id})
    detail = {"state": state, "conversations": ids, "customers": customers}
    served.audit.add(reviewer, "proposal.list", detail=detail)
    return ProposalList(proposals=[_view(served, one, people[one.customer_id]) for one in found])


def _one(served: Services, reviewer: Identity, proposal_id: str) -> ProposalView:
    found = served.corrections.proposal(proposal_id)
    if found is None:
        raise _nothing()
    served.audit.add(
        reviewer, "proposal.read", found.correction.conversation_id, found.customer_id, {"proposal": found.id}
    )
    return _view(served, found, _person(served, found.customer_id, strict=False))


def _decided(served: Services, reviewer: Identity, proposal_id: str, decision: Decision) -> ProposalView:
    found = served.corrections.proposal(proposal_id)
    if found is None:
        raise _nothing()
    accepted = decision.decision == "accept"
    if accepted and found.kind != "knowledge" and found.customer_id and served.people.no_training(found.customer_id):
        sentence = "This customer wants nothing of theirs used for training; reject the proposal."
        raise Problem("conflict", sentence)
    person = _person(served, found.customer_id, strict=accepted)
    data = _data(served, found, person) if accepted and found.state == "open" else {}

    def along(db: Connection) -> Mapping[str, Any]:
        about = {"proposal": found.id, "kind": found.kind}
        action = f"proposal.{decision.decision}"
        note(db, reviewer, action, found.correction.conversation_id, found.customer_id, about)
        if accepted and found.kind == "knowledge":
            source = {"proposal_id": found.id, "correction_id": found.correction.id}
            question = data["question"]
            made = drafts.start(db, data["article_id"], data["base"], data["text"], question, source, reviewer.id)
            return data | {"draft_id": made.id}
        if accepted and found.kind == "case":
            cases.append(served.settings.home, data["case"])
        return data

    try:
        done = served.corrections.decide(
            found.id, "accepted" if accepted else "rejected", reviewer.id, decision.note, along
        )
    except AlreadyDecided as decided:
        raise Problem("conflict", f"This proposal was {decided.state} before; reload the list.") from None
    if done is None:
        raise _nothing()
    return _view(served, done, person)


def _data(served: Services, found: Proposal, person: Person) -> dict[str, Any]:
    """What accepting an open proposal keeps: without personal data where it leaves the conversation."""
    kit = served.learning
    articles = cited(found.correction.evidence)
    if found.kind == "knowledge":
        clean = with_marks(kit.personal, found.correction, person)
        return kit.proposer.knowledge(clean, articles) | {"question": clean.question}
    if found.kind == "case":
        case = case_of(with_surrogates(kit.personal, found.correction, person), articles)
        return {"case": case, "yaml": as_yaml(case), "question": case["turns"][-1]}
    return found.data  # the export replaces personal data, with what the rest of the conversation tells


def _view(served: Services, found: Proposal, person: Person) -> ProposalView:
    data = _data(served, found, person) if found.state == "open" else found.data
    return ProposalView(
        id=found.id,
        kind=found.kind,
        state=found.state,
        data=data,
        correction=_correction(found.correction),
        decided_by=found.decided_by,
        decided_at=found.decided_at,
        created_at=found.created_at,
        draft_id=data.get("draft_id"),
    )


def _correction(correction: Correction) -> CorrectionView:
    return CorrectionView.model_validate(correction, from_attributes=True)


def _person(served: Services, customer_id: str | None, strict: bool) -> Person:
    """The customer whose data is to be taken out; `strict`: rather fail than not know them. Raises `AccountError`."""
    if served.book is None or customer_id is None:
        return Person()
    try:
        return Person.of(served.book.account(customer_id))
    except AccountError:
        if strict:
            raise
        return Person()


def _nothing() -> Problem:
    return Problem("not-found", "There is no such proposal; GET /v1/review/proposals lists them all.")
