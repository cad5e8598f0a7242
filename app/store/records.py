"""What the store gives back."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

from rag.turn import Reply


@dataclass(frozen=True)
class Conversation:
    """`customer_id` None: the conversation of an anonymous visitor."""

    id: str
    customer_id: str | None
    created_at: dt.datetime


@dataclass(frozen=True)
class StoredMessage:
    """`seq` grows by one a message within a conversation; `reply` is there where role is "assistant"."""

    id: str
    seq: int
    role: Literal["customer", "assistant"]
    text: str
    reply: Reply | None
    created_at: dt.datetime


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
    """A conversation that a person must look at, and why."""

    id: str
    conversation_id: str
    message_id: str
    reason: str
    urgency: str
    department: str
    created_at: dt.datetime
