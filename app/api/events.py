"""Server-sent events: a turn as it is released, and a conversation's new messages."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any

from fastapi.responses import StreamingResponse

from app.api.bells import Bells
from app.api.problems import problem_of
from app.api.turns import Asked, Turns
from app.store.records import StoredMessage
from rag.turn import Event, Reply

KEEP_ALIVE_S = 10.0
QUIET = object()  # nothing happened for KEEP_ALIVE_S
BEAT = ": still here\n\n"


def frame(event: str, data: Any, id: int | None = None) -> str:
    """One event. ASCII only: some clients take U+2028 and the like for the end of a line."""
    head = "" if id is None else f"id: {id}\n"
    return f"{head}event: {event}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"


def streaming(frames: AsyncIterator[str]) -> StreamingResponse:
    return StreamingResponse(frames, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


def events_of(reply: Reply) -> Iterator[Event]:
    """The events of a reply that is there already, such as a repeated one."""
    for sentence in reply.sentences:
        yield Event("sentence", sentence.model_dump(mode="json"))
    for citation in reply.citations:
        yield Event("citation", citation.model_dump(mode="json"))
    for suggestion in reply.suggestions:
        yield Event("suggestion", {"text": suggestion})
    if reply.handover_id:
        yield Event("handover", {"handover_id": reply.handover_id})


async def stream_turn(turns: Turns, asked: Asked) -> StreamingResponse:
    """Begins a turn and streams it. What fails before anything was released is raised, as a plain problem answer."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[Event | None] = asyncio.Queue()

    def emit(event: Event) -> None:
        loop.call_soon_threadsafe(queue.put_nowait, event)

    task = turns.start(asked, emit)
    task.add_done_callback(lambda _: queue.put_nowait(None))

    async def next_item() -> Any:
        try:
            return await asyncio.wait_for(queue.get(), KEEP_ALIVE_S)
        except TimeoutError:
            return QUIET

    async def frames(item: Any) -> AsyncIterator[str]:
        released = 0
        while item is not None:
            if isinstance(item, Event):
                released += 1
                yield frame(item.kind, item.data)
            else:
                yield BEAT
            item = await next_item()
        try:
            reply = task.result()
        except Exception as error:
            yield frame("error", problem_of(error).body())
            return
        for event in () if released else events_of(reply):
            yield frame(event.kind, event.data)
        yield frame("done", reply.model_dump(mode="json"))

    first = await next_item()
    if first is None:
        task.result()
    return streaming(frames(first))


async def stream_messages(
    read: Callable[[int], Awaitable[Sequence[StoredMessage]]],
    show: Callable[[StoredMessage], dict[str, Any]],
    after: int,
    until: float | None,
    stopping: asyncio.Event,
    bells: Bells,
    key: str,
) -> AsyncIterator[str]:
    """Messages with seq > after, as they come. Ends when the server stops or `until` (the token's expiry) has passed.

    The store is asked, not this process, because another server process may have recorded the message; the bell `key`
    only tells when it is worth asking at once.
    """
    yield "retry: 2000\n\n"
    with bells.hung(key) as bell:
        async for part in _messages(read, show, after, until, stopping, lambda: bells.rung(bell)):
            yield part


async def _messages(
    read: Callable[[int], Awaitable[Sequence[StoredMessage]]],
    show: Callable[[StoredMessage], dict[str, Any]],
    after: int,
    until: float | None,
    stopping: asyncio.Event,
    pause: Callable[[], Awaitable[None]],
) -> AsyncIterator[str]:
    beat = time.monotonic()
    while not stopping.is_set() and (until is None or time.time() < until):
        try:
            found = await read(after)
        except Exception as error:
            yield frame("error", problem_of(error).body())
            return
        for message in found:
            after = message.seq
            yield frame("message", show(message), id=after)
        if found:
            beat = time.monotonic()
        elif time.monotonic() - beat >= KEEP_ALIVE_S:
            beat = time.monotonic()
            yield BEAT
        await pause()
