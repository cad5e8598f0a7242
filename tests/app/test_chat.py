from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.api.main import create_app
from app.api.turns import THREADS
from app.settings import Settings
from app.store.errors import StoreFull
from rag.turn import Citation, Focus, Handover, Message
from tests.fakes import ScriptedAssistant, scripted

Bearer = Callable[..., dict[str, str]]


def begin(client: httpx.Client, headers: dict[str, str] | None = None) -> str:
    answer = client.post("/v1/conversations", headers=headers)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    return f"/v1/conversations/{answer.json()['conversation_id']}/messages"


def test_a_turn(client: TestClient, assistant: ScriptedAssistant, bearer: Bearer) -> None:
    source = Citation(n=1, article_id="a-one", title="About a-one", url="?article=a-one")
    planned = scripted("It left on Tuesday.", citations=[source], suggestions=["When?"], focus=Focus(items=("FH-1",)))
    assistant.answers.append(planned)
    me = bearer(customer="C-10001")
    messages = begin(client, me)
    answer = client.post(messages, json={"text": "Where is it?"}, headers=me)
    assert answer.status_code == 200
    assert answer.json() == planned.reply.model_dump(mode="json")
    assert assistant.asked == [Message("Where is it?", "C-10001", (), called=())]
    client.post(messages, json={"text": "And when?"}, headers=me)
    assert [(turn.text, turn.reply, turn.focus.items) for turn in assistant.asked[1].past] == [
        ("Where is it?", "It left on Tuesday.", ("FH-1",))
    ]
    page = client.get(messages, headers=me).json()
    assert [m["role"] for m in page["messages"]] == ["customer", "assistant"] * 2
    assert page["more"] is False
    assert page["messages"][1]["reply"] == answer.json()
    assert [m["seq"] for m in client.get(messages, params={"after": 2}, headers=me).json()["messages"]] == [3, 4]


def test_a_customer_id_comes_from_the_token_only(
    client: TestClient, assistant: ScriptedAssistant, bearer: Bearer
) -> None:
    messages = begin(client)
    body = {"text": "I am C-10002", "customer_id": "C-10002", "customer": "C-10002", "role": "admin"}
    client.post(messages + "?customer_id=C-10002", json=body, headers={"X-Customer-Id": "C-10002"})
    assert assistant.asked[-1].customer_id is None
    me = bearer(customer="C-10001")
    client.post(begin(client, me), json=body, headers=me)
    assert assistant.asked[-1].customer_id == "C-10001"


def test_nobody_else_sees_a_conversation(client: TestClient, assistant: ScriptedAssistant, bearer: Bearer) -> None:
    me, other, staff = bearer(customer="C-10001"), bearer(customer="C-10002"), bearer(agent="C-10001")
    mine, anonymous = begin(client, me), begin(client)
    client.post(mine, json={"text": "private"}, headers={**me, "Idempotency-Key": "k"})
    unknown = client.get("/v1/conversations/" + "A" * 22 + "/messages").text
    for path, headers in [(mine, other), (mine, {}), (anonymous, me), (anonymous, other)]:
        for answer in (
            client.get(path, headers=headers),
            client.get(path.replace("messages", "events"), headers=headers),
            client.post(path, json={"text": "private"}, headers={**headers, "Idempotency-Key": "k"}),
            client.post(path, json={"text": "a"}, headers={**headers, "Accept": "text/event-stream"}),
        ):
            assert (answer.status_code, answer.text) == (404, unknown)
    assert client.get(mine, headers=staff).status_code == 403
    assert client.post("/v1/conversations", headers=staff).status_code == 403
    assert len(assistant.asked) == 1
    assert client.get(anonymous).json()["messages"] == []


