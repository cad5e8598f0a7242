"""An API that speaks the documented contract with a few written replies, slow enough to watch it stream.

Real in all that the page relies on: tokens, owners, idempotency, server-sent events, problem answers.
`python -m tests.ui.fake_api PORT` serves it by itself.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import threading
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI, Header, Request
from fastapi.responses import Response, StreamingResponse

from tests.ui.fake_desk import NOW, FakeDesk, add_customer_side, add_desk_side, problem

CUSTOMERS = {
    "C-10001": ("Maria Alvarez", "Blood pressure and diabetes, a parcel on its way"),
    "C-10002": ("Dale Whitfield", "A refrigerated order is delayed"),
    "C-10003": ("Priya Raman", "Moving prescriptions from another pharmacy"),
}

ARTICLES: dict[str, dict[str, Any]] = {
    "track-order": {
        "id": "track-order",
        "title": "How do I track my order?",
        "topic": "orders",
        "updated": "2026-10-16",
        "body": (
            "Open Orders in your account to see where a parcel is. Standard delivery costs $5.99, express $14.00.\n\n"
            '## Where to look\n1. Sign in and open Orders.\n2. Choose the order.\n3. Press "Track parcel".\n\n'
            "## What the stages mean\n- **Received**: we have your order.\n- **Filling**: a pharmacist checks it.\n"
            "- **Shipped**: the carrier has it.\n\n<script>window.hacked=1</script>\n\n"
            "![pixel](http://tracker.invalid/p.png) [bad](javascript:window.hacked=1) :red[plain] $x^2$\n"
        ),
        "links": [{"id": "delivery-speeds", "title": "Delivery speeds & fees: $5.99 or **free**?"}],
    },
    "delivery-speeds": {
        "id": "delivery-speeds",
        "title": "Delivery speeds & fees: $5.99 or **free**?",
        "topic": "delivery",
        "updated": "2026-09-01",
        "body": "Standard takes 3 to 5 business days and costs $5.99. Express takes 1 to 2 and costs $14.00.",
        "links": [],
    },
}

CARD = {
    "number": "FH-1234567",
    "title": "Order",
    "lines": ["metformin 500 mg tablets, 90", "lisinopril 10 mg tablets, 30"],
    "status": "shipped",
    "status_text": "On its way",
    "steps": [
        {"label": "Received", "state": "done", "when": "Saturday"},
        {"label": "Checked", "state": "done", "when": "Monday"},
        {"label": "Shipped", "state": "done", "when": "Tuesday"},
        {"label": "Out for delivery", "state": "current", "when": "today"},
        {"label": "Delivered", "state": "todo", "when": None},
    ],
    "promised": "Friday, November 27",
    "carrier": "UPS",
    "tracking": "1Z999AA10123456784",
    "total": "$12.00",
}
LATE = {
    **CARD,
    "number": "FH-7654321",
    "lines": ["insulin glargine pens, 5"],
    "status": "delayed",
    "status_text": "Delayed",
    "steps": [
        {"label": "Received", "state": "done", "when": "Friday"},
        {"label": "Shipped", "state": "problem", "when": "held in Memphis"},
        {"label": "Delivered", "state": "todo", "when": None},
    ],
}

Sentences = list[tuple[str, list[int]]]


def cite(n: int, article_id: str) -> dict[str, Any]:
    title = ARTICLES[article_id]["title"]
    return {"n": n, "article_id": article_id, "title": title, "url": f"/?article={article_id}", "kind": "article"}


def script(text: str, customer: str | None) -> dict[str, Any]:
    """The written reply to a message."""
    low = text.lower()
    sentences: Sentences
    extra: dict[str, Any] = {"citations": [], "suggestions": [], "outcome": "answered", "cards": []}
    if "chest" in low:
        sentences = [
            ("Call 911 now if you have chest pain, trouble breathing or feel faint.", []),
            ("Don't wait for an answer here and don't drive yourself.", []),
            ("For thoughts of harming yourself, call or text 988 at any hour.", []),
        ]
        extra |= {"outcome": "emergency", "reason": "medical_emergency"}
    elif "where is my order" in low and customer == "C-10001":
        sentences = [("Your metformin left Phoenix on Tuesday and should arrive Friday, November 27 by 8 pm.", [1])]
        record = {"n": 1, "article_id": "FH-1234567", "title": "Order FH-1234567", "url": "", "kind": "order"}
        extra |= {"cards": [CARD], "citations": [record], "suggestions": ["What did I pay?", "Change the address"]}
    elif "where is my order" in low and customer:
        sentences = [("Your insulin is held in Memphis; we expect it on Friday, November 27.", [])]
        extra |= {"cards": [LATE], "suggestions": ["Send a new one"]}
    elif "where is my order" in low:
        sentences = [("Please sign in, and I can look up your orders.", [])]
        extra |= {"outcome": "clarify"}
    elif "unknown" in low:
        sentences = [("I don't know that. These articles come closest.", [])]
        extra |= {"outcome": "unknown", "citations": [cite(1, "track-order")], "suggestions": ["Talk to a person"]}
    elif "everything" in low:
        more = "of a long answer tells one more thing about our $5.99 delivery."
        sentences = [(f"Sentence {i} {more}", [1 + i % 2]) for i in range(14)]
        sentences += [(f"{i}. Do the step with number {i}, then go on to the one below it.", [1]) for i in range(1, 8)]
        extra |= {
            "citations": [cite(1, "track-order"), cite(2, "delivery-speeds")],
            "suggestions": ["How fast is delivery?", "What does **bold** cost: $5 or $10?", "Can I get a refund?"],
        }
    elif "track" in low:
        sentences = [
            ("You can follow every parcel under Orders in your account.", [1]),
            ("1. Sign in and open Orders.", [1]),
            ("2. Choose the order that you are waiting for.", [1]),
            ('3. Press "Track parcel" to see where it is.', [1]),
            ("Standard delivery costs $5.99 and takes 3 to 5 business days; express costs $14.00.", [2]),
        ]
        extra |= {
            "citations": [cite(1, "track-order"), cite(2, "delivery-speeds")],
            "suggestions": ["How fast is delivery?", "What if my parcel is late?", "Talk to a person"],
        }
    else:
        sentences = [("Standard delivery takes 3 to 5 business days and costs $5.99.", [1])]
        extra |= {"citations": [cite(1, "delivery-speeds")], "suggestions": ["How do I track my order?"]}
    parts: list[str] = []
    for sentence, numbers in sentences:
        gap = "\n" if parts and (sentence[0].isdigit() or parts[-1].lstrip()[:1].isdigit()) else " " if parts else ""
        parts.append(gap + sentence + "".join(f" [{n}]" for n in numbers))
    return {
        "message_id": uuid.uuid4().hex,
        "trace_id": uuid.uuid4().hex,
        "text": "".join(parts),
        "intents": [],
        "reason": None,
        "handover_id": None,
        "sentences": [{"text": s, "citations": n} for s, n in sentences],
        **extra,
    }


def silence() -> dict[str, Any]:
    """What the assistant says while a person holds the conversation."""
    none: dict[str, Any] = {"citations": [], "suggestions": [], "cards": [], "sentences": [], "intents": []}
    return none | {"message_id": "", "trace_id": "", "text": "", "outcome": "with_agent", "reason": "with_agent"}


def named(name: str, label: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "label": label, **more}


def explanation(reply: dict[str, Any]) -> dict[str, Any]:
    """The written explanation of a reply."""
    urgent = reply["outcome"] == "emergency"
    intents = [
        named("order_tracking", "Order tracking", likelihood="very likely", probability=0.91),
        named("delivery_options", "Delivery options", likelihood="possible", probability=0.12),
    ]
    knowledge = {"taken_for": named("knowledge", "a question that our help articles answer"), "intents": intents}
    quiet = [("self_harm", "Thoughts of self-harm"), ("injection", "Changing the assistant's rules")]
    rails = [named(name, label, verdict="no sign") for name, label in quiet]
    composer = (
        ("wording", "a text that people wrote for this case") if urgent else ("articles", "the articles' own sentences")
    )
    return {
        "message_id": reply["message_id"],
        "questions": [] if urgent else [knowledge],
        "acted": named("emergency", "Emergency") if urgent else None,
        "rails": [
            named("emergency", "Emergency", verdict="clear sign" if urgent else "no sign"),
            *rails,
            named("medical_advice", "Medical advice", verdict="in doubt"),
        ],
        "sources": [{"n": c["n"], "title": c["title"], "kind": c["kind"]} for c in reply["citations"]],
        "held_back": 0 if urgent else 3,
        "checks": [] if urgent else [
            named("figures", "a figure did not stand in the source", count=2),
            named("support", "the source did not say it", count=1),
        ],
        "composer": named(*composer),
        "versions": {"policy": "2026-11-24", "knowledge": None if urgent else "3f9ac1e2b7d04c58"},
    }  # fmt: skip


@dataclass
class FakeApi:
    """The state that survives a restart of the server, and what the tests look at."""

    delay_s: float = 0.25
    tokens: dict[str, str] = field(default_factory=dict)
    owners: dict[str, str | None] = field(default_factory=dict)
    messages: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    keys: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    turns: list[str] = field(default_factory=list)
    explain: bool = False
    whys: list[str] = field(default_factory=list)
    desk: FakeDesk = field(default_factory=FakeDesk)

    def expire_tokens(self) -> None:
        self.tokens.clear()


def create_fake(state: FakeApi) -> FastAPI:
    app = FastAPI()

    def visitor(authorization: str | None) -> tuple[str | None, Response | None]:
        if not authorization:
            return None, None
        customer = state.tokens.get(authorization.removeprefix("Bearer "))
        return customer, None if customer else problem(401, "The token is not valid; sign in again.")

    def mine(conversation_id: str, customer: str | None) -> bool:
        return conversation_id in state.owners and state.owners[conversation_id] == customer

    @app.get("/readyz")
    def ready() -> dict[str, str]:
        return {"status": "ready"}

    @app.get("/v1/demo/customers")
    def customers() -> Any:
        return {"customers": [{"id": i, "name": name, "about": line} for i, (name, line) in CUSTOMERS.items()]}

    @app.post("/v1/demo/token")
    def token(body: dict[str, str]) -> Any:
        made = f"e30.{secrets.token_urlsafe(12)}.{secrets.token_urlsafe(32)}"
        state.tokens[made] = body["customer_id"]
        return {"token": made}

    @app.post("/v1/conversations", status_code=201)
    def create(authorization: str | None = Header(None)) -> Any:
        customer, refused = visitor(authorization)
        if refused:
            return refused
        conversation_id = secrets.token_urlsafe(16)
        state.owners[conversation_id], state.messages[conversation_id] = customer, []
        return {"conversation_id": conversation_id}

    @app.get("/v1/conversations/{conversation_id}/messages")
    def past(conversation_id: str, after: int = 0, authorization: str | None = Header(None)) -> Any:
        customer, refused = visitor(authorization)
        if refused:
            return refused
        if not mine(conversation_id, customer):
            return problem(404, "There is no such conversation.")
        return {"messages": state.messages[conversation_id][after:], "more": False}

    @app.post("/v1/conversations/{conversation_id}/messages")
    async def message(
        conversation_id: str,
        request: Request,
        authorization: str | None = Header(None),
        idempotency_key: str = Header(""),
    ) -> Any:
        customer, refused = visitor(authorization)
        if refused:
            return refused
        if not mine(conversation_id, customer):
            return problem(404, "There is no such conversation.")
        text = (await request.json())["text"]
        if "too long" in text:
            return problem(413, "That message is too long; please send a shorter one.")
        if "break" in text:
            return problem(500, "Something failed.")
        known = state.keys.get((conversation_id, idempotency_key))
        called = state.desk.open_for(conversation_id)
        with_agent = bool(called and called["state"] == "held")
        reply = known or (silence() if with_agent else script(text, customer))
        if not known:
            state.turns.append(text)
            state.keys[(conversation_id, idempotency_key)] = reply
            log = state.messages[conversation_id]
            row = {"id": uuid.uuid4().hex, "seq": len(log) + 1, "role": "customer", "text": text, "created_at": NOW}
            log.append(row)
            if with_agent:
                reply["message_id"] = row["id"]
            else:
                answer = {"id": reply["message_id"], "seq": len(log) + 1, "role": "assistant", "text": reply["text"]}
                log.append({**answer, "reply": reply, "created_at": NOW})
            if reply["outcome"] == "emergency" or "a person please" in text.lower():
                urgency = "urgent" if reply["outcome"] == "emergency" else "soon"
                made = state.desk.call(state, conversation_id, reply["reason"] or "wants_person", urgency)
                reply["handover_id"] = made["handover_id"]
        return StreamingResponse(events(reply, 0 if known else state.delay_s), media_type="text/event-stream")

    @app.get("/v1/knowledge/articles/{article_id}")
    def article(article_id: str) -> Any:
        return ARTICLES.get(article_id) or problem(404, "There is no such article.")

    @app.get("/v1/features")
    def features() -> Any:
        return {"explain": state.explain}

    @app.get("/v1/messages/{message_id}/why")
    def why(message_id: str, authorization: str | None = Header(None)) -> Any:
        customer, refused = visitor(authorization)
        if refused:
            return refused
        for conversation_id, log in state.messages.items():
            for message in log:
                reply = message.get("reply") or {}
                if state.explain and reply.get("message_id") == message_id and mine(conversation_id, customer):
                    state.whys.append(message_id)
                    return explanation(reply)
        return problem(404, "There is no such answer.")

    add_customer_side(app, state, visitor, mine)
    add_desk_side(app, state, script, CUSTOMERS)
    return app


async def events(reply: dict[str, Any], delay_s: float) -> AsyncIterator[str]:
    def event(name: str, data: Any) -> str:
        return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"

    yield ": keep-alive\n\n"
    for sentence in reply["sentences"]:
        await asyncio.sleep(delay_s)
        yield event("sentence", sentence)
    for citation in reply["citations"]:
        yield event("citation", citation)
    await asyncio.sleep(delay_s * 2)
    for suggestion in reply["suggestions"]:
        yield event("suggestion", {"text": suggestion})
    yield event("done", reply)


class Served:
    """The fake API on a port of loopback; `stop` and `start` again to play an outage."""

    def __init__(self, state: FakeApi, port: int) -> None:
        self.state, self.port = state, port
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def up(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        config = uvicorn.Config(
            create_fake(self.state), port=self.port, log_level="warning", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        until = time.monotonic() + 20
        while not self._server.started:
            if time.monotonic() > until:
                raise TimeoutError("the fake API did not start")
            time.sleep(0.05)

    def stop(self) -> None:
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join(10)


if __name__ == "__main__":
    uvicorn.run(create_fake(FakeApi()), port=int(sys.argv[1]))
