"""People in the loop, measured: claims at the same moment, silence in any interleaving, delivery to the other side."""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from app.api.metrics import Metrics
from app.api.turns import Asked, Turns
from app.settings import Settings
from app.store.conversations import ConversationStore
from app.store.database import Database
from app.store.errors import HandoverMoved
from app.store.handovers import HandoverStore
from app.store.migrate import migrate
from app.tokens import Identity, mint
from eval.table import Figure
from rag.turn import Answer, Emit, Event, Focus, Handover, Message, Reply, Sentence, silent

CLAIMS = INTERLEAVINGS = 1_000
AT_ONCE = 8  # interleavings under way together
PAIRS, EACH_WAY = 20, 10  # conversations held together, and messages in each, both ways
SOON = Handover("wants_person", "soon", "care")


def handover(settings: Settings) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        migrate(url)
        database = Database(url)
        try:
            won = claims(database)
            after, kept, dropped = asyncio.run(interleavings(database))
        finally:
            database.close()
    to_customer, to_agent = delivery(settings)
    once = sum(winners == 1 for winners in won)
    cut = f"{INTERLEAVINGS} turns of 5 sentences and a claim at a random moment, SQLite; {dropped} answers dropped"
    together = f"{PAIRS} conversations at once, {PAIRS * EACH_WAY} messages, real server"
    return [
        Figure("two agents claim at the same moment: one winner", f"{once} of {CLAIMS}", "each time", "SQLite", once == CLAIMS),
        Figure("sentences of the assistant released after a claim", str(after), "0", cut, after == 0),
        Figure("messages of the assistant stored after a claim", str(kept), "0", cut, kept == 0),
        _p95("a message of the agent appears at the customer: 95th percentile", to_customer, together),
        _p95("a message of the customer appears at the agent: 95th percentile", to_agent, together),
    ]  # fmt: skip


def claims(database: Database) -> list[int]:
    """How many of two agents won, for each hand-over that they claimed at the same moment."""
    store, handovers = ConversationStore(database), HandoverStore(database)
    meeting, won = threading.Barrier(2), []

    def claim(agent: Identity, id: str) -> bool:
        meeting.wait()
        try:
            return handovers.claim(id, agent, "Somebody has joined.").agent_id == agent.id
        except HandoverMoved:
            return False

    agents = [Identity("agent", name, 9e9) for name in ("ana", "ben")]
    with ThreadPoolExecutor(2) as pool:
        for _ in range(CLAIMS):
            found, _ = handovers.call(store.create(None), SOON)
            won.append(sum(pool.map(claim, agents, [found.id] * 2)))
    return won


class Talkative:
    """An assistant that says five sentences with short pauses of random length."""

    def answer(self, message: Message, emit: Emit = silent) -> Answer:
        said = [Sentence(text=f"Sentence {n}.") for n in range(5)]
        for sentence in said:
            time.sleep(random.random() * 0.004)
            emit(Event("sentence", sentence.model_dump()))
        text = " ".join(sentence.text for sentence in said)
        reply = Reply(message_id=uuid.uuid4().hex, trace_id=uuid.uuid4().hex, text=text, outcome="answered")
        return Answer(reply.model_copy(update={"sentences": tuple(said)}), Focus())


