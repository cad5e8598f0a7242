"""A customer reaches a person, and the assistant is silent while one is there."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.api.main import create_app
from app.settings import Settings
from rag.turn import Answer, Handover, Intent, Urgency
from tests.fakes import BookInMemory, ScriptedAssistant, scripted

Bearer = Callable[..., dict[str, str]]


def begin(client: httpx.Client, headers: dict[str, str] | None = None) -> str:
    return f"/v1/conversations/{client.post('/v1/conversations', headers=headers).json()['conversation_id']}"


def said(client: httpx.Client, path: str, headers: dict[str, str] | None = None) -> list[tuple[str, str]]:
    found = client.get(f"{path}/messages", headers=headers).json()["messages"]
    return [(message["role"], message["text"]) for message in found]


def calling(text: str, reason: str = "wants_person", urgency: Urgency = "soon") -> Answer:
    answer = scripted(text, outcome="emergency" if urgency == "urgent" else "handover")
    reply = answer.reply.model_copy(update={"handover_id": f"h{answer.reply.message_id}", "reason": reason})
    return replace(answer, reply=reply, handover=Handover(reason, urgency, "care"))


def held(client: httpx.Client, bearer: Bearer, path: str, who: str = "ana") -> str:
    """Asks for a person by the button and claims; gives the hand-over's address at the desk."""
    key = client.post(f"{path}/handover", json={}).json()["handover_id"]
    answer = client.post(f"/v1/agent/handovers/{key}/claim", headers=bearer(agent=who))
    assert answer.status_code == 200, answer.text
    return f"/v1/agent/handovers/{key}"


def test_the_button_calls_a_person_once(client: TestClient, bearer: Bearer) -> None:
    me = bearer(customer="C-10001")
    path = begin(client, me)
    assert client.get(f"{path}/handover", headers=me).status_code == 404
    first = client.post(f"{path}/handover", json={"note": "please be quick"}, headers=me)
    again = client.post(f"{path}/handover", json={"department": "billing"}, headers=me)
    assert (first.status_code, again.status_code) == (201, 200)
    told = first.json()
    assert again.json()["handover_id"] == told["handover_id"]
    assert (told["state"], told["department"], told["urgency"], told["place"]) == ("waiting", "care", "soon", 1)
    assert "whenever you sign in" in told["text"]
    assert client.get(f"{path}/handover", headers=me).json()["state"] == "waiting"
    assert client.delete(f"{path}/handover", headers=me).status_code == 204
    assert client.delete(f"{path}/handover", headers=me).status_code == 404
    assert client.get(f"{path}/handover", headers=me).json()["state"] == "cancelled"
    assert client.post(f"{path}/handover", json={}, headers=me).status_code == 201


def test_who_is_away_from_an_account_is_told_to_stay(client: TestClient) -> None:
    told = client.post(f"{begin(client)}/handover", json={}).json()
    assert "keep this page open" in told["text"]


def test_the_department_follows_the_questions(client: TestClient, assistant: ScriptedAssistant) -> None:
    path = begin(client)
    answer = scripted("Your card was declined.")
    reply = answer.reply.model_copy(update={"intents": (Intent(name="payment", score=0.9),)})
    assistant.answers.append(replace(answer, reply=reply))
    client.post(f"{path}/messages", json={"text": "why was I charged twice"})
    assert client.post(f"{path}/handover", json={}).json()["department"] == "billing"


def test_a_note_is_masked_and_limited(client: TestClient, bearer: Bearer) -> None:
    path = begin(client)
    client.post(f"{path}/handover", json={"note": "my card is 4111 1111 1111 1111"})
    queue = client.get("/v1/agent/queue", headers=bearer(agent="ana")).json()
    assert "4111" not in json.dumps(queue)
    assert queue["waiting"][0]["note"].startswith("my card is ")
    for wrong in ({"note": "x" * 2001}, {"note": 1}, {"department": "sales"}, []):
        assert client.post(f"{path}/handover", json=wrong).status_code == 422


def test_nobody_elses_handover(client: TestClient, bearer: Bearer) -> None:
    me, other = bearer(customer="C-10001"), bearer(customer="C-10002")
    path = begin(client, me)
    client.post(f"{path}/handover", json={}, headers=me)
    unknown = f"/v1/conversations/{'A' * 22}/handover"
    for headers in (other, {}):
        for call in (client.get, client.delete, lambda url, headers: client.post(url, json={}, headers=headers)):
            answer, nothing = call(f"{path}/handover", headers=headers), call(unknown, headers=headers)
            assert (answer.status_code, answer.text) == (404, nothing.text)
    assert client.post(f"{path}/handover", json={}, headers=bearer(agent="ana")).status_code == 403