def test_a_key_counts_once(client: TestClient, assistant: ScriptedAssistant) -> None:
    messages = begin(client)
    key = {"Idempotency-Key": "k-1"}
    first = client.post(messages, json={"text": "hello"}, headers=key)
    again = client.post(messages, json={"text": "hello"}, headers=key)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert len(assistant.asked) == 1
    assert len(client.get(messages).json()["messages"]) == 2
    for accept in ("application/json", "text/event-stream"):
        clash = client.post(messages, json={"text": "another"}, headers={**key, "Accept": accept})
        assert clash.status_code == 409
        assert clash.headers["content-type"] == "application/problem+json"
    assert client.post(begin(client), json={"text": "another"}, headers=key).status_code == 200


def test_a_key_counts_once_at_the_same_time(live: httpx.Client, assistant: ScriptedAssistant) -> None:
    assistant.delay = 0.1
    messages = begin(live)
    with ThreadPoolExecutor(6) as pool:
        answers = list(
            pool.map(lambda _: live.post(messages, json={"text": "hi"}, headers={"Idempotency-Key": "k"}), range(6))
        )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert len(assistant.asked) == 1


def test_a_key_that_another_server_recorded_first(
    client: TestClient, assistant: ScriptedAssistant, settings: Settings
) -> None:
    from app.store.conversations import ConversationStore

    messages, theirs = begin(client), scripted("theirs")
    key = messages.split("/")[3]
    other = ConversationStore(settings.conversations_url)
    assistant.on_answer = lambda message: other.record(key, message.text, theirs, "k") and None
    answer = client.post(messages, json={"text": "hello"}, headers={"Idempotency-Key": "k"})
    assert answer.json()["message_id"] == theirs.reply.message_id
    assert len(client.get(messages).json()["messages"]) == 2


def test_messages_of_one_conversation_wait_for_each_other(live: httpx.Client, assistant: ScriptedAssistant) -> None:
    assistant.delay = 0.05
    messages = begin(live)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: live.post(messages, json={"text": f"q{n}"}), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert assistant.busiest == 1
    assert [len(message.past) for message in assistant.asked] == list(range(8))
    found = live.get(messages).json()["messages"]
    assert [m["seq"] for m in found] == list(range(1, 17))
    assert [m["role"] for m in found[:2]] == ["customer", "assistant"]


def test_conversations_do_not_wait_for_each_other(
    live: httpx.Client, app: FastAPI, assistant: ScriptedAssistant
) -> None:
    meeting = threading.Barrier(4, timeout=10)
    assistant.on_answer = lambda _: meeting.wait() and None
    with ThreadPoolExecutor(4) as pool:
        paths = [begin(live) for _ in range(4)]
        answers = list(pool.map(lambda path: live.post(path, json={"text": "hi"}), paths))
    assert {answer.status_code for answer in answers} == {200}
    assert assistant.busiest == 4
    assert len(app.state.services.turns._locks) == 0


def test_a_slow_turn_does_not_block_the_server(live: httpx.Client, assistant: ScriptedAssistant) -> None:
    go = threading.Event()
    assistant.on_answer = lambda _: go.wait(10) and None
    with ThreadPoolExecutor(9) as pool:
        waiting = [pool.submit(live.post, begin(live), json={"text": "hi"}) for _ in range(9)]
        while len(assistant.asked) < 8:
            time.sleep(0.01)
        began = time.monotonic()
        assert live.get("/healthz").status_code == live.get("/readyz").status_code == 200
        assert time.monotonic() - began < 3
        go.set()
        assert {future.result().status_code for future in waiting} == {200}


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_a_turn_is_finished_though_nobody_listens(
    live: httpx.Client, assistant: ScriptedAssistant, accept: str
) -> None:
    assistant.answers.append(scripted("One. Two. Three. Four"))
    assistant.delay = 0.2
    messages = begin(live)
    with httpx.Client(base_url=live.base_url, trust_env=False) as leaving, pytest.raises(httpx.ReadTimeout):
        leaving.post(messages, json={"text": "bye"}, headers={"Accept": accept}, timeout=0.15)
    until = time.monotonic() + 10
    while len(found := live.get(messages).json()["messages"]) < 2 and time.monotonic() < until:
        time.sleep(0.05)
    assert [m["text"] for m in found] == ["bye", "One. Two. Three. Four"]


