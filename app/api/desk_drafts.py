"""Help for the person who answers: the assistant's own draft, replies written once for many, and private questions."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from app.api.agent import Words, found_handover, moved
from app.api.auth import Agent
from app.api.documented import problems
from app.api.services import Served, Services
from app.handover.canned import Canned
from app.store.records import StoredHandover, StoredMessage
from app.tokens import Identity
from rag.turn import Answer, Citation, Message, Reply

router = APIRouter(prefix="/v1/agent", tags=["desk"])
TRIED = 3  # of the customer's latest messages, until one can be answered
READ = 60


class EvidenceView(BaseModel):
    id: str
    title: str
    text: str


class Suggestion(BaseModel):
    """A draft for the customer's last question. Nothing to suggest: the id is null and the text empty."""

    suggestion_id: str | None
    question: str
    text: str
    citations: list[Citation]
    evidence: list[EvidenceView]


class Question(BaseModel):
    text: Words


@router.get("/handovers/{handover_id}/suggestion", responses=problems(401, 403, 404, 409, 422, 503))
async def suggestion(handover_id: str, agent: Agent, served: Served) -> Suggestion:
    """What the assistant would answer this customer, held against the same evidence and rails as ever."""
    found = await found_handover(served.read(served.handovers.get, handover_id))
    if not found.open:  # after its end nobody of the staff looks into the account
        raise moved(found)
    for question, message in await served.read(_questions, served, agent, found):
        answer = await served.turns.draft(message)
        if answer.reply.outcome == "answered" and answer.reply.citations:
            return await found_handover(served.read(_keep, served, found.conversation_id, question, answer))
    return Suggestion(suggestion_id=None, question="", text="", citations=[], evidence=[])


@router.get("/canned", responses=problems(401, 403, 422))
async def canned(agent: Agent, served: Served) -> list[Canned]:
    """The replies of knowledge_base/canned.yaml, in the file's order."""
    return list(served.canned)


@router.post("/ask", responses=problems(400, 401, 403, 413, 415, 422, 503))
async def ask(question: Question, agent: Agent, served: Served) -> Reply:
    """Asks the assistant privately, as an employee: from the articles only, about no customer, and nothing is kept."""
    await served.read(served.audit.add, agent, "copilot.ask")
    answer = await served.turns.draft(Message(question.text, called=("urgent",)))
    return answer.reply.model_copy(update={"handover_id": None})


def _questions(served: Services, agent: Identity, found: StoredHandover) -> list[tuple[str, Message]]:
    """The customer's latest messages, each as it was asked: as this customer, after what had been said before it.

    That a person is called is told, so that no draft offers one.
    """
    conversation = served.store.conversation(found.conversation_id)
    if conversation is None:
        return []
    key, customer_id, called = conversation.id, conversation.customer_id, (found.urgency,)
    served.audit.add(agent, "suggestion.read", key, customer_id)
    said: list[StoredMessage] = served.store.messages(key, max(0, served.store.last_seq(key) - READ))
    asked = [message for message in reversed(said) if message.role == "customer"][:TRIED]
    return [
        (one.text, Message(one.text, customer_id, served.store.past(key, before=one.seq), called=called))
        for one in asked
    ]


def _keep(served: Services, conversation_id: str, question: str, answer: Answer) -> Suggestion:
    evidence = [EvidenceView(id=item.id, title=item.title, text=item.text) for item in answer.evidence]
    versions: dict[str, Any] = answer.trace.get("versions", {})
    citations = list(answer.reply.citations)
    key = served.suggestions.add(
        conversation_id,
        question,
        answer.reply.text,
        [citation.model_dump(mode="json") for citation in citations],
        [item.model_dump() for item in evidence],
        versions,
    )
    return Suggestion(
        suggestion_id=key, question=question, text=answer.reply.text, citations=citations, evidence=evidence
    )
