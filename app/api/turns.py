"""Taking a turn: one at a time in a conversation, in a worker thread, to its end even if nobody listens any more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from app.alarm import Alarm, no_alarm
from app.api.auth import owned
from app.api.bells import DESK
from app.api.locks import KeyedLocks
from app.api.metrics import Metrics
from app.api.problems import Problem
from app.api.services import Answering
from app.store.conversations import ConversationStore
from app.store.errors import AlreadyRecorded, StoreError, UnknownConversation
from app.store.handovers import HandoverStore
from app.store.records import Conversation, Kept
from app.tokens import Identity
from rag.turn import Answer, Emit, Event, Message, Reply, silent

Observe = Callable[[str, str, Reply], object]  # conversation id, the message as it was kept, the reply
THREADS = 8
URGENT = 4  # threads for messages that show danger, which wait behind nobody's question
DRAFTING = 2  # threads for drafts, which must keep no customer waiting
MOST_WAITING = 256


def unobserved(*told: object) -> None:
    """Nobody is told."""


@dataclass(frozen=True)
class Asked:
    """One message as it came in. `visitor` None: anonymous."""

    conversation_id: str
    text: str
    visitor: Identity | None
    key: str | None = None


class Turns:
    def __init__(
        self,
        assistant: Answering,
        store: ConversationStore,
        handovers: HandoverStore,
        metrics: Metrics,
        mask: Callable[[str], str] = str,
        observe: Observe = unobserved,
        ring: Callable[..., None] = unobserved,
        alarm: Alarm = no_alarm,
        kept: Callable[[Message, Answer], object] = unobserved,
    ) -> None:
        """`mask` takes out of a message what must not be stored; `observe` is told of each turn that was kept, and `ring`
        of what else has changed: the conversation, and the desk where a person is called or there. `alarm` hears danger
        that must not wait. `kept` is told of each message that the assistant answered, with its answer.
        """
        self._assistant = assistant
        self._handovers = handovers
        self._observe = observe
        self._ring = ring
        self._kept = kept
        self._mask = mask
        self.alarm = alarm
        self._store = store
        self._metrics = metrics
        self._locks = KeyedLocks()
        self._threads = ThreadPoolExecutor(THREADS, "pestle-turn")
        self._urgent = ThreadPoolExecutor(URGENT, "pestle-urgent")
        self._drafting = ThreadPoolExecutor(DRAFTING, "pestle-draft")
        self._running: set[asyncio.Task[Reply]] = set()

    def start(self, asked: Asked, emit: Emit = silent) -> asyncio.Task[Reply]:
        """Begins a turn; `emit` is called from a worker thread. Raises a 503 `Problem` when too many wait.

        A message that shows danger is answered at once, whoever waits and whatever is being answered in its conversation.
        The task gives the recorded reply, or raises `Problem` or `StoreError`. Await it shielded: cancelling the
        one who waits must not cancel the turn.
        """
        urgent = self.alarm(asked.text) is not None
        if len(self._running) >= MOST_WAITING and not urgent:
            busy = "Very many people are asking just now; please send the message again in a few seconds."
            raise Problem("unavailable", busy, headers={"Retry-After": "5"})
        task = asyncio.get_running_loop().create_task(
            self._at_once(asked, emit) if urgent else self._serialised(asked, emit)
        )
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    async def draft(self, message: Message) -> Answer:
        """An answer that no customer is shown and nothing is kept of."""
        return await asyncio.get_running_loop().run_in_executor(self._drafting, self._assistant.answer, message)

    async def close(self) -> None:
        """Waits for the turns that have begun."""
        await asyncio.gather(*self._running, return_exceptions=True)
        self._threads.shutdown()
        self._urgent.shutdown()
        self._drafting.shutdown()

    def _ended(self, task: asyncio.Task[Reply]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, so that asyncio doesn't complain where the asker has gone

    async def _serialised(self, asked: Asked, emit: Emit) -> Reply:
        # The visitor is part of the key: how long a stranger waits tells nothing of what the owner does.
        async with self._locks.hold((asked.conversation_id, asked.visitor and asked.visitor.id)):
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._take, asked, emit)

    async def _at_once(self, asked: Asked, emit: Emit) -> Reply:
        # What the lock is for, that each question is asked knowing the answer before it, a reviewed text has no need of.
        # The store's own transaction keeps it whole: message, reply and hand-over stand where they were said.
        return await asyncio.get_running_loop().run_in_executor(self._urgent, self._take_urgent, asked, emit)

    def _take_urgent(self, asked: Asked, emit: Emit) -> Reply:
        """Raises a 503 `Problem` that says the reviewed text where nothing can be kept."""
        try:
            return self._take(asked, emit, urgent=True)
        except StoreError as error:
            if (case := self.alarm(asked.text)) is None:
                raise
            sentence = f"{case.text} Your message could not be saved just now; please send it again."
            raise Problem("unavailable", sentence, headers={"Retry-After": str(error.retry_after)}) from error

    def _take(self, asked: Asked, emit: Emit, urgent: bool = False) -> Reply:
        started = time.perf_counter()
        conversation = owned(self._store.conversation(asked.conversation_id), asked.visitor)
        if asked.key and (before := self._replay(asked, asked.key)):
            return before
        text = self._mask(asked.text)
        try:
            answer, kept = self._answered(conversation, asked, text, emit, urgent)
        except UnknownConversation:
            owned(None, asked.visitor)
            raise
        except AlreadyRecorded:  # another server process was faster; its reply is the one that stands
            if asked.key and (before := self._replay(asked, asked.key)):
                return before
            raise
        self._metrics.turn(replace(answer, reply=kept.reply), time.perf_counter() - started)
        self._ring(conversation.id, *((DESK,) if kept.reply.handover_id else ()))
        if not kept.dropped:
            self._observe(conversation.id, text, kept.reply)
        return kept.reply

    def _answered(
        self, conversation: Conversation, asked: Asked, text: str, emit: Emit, urgent: bool
    ) -> tuple[Answer, Kept]:
        """The assistant's answer and what was kept of the turn. While a person holds the conversation it only listens."""
        while True:
            call = self._handovers.opened(conversation.id)
            held = call is not None and call.state == "held"
            past = self._store.past(conversation.id)
            called = (call.urgency,) if call else ()
            who, key = conversation.customer_id, conversation.id
            message = Message(asked.text, who, past, called=called, conversation_id=key, held=held)
            free = emit if urgent else self._while_free(conversation.id, emit)
            answer = self._assistant.answer(message, silent if held else free)
            if kept := self._store.record(conversation.id, text, answer, asked.key):
                if not kept.dropped:
                    self._kept(message, answer)
                return answer, kept  # else the person left while the assistant only listened: it answers now

    def _while_free(self, conversation_id: str, emit: Emit) -> Emit:
        """Emits until a person holds the conversation, and nothing from then on."""
        if emit is silent:
            return silent
        taken = False

        def emitting(event: Event) -> None:
            nonlocal taken
            if taken:
                return
            try:
                with self._handovers.speaking(conversation_id) as free:
                    if free:
                        emit(event)
            except StoreError:  # nobody knows, so nothing is said; the reply will hold it, if it can be kept
                return
            taken = not free

        return emitting

    def _replay(self, asked: Asked, key: str) -> Reply | None:
        recorded = self._store.replay(asked.conversation_id, key)
        if recorded is not None and recorded.text != self._mask(asked.text):
            sentence = "This Idempotency-Key came with another text before; send a new key with a new text."
            raise Problem("key-reused", sentence)
        return recorded.reply if recorded else None
