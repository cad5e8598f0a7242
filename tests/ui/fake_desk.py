"""The other half of the fake API: hand-over, the agents' desk, feedback, review, gaps and drafts, by the contract."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Header
from fastapi.responses import JSONResponse, Response, StreamingResponse

from tests.ui.fake_quality import add_quality_side

if TYPE_CHECKING:
    from tests.ui.fake_api import FakeApi

EVIL = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script> **bold** $5'
NOW = "2026-11-24T15:00:00Z"
PRESCRIPTION = {
    "number": "RX-12345678", "drug": "metformin", "strength": "500 mg", "form": "tablet",
    "directions": "Take one tablet twice a day.", "status": "active", "refills_left": 2, "last_filled_on": "2026-10-30",
    "next_refill_on": "2026-11-30", "expires_on": "2027-03-01", "prescriber": "Dr. Chen", "auto_refill": True,
}  # fmt: skip
TRANSFER = {
    "number": "TR-123456", "drug": "atorvastatin", "direction": "in", "other_pharmacy": "Corner Drugs",
    "stage": "contacting_pharmacy", "requested_on": "2026-11-20", "expected_on": "2026-11-27", "reason": None,
}  # fmt: skip
CANNED = [
    {
        "id": "hello",
        "title": "Greeting",
        "text": "Hello, this is Fernhollow Pharmacy. How can I help?",
        "department": None,
    },
    {
        "id": "thanks",
        "title": "Closing",
        "text": "You're welcome. Write to us again at any time.",
        "department": None,
    },
    {
        "id": "rx",
        "title": "A pharmacist will call",
        "text": "A pharmacist will call you today before 6 pm.",
        "department": "pharmacist",
    },
]
ARTICLE = (
    "---\nid: {id}\ntitle: {title}\ntopic: delivery\nupdated: 2026-11-24\nquestions:\n  - {title}\n"
    "next_steps: []\nlinks: []\n---\n{body}\n"
)


@dataclass
class FakeDesk:
    """What the desk's half keeps over a restart."""

    staff: dict[str, tuple[str, str]] = field(default_factory=dict)  # token: (role, name)
    handovers: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    ratings: dict[str, dict[str, Any]] = field(default_factory=dict)
    signs: list[tuple[str, str]] = field(default_factory=list)
    suggestions: dict[str, dict[str, Any]] = field(default_factory=dict)
    proposals: dict[str, dict[str, Any]] = field(default_factory=dict)
    drafts: dict[str, dict[str, Any]] = field(default_factory=dict)
    published: list[str] = field(default_factory=list)
    cases: list[str] = field(default_factory=list)
    replies: dict[str, dict[str, Any]] = field(default_factory=dict)  # by idempotency key
    no_training: set[str] = field(default_factory=set)
    claims: list[str] = field(default_factory=list)
    beats: int = 0
    a_day: int = 0  # conversations, for the quality page
    reasons: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    broken: list[dict[str, str]] = field(default_factory=list)
    reports: dict[str, str] = field(default_factory=dict)  # HTML by run
    version: int = 0

    def changed(self) -> None:
        self.version += 1

    def open_for(self, conversation_id: str) -> dict[str, Any] | None:
        rows = [h for h in self.handovers.values() if h["conversation_id"] == conversation_id]
        return next((h for h in rows if h["state"] in ("waiting", "held")), rows[-1] if rows else None)

    def call(self, state: FakeApi, conversation_id: str, reason: str, urgency: str = "soon", **more: Any) -> Any:
        """A hand-over for the conversation; the open one if there is one."""
        before = self.open_for(conversation_id)
        if before and before["state"] in ("waiting", "held"):
            return before
        asked = [m["text"] for m in state.messages[conversation_id] if m["role"] == "customer"]
        made = {
            "handover_id": uuid.uuid4().hex, "conversation_id": conversation_id, "reason": reason, "urgency": urgency,
            "department": more.get("department") or "care", "summary": f"Asked: {asked[-1] if asked else 'nothing yet'}",
            "state": "waiting", "since": time.time(), "agent_id": None, "agent_name": None, "note": more.get("note", ""),
        }  # fmt: skip
        self.handovers[made["handover_id"]] = made
        self.changed()
        return made


