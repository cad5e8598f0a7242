"""Who may call what: every endpoint of the OpenAPI document, as every role, on one's own and on another's.

One table says who may. An endpoint that isn't in it fails, and so does a row without an endpoint.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import insert, select, update
from starlette.testclient import TestClient

from app.api.main import create_app
from app.settings import Settings
from app.store.database import now
from app.store.tables import corrections, drafts, handovers, messages, proposals
from app.tokens import mint
from tests.app.conftest import ARTICLE, article
from tests.fakes import BookInMemory, ScriptedAssistant
from tests.filled import fill
from tests.stored_runs import store_run

ROLES = ("nobody", "customer", "agent", "pharmacist", "admin", "evaluator")
EVERYBODY = frozenset(ROLES)
VISITORS = frozenset({"nobody", "customer"})
CUSTOMERS = frozenset({"customer"})
STAFF = frozenset({"agent", "pharmacist", "admin"})
REVIEWERS = frozenset({"pharmacist", "admin"})
ADMINS = frozenset({"admin"})
EVALUATORS = frozenset({"evaluator", "admin"})


@dataclass(frozen=True)
class Row:
    """`who` may call it. `state`: of the hand-over it is about. `noted`: it leaves an entry in the audit record.

    `also`: answers besides success that this call may get on one's own, each of them no leak.
    """

    who: frozenset[str]
    body: Any = None
    query: dict[str, str] = field(default_factory=dict)
    state: str = "waiting"
    noted: bool = False
    also: frozenset[int] = frozenset()


TEXT = {"text": "hello"}
WHOLE = ARTICLE.format(id="about-paying", topic="delivery", links="")
NO_INDEX = frozenset({503})  # the scripted assistant has none, so nothing can be compared or published
TABLE: dict[str, Row] = {
    "POST /v1/conversations": Row(VISITORS),
    "POST /v1/conversations/{conversation_id}/messages": Row(VISITORS, TEXT),
    "GET /v1/conversations/{conversation_id}/messages": Row(VISITORS),
    "GET /v1/conversations/{conversation_id}/events": Row(VISITORS, query={"after": "0"}),
    "POST /v1/conversations/{conversation_id}/handover": Row(VISITORS, {"note": "please"}, state="resolved"),
    "GET /v1/conversations/{conversation_id}/handover": Row(VISITORS),
    "DELETE /v1/conversations/{conversation_id}/handover": Row(VISITORS),
    "GET /v1/messages/{message_id}/why": Row(VISITORS),
    "POST /v1/messages/{message_id}/feedback": Row(VISITORS, {"rating": "up"}),
    "GET /v1/messages/{message_id}/feedback": Row(VISITORS),
    "DELETE /v1/messages/{message_id}/feedback": Row(VISITORS),
    "POST /v1/messages/{message_id}/signs": Row(VISITORS, {"kind": "left"}),
    "GET /v1/me/data": Row(CUSTOMERS),
    "DELETE /v1/me/data": Row(CUSTOMERS),
    "GET /v1/me/choices": Row(CUSTOMERS),
    "PUT /v1/me/choices": Row(CUSTOMERS, {"no_training": True}),
    "GET /v1/agent/queue": Row(STAFF, noted=True),
    "GET /v1/agent/events": Row(STAFF),
    "GET /v1/agent/conversations/{conversation_id}": Row(STAFF, noted=True),
    "GET /v1/agent/messages/{message_id}/trace": Row(STAFF, noted=True),
    "POST /v1/agent/handovers/{handover_id}/claim": Row(STAFF, noted=True),
    "POST /v1/agent/handovers/{handover_id}/heartbeat": Row(STAFF, state="held"),
    "POST /v1/agent/handovers/{handover_id}/reply": Row(STAFF, TEXT, state="held", noted=True),
    "POST /v1/agent/handovers/{handover_id}/notes": Row(STAFF, TEXT, state="held", noted=True),
    "POST /v1/agent/handovers/{handover_id}/transfer": Row(
        STAFF, {"department": "billing", "note": "for you"}, state="held", noted=True
    ),
    "POST /v1/agent/handovers/{handover_id}/resolve": Row(STAFF, {"code": "answered"}, state="held", noted=True),
    "POST /v1/agent/handovers/{handover_id}/return": Row(STAFF, {"note": "done"}, state="held", noted=True),
    "GET /v1/agent/handovers/{handover_id}/suggestion": Row(STAFF, state="held", noted=True),
    "GET /v1/agent/search": Row(STAFF, query={"q": "hello"}, noted=True),
    "GET /v1/agent/canned": Row(STAFF),
    "POST /v1/agent/ask": Row(STAFF, TEXT),
    "GET /v1/review/proposals": Row(REVIEWERS, noted=True),
    "GET /v1/review/proposals/{proposal_id}": Row(REVIEWERS, noted=True),
    "POST /v1/review/proposals/{proposal_id}": Row(REVIEWERS, {"decision": "reject", "note": ""}, noted=True),
    "GET /v1/knowledge/gaps": Row(REVIEWERS, noted=True, also=NO_INDEX),
    "GET /v1/knowledge/drafts": Row(REVIEWERS),
    "POST /v1/knowledge/drafts": Row(REVIEWERS, {"question": "How do I pay?"}, noted=True),
    "GET /v1/knowledge/drafts/{draft_id}": Row(REVIEWERS),
    "PUT /v1/knowledge/drafts/{draft_id}": Row(REVIEWERS, {"text": WHOLE}),
    "DELETE /v1/knowledge/drafts/{draft_id}": Row(REVIEWERS, noted=True),
    "POST /v1/knowledge/drafts/{draft_id}/preview": Row(REVIEWERS, also=NO_INDEX),
    "POST /v1/knowledge/drafts/{draft_id}/publish": Row(REVIEWERS, also=NO_INDEX),
    "GET /v1/knowledge/articles": Row(EVERYBODY),
    "GET /v1/knowledge/articles/{article_id}": Row(EVERYBODY),
    "GET /v1/knowledge/search": Row(EVERYBODY, query={"q": "text"}),
    "GET /v1/quality/live": Row(EVALUATORS),
    "GET /v1/quality/runs": Row(EVALUATORS),
    "GET /v1/quality/runs/{run_id}/report": Row(EVALUATORS, noted=True),
    "GET /v1/audit": Row(ADMINS, noted=True),
    "GET /v1/features": Row(EVERYBODY),
    "GET /v1/demo/customers": Row(EVERYBODY),
    "POST /v1/demo/token": Row(EVERYBODY, {"customer_id": "C-10001"}),
    "POST /v1/demo/staff-token": Row(EVERYBODY, {"role": "agent", "name": "Sam"}),
    "GET /.well-known/jwks.json": Row(EVERYBODY),
    "GET /healthz": Row(EVERYBODY),
    "GET /readyz": Row(EVERYBODY),
    "GET /metrics": Row(EVERYBODY),
}


def operations() -> list[str]:
    paths = create_app(Settings(_env_file=None)).openapi()["paths"]  # type: ignore[call-arg]
    return [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]


OPERATIONS = operations()
OWNED = [name for name in OPERATIONS if "{" in name and name in TABLE and TABLE[name].who == VISITORS]
NUMBERS = count(1)


@dataclass
class World:
    """A running API. Customers C-10001 ("I") and C-10002 ("another"); staff are all called Sam."""

    app: FastAPI
    client: TestClient
    settings: Settings

    def headers(self, role: str) -> dict[str, str]:
        if role == "nobody":
            return {}
        name = "C-10001" if role == "customer" else "Sam"
        return {"Authorization": f"Bearer {mint(self.settings, **{role: name})}"}

    def thing(self, owner: str | None, state: str) -> tuple[dict[str, str], str]:
        """Ids of something new that belongs to `owner`, by path parameter, and the words that stand everywhere in it."""
        words = f"secret{next(NUMBERS):06}"
        database = self.app.state.services.database
        key = fill(database, owner, words, state)
        with database.writing() as db:
            answer = select(messages.c.id).where(messages.c.conversation_id == key, messages.c.role == "assistant")
            called = select(handovers.c.id).where(handovers.c.conversation_id == key)
            proposed = select(proposals.c.id).join(corrections).where(corrections.c.conversation_id == key)
            draft = {
                "id": f"draft-{words}", "article_id": f"about-{words}", "base": None, "text": WHOLE, "question": words,
                "source": {}, "author_id": "Sam", "state": "open", "created_at": now(), "changed_at": now(),
            }  # fmt: skip
            db.execute(insert(drafts), draft)
            return {
                "conversation_id": key,
                "message_id": db.execute(answer).scalar_one(),
                "handover_id": db.execute(called).scalar_one(),
                "proposal_id": db.execute(proposed).scalar_one(),
                "draft_id": draft["id"],
                "article_id": "a-one",
                "run_id": self.run(words),
            }, words

    def run(self, words: str) -> str:
        """The id of a stored evaluation run with the words in its report."""
        return store_run(self.settings.home / "eval", words, {"answers": (0.9, 10)}, f"<p>{words}</p>").name

    def call(self, name: str, role: str, ids: dict[str, str]) -> httpx.Response:
        method, path = name.split(" ", 1)
        row = TABLE[name]
        if row.body is not None:
            return self.client.request(
                method, path.format(**ids), json=row.body, params=row.query, headers=self.headers(role)
            )
        return self.client.request(method, path.format(**ids), params=row.query, headers=self.headers(role))

    def noted(self) -> int:
        return len(self.app.state.services.audit.entries(limit=100_000))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home: Path = tmp_path_factory.mktemp("access")
    settings = Settings(home=home, rate_identity=0, explain=True, _env_file=None)  # type: ignore[call-arg]
    known = dict([article("a-one", "delivery", "a-two"), article("a-two", "orders")])
    book = BookInMemory("C-10001", "C-10002", "C-10003")
    app = create_app(settings, ScriptedAssistant(), book=book, articles=lambda: known)  # type: ignore[arg-type,return-value]
    with TestClient(app) as client:
        app.state.services.stopping.set()  # event streams tell what there is, and end
        yield World(app, client, settings)


def test_every_endpoint_is_in_the_table() -> None:
    assert not set(OPERATIONS) - TABLE.keys(), "add each new endpoint to TABLE, with who may call it"


def test_every_row_has_its_endpoint() -> None:
    assert not TABLE.keys() - set(OPERATIONS)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", OPERATIONS)
def test_each_role_on_its_own(name: str, role: str, world: World) -> None:
    row = TABLE[name]
    owner = None if role == "nobody" else "C-10001"
    ids, words = world.thing(owner, row.state)
    before = world.noted()
    answer = world.call(name, role, ids)
    if role in row.who:
        assert answer.is_success or answer.status_code in row.also, answer.text
        assert not row.noted or answer.status_code in row.also or world.noted() > before, (
            "an access of staff that left no entry"
        )
        return
    assert answer.status_code == (401 if role == "nobody" else 403), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert words not in answer.text
    assert world.noted() == before


@pytest.mark.parametrize("role", sorted(VISITORS))
@pytest.mark.parametrize("whose", ["C-10002", None, "C-10001"])
@pytest.mark.parametrize("name", OWNED)
def test_anothers_is_as_if_it_were_not_there(name: str, role: str, whose: str | None, world: World) -> None:
    if whose == (None if role == "nobody" else "C-10001"):
        return  # that is their own
    state = TABLE[name].state
    ids, words = world.thing(whose, state)
    nowhere = {"conversation_id": "A" * 22, "message_id": "f" * 32}
    strangers = [world.call(name, role, ids), world.call(name, role, nowhere)]
    assert [answer.status_code for answer in strangers] == [404, 404]
    assert words not in strangers[0].text
    told = [
        (answer.content, sorted(item for item in answer.headers.items() if item[0] != "date")) for answer in strangers
    ]
    assert told[0] == told[1]
    if whose == "C-10001":
        kept = world.call("GET /v1/me/data", "customer", {})
        assert words in kept.text, "a stranger changed or deleted it"


HELD = [name for name in OPERATIONS if name in TABLE and TABLE[name].state == "held" and TABLE[name].body]


@pytest.mark.parametrize("role", sorted(STAFF))
@pytest.mark.parametrize("name", [name for name in HELD if not name.endswith("/notes")])
def test_what_a_colleague_holds_is_theirs(name: str, role: str, world: World) -> None:
    """Whoever reads a conversation may leave a note; only who holds it may write to the customer or end it."""
    ids, _ = world.thing("C-10001", "held")
    services = world.app.state.services
    with services.database.writing() as db:
        db.execute(update(handovers).where(handovers.c.id == ids["handover_id"]).values(agent_id="Kim"))
    before = services.store.messages(ids["conversation_id"])
    assert world.call(name, role, ids).status_code == 409
    assert services.store.messages(ids["conversation_id"]) == before
    assert services.handovers.get(ids["handover_id"]).state == "held"


@pytest.mark.parametrize("role", sorted(STAFF | EVALUATORS))
@pytest.mark.parametrize(
    "name", [name for name in OPERATIONS if "{" in name and name in TABLE and TABLE[name].who <= STAFF | EVALUATORS]
)
def test_staff_are_told_what_is_not_there(name: str, role: str, world: World) -> None:
    nowhere = {"conversation_id": "A" * 22, "message_id": "f" * 32, "handover_id": "f" * 32}
    answer = world.call(name, role, nowhere | {"proposal_id": "f" * 32, "draft_id": "f" * 32, "run_id": "nowhere"})
    assert answer.status_code == (404 if role in TABLE[name].who else 403)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_token_that_proves_nothing_opens_nothing(name: str, world: World) -> None:
    """Where an endpoint looks at tokens at all, a bad one is refused and never taken for an anonymous visitor."""
    row = TABLE[name]
    ids, words = world.thing(None, row.state)
    method, path = name.split(" ", 1)
    forged = {"Authorization": f"Bearer {mint(world.settings, admin='Sam')[:-6]}AAAAAA"}
    answer = world.client.request(method, path.format(**ids), params=row.query, headers=forged)
    if row.who != EVERYBODY:
        assert answer.status_code == 401
    assert words not in answer.text


def test_the_document_says_which_answers_there_are() -> None:
    """401 and 403 are documented wherever the table can lead to them."""
    paths = create_app(Settings(_env_file=None)).openapi()["paths"]  # type: ignore[call-arg]
    for name, row in TABLE.items():
        method, path = name.split(" ", 1)
        if row.who == EVERYBODY or path not in paths or method.lower() not in paths[path]:
            continue
        told = json.dumps(sorted(paths[path][method.lower()]["responses"]))
        assert "401" in told, name
        assert "403" in told, name
