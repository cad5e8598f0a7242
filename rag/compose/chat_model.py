"""A chat model as a composer: it drafts from evidence, under one deadline, and is believed in nothing.

ModelFailed.reason
├─ timeout          the deadline passed: no answer, a stall, or no time left for another try
├─ rate_limited     429 on every try
├─ unreachable      no connection, or 5xx, on every try
├─ rejected         another 4xx: a wrong key, an unknown model, a refused request
├─ broken_stream    it ended in mid-answer
├─ empty            not a word
├─ not_in_evidence  the model says that the evidence doesn't answer
├─ nonsense         no sentence with a valid marker, or a text without sentences
└─ failed           anything else that the model's own code raised
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import random
import time
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import Future
from dataclasses import dataclass

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage

from rag.compose.background import loop
from rag.compose.cut import Cut, Cutter
from rag.compose.draft import Brief, DraftSentence, ModelFailed
from rag.compose.prompt import NOT_IN_EVIDENCE, messages
from rag.compose.trouble import Trouble, trouble_of

log = logging.getLogger(__name__)

LONGEST_SENTENCE = 2_000  # characters; a stream that goes on without an end to its sentence is no answer
FINISH = ("finish_reason", "stop_reason", "done_reason", "stopReason")  # OpenAI and Google, Anthropic, Ollama, Bedrock
CUT_OFF = ("length", "max_tokens", "MAX_TOKENS")
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 4.0


@dataclass(frozen=True)
class _End:
    """The last thing in the queue: why the stream ended. No trouble: the model was done."""

    trouble: Trouble | None = None
    finish: str = ""


class ChatComposer:
    """Implements `Composer` with any LangChain chat model.

    `timeout_s` is for the whole answer: every try, every pause and the stream. `retries` are further tries after 429,
    5xx and lost connections, with exponential backoff; once text has come there is no other try. The model runs as a
    task on one shared event loop, so a stalled socket is closed at the deadline and no thread stays behind.
    """

    def __init__(
        self, model: BaseChatModel, name: str, timeout_s: float = 8.0, retries: int = 2, max_tokens: int = 400
    ) -> None:
        self.name = name
        self._model, self._timeout_s, self._retries, self._max_tokens = model, timeout_s, retries, max_tokens

    def sentences(self, brief: Brief) -> Iterator[DraftSentence]:
        """Sentences as they complete, each with the evidence that its markers name (none: the rails will drop it).

        Raises ModelFailed, also after some sentences. Nothing of prompt, key or evidence is in its message.
        """
        deadline = time.monotonic() + self._timeout_s
        out: queue.SimpleQueue[str | _End] = queue.SimpleQueue()
        task = asyncio.run_coroutine_threadsafe(self._ask(messages(brief), out, deadline), loop())
        try:
            yield from self._draft(brief, out, deadline)
        finally:
            _stop(task)

    def _draft(self, brief: Brief, out: queue.SimpleQueue[str | _End], deadline: float) -> Iterator[DraftSentence]:
        state = _State(brief)
        cutter = Cutter()
        while True:
            item = _next(out, deadline)
            if isinstance(item, _End):
                break
            yield from state.take(cutter.feed(item))
            if state.full:
                return
            if cutter.pending > LONGEST_SENTENCE:
                raise ModelFailed("nonsense")
        if item.trouble:
            raise ModelFailed(item.trouble.reason)
        broken = not item.finish and not cutter.finished  # some servers just close a stream that breaks off
        yield from state.take(cutter.rest(whole=item.finish not in ("", *CUT_OFF)))
        if broken:
            raise ModelFailed("broken_stream")
        state.judge()

    async def _ask(self, told: list[BaseMessage], out: queue.SimpleQueue[str | _End], deadline: float) -> None:
        trouble = Trouble("timeout")
        for attempt in range(self._retries + 1):
            if attempt and not await _pause(attempt, trouble, deadline):
                break
            try:
                if await self._stream(told, out):
                    return
                trouble = Trouble("empty")
                break
            except _Broken as broken:
                late = broken.__cause__ is not None and trouble_of(broken.__cause__).reason == "timeout"
                trouble = Trouble("timeout" if late else "broken_stream")
                break
            except Exception as error:
                trouble = trouble_of(error)
                log.info("chat model %s: try %d failed: %s", self.name, attempt + 1, trouble.reason)
                if not trouble.passing:
                    break
        out.put(_End(trouble))

    async def _stream(self, told: list[BaseMessage], out: queue.SimpleQueue[str | _End]) -> bool:
        """One try. True when text came and the model was done; an exception before any text may be tried again."""
        started, finish, tokens = False, "", 0
        try:
            async with contextlib.aclosing(self._chunks(told)) as chunks:
                async for chunk in chunks:
                    finish = next((str(v) for k in FINISH if (v := chunk.response_metadata.get(k))), finish)
                    if text := chunk.text:
                        started, tokens = True, tokens + 1
                        out.put(str(text))
                    if tokens > 2 * self._max_tokens:  # the server does not keep to the limit that it was given
                        finish = "length"
                        break
        except Exception as error:
            if started:
                raise _Broken from error
            raise
        if started:
            out.put(_End(finish=finish))
        return started

    async def _chunks(self, told: list[BaseMessage]) -> AsyncGenerator[AIMessageChunk, None]:
        async for chunk in self._model.astream(told):
            yield chunk


class _Broken(Exception):
    """The stream ended in mid-answer."""


class _State:
    """What has been drafted of one answer so far."""

    def __init__(self, brief: Brief) -> None:
        self._brief = brief
        self._words = self._cited = self._drafted = 0
        self._missing = False

    @property
    def full(self) -> bool:
        """Far over the word budget: what follows would be thrown away."""
        return self._words > 1.5 * self._brief.words + 20

    def take(self, cuts: Iterator[Cut]) -> Iterator[DraftSentence]:
        for cut in cuts:
            if NOT_IN_EVIDENCE in cut.text:
                self._missing = True
                continue
            evidence = self._brief.evidence
            ids = tuple(evidence[n - 1].id for n in cut.numbers if 0 < n <= len(evidence))
            self._words += len(cut.text.split())
            self._drafted += 1
            self._cited += bool(ids)
            yield DraftSentence(cut.text, ids, cut.kind)
            if self.full:
                return

    def judge(self) -> None:
        """Raises ModelFailed when the finished answer holds nothing."""
        if self._cited:
            return
        raise ModelFailed("not_in_evidence" if self._missing else "nonsense" if self._drafted else "empty")


def _next(out: queue.SimpleQueue[str | _End], deadline: float) -> str | _End:
    try:
        return out.get(timeout=max(0.0, deadline - time.monotonic()))
    except queue.Empty:
        raise ModelFailed("timeout") from None


async def _pause(attempt: int, trouble: Trouble, deadline: float) -> bool:
    """Wait before another try: as long as the server asks, or exponential backoff with full jitter. False: no time."""
    backoff = random.uniform(0.5, 1.0) * min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (attempt - 1))
    pause = backoff if trouble.retry_after_s is None else max(trouble.retry_after_s, 0.05)
    if time.monotonic() + pause >= deadline:
        return False
    await asyncio.sleep(pause)
    return True


def _stop(task: Future[None]) -> None:
    if not task.done():
        task.cancel()