def problem(status: int, detail: str, errors: list[dict[str, str]] | None = None) -> Response:
    body: dict[str, Any] = {"type": "about:blank", "title": detail, "status": status, "detail": detail}
    return JSONResponse(body | ({"errors": errors} if errors else {}), status, media_type="application/problem+json")


def staff_token(role: str, name: str) -> str:
    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none'})}.{part({'sub': name, 'role': role, 'name': name})}.{secrets.token_urlsafe(32)}"


def say(state: FakeApi, conversation_id: str, role: str, text: str, author: str | None = None) -> dict[str, Any]:
    log = state.messages[conversation_id]
    row = {
        "id": uuid.uuid4().hex, "seq": len(log) + 1, "role": role, "text": text, "author": author, "reply": None,
        "created_at": NOW,
    }  # fmt: skip
    log.append(row)
    return row


def _told(handover: dict[str, Any], place: int | None) -> str:
    if handover["state"] == "held":
        return f"{handover['agent_name']} (customer care) is here and reads what you write. The answer appears here."
    if handover["state"] == "waiting":
        return f"You are number {place} in line for customer care. People who asked lately waited about 4 minutes."
    return "The request was closed."


def status_of(desk: FakeDesk, handover: dict[str, Any]) -> dict[str, Any]:
    waiting = [h for h in desk.handovers.values() if h["state"] == "waiting"]
    place = waiting.index(handover) + 1 if handover in waiting else None
    return {
        "handover_id": handover["handover_id"], "state": handover["state"], "department": handover["department"],
        "urgency": handover["urgency"], "place": place, "wait_minutes": 4 if place else None, "open_now": True,
        "opens_at": None, "agent_name": handover["agent_name"], "text": _told(handover, place),
    }  # fmt: skip


