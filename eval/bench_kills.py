"""`pestle bench kills`: customers and agents at work, the server killed at random moments: nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from app.settings import Settings
from app.tokens import mint
from eval.ledger import Ledger, broken, whole
from eval.lives import Lives, free_port
from eval.table import Figure

KILLS = 200
CUSTOMERS, AGENTS = 6, 2
LIFE_S = (0.1, 1.2)  # from ready to killed
EARLY = 0.1  # share of the kills that come while the server still starts
READY_WITHIN_S = 60.0
LOST_RACES = {"409 taken", "409 conflict"}  # for a hand-over
MESSAGES_BEFORE_A_PERSON = 3


def kills(settings: Settings, count: int = KILLS) -> list[Figure]:
    """The server's home is a folder of its own; of `settings` only the knowledge and the policy are used."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_Killing(settings, Path(folder)).run(count))


class _Gone(Exception):
    """The server is no longer there."""


@dataclass
class _Api:
    """One person's client. Raises `_Gone` when the server goes; what it refuses otherwise is counted, and is None."""

    base: str
    who: dict[str, str]
    refused: Counter[str]

    def __post_init__(self) -> None:
        self.client = httpx.AsyncClient(base_url=self.base, headers=self.who, timeout=30, trust_env=False)

    async def __call__(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        try:
            answer = await self.client.request(method, path, json=body, headers=headers)
        except httpx.TransportError:
            raise _Gone from None
        if answer.is_success:
            return answer.json()
        self.refused[f"{answer.status_code} {answer.json()['type'].rpartition(':')[2]}"] += 1
        return None


@dataclass
class _Customer:
    """Asks, rates, changes their mind, calls a person. What got no answer is sent again with the same key."""

    name: str
    api: _Api
    ledger: Ledger
    dice: random.Random
    sent: int = 0
    rated: int = 0
    conversation: str = ""
    asked: int = 0
    handover: str = ""
    pending: tuple[str, str] | None = None
    answers: list[str] = field(default_factory=list)

    async def work(self) -> None:
        while True:
            if not self.conversation or self.ledger.handovers.get(self.handover) == "resolved":
                if not (made := await self.api("POST", "/v1/conversations")):
                    continue
                self.conversation, self.asked, self.handover, self.pending = made["conversation_id"], 0, "", None
            await self._ask()
            if self.answers and self.dice.random() < 0.5:
                await self._rate(self.dice.choice(self.answers[-3:]))
            if self.asked >= MESSAGES_BEFORE_A_PERSON and not self.handover:
                await self._call()

    async def _ask(self) -> None:
        if self.pending is None:
            self.sent += 1
            self.pending = f"{self.name}-{self.sent}", f"Question {self.sent} of {self.name}?"
        key, text = self.pending
        reply = await self.api("POST", f"/v1/conversations/{self.conversation}/messages", {"text": text}, key)
        if reply is None:
            return
        self.ledger.messages[self.conversation, key] = text, reply["message_id"]
        self.pending, self.asked = None, self.asked + 1
        if reply["outcome"] != "with_agent":
            self.answers.append(reply["message_id"])

    async def _rate(self, message_id: str) -> None:
        self.rated += 1
        rating = self.dice.choice(("up", "down")), f"mind {self.rated}"
        before = self.ledger.trying.get(message_id)
        if before is not None:  # it isn't known which of two stands; only what is acknowledged from now on counts
            self.ledger.ratings.pop(message_id, None)
        self.ledger.trying[message_id] = rating
        body = {"rating": rating[0], "comment": rating[1]}
        if await self.api("POST", f"/v1/messages/{message_id}/feedback", body):
            self.ledger.ratings[message_id] = rating
            del self.ledger.trying[message_id]

    async def _call(self) -> None:
        if found := await self.api("POST", f"/v1/conversations/{self.conversation}/handover", {}):
            self.handover = found["handover_id"]
            self.ledger.handovers.setdefault(self.handover, "waiting")


@dataclass
class _Agent:
    """Claims, answers with a changed suggestion, resolves; after a kill, goes on with what the queue says is theirs."""

    name: str
    api: _Api
    ledger: Ledger
    dice: random.Random
    said: dict[str, tuple[str, str | None]] = field(default_factory=dict)  # by hand-over: text and suggestion

    async def work(self) -> None:
        while True:
            queue = await self.api("GET", "/v1/agent/queue")
            mine = [one for one in queue["held"] if one["agent_id"] == self.name] if queue else []
            if mine:
                await self._serve(mine[0]["handover_id"])
            elif queue and queue["waiting"]:
                id = self.dice.choice(queue["waiting"])["handover_id"]
                if await self.api("POST", f"/v1/agent/handovers/{id}/claim"):
                    self.ledger.handovers[id] = "held"
            else:
                await asyncio.sleep(0.01)

    async def _serve(self, id: str) -> None:
        desk = f"/v1/agent/handovers/{id}"
        self.ledger.handovers[id] = "held"
        if id not in self.said:
            draft = await self.api("GET", f"{desk}/suggestion")
            if draft is None:
                return
            self.said[id] = f"{draft['text']} I have looked into {id} for you.", draft["suggestion_id"]
        text, suggestion = self.said[id]
        sent = await self.api("POST", f"{desk}/reply", {"text": text, "suggestion_id": suggestion}, f"{id}-1")
        if sent is None:
            return
        self.ledger.said[sent["id"]] = text
        if suggestion:
            self.ledger.corrected.add(sent["id"])
        if await self.api("POST", f"{desk}/resolve", {"code": "answered", "note": "done"}):
            self.ledger.handovers[id] = "resolved"


class _Killing:
    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = Settings.model_construct(  # the rest as it is by default, whatever the environment says
            home=folder, knowledge=settings.knowledge.resolve(), policy=settings.policy.resolve()
        )
        self._path = folder / "kills.db"
        self._ledger, self._refused, self._dice = Ledger(), Counter[str](), random.Random()
        self._port = free_port()
        self._lost, self._broken, self._sound, self._seconds = set[str](), set[str](), 0, list[float]()

    async def run(self, count: int) -> list[Figure]:
        more = {
            "PESTLE_KNOWLEDGE": str(self._settings.knowledge),
            "PESTLE_POLICY": str(self._settings.policy),
        }
        with Lives(
            self._settings.home,
            self._port,
            PESTLE_DATABASE_URL=f"sqlite:///{self._path}",
            PESTLE_AGENT_AWAY_S="86400",
            **more,
        ) as lives:
            lives.start()
            await self._ready()
            people = self._people()
            for n in range(count):
                if n:
                    lives.start()
                    if self._dice.random() < EARLY:
                        await asyncio.sleep(self._dice.random() * 0.3)
                        lives.kill()
                        continue
                    await self._ready()
                    self._check()
                await self._life(lives, people)
            lives.start()
            await self._ready()
            self._check()
        for person in people:
            await person.api.client.aclose()
        return self._figures(count)

    def _people(self) -> list[_Customer | _Agent]:
        def api(**who: str) -> _Api:
            bearer = {"Authorization": f"Bearer {mint(self._settings, **who)}"}
            return _Api(f"http://127.0.0.1:{self._port}", bearer, self._refused)

        return [
            *(_Customer(f"C-{n}", api(customer=f"C-{n}"), self._ledger, self._dice) for n in range(CUSTOMERS)),
            *(_Agent(f"agent-{n}", api(agent=f"agent-{n}"), self._ledger, self._dice) for n in range(AGENTS)),
        ]

    async def _life(self, lives: Lives, people: list[_Customer | _Agent]) -> None:
        """All are at work; then the server is killed, and each notices by the answer that doesn't come."""

        async def until_gone(work: Callable[[], Any]) -> None:
            with suppress(_Gone):
                await work()

        working = [asyncio.create_task(until_gone(person.work)) for person in people]
        await asyncio.sleep(self._dice.uniform(*LIFE_S))
        lives.kill()
        await asyncio.gather(*working)

    async def _ready(self) -> None:
        began = time.monotonic()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self._port}", timeout=5, trust_env=False) as client:
            while time.monotonic() < began + READY_WITHIN_S:
                with suppress(httpx.TransportError):
                    if (await client.get("/readyz")).is_success:
                        self._seconds.append(time.monotonic() - began)
                        return
                await asyncio.sleep(0.01)
        raise RuntimeError("the server did not become ready within a minute")

    def _check(self) -> None:
        self._lost |= self._ledger.lost(self._path)
        self._broken |= broken(self._path)
        self._sound += whole(self._path)

    def _figures(self, count: int) -> list[Figure]:
        ledger, checks = self._ledger, len(self._seconds) - 1
        kinds = (
            f"{len(ledger.messages)} turns, {len(ledger.said)} agents' messages, {len(ledger.corrected)} corrections, "
            f"{len(ledger.ratings)} ratings, {len(ledger.handovers)} hand-overs"
        )
        load = f"{CUSTOMERS} customers and {AGENTS} agents at work, SIGKILL at random moments, SQLite; {kinds}"
        refused = ", ".join(f"{times} × {what}" for what, times in sorted(self._refused.items())) or "none"
        return [
            Figure(
                f"messages, ratings, corrections, hand-overs acknowledged and then lost, over {count} kills",
                f"{len(self._lost)} of {len(ledger)}", "0", f"{load}{_some(self._lost)}", not self._lost and len(ledger) > 0,
            ),
            Figure(
                "turns or corrections kept by half, messages kept twice, hand-overs open twice",
                str(len(self._broken)), "0", f"looked at after {checks} restarts; what got no answer was sent again{_some(self._broken)}",
                not self._broken,
            ),
            Figure("database undamaged after a restart", f"{self._sound} of {checks}", "each time", "PRAGMA integrity_check and foreign_key_check", self._sound == checks),
            Figure("requests refused while the server lived", str(self._refused.total()), "0 but lost races", refused, not self._refused.keys() - LOST_RACES),
            Figure("from start to ready after a kill: median", f"{statistics.median(self._seconds):.2f} s", "", "imports not counted, assistant without models"),
        ]  # fmt: skip


def _some(faults: set[str]) -> str:
    return "".join(f"; {fault}" for fault in sorted(faults)[:3])
