"""Taking a turn: one at a time in a conversation, in a worker thread, to its end even if nobody listens any more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from app.api.auth import owned
from app.api.locks import KeyedLocks
from app.api.metrics import Metrics
from app.api.problems import Problem
from app.api.services import Answering
from app.store.conversations import ConversationStore
from app.store.errors import AlreadyRecorded, UnknownConversation
from app.tokens import Identity
from rag.turn import Emit, Message, Reply, silent

THREADS = 8
MOST_WAITING = 256


@dataclass(frozen=True)
class Asked:
    """One message as it came in. `visitor` None: anonymous."""

    conversation_id: str
    text: str
    visitor: Identity | None
    key: str | None = None


class Turns:
    def __init__(
        self, assistant: Answering, store: ConversationStore, metrics: Metrics, mask: Callable[[str], str] = str
    ) -> None:
        """`mask` takes out of a message what must not be stored."""
        self._assistant = assistant
        self._mask = mask
        self._store = store
        self._metrics = metrics
        self._locks = KeyedLocks()
        self._threads = ThreadPoolExecutor(THREADS, "pestle-turn")
        self._running: set[asyncio.Task[Reply]] = set()

    def start(self, asked: Asked, emit: Emit = silent) -> asyncio.Task[Reply]:
        """Begins a turn; `emit` is called from a worker thread. Raises a 503 `Problem` when too many wait.

        The task gives the recorded reply, or raises `Problem` or `StoreError`. Await it shielded: cancelling the
        one who waits must not cancel the turn.
        """
        if len(self._running) >= MOST_WAITING:
            busy = "Very many people are asking just now; please send the message again in a few seconds."
            raise Problem("unavailable", busy, headers={"Retry-After": "5"})
        task = asyncio.get_running_loop().create_task(self._serialised(asked, emit))
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    async def close(self) -> None:
        """Waits for the turns that have begun."""
        await asyncio.gather(*self._running, return_exceptions=True)
        self._threads.shutdown()

    def _ended(self, task: asyncio.Task[Reply]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio doesn't complain where the asker has gone

    async def _serialised(self, asked: Asked, emit: Emit) -> Reply:
        # The visitor is part of the key: how long a stranger waits tells nothing of what the owner does.
        async with self._locks.hold((asked.conversation_id, asked.visitor and asked.visitor.id)):
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._take, asked, emit)

    def _take(self, asked: Asked, emit: Emit) -> Reply:
        started = time.perf_counter()
        conversation = owned(self._store.conversation(asked.conversation_id), asked.visitor)
        if asked.key and (before := self._replay(asked, asked.key)):
            return before
        past = self._store.past(conversation.id)
        answer = self._assistant.answer(Message(asked.text, conversation.customer_id, past), emit)
        try:
            self._store.record(conversation.id, self._mask(asked.text), answer, asked.key)
        except UnknownConversation:
            owned(None, asked.visitor)
        except AlreadyRecorded:  # another server process was faster; its reply is the one that stands
            if asked.key and (before := self._replay(asked, asked.key)):
                return before
            raise
        self._metrics.turn(answer, time.perf_counter() - started)
        return answer.reply

    def _replay(self, asked: Asked, key: str) -> Reply | None:
        recorded = self._store.replay(asked.conversation_id, key)
        if recorded is not None and recorded.text != self._mask(asked.text):
            sentence = "This Idempotency-Key came with another text before; send a new key with a new text."
            raise Problem("key-reused", sentence)
        return recorded.reply if recorded else None