def add_customer_side(app: FastAPI, state: FakeApi, visitor: Callable[..., Any], mine: Callable[..., bool]) -> None:
    desk = state.desk

    @app.post("/v1/conversations/{conversation_id}/handover")
    def call(conversation_id: str, body: dict[str, Any], authorization: str | None = Header(None)) -> Any:
        customer, refused = visitor(authorization)
        if refused or not mine(conversation_id, customer):
            return refused or problem(404, "There is no such conversation.")
        if "refuse" in body["note"]:
            return problem(422, "That note can't be taken.")
        return JSONResponse(status_of(desk, desk.call(state, conversation_id, "button", **body)), 201)

    @app.get("/v1/conversations/{conversation_id}/handover")
    def how(conversation_id: str, authorization: str | None = Header(None)) -> Any:
        customer, refused = visitor(authorization)
        found = desk.open_for(conversation_id) if mine(conversation_id, customer) else None
        return refused or (status_of(desk, found) if found else problem(404, "Nobody was called."))

    @app.delete("/v1/conversations/{conversation_id}/handover")
    def cancel(conversation_id: str, authorization: str | None = Header(None)) -> Any:
        customer, refused = visitor(authorization)
        found = desk.open_for(conversation_id) if mine(conversation_id, customer) else None
        if refused or not found or found["state"] != "waiting":
            return refused or problem(409, "Nobody is waited for.")
        found["state"] = "cancelled"
        desk.changed()
        return Response(status_code=204)

    def replied(message_id: str, authorization: str | None) -> bool:
        customer, refused = visitor(authorization)
        return not refused and any(
            mine(conversation_id, customer) and (m.get("reply") or {}).get("message_id") == message_id
            for conversation_id, log in state.messages.items()
            for m in log
        )

    @app.get("/v1/messages/{message_id}/feedback")
    def rating(message_id: str, authorization: str | None = Header(None)) -> Any:
        known = replied(message_id, authorization) and desk.ratings.get(message_id)
        return known or problem(404, "There is no rating.")

    @app.post("/v1/messages/{message_id}/feedback")
    def rate(message_id: str, body: dict[str, Any], authorization: str | None = Header(None)) -> Any:
        if not replied(message_id, authorization):
            return problem(404, "There is no such answer.")
        desk.ratings[message_id] = body
        return body

    @app.delete("/v1/messages/{message_id}/feedback")
    def unrate(message_id: str) -> Any:
        desk.ratings.pop(message_id, None)
        return Response(status_code=204)

    @app.post("/v1/messages/{message_id}/signs")
    def sign(message_id: str, body: dict[str, Any], authorization: str | None = Header(None)) -> Any:
        if not replied(message_id, authorization):
            return problem(404, "There is no such answer.")
        desk.signs.append((message_id, body["kind"]))
        return Response(status_code=204)

    @app.get("/v1/me/data")
    def data(authorization: str | None = Header(None)) -> Any:
        customer, refused = visitor(authorization)
        own = {c: log for c, log in state.messages.items() if state.owners[c] == customer}
        return refused or {"customer_id": customer, "conversations": own}

    @app.delete("/v1/me/data")
    def forget(authorization: str | None = Header(None)) -> Any:
        customer, refused = visitor(authorization)
        for conversation_id in [c for c, owner in state.owners.items() if owner == customer]:
            del state.owners[conversation_id], state.messages[conversation_id]
        return refused or Response(status_code=204)

    @app.get("/v1/me/choices")
    def choices(authorization: str | None = Header(None)) -> Any:
        customer, refused = visitor(authorization)
        return refused or {"no_training": customer in desk.no_training}

    @app.put("/v1/me/choices")
    def choose(body: dict[str, Any], authorization: str | None = Header(None)) -> Any:
        customer, refused = visitor(authorization)
        (desk.no_training.add if body["no_training"] else desk.no_training.discard)(customer)
        return refused or body


