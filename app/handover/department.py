"""Which department a conversation belongs to, from what its questions were about."""

from __future__ import annotations

from collections.abc import Sequence

from rag.turn import Department, Reply
from rails.handing import Handing


def department_of(handing: Handing, replies: Sequence[Reply]) -> Department:
    """From the replies so far, oldest first: the latest one that says something decides."""
    return handing.department_of(intent.name for reply in reversed(replies) for intent in reply.intents)