def test_while_they_wait_the_assistant_answers_and_knows(client: TestClient, assistant: ScriptedAssistant) -> None:
    path = begin(client)
    assistant.answers.append(calling("A person will come."))
    first = client.post(f"{path}/messages", json={"text": "a person please"}).json()
    assert first["handover_id"]
    assert assistant.asked[-1].called == ()
    answer = client.post(f"{path}/messages", json={"text": "and how long is delivery?"}).json()
    assert answer["outcome"] == "answered"
    assert (assistant.asked[-1].called, assistant.asked[-1].held) == (("soon",), False)
    assert client.get(f"{path}/handover").json()["handover_id"] == first["handover_id"]


def test_while_a_person_is_there_the_assistant_is_silent(
    client: TestClient, assistant: ScriptedAssistant, bearer: Bearer
) -> None:
    path = begin(client)
    desk = held(client, bearer, path)
    agent = bearer(agent="ana")
    answer = client.post(f"{path}/messages", json={"text": "hello?"}, headers={"Idempotency-Key": "k"})
    reply = answer.json()
    assert (reply["outcome"], reply["reason"], reply["text"], reply["sentences"]) == (
        "with_agent",
        "with_agent",
        "",
        [],
    )
    again = client.post(f"{path}/messages", json={"text": "hello?"}, headers={"Idempotency-Key": "k"})
    assert again.json() == reply
    assert assistant.asked[-1].held
    sent = client.post(f"{desk}/reply", json={"text": "Hello, this is Ana. <script>alert(1)</script>"}, headers=agent)
    assert (sent.json()["role"], sent.json()["author"]) == ("agent", "ana")
    assert said(client, path)[1:] == [
        ("customer", "hello?"), ("agent", "Hello, this is Ana. <script>alert(1)</script>"),
    ]  # fmt: skip
    status = client.get(f"{path}/handover").json()
    assert (status["state"], status["agent_name"], status["place"]) == ("held", "ana", None)
    assert client.delete(f"{path}/handover").status_code == 409


def test_after_a_return_the_assistant_knows_what_was_said(
    client: TestClient, assistant: ScriptedAssistant, bearer: Bearer
) -> None:
    path = begin(client)
    desk, agent = held(client, bearer, path), bearer(agent="ana")
    client.post(f"{path}/messages", json={"text": "Where is my parcel?"})
    client.post(f"{desk}/reply", json={"text": "I sent FH-7654321 instead."}, headers=agent)
    assert client.post(f"{desk}/return", json={"note": "resent"}, headers=agent).json()["state"] == "returned"
    assert client.post(f"{desk}/reply", json={"text": "one more"}, headers=agent).status_code == 409
    answer = client.post(f"{path}/messages", json={"text": "When will it come?"}).json()
    assert answer["outcome"] == "answered"
    [turn] = assistant.asked[-1].past
    assert (turn.text, turn.reply) == ("Where is my parcel?", "I sent FH-7654321 instead.")
    assert turn.focus.items == ("FH-7654321",)
    assert "The assistant answers again" in said(client, path)[-3][1]


def test_an_answer_in_the_making_is_dropped(live: httpx.Client, assistant: ScriptedAssistant, bearer: Bearer) -> None:
    path = begin(live)
    assistant.answers.append(scripted("One. Two. Three. Four. Five. Six"))
    assistant.delay = 0.15
    key = live.post(f"{path}/handover", json={}).json()["handover_id"]
    claimed = threading.Event()
    seen: list[tuple[bool, str, Any]] = []

    def listen() -> None:
        headers = {"Accept": "text/event-stream"}
        with live.stream("POST", f"{path}/messages", json={"text": "go on"}, headers=headers) as answer:
            kind = ""
            for line in answer.iter_lines():
                if line.startswith("event: "):
                    kind = line[7:]
                elif line.startswith("data: "):
                    seen.append((claimed.is_set(), kind, json.loads(line[6:])))

    listener = threading.Thread(target=listen)
    listener.start()
    until = time.monotonic() + 10
    while not seen and time.monotonic() < until:
        time.sleep(0.01)
    answer = live.post(f"/v1/agent/handovers/{key}/claim", headers=bearer(agent="ana"))
    claimed.set()
    listener.join(20)
    assert answer.status_code == 200
    assert next(kind for late, kind, _ in seen if not late) == "sentence"
    assert [kind for late, kind, _ in seen if late and kind != "handover"] == ["done"]
    assert (seen[-1][2]["outcome"], seen[-1][2]["text"]) == ("with_agent", "")
    roles = [role for role, _ in said(live, path)]
    assert roles == ["notice", "customer"]