def add_desk_side(app: FastAPI, state: FakeApi, script: Callable[..., dict[str, Any]], names: dict[str, Any]) -> None:
    desk = state.desk

    def agent(authorization: str | None, *roles: str) -> tuple[str, Response | None]:
        role, name = desk.staff.get((authorization or "").removeprefix("Bearer "), ("", ""))
        if not role and (authorization or "").removeprefix("Bearer ") in state.tokens:
            return "", problem(403, "This is for staff only.")
        if not role:
            return "", problem(401, "Sign in first.")
        return name, None if not roles or role in roles else problem(403, "This is for pharmacists.")

    @app.post("/v1/demo/staff-token")
    def token(body: dict[str, str]) -> Any:
        made = staff_token(body["role"], body["name"])
        desk.staff[made] = (body["role"], body["name"])
        return {"token": made}

    def view(h: dict[str, Any]) -> dict[str, Any]:
        return {"id": h["handover_id"], **{name: value for name, value in h.items() if name != "handover_id"}}

    def item(h: dict[str, Any]) -> dict[str, Any]:
        log = state.messages.get(h["conversation_id"], [])
        said = [m["text"] for m in log if m["role"] == "customer"]
        owner = state.owners.get(h["conversation_id"])
        return {
            **{k: h[k] for k in ("handover_id", "conversation_id", "reason", "urgency", "department", "summary", "state",
                                 "agent_id", "agent_name")},
            "customer_name": names[owner][0] if owner in names else None, "waiting_s": int(time.time() - h["since"]),
            "notes": len(desk.notes.get(h["conversation_id"], ())), "note": h["note"],
            "last_text": said[-1] if said else "", "unread": 1 if log and log[-1]["role"] == "customer" else 0,
        }  # fmt: skip

    @app.get("/v1/agent/queue")
    def queue(department: str | None = None, authorization: str | None = Header(None)) -> Any:
        _, refused = agent(authorization)
        rows = [h for h in desk.handovers.values() if department in (None, h["department"])]
        rows.sort(key=lambda h: (h["urgency"] != "urgent", h["since"]))
        return refused or {
            "waiting": [item(h) for h in rows if h["state"] == "waiting"],
            "held": [item(h) for h in rows if h["state"] == "held"],
            "version": str(desk.version),
        }

    @app.get("/v1/agent/events")
    async def events(authorization: str | None = Header(None)) -> Any:
        name, refused = agent(authorization)
        if refused:
            return refused

        async def frames() -> AsyncIterator[str]:
            seen, lengths = -1, dict[str, int]()
            for turn in range(100_000):
                if desk.version != seen:
                    seen = desk.version
                    yield f'event: queue\ndata: {{"version": "{seen}"}}\n\n'
                for h in list(desk.handovers.values()):
                    c = h["conversation_id"]
                    count = len(state.messages.get(c, ()))
                    if h["agent_id"] == name and lengths.setdefault(c, count) != count:
                        lengths[c] = count
                        yield f"event: message\ndata: {json.dumps({'conversation_id': c, 'seq': count})}\n\n"
                if turn % 20 == 0:
                    yield ": still here\n\n"
                await asyncio.sleep(0.1)

        return StreamingResponse(frames(), media_type="text/event-stream")

    @app.get("/v1/agent/conversations/{conversation_id}")
    def conversation(conversation_id: str, authorization: str | None = Header(None)) -> Any:
        _, refused = agent(authorization)
        if refused or conversation_id not in state.messages:
            return refused or problem(404, "There is no such conversation.")
        owner = state.owners[conversation_id]
        rows = [
            {"trace_id": None, **m, "feedback": desk.ratings.get((m.get("reply") or {}).get("message_id"))}
            for m in state.messages[conversation_id]
        ]
        from tests.ui.fake_api import CARD, LATE  # here: the other half imports this one

        known = owner in names
        return {
            "conversation": {"id": conversation_id, "created_at": NOW},
            "customer": {"id": owner, "name": names[owner][0], "plus_member": True} if known else None,
            "messages": rows, "handover": view(called) if (called := desk.open_for(conversation_id)) else None, "notes": desk.notes.get(conversation_id, []),
            "account": {"orders": [CARD, LATE], "prescriptions": [PRESCRIPTION], "transfers": [TRANSFER]} if known else None,
        }  # fmt: skip

    @app.get("/v1/agent/messages/{message_id}/trace")
    def trace(message_id: str, authorization: str | None = Header(None)) -> Any:
        from tests.ui.fake_api import explanation

        _, refused = agent(authorization)
        replies = [m["reply"] for log in state.messages.values() for m in log if m.get("reply")]
        found = next((r for r in replies if r["message_id"] == message_id), None)
        if refused or not found:
            return refused or problem(404, "There is no such answer.")
        return {"why": explanation(found), "sources": found["citations"]}

    def held(handover_id: str, authorization: str | None) -> tuple[dict[str, Any], str, Response | None]:
        name, refused = agent(authorization)
        found = desk.handovers.get(handover_id, {})
        if not refused and not found:
            refused = problem(404, "There is no such hand-over.")
        if not refused and (found["state"] != "held" or found["agent_id"] != name):
            refused = problem(409, "You don't hold this conversation any more; claim it first.")
        return found, name, refused

    @app.post("/v1/agent/handovers/{handover_id}/claim")
    def claim(handover_id: str, authorization: str | None = Header(None)) -> Any:
        name, refused = agent(authorization)
        found = desk.handovers.get(handover_id)
        if refused or not found:
            return refused or problem(404, "There is no such hand-over.")
        if found["state"] == "held" and found["agent_id"] != name:
            return problem(409, f"{found['agent_name']} was faster and has this conversation.")
        desk.claims.append(name)
        if found["state"] == "held":
            return view(found)
        found |= {"state": "held", "agent_id": name, "agent_name": name}
        say(state, found["conversation_id"], "notice", f"{name} has joined the conversation.")
        desk.changed()
        return view(found)

    @app.post("/v1/agent/handovers/{handover_id}/heartbeat")
    def beat(handover_id: str, authorization: str | None = Header(None)) -> Any:
        _, _, refused = held(handover_id, authorization)
        desk.beats += 1
        return refused or Response(status_code=204)

    @app.post("/v1/agent/handovers/{handover_id}/reply")
    def reply(
        handover_id: str, body: dict[str, Any], authorization: str | None = Header(None),
        idempotency_key: str = Header(""),
    ) -> Any:  # fmt: skip
        found, name, refused = held(handover_id, authorization)
        if refused or idempotency_key in desk.replies:
            return refused or desk.replies[idempotency_key]
        asked = [m["text"] for m in state.messages[found["conversation_id"]] if m["role"] == "customer"]
        row = say(state, found["conversation_id"], "agent", body["text"], name)
        desk.replies[idempotency_key] = row
        suggested = desk.suggestions.get(body.get("suggestion_id") or "")
        if suggested and suggested["text"] != body["text"]:
            propose(asked[-1] if asked else "", suggested["text"], body["text"], name)
        return row

    def propose(question: str, rejected: str, chosen: str, name: str) -> None:
        correction = {
            "id": uuid.uuid4().hex, "kind": "edited", "question": question, "rejected": rejected, "chosen": chosen,
            "context": [], "evidence": [], "agent_id": name, "created_at": NOW, "versions": {"policy": "2026-11-24"},
        }  # fmt: skip
        for kind in ("knowledge", "case", "preference"):
            key = uuid.uuid4().hex
            data: dict[str, Any] = {"question": question, "chosen": chosen, "rejected": rejected}
            if kind == "knowledge":
                data = {
                    "article_id": "delivery-speeds", "title": "Delivery speeds & fees",
                    "diff": f"--- delivery-speeds\n+++ delivery-speeds\n@@ -1,2 +1,2 @@\n Standard delivery.\n-{rejected}\n+{chosen}\n",
                }  # fmt: skip
            desk.proposals[key] = {
                "id": key, "kind": kind, "state": "open", "data": data, "correction": correction, "created_at": NOW,
                "decided_by": None, "decided_at": None,
            }  # fmt: skip

    @app.post("/v1/agent/handovers/{handover_id}/notes")
    def note(handover_id: str, body: dict[str, Any], authorization: str | None = Header(None)) -> Any:
        name, refused = agent(authorization)
        found = desk.handovers.get(handover_id)
        if refused or not found:
            return refused or problem(404, "There is no such hand-over.")
        row = {"id": uuid.uuid4().hex, "author_id": name, "text": body["text"], "created_at": NOW}
        desk.notes.setdefault(found["conversation_id"], []).append(row)
        desk.changed()
        return Response(status_code=204)

    def unread(handover_id: str, body: dict[str, Any]) -> Response | None:
        log = state.messages.get(desk.handovers.get(handover_id, {}).get("conversation_id", ""), [])
        last = max((m["seq"] for m in log if m["role"] == "customer"), default=0)
        seen = body.get("seen_seq")
        return None if seen is None or last <= seen else problem(409, "The customer has just written something more.")

    def ends(handover_id: str, authorization: str | None, notice: str, **change: Any) -> Any:
        found, _, refused = held(handover_id, authorization)
        if not refused:
            found |= change
            say(state, found["conversation_id"], "notice", notice)
            desk.changed()
        return refused or view(found)

    @app.post("/v1/agent/handovers/{handover_id}/transfer")
    def transfer(handover_id: str, body: dict[str, Any], authorization: str | None = Header(None)) -> Any:
        moved = {"state": "waiting", "department": body["department"], "agent_id": None, "agent_name": None}
        return ends(handover_id, authorization, f"You were passed on to {body['department']}.", **moved)

    @app.post("/v1/agent/handovers/{handover_id}/resolve")
    def resolve(handover_id: str, body: dict[str, Any], authorization: str | None = Header(None)) -> Any:
        return unread(handover_id, body) or ends(
            handover_id, authorization, "The conversation was closed.", state="resolved", code=body["code"]
        )

    @app.post("/v1/agent/handovers/{handover_id}/return")
    def give_back(handover_id: str, body: dict[str, Any], authorization: str | None = Header(None)) -> Any:
        return unread(handover_id, body) or ends(
            handover_id, authorization, "The assistant answers again.", state="returned", note=body["note"]
        )

    @app.get("/v1/agent/handovers/{handover_id}/suggestion")
    def suggestion(handover_id: str, authorization: str | None = Header(None)) -> Any:
        from tests.ui.fake_api import cite

        _, refused = agent(authorization)
        key = uuid.uuid4().hex
        text = "Standard delivery takes 3 to 5 business days and costs $5.99. [1]"
        made = {"suggestion_id": key, "text": text, "citations": [cite(1, "delivery-speeds")], "evidence": []}
        desk.suggestions[key] = made
        return refused or made

    @app.get("/v1/agent/search")
    def search(q: str = "", customer: str | None = None, authorization: str | None = Header(None)) -> Any:
        _, refused = agent(authorization)
        rows = [
            {
                "conversation_id": c, "customer_name": names[state.owners[c]][0] if state.owners[c] else None,
                "created_at": NOW, "text": next(m["text"] for m in log if q.lower() in m["text"].lower()),
            }
            for c, log in state.messages.items()
            if any(q.lower() in m["text"].lower() for m in log) and customer in (None, state.owners[c])
        ]  # fmt: skip
        return refused or {"conversations": rows}

    @app.get("/v1/agent/canned")
    def canned(authorization: str | None = Header(None)) -> Any:
        _, refused = agent(authorization)
        return refused or CANNED

    @app.post("/v1/agent/ask")
    def ask(body: dict[str, Any], authorization: str | None = Header(None)) -> Any:
        _, refused = agent(authorization)
        return refused or script(body["text"], None)

    add_knowledge_side(app, state, agent, script)
    add_quality_side(app, desk, agent, problem)


