"""Conversations with the API, over HTTP, as a web page has them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from eval.simulated.customer import Customer, SignIn
from eval.simulated.goals import Titles
from eval.simulated.plans import Plan
from eval.simulated.seen import Seen
from rag.turn import Reply

MOST_TURNS = 14  # more than any customer's patience; a loop of ours would be seen
Mint = Callable[[str], str]  # a customer's token


@dataclass(frozen=True)
class Talk:
    """How it went: what was said, what came back, and the customer at the end of it."""

    plan: Plan
    customer: Customer
    replies: tuple[Reply, ...]
    ms: float  # a turn, on average


async def talks(app: Any, plans: Sequence[Plan], titles: Titles, mint: Mint) -> AsyncIterator[Talk]:
    """Every conversation, one after the other, with the app's lifespan around them. Raises httpx.HTTPStatusError."""
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://simulated") as client,
    ):
        for plan in plans:
            yield await talk(client, plan, titles, mint)


async def talk(client: httpx.AsyncClient, plan: Plan, titles: Titles, mint: Mint) -> Talk:
    customer = Customer(plan.goal, plan.target, plan.persona, plan.dice(), titles)
    signed_in = {"Authorization": f"Bearer {mint(plan.customer)}"} if plan.customer else {}
    late = plan.persona.signed_out and plan.target is not None
    who: dict[str, str] = {} if late else signed_in
    path = await _begin(client, who)
    replies: list[Reply] = []
    began = time.perf_counter()
    say: str | SignIn | None = customer.begin()
    while say is not None and len(replies) < MOST_TURNS:
        if isinstance(say, SignIn):
            who, say = signed_in, say.say
            path = await _begin(client, who)
        answer = await client.post(f"{path}/messages", headers=who, json={"text": say}, timeout=120)
        replies.append(Reply.model_validate(answer.raise_for_status().json()))
        say = customer.hears(Seen.of(replies[-1]))
    ms = (time.perf_counter() - began) * 1000 / len(replies)
    return Talk(plan, customer, tuple(replies), ms)


async def _begin(client: httpx.AsyncClient, who: dict[str, str]) -> str:
    answer = await client.post("/v1/conversations", headers=who)
    return f"/v1/conversations/{answer.raise_for_status().json()['conversation_id']}"
