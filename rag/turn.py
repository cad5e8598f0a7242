"""What goes into a turn and what comes out of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from rag.compose.draft import Evidence

Outcome = Literal["answered", "clarify", "unknown", "refused", "emergency", "handover", "with_agent"]
Urgency = Literal["urgent", "soon"]
Department = Literal["pharmacist", "care", "billing"]


class Citation(BaseModel):
    """A source that the reply's `[n]` points at: an article, or a record of the customer's own account."""

    model_config = ConfigDict(frozen=True)

    n: int
    article_id: str  # for a record of the account: its number, such as "FH-1234567"
    title: str
    url: str
    kind: Literal["article", "order", "prescription", "transfer", "stock", "account"] = "article"


class Intent(BaseModel):
    model_config = ConfigDict(frozen=True)

    name: str
    score: float


class Sentence(BaseModel):
    """A released sentence (or list step) with the numbers of the citations that carry it."""

    model_config = ConfigDict(frozen=True)

    text: str
    citations: tuple[int, ...] = ()


class Reply(BaseModel):
    """The assistant's answer to one message, as every interface gives it."""

    model_config = ConfigDict(frozen=True)

    message_id: str
    trace_id: str
    text: str
    citations: tuple[Citation, ...] = ()
    intents: tuple[Intent, ...] = ()
    outcome: Outcome
    reason: str | None = None
    suggestions: tuple[str, ...] = ()
    handover_id: str | None = None
    sentences: tuple[Sentence, ...] = ()
    cards: tuple[dict[str, Any], ...] = ()  # order cards: number, what, status and its timeline, for the page to draw


class Focus(BaseModel):
    """What a conversation is about after a turn; the next turn's "it", "the other one" and "the second" look here."""

    model_config = ConfigDict(frozen=True)

    articles: tuple[str, ...] = ()  # cited articles, most important first
    items: tuple[str, ...] = ()  # numbers of the orders, prescriptions or transfers just spoken of
    listed: tuple[str, ...] = ()  # numbers offered for a choice, in the order shown
    intent: str | None = None  # the account intent that waits for the choice, or was just answered
    question: str = ""  # the question the last answer was for, made whole
    spoken: tuple[str, ...] = ()  # categories of the input rails that spoke so far
    called: tuple[Urgency, ...] = ()  # urgencies with which a person has been called
    trouble: int = 0  # turns that went wrong and have not worn off
    offered: str = ""  # the reason with which a person was just offered
    offered_to: Department = "care"


@dataclass(frozen=True)
class PastTurn:
    """One earlier exchange, oldest first in a conversation."""

    text: str
    reply: str
    focus: Focus = field(default_factory=Focus)


@dataclass(frozen=True)
class Message:
    """One message with all that its turn may know. `customer_id` comes from a verified token and nowhere else."""

    text: str
    customer_id: str | None = None
    past: tuple[PastTurn, ...] = ()
    now: dt.datetime | None = None  # aware; None: the assistant's clock
    called: tuple[Urgency, ...] | None = None  # urgencies with which a person is called now; None: as the past tells
    held: bool = False  # a person holds the conversation: the assistant listens for danger and says nothing
    conversation_id: str | None = field(default=None, compare=False)  # decides nothing of what is answered


@dataclass(frozen=True)
class Event:
    """A part of the reply that may be shown at once. Only sentences that passed the output rails become events."""

    kind: Literal["sentence", "citation", "suggestion", "handover"]
    data: dict[str, Any]


Emit = Callable[[Event], None]


def silent(event: Event) -> None:
    """The listener of whoever wants only the whole reply."""


@dataclass(frozen=True)
class Handover:
    """That a person must look at this conversation: the policy's category, how soon, and who."""

    reason: str
    urgency: Urgency
    department: Department


@dataclass(frozen=True)
class Answer:
    """A finished turn: the reply, what the conversation is now about, and the replayable record."""

    reply: Reply
    focus: Focus
    trace: dict[str, Any] = field(default_factory=dict)
    handover: Handover | None = None
    evidence: tuple[Evidence, ...] = ()  # what the answer rests on, as it was when it was composed
