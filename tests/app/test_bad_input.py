"""Everything that can be wrong with a request gets a clear problem answer; a message gets a polite reply."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import event
from starlette.testclient import TestClient

from app.api.gate import BODY_LIMIT
from app.settings import Settings
from rag.account.book import AccountError
from rag.turn import Message
from tests.fakes import BookInMemory, ScriptedAssistant

UNKNOWN = "A" * 22


def assert_problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    body: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail"} <= body.keys()
    assert body["status"] == status
    assert body["detail"].endswith(".")
    assert "Traceback" not in answer.text
    assert ".py" not in answer.text
    return body


@pytest.fixture
def messages(client: TestClient) -> str:
    return f"/v1/conversations/{client.post('/v1/conversations').json()['conversation_id']}/messages"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n\t",
        "x" * (100 * 1024),
        "\x00\x01\x02\xff",
        "مرحبا أين طلبي؟",
        "👩🏽‍⚕️💊",
        "¿Dónde está mi pedido?",
        "<script>alert(1)</script><img src=x onerror=alert(1)>",
        "'; DROP TABLE messages; --",
        "{{7*7}} ${jndi:x} %s %n",
    ],
)
def test_any_text_reaches_the_assistant(
    text: str, client: TestClient, messages: str, assistant: ScriptedAssistant
) -> None:
    answer = client.post(messages, json={"text": text})
    assert answer.status_code == 200, answer.text
    assert assistant.asked[-1].text == text.replace("\x00", "\ufffd")
    assert client.get(messages).json()["messages"][0]["text"] == assistant.asked[-1].text


def test_half_a_surrogate_pair_is_still_a_message(client: TestClient, messages: str) -> None:
    raw = b'{"text": "broken \\ud83d emoji"}'
    assert client.post(messages, content=raw, headers={"content-type": "application/json"}).status_code == 200
    assert client.get(messages).json()["messages"][0]["text"] == "broken \ufffd emoji"


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"{", 400),
        (b'{"text": "a"', 400),
        (b"not json", 400),
        (b"\xff\xfe\x00", 400),
        (b"[" * 60_000, 400),
        (b'{"text": ' + b"1" * 5000 + b"}", 400),
        (b"", 422),
        (b"null", 422),
        (b"[]", 422),
        (b'"text"', 422),
        (b"{}", 422),
        (b'{"text": null}', 422),
        (b'{"text": 5}', 422),
        (b'{"text": true}', 422),
        (b'{"text": ["a"]}', 422),
        (b'{"text": {"a": 1}}', 422),
        (b'{"Text": "a"}', 422),
        (b'{"text": NaN}', 422),
    ],
)
def test_bodies_that_are_no_message(client: TestClient, messages: str, raw: bytes, status: int) -> None:
    body = assert_problem(client.post(messages, content=raw, headers={"content-type": "application/json"}), status)
    if status == 422:
        assert body["errors"][0]["field"].startswith("body")
    assert client.get(messages).json()["messages"] == []


OTHER_KINDS = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "nonsense", ""]


@pytest.mark.parametrize("kind", OTHER_KINDS)
def test_other_content_types(client: TestClient, messages: str, kind: str) -> None:
    assert_problem(client.post(messages, content=b'{"text": "a"}', headers={"content-type": kind}), 415)


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", "application/problem+json"])
def test_json_in_its_spellings(client: TestClient, messages: str, kind: str) -> None:
    assert client.post(messages, content=b'{"text": "a"}', headers={"content-type": kind}).status_code == 200


def test_too_large(client: TestClient, messages: str) -> None:
    assert_problem(client.post(messages, json={"text": "x" * BODY_LIMIT}), 413)
    assert_problem(client.post("/v1/conversations", json={"x": "x" * BODY_LIMIT}), 413)


def test_too_large_in_chunks(live: httpx.Client) -> None:
    key = live.post("/v1/conversations").json()["conversation_id"]

    def chunks() -> Iterator[bytes]:
        yield b'{"text": "'
        for _ in range(12):
            yield b"x" * 10_000
        yield b'"}'

    answer = live.post(
        f"/v1/conversations/{key}/messages", content=chunks(), headers={"content-type": "application/json"}
    )
    assert_problem(answer, 413)
    assert live.get("/healthz").status_code == 200


@pytest.mark.parametrize("unknown", [UNKNOWN, "x", "%00", "..%2f..", "' OR 1=1", "é" * 22, "a" * 3000])
def test_unknown_conversations(client: TestClient, unknown: str) -> None:
    expected = client.get(f"/v1/conversations/{UNKNOWN}/messages").text
    for method, rest in [("GET", "messages"), ("GET", "events"), ("POST", "messages")]:
        path = f"/v1/conversations/{unknown}/{rest}"
        answer = client.request(method, path, json={"text": "a"} if method == "POST" else None)
        assert_problem(answer, 404)
        assert answer.text == expected or "%2f" in unknown


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/nothing", "/docs", "/v1/knowledge/articles/none", "/../etc/passwd"])
def test_unknown_addresses(client: TestClient, path: str) -> None:
    assert_problem(client.get(path), 404)


def test_wrong_method(client: TestClient) -> None:
    answer = client.delete("/v1/conversations")
    assert_problem(answer, 405)
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize("after", ["-1", "x", "1e3", "99999999999999999999", "%00"])
def test_after_must_be_a_seq(client: TestClient, messages: str, after: str) -> None:
    assert_problem(client.get(f"{messages}?after={after}"), 422)


@pytest.mark.parametrize("key", ["", "k" * 201])
def test_a_key_of_a_wrong_length(client: TestClient, messages: str, key: str) -> None:
    assert_problem(client.post(messages, json={"text": "a"}, headers={"Idempotency-Key": key}), 422)


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_an_assistant_that_breaks(
    client: TestClient, messages: str, assistant: ScriptedAssistant, accept: str, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(message: Message) -> None:
        raise RuntimeError(message.text)

    assistant.on_answer = broken
    body = assert_problem(client.post(messages, json={"text": "my secret"}, headers={"accept": accept}), 500)
    assert "my secret" not in json.dumps(body)
    assert "my secret" not in caplog.text
    assert "RuntimeError" in caplog.text
    assistant.on_answer = None
    assert client.post(messages, json={"text": "hello"}).status_code == 200


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_a_full_disk(
    client: TestClient, messages: str, assistant: ScriptedAssistant, accept: str, settings: Settings
) -> None:
    assert client.post(messages, json={"text": "kept"}).status_code == 200
    engine = client.app.state.services.store._db.engine  # type: ignore[attr-defined]
    limit: Callable[..., Any] = lambda connection, _: connection.execute("PRAGMA max_page_count=1")  # noqa: E731
    event.listen(engine, "connect", limit)
    engine.dispose()
    answer = client.post(messages, json={"text": "x" * 50_000}, headers={"accept": accept})
    if accept == "application/json":
        body = assert_problem(answer, 503)
        assert int(answer.headers["retry-after"]) > 0
    else:
        name, data = answer.text.strip().split("\n\n")[-1].split("\n")
        body = json.loads(data.removeprefix("data: "))
        assert name == "event: error"
        assert body["status"] == 503
        assert "event: done" not in answer.text
    assert str(settings.home) not in json.dumps(body)
    event.remove(engine, "connect", limit)
    engine.dispose()
    assert [m["text"] for m in client.get(messages).json()["messages"]][::2] == ["kept"]
    assert client.post(messages, json={"text": "again"}).status_code == 200


def test_an_account_book_that_is_away(client: TestClient, book: BookInMemory) -> None:
    book.away = AccountError("C-10001 is not to be named")
    body = assert_problem(client.get("/v1/demo/customers"), 503)
    assert "C-10001" not in body["detail"]
