"""A customer's own data over HTTP: downloaded, deleted, and what it may be used for."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.api.services import Services
from app.settings import Settings
from rag.turn import Message
from tests.fakes import ScriptedAssistant
from tests.filled import age, counts, fill

Bearer = Callable[..., dict[str, str]]


@pytest.fixture
def services(app: FastAPI, client: TestClient) -> Services:
    found: Services = app.state.services
    return found


def test_a_download_holds_everything_of_mine(client: TestClient, services: Services, bearer: Bearer) -> None:
    mine = fill(services.database, "C-10001", "heliotrope")
    fill(services.database, "C-10002", "vermilion")
    answer = client.get("/v1/me/data", headers=bearer(customer="C-10001"))
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert told["customer_id"] == "C-10001"
    assert told["account"]["customer"]["email"] == "demo@example.com"
    assert [one["id"] for one in told["conversations"]] == [mine]
    assert "vermilion" not in answer.text
    assert told["conversations"][0]["traces"][0]["data"] == {"text": "heliotrope", "outcome": "answered"}


def test_a_customer_who_has_nothing_here(client: TestClient, bearer: Bearer) -> None:
    told = client.get("/v1/me/data", headers=bearer(customer="C-9")).json()
    assert told == {"customer_id": "C-9", "account": None, "choices": {"no_training": False}, "conversations": []}
    assert client.delete("/v1/me/data", headers=bearer(customer="C-9")).status_code == 204


@pytest.mark.parametrize("state", ["resolved", "waiting", "held"])
def test_deletion(state: str, client: TestClient, services: Services, bearer: Bearer) -> None:
    """Also while a person is wanted or there: then the conversation is gone for them too."""
    before = counts(services.database)
    mine = fill(services.database, "C-10001", "heliotrope", state)
    me = bearer(customer="C-10001")
    gone = client.delete("/v1/me/data", headers=me)
    assert (gone.status_code, gone.content) == (204, b"")
    assert counts(services.database) == before
    for path in ("messages", "events"):
        assert client.get(f"/v1/conversations/{mine}/{path}", headers=me).status_code == 404
    assert client.post(f"/v1/conversations/{mine}/messages", json={"text": "hello"}, headers=me).status_code == 404
    assert client.get("/v1/me/data", headers=me).json()["conversations"] == []
    found = client.get("/v1/audit?customer=C-10001", headers=bearer(admin="Ada")).json()["entries"]
    assert [entry["action"] for entry in found] == ["data.delete", "audit.read"]


def test_who_held_a_deleted_conversation_is_told(client: TestClient, services: Services, bearer: Bearer) -> None:
    key = fill(services.database, "C-10001", "heliotrope", "held")
    handover = services.handovers.latest(key)
    assert handover
    assert client.delete("/v1/me/data", headers=bearer(customer="C-10001")).status_code == 204
    sam = bearer(agent="Sam")
    queue = client.get("/v1/agent/queue", headers=sam).json()
    assert (queue["waiting"], queue["held"]) == ([], [])
    base = f"/v1/agent/handovers/{handover.id}"
    for path, body in {
        "reply": {"text": "hello"},
        "notes": {"text": "hello"},
        "heartbeat": None,
        "claim": None,
        "resolve": {"code": "answered"},
        "return": {},
        "transfer": {"department": "care"},
    }.items():
        assert client.post(f"{base}/{path}", json=body, headers=sam).status_code == 404, path
    assert client.get(f"{base}/suggestion", headers=sam).status_code == 404
    assert client.get(f"/v1/agent/conversations/{key}", headers=sam).status_code == 404
    assert not any(counts(services.database).values())


def test_an_answer_in_the_making_is_dropped(
    client: TestClient, services: Services, assistant: ScriptedAssistant, bearer: Bearer
) -> None:
    me = bearer(customer="C-10001")
    key = client.post("/v1/conversations", headers=me).json()["conversation_id"]
    asked, deleted = threading.Event(), threading.Event()

    def wait(message: Message) -> None:
        asked.set()
        assert deleted.wait(10)

    assistant.on_answer = wait
    answers: list[Any] = []
    send = threading.Thread(
        target=lambda: answers.append(
            client.post(f"/v1/conversations/{key}/messages", json={"text": "hello"}, headers=me)
        )
    )
    send.start()
    assert asked.wait(10)
    assert client.delete("/v1/me/data", headers=me).status_code == 204
    deleted.set()
    send.join(10)
    assert answers[0].status_code == 404
    assert not any(counts(services.database).values())


def test_choices(client: TestClient, bearer: Bearer) -> None:
    me, other = bearer(customer="C-10001"), bearer(customer="C-10002")
    assert client.get("/v1/me/choices", headers=me).json() == {"no_training": False}
    for wanted in (True, True, False, True):
        told = client.put("/v1/me/choices", json={"no_training": wanted}, headers=me)
        assert (told.status_code, told.json()) == (200, {"no_training": wanted})
    assert client.get("/v1/me/choices", headers=me).json() == {"no_training": True}
    assert client.get("/v1/me/choices", headers=other).json() == {"no_training": False}
    for wrong in ({}, {"no_training": "yes"}, {"no_training": 1}, {"no_training": None}, []):
        assert client.put("/v1/me/choices", json=wrong, headers=me).status_code == 422


def test_old_conversations_are_deleted_at_the_start(settings: Settings, app: FastAPI) -> None:
    with TestClient(app):
        database = app.state.services.database
        old, new = fill(database, "C-10001", "old"), fill(database, "C-10001", "new")
        age(database, old, settings.retention_days + 1)
    with TestClient(app):
        services: Services = app.state.services
        until = threading.Event()
        for _ in range(100):
            if services.store.conversation(old) is None:
                break
            until.wait(0.05)
        assert services.store.conversation(old) is None
        assert services.store.conversation(new)


def test_the_audit_record_page_by_page(client: TestClient, services: Services, bearer: Bearer) -> None:
    from app.tokens import Identity

    sam = Identity("agent", "Sam", 0.0)
    for n in range(3):
        services.audit.add(sam, "conversation.read", None, f"C-{n}", {"messages": n})
    ada = bearer(admin="Ada")
    first = client.get("/v1/audit", headers=ada).json()
    assert not first["more"]
    assert [(entry["actor_id"], entry["action"]) for entry in first["entries"]] == [
        *[("Sam", "conversation.read")] * 3,
        ("Ada", "audit.read"),
    ]
    rest = client.get("/v1/audit", params={"after": first["entries"][1]["id"], "customer": "C-2"}, headers=ada).json()
    assert [entry["action"] for entry in rest["entries"]] == ["conversation.read", "audit.read"]
    assert json.dumps(rest).count("messages") == 1
    for role in ("agent", "pharmacist", "evaluator", "customer"):
        assert client.get("/v1/audit", headers=bearer(**{role: "x"})).status_code == 403