def add_knowledge_side(app: FastAPI, state: FakeApi, agent: Callable[..., Any], script: Callable[..., Any]) -> None:
    desk = state.desk
    reviewers = ("pharmacist", "admin")

    @app.get("/v1/review/proposals")
    def proposals(state: str = "open", kind: str | None = None, authorization: str | None = Header(None)) -> Any:
        _, refused = agent(authorization, *reviewers)
        rows = [p for p in desk.proposals.values() if p["state"] == state and kind in (None, p["kind"])]
        return refused or {"proposals": rows}

    @app.get("/v1/review/proposals/{proposal_id}")
    def proposal(proposal_id: str, authorization: str | None = Header(None)) -> Any:
        _, refused = agent(authorization, *reviewers)
        return refused or desk.proposals.get(proposal_id) or problem(404, "There is no such proposal.")

    @app.post("/v1/review/proposals/{proposal_id}")
    def decide(proposal_id: str, body: dict[str, Any], authorization: str | None = Header(None)) -> Any:
        name, refused = agent(authorization, *reviewers)
        found = desk.proposals.get(proposal_id)
        if refused or not found:
            return refused or problem(404, "There is no such proposal.")
        if found["state"] != "open":
            return problem(409, f"{found['decided_by']} decided this before.")
        found |= {"state": "accepted" if body["decision"] == "accept" else "rejected", "decided_by": name}
        if found["state"] == "accepted" and found["kind"] == "case":
            desk.cases.append(found["data"]["question"])
        if found["state"] == "accepted" and found["kind"] == "knowledge":
            made = draft_of("delivery-speeds", found["correction"]["question"], found["correction"]["chosen"])
            found["draft_id"] = made["id"]
        return found

    @app.get("/v1/knowledge/gaps")
    def gaps(days: int = 28, authorization: str | None = Header(None)) -> Any:
        _, refused = agent(authorization, *reviewers)
        rows = [
            {"id": "g1", "question": f"Can you ship to Canada? {EVIL}", "count": 17, "trend": [1, 3, 4, 9],
             "examples": ["do you send parcels to canada", "shipping abroad?", EVIL], "kind": "unanswered"},
            {"id": "g2", "question": "Which vaccines do you give?", "count": 8, "trend": [4, 2, 1, 1],
             "examples": ["flu shot"], "kind": "badly_rated"},
        ]  # fmt: skip
        return refused or {"gaps": rows}

    def draft_of(article_id: str, question: str, body: str) -> dict[str, Any]:
        key = uuid.uuid4().hex
        text = ARTICLE.format(id=article_id, title=question or "New article", body=body)
        desk.drafts[key] = {
            "id": key, "article_id": article_id, "question": question, "text": text, "state": "open",
            "created_at": NOW, "changed_at": NOW, "author_id": "Ann", "new": True, "source": {}, "errors": [],
            "changed_meanwhile": False,
        }  # fmt: skip
        return desk.drafts[key]

    @app.get("/v1/knowledge/drafts")
    def drafts(authorization: str | None = Header(None)) -> Any:
        _, refused = agent(authorization, *reviewers)
        return refused or {"drafts": [d for d in desk.drafts.values() if d["state"] == "open"]}

    @app.post("/v1/knowledge/drafts", status_code=201)
    def start(body: dict[str, Any], authorization: str | None = Header(None)) -> Any:
        _, refused = agent(authorization, *reviewers)
        return refused or draft_of(body.get("article_id") or "new-article", body.get("question") or "", "")

    @app.get("/v1/knowledge/drafts/{draft_id}")
    def draft(draft_id: str, authorization: str | None = Header(None)) -> Any:
        _, refused = agent(authorization, *reviewers)
        return refused or desk.drafts.get(draft_id) or problem(404, "There is no such draft.")

    @app.put("/v1/knowledge/drafts/{draft_id}")
    def save(draft_id: str, body: dict[str, Any], authorization: str | None = Header(None)) -> Any:
        _, refused = agent(authorization, *reviewers)
        if refused or draft_id not in desk.drafts:
            return refused or problem(404, "There is no such draft.")
        if not body["text"].split("---")[-1].strip():
            return problem(
                422, "The article is not whole yet.", [{"field": "body", "problem": "Write the article's text."}]
            )
        desk.drafts[draft_id]["text"] = body["text"]
        return desk.drafts[draft_id]

    @app.post("/v1/knowledge/drafts/{draft_id}/preview")
    def preview(draft_id: str, authorization: str | None = Header(None)) -> Any:
        _, refused = agent(authorization, *reviewers)
        after = script("delivery", None) | {
            "text": desk.drafts[draft_id]["text"].split("---")[-1].strip(),
            "sentences": [],
        }
        return refused or {"before": script("unknown", None), "answer": after}

    @app.post("/v1/knowledge/drafts/{draft_id}/publish")
    def publish(draft_id: str, authorization: str | None = Header(None)) -> Any:
        _, refused = agent(authorization, *reviewers)
        if not refused:
            desk.drafts[draft_id]["state"] = "published"
            desk.published.append(desk.drafts[draft_id]["article_id"])
        return refused or desk.drafts[draft_id]

    @app.delete("/v1/knowledge/drafts/{draft_id}")
    def discard(draft_id: str, authorization: str | None = Header(None)) -> Any:
        _, refused = agent(authorization, *reviewers)
        if not refused:
            desk.drafts[draft_id]["state"] = "discarded"
        return refused or Response(status_code=204)