def test_a_reload_after_a_restart_continues(settings: Settings, assistant: ScriptedAssistant) -> None:
    with TestClient(create_app(settings, assistant)) as before:
        messages = begin(before)
        before.post(messages, json={"text": "remember me"})
        token = before.app.state.services.tokens.mint("customer", "C-10001")  # type: ignore[attr-defined]
    with TestClient(create_app(settings, assistant)) as after:
        assert after.get(messages).json()["messages"][0]["text"] == "remember me"
        after.post(messages, json={"text": "and?"})
        assert assistant.asked[-1].past[0].text == "remember me"
        assert after.post("/v1/conversations", headers={"Authorization": f"Bearer {token}"}).status_code == 201


def test_too_many_at_once_are_told_so(
    live: httpx.Client, assistant: ScriptedAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.api.turns.MOST_WAITING", 1)
    go = threading.Event()
    assistant.on_answer = lambda _: go.wait(10) and None
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(live.post, begin(live), json={"text": "hi"})
        while not assistant.asked:
            time.sleep(0.01)
        refused = live.post(begin(live), json={"text": "hi"})
        go.set()
        assert first.result().status_code == 200
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "5"


OVERDOSE = "I took too many pills"


@pytest.mark.parametrize("before", [1, THREADS + 1])
def test_danger_waits_behind_nobodys_question(live: httpx.Client, assistant: ScriptedAssistant, before: int) -> None:
    """Neither behind an answer in its own conversation, nor behind all that are being made."""
    go = threading.Event()
    assistant.on_answer = lambda message: message.text == OVERDOSE or go.wait(20)  # type: ignore[assignment]
    messages = begin(live)
    with ThreadPoolExecutor(before) as pool:
        slow = [pool.submit(live.post, messages, json={"text": "hi"})]
        slow += [pool.submit(live.post, begin(live), json={"text": "hi"}) for _ in range(before - 1)]
        while len(assistant.asked) < min(before, THREADS):
            time.sleep(0.01)
        called = scripted("Call 911.", outcome="emergency")
        reply = called.reply.model_copy(update={"handover_id": "h1", "reason": "overdose"})
        assistant.answers.append(replace(called, reply=reply, handover=Handover("overdose", "urgent", "pharmacist")))
        answer = live.post(messages, json={"text": OVERDOSE}, headers={"Idempotency-Key": "k"})
        assert (answer.status_code, answer.json()["text"]) == (200, "Call 911.")
        assert live.get(f"{messages[: -len('messages')]}handover").json()["urgency"] == "urgent"
        assert live.post(messages, json={"text": OVERDOSE}, headers={"Idempotency-Key": "k"}).json() == answer.json()
        go.set()
        assert {one.result().status_code for one in slow} == {200}
    found = live.get(messages).json()["messages"]
    assert [(m["seq"], m["role"], m["text"]) for m in found][:3] == [
        (1, "customer", OVERDOSE), (2, "assistant", "Call 911."), (3, "customer", "hi"),
    ]  # fmt: skip
    assert [m["role"] for m in found[2:]] == ["customer", "assistant"]


def test_danger_is_answered_when_too_many_wait(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    messages = begin(client)
    monkeypatch.setattr("app.api.turns.MOST_WAITING", 0)
    assert client.post(messages, json={"text": "hi"}).status_code == 503
    assert client.post(messages, json={"text": OVERDOSE}).status_code == 200
    assert client.post(messages, json={"text": "so " * 9000 + OVERDOSE}).status_code == 200


def test_what_to_do_in_danger_is_said_though_nothing_can_be_kept(
    client: TestClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*row: object) -> None:
        raise StoreFull("no room")

    messages = begin(client)
    monkeypatch.setattr(app.state.services.store, "record", full)
    answer = client.post(messages, json={"text": OVERDOSE})
    assert answer.status_code == 503
    assert "Poison Control" in answer.json()["detail"]
