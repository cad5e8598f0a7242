"""Customers and agents at once, as people and their pages behave: they read, think, type, and follow what happens."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

Headers = dict[str, str]
Events = asyncio.Queue[tuple[str, Any, float]]  # kind, data, and when it came
ROUNDS = 2  # an agent's messages in one hand-over, each answered by the customer
WISHES = ("Can I talk to a person please", "I want to speak with an agent", "let me talk to somebody who works there")
SUMMARY_S = 3.0  # between two looks of a waiting customer's page at how the hand-over stands
DESK_S = 0.4  # a desk's page reads the queue again at most so often
LOST_S = 30.0  # a message that hasn't appeared by then counts as lost
FAILED_REPLIES = ("internal", "account_away")
DOCUMENTED = (409, 429)


@dataclass(frozen=True)
class Pace:
    """Seconds, each drawn evenly between two bounds; and the share of conversations in which a person is asked for."""

    think: tuple[float, float] = (7.0, 18.0)
    type: tuple[float, float] = (1.0, 4.0)
    person: float = 0.12


@dataclass
class Seen:
    """What was measured, in seconds, and what went wrong."""

    turns: list[float] = field(default_factory=list)
    to_customer: list[float] = field(default_factory=list)
    to_agent: list[float] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    documented: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    asked: set[str] = field(default_factory=set)  # hand-overs that a customer was told of
    claimed: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  # by whom, by hand-over
    settled_s: float = 0.0  # after the time was over, until everybody who had asked for a person was served


@dataclass
class Crowd:
    """`texts`: what customers ask. Everybody stops beginning anything new `seconds` after the start."""

    client: httpx.AsyncClient
    texts: Sequence[str]
    seconds: float
    pace: Pace = field(default_factory=Pace)
    seen: Seen = field(default_factory=Seen)
    dice: random.Random = field(default_factory=random.Random)
    sent: dict[str, tuple[float, asyncio.Event]] = field(default_factory=dict)  # by text: when, and whether it appeared
    count: int = 0
    until: float = 0.0

    async def run(self, customers: Sequence[Headers], agents: dict[str, Headers], drained_s: float) -> None:
        """Until the time is over and every hand-over is settled, or `drained_s` later at the latest."""
        self.until = time.monotonic() + self.seconds
        desks = [asyncio.create_task(self._agent(name, who)) for name, who in agents.items()]
        chats = [asyncio.create_task(self._customer(who)) for who in customers]
        done, late = await asyncio.wait(chats, timeout=self.seconds + drained_s)
        self.seen.settled_s = max(0.0, time.monotonic() - self.until)
        if late:
            self.seen.failed["a customer was not served in time"] += len(late)
        for task in (*late, *desks):
            task.cancel()
        for ended in await asyncio.gather(*done, *late, *desks, return_exceptions=True):
            if isinstance(ended, Exception):
                self.seen.failed[f"{type(ended).__name__}: {ended}"[:80]] += 1

    # Customers

    async def _customer(self, who: Headers) -> None:
        await asyncio.sleep(self.dice.random() * min(self.pace.think[1], self.seconds / 2))
        while time.monotonic() < self.until:
            made = await self._send("POST", "/v1/conversations", who)
            if made is None:
                await self._wait(self.pace.think)
                continue
            async with self._following(f"/v1/conversations/{made['conversation_id']}/events", who) as events:
                await self._conversation(f"/v1/conversations/{made['conversation_id']}", who, events)

    async def _conversation(self, path: str, who: Headers, events: Events) -> None:
        called, wants = False, self.dice.random() < self.pace.person
        for n in range(self.dice.randint(2, 4)):
            if time.monotonic() > self.until:
                break
            by_words = wants and n > 0 and self.dice.random() < 0.3
            if called := await self._ask(path, who, self.dice.choice(WISHES if by_words else self.texts)):
                break
            await self._wait(self.pace.think)
        if wants and not called and time.monotonic() < self.until:
            found = await self._send("POST", f"{path}/handover", who, {"note": "Please look into this."})
            if called := found is not None:
                self.seen.asked.add(found["handover_id"])
        if called:
            await self._with_person(path, who, events)

    async def _ask(self, path: str, who: Headers, text: str) -> bool:
        """Whether the assistant called a person."""
        began = time.monotonic()
        reply = await self._send("POST", f"{path}/messages", who, {"text": text})
        if reply is None:
            return False
        if reply["reason"] in FAILED_REPLIES:
            self.seen.failed[f"a reply with reason {reply['reason']}"] += 1
        if reply["outcome"] != "with_agent":
            self.seen.turns.append(time.monotonic() - began)
        if reply["handover_id"]:
            self.seen.asked.add(reply["handover_id"])
        return reply["handover_id"] is not None

    async def _with_person(self, path: str, who: Headers, events: Events) -> None:
        """Waits for the person, answers each of their messages, and leaves when the hand-over has ended."""
        while True:
            try:
                _, data, at = await asyncio.wait_for(events.get(), SUMMARY_S)
            except TimeoutError:
                data, at = {"role": "notice"}, 0.0
            if data.get("role") == "agent":
                if self._appeared(data["text"], at, self.seen.to_customer):
                    await self._wait(self.pace.type)
                    await self._timed(f"{path}/messages", who, self._text("customer"))
            elif data.get("role") == "notice":
                status = await self._send("GET", f"{path}/handover", who)
                if status and status["state"] not in ("waiting", "held"):
                    return

    # Agents

    async def _agent(self, name: str, who: Headers) -> None:
        async with self._following("/v1/agent/events", who) as events:
            news: dict[str, asyncio.Event] = {}
            waiting: list[str] = []
            changed = asyncio.Event()
            looking = [
                asyncio.create_task(self._desk(who, events, news, changed)),
                asyncio.create_task(self._queue(who, waiting, changed)),
            ]
            try:
                while True:
                    if not waiting:
                        await asyncio.sleep(0.05)
                        continue
                    await self._wait((0.0, 0.5))  # another agent may read the same line
                    if waiting:
                        await self._take(name, who, waiting.pop(0), news)
            finally:
                for task in looking:
                    task.cancel()
                for ended in await asyncio.gather(*looking, return_exceptions=True):
                    if isinstance(ended, Exception):
                        self.seen.failed[f"{type(ended).__name__}: {ended}"[:80]] += 1

    async def _desk(
        self,
        who: Headers,
        events: Events,
        news: dict[str, asyncio.Event],
        changed: asyncio.Event,
    ) -> None:
        """Reads a conversation whenever something was said in it."""
        while True:
            kind, data, _ = await events.get()
            if kind == "queue":
                changed.set()
            elif kind == "message":
                key = data["conversation_id"]
                page = await self._send("GET", f"/v1/agent/conversations/{key}", who)
                for message in page["messages"] if page else ():
                    if message["role"] == "customer" and self._appeared(
                        message["text"], time.monotonic(), self.seen.to_agent
                    ):
                        news.setdefault(key, asyncio.Event()).set()

    async def _queue(self, who: Headers, waiting: list[str], changed: asyncio.Event) -> None:
        while True:
            await changed.wait()
            changed.clear()
            if queue := await self._send("GET", "/v1/agent/queue", who):
                waiting[:] = [item["handover_id"] for item in queue["waiting"]]
            await asyncio.sleep(DESK_S)

    async def _take(self, name: str, who: Headers, id: str, news: dict[str, asyncio.Event]) -> None:
        desk = f"/v1/agent/handovers/{id}"
        claimed = await self._send("POST", f"{desk}/claim", who)
        if claimed is None:
            return
        self.seen.claimed[id].append(name)
        key = claimed["conversation_id"]
        draft = await self._send("GET", f"{desk}/suggestion", who)
        for n in range(ROUNDS):
            await self._wait(self.pace.type)
            first = draft["text"] if draft and not n else ""
            text = f"{first} {self._text('agent')}".strip()
            body = {"text": text, "suggestion_id": draft["suggestion_id"] if draft and not n else None}
            said = news[key] = asyncio.Event()
            if not await self._timed(f"{desk}/reply", who, text, body):
                break
            try:
                await asyncio.wait_for(said.wait(), LOST_S + self.pace.type[1])
            except TimeoutError:
                self.seen.failed["no answer of the customer appeared at the desk"] += 1
                break
        await self._send("POST", f"{desk}/resolve", who, {"code": "answered", "note": ""})

    # What both do

    def _text(self, who: str) -> str:
        self.count += 1
        return f"This is what the {who} says as number {self.count}."

    async def _timed(self, path: str, who: Headers, text: str, body: Any = None) -> bool:
        """Sends what must appear at the other side; False where it couldn't be sent."""
        self.sent[text] = time.monotonic(), asyncio.Event()
        if await self._send("POST", path, who, body or {"text": text}) is not None:
            return True
        del self.sent[text]
        return False

    def _appeared(self, text: str, at: float, seconds: list[float]) -> bool:
        """Whether it is something timed, and appears for the first time."""
        began, shown = self.sent.get(text, (0.0, None))
        if shown is None or shown.is_set():
            return False
        seconds.append(at - began)
        shown.set()
        return True

    async def _send(self, method: str, path: str, who: Headers, body: Any = None) -> Any:
        """The answer; None where it was refused, which is counted."""
        self.seen.requests += 1
        route = "/".join(part if len(part) < 22 else "…" for part in path.split("/"))
        try:
            answer = await self.client.request(method, path, headers=who, json=body)
        except httpx.HTTPError as error:
            self.seen.failed[f"{method} {route}: {type(error).__name__}"] += 1
            return None
        if answer.is_success:
            return answer.json()
        counted = self.seen.documented if answer.status_code in DOCUMENTED else self.seen.failed
        counted[f"{method} {route}: {answer.status_code}"] += 1
        return None

    async def _wait(self, bounds: tuple[float, float]) -> None:
        await asyncio.sleep(self.dice.uniform(*bounds))

    @asynccontextmanager
    async def _following(self, path: str, who: Headers) -> AsyncIterator[Events]:
        """The events of a stream, in a queue, from the moment at which the stream is open."""
        events = Events()
        opened = asyncio.Event()

        async def follow() -> None:
            kind = ""
            try:
                async with self.client.stream("GET", path, headers=who) as answer:
                    answer.raise_for_status()
                    opened.set()
                    async for line in answer.aiter_lines():
                        if line.startswith("event: "):
                            kind = line[7:]
                        elif line.startswith("data: "):
                            events.put_nowait((kind, json.loads(line[6:]), time.monotonic()))
                self.seen.failed["an event stream ended"] += 1
            except httpx.HTTPError as error:
                self.seen.failed[f"an event stream: {type(error).__name__}"] += 1
            finally:
                opened.set()

        following = asyncio.create_task(follow())
        try:
            await opened.wait()
            yield events
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
