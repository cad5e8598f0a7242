"""What the store gives back."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

from rag.turn import Department, Reply, Urgency

MessageRole = Literal["customer", "assistant", "agent", "notice"]
HandoverState = Literal["waiting", "held", "resolved", "returned", "cancelled"]


@dataclass(frozen=True)
class Conversation:
    """`customer_id` None: the conversation of an anonymous visitor."""

    id: str
    customer_id: str | None
    created_at: dt.datetime


@dataclass(frozen=True)
class StoredMessage:
    """`seq` grows by one a message within a conversation; `reply` is there where role is "assistant".

    `author`: the shown name of an agent. A notice says what happened, such as who joined.
    """

    id: str
    seq: int
    role: MessageRole
    text: str
    reply: Reply | None
    created_at: dt.datetime
    author: str | None = None


@dataclass(frozen=True)
class Kept:
    """What was kept of a turn. `dropped`: a person holds the conversation, so the answer was thrown away."""

    reply: Reply
    seq: int  # of the last message that was kept
    dropped: bool = False


@dataclass(frozen=True)
class Recorded:
    """A turn found again by its Idempotency-Key."""

    text: str
    reply: Reply


@dataclass(frozen=True)
class StoredTrace:
    id: str
    conversation_id: str
    message_id: str
    data: dict[str, Any]
    created_at: dt.datetime


@dataclass(frozen=True)
class StoredHandover:
    """A conversation that a person must look at, or looked at: why, how soon, who, and what it is about.

    `message_id`: the reply that called; None: the button. `claimed_at`: when its department first claimed it. `seen_at`: when the
    agent who holds it was last there. `answered_at`: the person's first words.
    """

    id: str
    conversation_id: str
    message_id: str | None
    reason: str
    urgency: Urgency
    department: Department
    created_at: dt.datetime
    state: HandoverState
    summary: str
    facts: list[dict[str, Any]]
    note: str
    agent_id: str | None
    agent_name: str | None
    claimed_at: dt.datetime | None
    seen_at: dt.datetime | None
    answered_at: dt.datetime | None
    ended_at: dt.datetime | None
    code: str | None

    @property
    def open(self) -> bool:
        return self.state in ("waiting", "held")


@dataclass(frozen=True)
class Queued:
    """A hand-over that is open, with the customer's last words, how many of theirs no person answered yet, and how many
    notes staff wrote."""

    handover: StoredHandover
    customer_id: str | None
    last_text: str
    unread: int
    notes: int


@dataclass(frozen=True)
class OpenNow:
    """Another `version` whenever the queue reads differently; `held`: for each agent the last seq by conversation."""

    version: str
    held: dict[str, dict[str, int]]


@dataclass(frozen=True)
class StoredNote:
    """What staff wrote for staff."""

    id: str
    author_id: str
    text: str
    created_at: dt.datetime


@dataclass(frozen=True)
class FoundConversation:
    """A past conversation that a search found, with its latest message that fits."""

    conversation_id: str
    customer_id: str | None
    created_at: dt.datetime
    role: MessageRole
    text: str
    said_at: dt.datetime
