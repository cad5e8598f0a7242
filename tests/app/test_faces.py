"""Health, metrics, articles, demo sign-in, the description of the API, and the two commands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from fastapi.openapi.models import OpenAPI
from starlette.testclient import TestClient
from typer.testing import CliRunner

from app.api.main import create_app
from app.commands.token import token
from app.commands.trace import trace
from app.settings import Settings
from app.store.conversations import ConversationStore
from app.store.errors import StoreAway
from app.store.migrate import migrate
from app.tokens import Tokens
from tests.fakes import BookInMemory, ScriptedAssistant, scripted


def test_health(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}

    def away() -> None:
        raise StoreAway("away")

    monkeypatch.setattr(client.app.state.services.store, "ping", away)  # type: ignore[attr-defined]
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert client.get("/healthz").status_code == 200


def test_metrics_count(client: TestClient, assistant: ScriptedAssistant) -> None:
    assistant.answers.append(scripted("no", outcome="unknown"))
    path = f"/v1/conversations/{client.post('/v1/conversations').json()['conversation_id']}/messages"
    for _ in range(3):
        client.post(path, json={"text": "a very private text"})
    client.get("/nothing")
    text = client.get("/metrics").text
    figures = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert figures['pestle_turns_total{outcome="unknown"}'] == "1.0"
    assert figures['pestle_turns_total{outcome="answered"}'] == "2.0"
    assert figures["pestle_turn_seconds_count"] == "3.0"
    assert figures['pestle_step_seconds_count{step="read"}'] == "3.0"
    assert figures['pestle_problems_total{kind="not-found"}'] == "1.0"
    assert "private" not in text
    assert path.split("/")[3] not in text


def test_articles_are_searched_by_title_and_text(client: TestClient) -> None:
    def found(words: str) -> list[str]:
        return [a["id"] for a in client.get("/v1/knowledge/search", params={"q": words}).json()["articles"]]

    assert found("about") == ["a-one", "a-two"]
    assert found("Text of A-TWO") == ["a-two"]
    assert found("nothing of the kind") == []
    assert client.get("/v1/knowledge/search?q=").status_code == 422


def test_articles(client: TestClient) -> None:
    everything = client.get("/v1/knowledge/articles").json()["articles"]
    assert [found["id"] for found in everything] == ["a-one", "a-two"]
    assert [f["id"] for f in client.get("/v1/knowledge/articles?topic=orders").json()["articles"]] == ["a-two"]
    assert client.get("/v1/knowledge/articles?topic=none").json() == {"articles": []}
    assert client.get("/v1/knowledge/articles/a-one").json() == {
        "id": "a-one",
        "title": "About a-one",
        "topic": "delivery",
        "updated": "2026-11-01",
        "body": "Text of a-one with <b>markup</b>.",
        "links": [{"id": "a-two", "title": "About a-two"}],
    }


def test_demo_sign_in(client: TestClient) -> None:
    listed = client.get("/v1/demo/customers").json()["customers"]
    assert [found["id"] for found in listed] == ["C-10001", "C-10002"]
    assert all(found["name"] and found["about"] for found in listed)
    key = client.post("/v1/demo/token", json={"customer_id": "C-10001"}).json()["token"]
    assert client.post("/v1/conversations", headers={"Authorization": f"Bearer {key}"}).status_code == 201
    for refused in ("C-20000", "admin", "", "c-10001", "C-10001 "):
        assert client.post("/v1/demo/token", json={"customer_id": refused}).status_code == 404
    assert client.post("/v1/demo/token", json={"customer_id": ["C-10001"]}).status_code == 422


def test_no_demo_where_real_customers_are(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, demo=False, _env_file=None)
    with TestClient(create_app(settings, ScriptedAssistant(), book=BookInMemory("C-10001"))) as client:
        assert client.get("/v1/demo/customers").status_code == 404
        assert client.post("/v1/demo/token", json={"customer_id": "C-10001"}).status_code == 404


def test_no_cross_origin_and_no_outside(client: TestClient) -> None:
    answer = client.get("/healthz", headers={"Origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert client.options("/v1/conversations", headers={"Origin": "https://evil.example"}).status_code == 405


def refs(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from (part["$ref"],) if "$ref" in part else ()
        for value in part.values():
            yield from refs(value)
    elif isinstance(part, list):
        for value in part:
            yield from refs(value)


def test_the_description_is_whole(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    OpenAPI.model_validate(described)
    schemas = described["components"]["schemas"].keys()
    assert {ref.removeprefix("#/components/schemas/") for ref in refs(described)} <= schemas
    assert described["paths"].keys() >= {
        "/v1/conversations",
        "/v1/conversations/{conversation_id}/messages",
        "/v1/conversations/{conversation_id}/events",
        "/v1/messages/{message_id}/why",
        "/v1/features",
        "/v1/knowledge/articles",
        "/v1/knowledge/articles/{article_id}",
        "/v1/knowledge/search",
        "/v1/demo/customers",
        "/v1/demo/token",
        "/healthz",
        "/readyz",
        "/metrics",
    }
    for path, methods in described["paths"].items():
        for operation in methods.values():
            bad = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
            assert all("application/problem+json" in answer["content"] for answer in bad.values()), path
    send = described["paths"]["/v1/conversations/{conversation_id}/messages"]["post"]
    assert send["responses"].keys() >= {"200", "400", "401", "403", "404", "409", "413", "415", "422", "500", "503"}
    assert send["responses"]["200"]["content"].keys() == {"application/json", "text/event-stream"}


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("PESTLE_HOME", str(settings.home))
    commands = typer.Typer()
    commands.command()(token)
    commands.command()(trace)
    return lambda *arguments: CliRunner().invoke(commands, arguments)


def test_the_token_command(run: Any, settings: Settings) -> None:
    found = Tokens(settings).verify(run("token", "--agent", "Ada").stdout.strip())
    assert (found.role, found.id) == ("agent", "Ada")
    wrong = run("token", "--agent", "Ada", "--customer", "C-1")
    assert wrong.exit_code == 1
    assert "exactly one" in wrong.output
    assert "Traceback" not in wrong.output


def test_the_trace_command(run: Any, settings: Settings) -> None:
    migrate(settings.conversations_url)
    store, answer = ConversationStore(settings.conversations_url), scripted("fine")
    asked = [{"articles": [["a-one", 0.9]]}]
    answer.trace.update(text="[red]ünï[/red]\x1b[31m", asked=asked, released=["fine"], model=None)
    store.record(store.create(None), "hello", answer)
    shown = run("trace", answer.reply.trace_id)
    assert shown.exit_code == 0
    assert "[red]ünï[/red]\ufffd[31m" in shown.stdout
    assert "\x1b[31m" not in shown.stdout
    assert re.search(r"read\W+0\.4", shown.stdout)
    assert "a-one, 0.9" in shown.stdout
    raw = run("trace", answer.reply.trace_id, "--json")
    assert json.loads(raw.stdout) == json.loads(json.dumps(answer.trace))
    unknown = run("trace", "nothing")
    assert unknown.exit_code == 1
    assert unknown.output.strip().count("\n") == 0
    assert "nothing" in unknown.output