async def interleavings(database: Database) -> tuple[int, int, int]:
    """Sentences that were released, and messages stored, after a claim was committed; answers that were dropped."""
    store, handovers = ConversationStore(database), HandoverStore(database)
    turns = Turns(Talkative(), store, handovers, Metrics())
    agent = Identity("agent", "ana", 9e9)

    async def one() -> tuple[int, int, int]:
        key = await asyncio.to_thread(store.create, None)
        called, _ = await asyncio.to_thread(handovers.call, key, SOON)
        released: list[float] = []

        def claim() -> float:
            time.sleep(random.random() * 0.015)
            handovers.claim(called.id, agent, "Ana has joined.")
            return time.perf_counter()

        turn = turns.start(Asked(key, "Well?", None), lambda _: released.append(time.perf_counter()))
        claimed = await asyncio.to_thread(claim)
        reply = await turn
        roles = [message.role for message in await asyncio.to_thread(store.messages, key)]
        late = sum(at > claimed for at in released)
        return late, roles[roles.index("notice") :].count("assistant"), int(reply.outcome == "with_agent")

    total = [0, 0, 0]
    for _ in range(INTERLEAVINGS // AT_ONCE):
        for found in await asyncio.gather(*(one() for _ in range(AT_ONCE))):
            total = [a + b for a, b in zip(total, found, strict=True)]
    await turns.close()
    return total[0], total[1], total[2]


def delivery(settings: Settings) -> tuple[list[float], list[float]]:
    """Seconds from sending to appearing: agents' messages at customers, customers' messages at agents."""
    with _server(settings) as base:
        return asyncio.run(_delivered(settings, base))


async def _delivered(settings: Settings, base: str) -> tuple[list[float], list[float]]:
    to_customer: list[float] = []
    to_agent: list[float] = []
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=base, timeout=60, trust_env=False, limits=limits) as client:

        async def pair(n: int) -> None:
            agent = {"Authorization": f"Bearer {mint(settings, agent=f'agent-{n}')}"}
            key = (await client.post("/v1/conversations")).json()["conversation_id"]
            path = f"/v1/conversations/{key}"
            found = (await client.post(f"{path}/handover", json={})).json()["handover_id"]
            desk = f"/v1/agent/handovers/{found}"
            (await client.post(f"{desk}/claim", headers=agent)).raise_for_status()
            sent: dict[str, float] = {}
            shown = asyncio.Event()

            async def at_customer() -> None:
                async for kind, data in _events(client, f"{path}/events", {}):
                    if kind == "message" and data["role"] == "agent":
                        to_customer.append(time.perf_counter() - sent[data["text"]])
                        shown.set()

            async def at_agent() -> None:
                async for kind, data in _events(client, "/v1/agent/events", agent):
                    if kind == "message" and data["conversation_id"] == key:
                        page = (await client.get(f"/v1/agent/conversations/{key}", headers=agent)).json()
                        last = page["messages"][-1]
                        if last["role"] == "customer" and last["text"] in sent:
                            to_agent.append(time.perf_counter() - sent.pop(last["text"]))
                            shown.set()

            listening = [asyncio.create_task(at_customer()), asyncio.create_task(at_agent())]
            await asyncio.sleep(1 + random.random())
            for turn in range(EACH_WAY):
                to_send: tuple[tuple[str, str, dict[str, str]], ...] = (
                    (f"agent {n} {turn}", f"{desk}/reply", agent),
                    (f"customer {n} {turn}", f"{path}/messages", {}),
                )
                for text, where, headers in to_send:
                    shown.clear()
                    sent[text] = time.perf_counter()
                    (await client.post(where, json={"text": text}, headers=headers)).raise_for_status()
                    await asyncio.wait_for(shown.wait(), 30)
                    await asyncio.sleep(random.random() * 0.5)
            for task in listening:
                task.cancel()
            await asyncio.gather(*listening, return_exceptions=True)

        await asyncio.gather(*(pair(n) for n in range(PAIRS)))
    return to_customer, to_agent


async def _events(client: httpx.AsyncClient, path: str, headers: dict[str, str]) -> AsyncIterator[tuple[str, Any]]:
    async with client.stream("GET", path, headers=headers) as answer:
        kind = ""
        async for line in answer.aiter_lines():
            if line.startswith("event: "):
                kind = line[7:]
            elif line.startswith("data: "):
                yield kind, json.loads(line[6:])


@contextmanager
def _server(settings: Settings) -> Iterator[str]:
    """The real server on a database of its own."""
    port = 19_000 + os.getpid() % 1_000
    command = [sys.executable, "-m", "uvicorn", "--factory", "app.api.main:create_app", "--port", str(port)]
    with tempfile.TemporaryDirectory() as folder:
        env = {
            **os.environ,
            "PESTLE_HOME": str(settings.home.resolve()),
            "PESTLE_DATABASE_URL": f"sqlite:///{Path(folder) / 'bench.db'}",
            "PESTLE_MODEL": "",
            "PESTLE_RATE_IDENTITY": "0",
            "PESTLE_RATE_ADDRESS": "0",
        }
        server = subprocess.Popen([*command, "--no-access-log", "--log-level", "warning"], env=env)
        try:
            base = f"http://127.0.0.1:{port}"
            until = time.monotonic() + 60
            while time.monotonic() < until and server.poll() is None:
                try:
                    httpx.get(f"{base}/readyz", trust_env=False).raise_for_status()
                    break
                except httpx.HTTPError:
                    time.sleep(0.1)
            yield base
        finally:
            server.terminate()
            server.wait(20)


def _p95(what: str, seconds: list[float], on: str) -> Figure:
    median, high = statistics.median(seconds), statistics.quantiles(seconds, n=20)[18]
    return Figure(what, f"{high:.2f} s", "≤ 1 s", f"{on}; median {median:.2f} s", high <= 1)
