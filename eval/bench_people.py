"""`pestle bench people`: hundreds of customers and some agents for two minutes, on the real server and assistant."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import cycle, islice
from pathlib import Path

import httpx

from app.settings import Settings
from app.tokens import mint
from eval.crowd import Crowd, Headers, Pace, Seen
from eval.lives import environment, free_port
from eval.questions import read_cases
from eval.table import Figure
from rag.account import open_book

CUSTOMERS, AGENTS, SECONDS = 200, 10, 120.0
DRAINED_S = 90.0  # until everybody who waits for a person when the time is over must have been served
READY_WITHIN_S = 120.0
NOT_COPIED = ("pestle.db*", "*-shm", "keys", "train", "tune", "cases.yaml", "prepared", "encoder", "reader")
OWN = ("Where is my order?", "How many refills do I have left?", "What did I pay for my last order?")


def people(
    settings: Settings,
    customers: int = CUSTOMERS,
    agents: int = AGENTS,
    seconds: float = SECONDS,
    pace: Pace | None = None,
) -> list[Figure]:
    """On a copy of the home that `pestle setup` has prepared, which is only read."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        path = Path(folder) / "people.db"
        _copy(settings, home)
        more = {"PESTLE_KNOWLEDGE": str(settings.knowledge.resolve()), "PESTLE_POLICY": str(settings.policy.resolve())}
        if settings.today:
            more["PESTLE_TODAY"] = settings.today.isoformat()
        env = environment(home, PESTLE_DATABASE_URL=f"sqlite:///{path}", **more)
        own = Settings.model_construct(home=home)  # as the server has it, whatever this machine's environment says
        with _server(env, home) as base:
            seen = asyncio.run(_crowd(own, base, customers, agents, seconds, pace or Pace()))
        return _figures(seen, _states(path), f"{customers} customers, {agents} agents, {seconds:.0f} s")


def _copy(settings: Settings, home: Path) -> None:
    shutil.copytree(settings.home, home, ignore=shutil.ignore_patterns(*NOT_COPIED))
    for name, folder in (("encoder", settings.encoder), ("reader", settings.reader)):
        shutil.copytree(folder or settings.home / name, home / name)


async def _crowd(settings: Settings, base: str, customers: int, agents: int, seconds: float, pace: Pace) -> Seen:
    def bearer(**who: str) -> Headers:
        return {"Authorization": f"Bearer {mint(settings, **who)}"}

    known = open_book(settings).customer_ids(customers)
    chats = [bearer(customer=id) if n % 4 else {} for n, id in enumerate(islice(cycle(known), customers))]
    desks = {name: bearer(agent=name) for name in (f"agent-{n}" for n in range(agents))}
    texts = [case.question for case in read_cases("questions_heldout")]
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(base_url=base, timeout=30, trust_env=False, limits=limits) as client:
        crowd = Crowd(client, [*texts, *OWN * (len(texts) // 12)], seconds, pace)
        await crowd.run(chats, desks, DRAINED_S)
    return crowd.seen


@contextmanager
def _server(env: dict[str, str], folder: Path) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "--factory", "app.api.main:create_app", "--port", str(port)]
    server = subprocess.Popen([*command, "--no-access-log", "--log-level", "warning"], env=env, cwd=folder)
    try:
        base, until = f"http://127.0.0.1:{port}", time.monotonic() + READY_WITHIN_S
        while True:
            try:
                httpx.get(f"{base}/readyz", timeout=5, trust_env=False).raise_for_status()
                break
            except httpx.HTTPError:
                if server.poll() is not None or time.monotonic() > until:
                    raise RuntimeError("the server did not become ready; its last lines above say why") from None
                time.sleep(0.1)
        yield base
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _states(path: Path) -> dict[str, str]:
    """The state of each hand-over, by id, as the database holds it at the end."""
    with closing(sqlite3.connect(path)) as db:
        return dict(db.execute("SELECT id, state FROM handovers").fetchall())


def _figures(seen: Seen, states: dict[str, str], load: str) -> list[Figure]:
    twice = [id for id, names in seen.claimed.items() if len(names) > 1]
    left = [id for id in seen.asked | states.keys() if states.get(id) != "resolved" or id not in seen.claimed]
    failed = "; ".join(f"{times} × {what}" for what, times in seen.failed.most_common(4)) or "none"
    refused = "; ".join(f"{times} × {what}" for what, times in seen.documented.most_common(4)) or "none"
    return [
        Figure("requests and streams that failed", f"{sum(seen.failed.values())} of {seen.requests}", "0", f"{load}, real server; {failed}. Documented refusals: {refused}", not seen.failed.total() and seen.requests > 0),
        _p95("a message of an agent appears at the customer: 95th percentile", seen.to_customer, 1.0),
        _p95("a message of a customer appears at the agent: 95th percentile", seen.to_agent, 1.0),
        _p95("a whole turn of the assistant: 95th percentile", seen.turns, None),
        Figure("hand-overs that were lost, or never claimed and resolved", str(len(left)), "0", f"{len(states)} hand-overs; all settled {seen.settled_s:.0f} s after the time was over", bool(states) and not left),
        Figure("hand-overs claimed twice", str(len(twice)), "0", f"{len(seen.claimed)} claimed", not twice),
    ]  # fmt: skip


def _p95(what: str, seconds: Sequence[float], goal: float | None) -> Figure:
    if len(seconds) < 2:
        return Figure(what, "–", "" if goal is None else f"≤ {goal:.0f} s", f"{len(seconds)} measured")
    median, high = statistics.median(seconds), statistics.quantiles(seconds, n=20, method="inclusive")[18]
    on = f"{len(seconds)} of them; median {median:.2f} s, longest {max(seconds):.2f} s"
    return Figure(
        what, f"{high:.2f} s", "" if goal is None else f"≤ {goal:.0f} s", on, None if goal is None else high <= goal
    )