def test_a_return_in_the_middle_lets_the_assistant_answer(
    client: TestClient, assistant: ScriptedAssistant, bearer: Bearer, app: FastAPI
) -> None:
    path = begin(client)
    desk = held(client, bearer, path)
    served = app.state.services

    def leave(message: Any) -> None:
        if message.held:
            from app.tokens import Identity

            served.handovers.give_back(desk.split("/")[-1], Identity("agent", "ana", 9e9), "", "Ana has left.")

    assistant.on_answer = leave
    assistant.answers.extend([scripted("", outcome="with_agent"), scripted("Here I am.")])
    answer = client.post(f"{path}/messages", json={"text": "hello?"}).json()
    assert (answer["outcome"], answer["text"]) == ("answered", "Here I am.")
    assert [message.held for message in assistant.asked] == [True, False]


def test_danger_is_shown_and_made_urgent_even_then(
    client: TestClient, assistant: ScriptedAssistant, bearer: Bearer
) -> None:
    path = begin(client)
    held(client, bearer, path)
    assistant.answers.append(calling("Call 911 now.", "overdose", "urgent"))
    reply = client.post(f"{path}/messages", json={"text": "I took all my pills"}).json()
    assert reply["outcome"] == "with_agent"
    assert said(client, path)[-1] == ("notice", "Call 911 now.")
    queue = client.get("/v1/agent/queue", headers=bearer(agent="ana")).json()
    assert [(one["urgency"], one["reason"]) for one in queue["held"]] == [("urgent", "overdose")]


def test_an_agent_who_disappears_gives_the_customer_back(
    settings: Settings, assistant: ScriptedAssistant, book: BookInMemory, bearer: Bearer
) -> None:
    with TestClient(create_app(settings.model_copy(update={"agent_away_s": 0.4}), assistant, book=book)) as client:
        path = begin(client)
        desk = held(client, bearer, path)
        for _ in range(4):
            time.sleep(0.15)
            assert client.post(f"{desk}/heartbeat", headers=bearer(agent="ana")).status_code == 204
        assert client.get(f"{path}/handover").json()["state"] == "held"
        until = time.monotonic() + 10
        while client.get(f"{path}/handover").json()["state"] == "held" and time.monotonic() < until:
            time.sleep(0.05)
        status = client.get(f"{path}/handover").json()
        assert (status["state"], status["place"], status["agent_name"]) == ("waiting", 1, None)
        assert "had to leave" in said(client, path)[-1][1]
        assert client.post(f"{desk}/heartbeat", headers=bearer(agent="ana")).status_code == 409
        assert client.post(f"{desk}/claim", headers=bearer(agent="ben")).status_code == 200


def test_a_restart_in_the_middle_loses_nothing(
    settings: Settings, assistant: ScriptedAssistant, bearer: Bearer
) -> None:
    with TestClient(create_app(settings, assistant)) as before:
        path = begin(before)
        desk = held(before, bearer, path)
        before.post(f"{path}/messages", json={"text": "are you there?"})
    with TestClient(create_app(settings, assistant)) as after:
        assert after.get(f"{path}/handover").json()["state"] == "held"
        assert after.post(f"{desk}/reply", json={"text": "Yes."}, headers=bearer(agent="ana")).status_code == 200
        assert [role for role, _ in said(after, path)] == ["notice", "customer", "agent"]


@pytest.mark.parametrize("path", ["handover", "messages"])
def test_a_deleted_conversation_is_not_there(client: TestClient, bearer: Bearer, path: str) -> None:
    me = bearer(customer="C-10001")
    mine = begin(client, me)
    client.post(f"{mine}/handover", json={}, headers=me)
    client.delete("/v1/me/data", headers=me)
    assert client.get(f"{mine}/{path}", headers=me).status_code == 404


def test_an_emergency_stays_called(client: TestClient, assistant: ScriptedAssistant) -> None:
    path = begin(client)
    assistant.answers.append(calling("Call 911 now.", "overdose", "urgent"))
    client.post(f"{path}/messages", json={"text": "it went wrong"})
    refused = client.delete(f"{path}/handover")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:pestle:problem:conflict")
    assert "Someone will still look in" in refused.json()["detail"]
    assert client.get(f"{path}/handover").json()["state"] == "waiting"
