"""Fakes that really work: a scripted assistant and an account book in memory."""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from rag.account.book import Account, Change, Customer, Order, Prescription, StockLevel
from rag.turn import Answer, Citation, Emit, Event, Focus, Intent, Message, Outcome, Reply, Sentence, silent


def scripted(
    text: str = "Orders leave within a day. They arrive in two more.",
    outcome: Outcome = "answered",
    citations: Iterable[Citation] = (),
    suggestions: Iterable[str] = (),
    focus: Focus | None = None,
) -> Answer:
    """An answer as an assistant would give it, one sentence at each full stop, with new ids."""
    sources = tuple(citations)
    numbers = tuple(source.n for source in sources)
    sentences = tuple(Sentence(text=part.strip(" .") + ".", citations=numbers) for part in text.split(". "))
    reply = Reply(
        message_id=uuid.uuid4().hex,
        trace_id=uuid.uuid4().hex,
        text=text,
        citations=sources,
        intents=(Intent(name="delivery", score=0.9),),
        outcome=outcome,
        suggestions=tuple(suggestions),
        sentences=sentences,
    )
    trace = {"outcome": outcome, "timings_ms": {"read": 0.4, "turn": 1.2}}
    return Answer(reply, focus or Focus(question=text[:40]), trace)


@dataclass
class ScriptedAssistant:
    """Gives the queued answers in order, then echoes. Remembers what it was asked, and how many turns ran at once.

    `delay`: seconds before each released sentence. `trouble`: raised instead of the next answer.
    """

    answers: deque[Answer] = field(default_factory=deque)
    delay: float = 0.0
    trouble: Exception | None = None
    asked: list[Message] = field(default_factory=list)
    busiest: int = 0
    on_answer: Callable[[Message], None] | None = None

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._now = 0

    def answer(self, message: Message, emit: Emit = silent) -> Answer:
        with self._lock:
            self.asked.append(message)
            self._now += 1
            self.busiest = max(self.busiest, self._now)
            answer = self.answers.popleft() if self.answers else scripted(f"You said {len(message.text)} characters")
        try:
            if self.on_answer:
                self.on_answer(message)
            for sentence in answer.reply.sentences:
                time.sleep(self.delay)
                emit(Event("sentence", sentence.model_dump(mode="json")))
                if self.trouble:
                    raise self.trouble
            for citation in answer.reply.citations:
                emit(Event("citation", citation.model_dump(mode="json")))
            for suggestion in answer.reply.suggestions:
                emit(Event("suggestion", {"text": suggestion}))
            return answer
        finally:
            with self._lock:
                self._now -= 1


class BookInMemory:
    """An account book with customers and nothing else. `away`: raised by every look-up."""

    def __init__(self, *customer_ids: str, away: Exception | None = None) -> None:
        self._ids, self.away = customer_ids, away

    def account(self, customer_id: str) -> Account | None:
        if self.away:
            raise self.away
        if customer_id not in self._ids:
            return None
        return Account(
            Customer(
                id=customer_id,
                name=f"Demo {customer_id[-1]}",
                email="demo@example.com",
                phone="1-800-555-0100",
                address="1 Main Street",
                state="OR",
                time_zone="America/Los_Angeles",
                insurance=None,
                insurance_last4=None,
                plus_member=True,
            )
        )

    def stock(self, drug_id: str) -> list[StockLevel]:
        return []

    def changes(self, after: int, limit: int = 1000) -> list[Change]:
        return []

    def records(self, changes: list[Change]) -> list[Order | Prescription]:
        return []

    def customer_ids(self, limit: int = 100) -> list[str]:
        return list(self._ids[:limit])

    def made_up(self) -> bool:
        if self.away:
            raise self.away
        return True
