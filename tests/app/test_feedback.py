"""Ratings and signs over HTTP, and the signs that the server sees itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.learning.signs import observe, rephrased, thanked
from app.store.feedback import Sign
from tests.fakes import ScriptedAssistant, scripted

Bearer = Callable[..., dict[str, str]]


def ask(client: TestClient, text: str, key: str = "", headers: dict[str, str] | None = None) -> tuple[str, Any]:
    """Asks in a conversation, a new one unless `key` names it; gives the conversation and the reply."""
    key = key or client.post("/v1/conversations", headers=headers).json()["conversation_id"]
    sent = client.post(f"/v1/conversations/{key}/messages", json={"text": text}, headers=headers)
    assert sent.status_code == 200, sent.text
    return key, sent.json()


def test_a_rating_is_given_changed_read_and_withdrawn(client: TestClient) -> None:
    _, reply = ask(client, "How long?")
    url = f"/v1/messages/{reply['message_id']}/feedback"
    assert client.get(url).status_code == 404
    down = client.post(url, json={"rating": "down", "reasons": ["wrong", "too_long"], "comment": "  <b>no</b> "})
    assert down.status_code == 200
    assert down.json() | {"changed_at": ""} == {
        "message_id": reply["message_id"], "rating": "down", "reasons": ["wrong", "too_long"], "comment": "<b>no</b>",
        "changed_at": "",
    }  # fmt: skip
    assert (
        client.post(url, json={"rating": "down", "reasons": ["wrong", "too_long"], "comment": "<b>no</b>"}).json()
        == down.json()
    )
    up = client.post(url, json={"rating": "up", "reasons": ["clear"]}).json()
    assert (up["rating"], up["reasons"], up["comment"]) == ("up", ["clear"], "")
    assert client.get(url).json() == up
    assert [client.delete(url).status_code for _ in range(2)] == [204, 204]
    assert client.get(url).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"rating": "up", "reasons": ["wrong"]},
        {"rating": "down", "reasons": ["clear"]},
        {"rating": "sideways"},
        {"rating": "down", "reasons": ["<script>"]},
        {"rating": "down", "comment": "x" * 2_001},
        {"rating": "down", "comment": 3},
        {},
    ],
)
def test_contradictory_and_strange_ratings_are_refused(client: TestClient, body: dict[str, Any]) -> None:
    _, reply = ask(client, "How long?")
    url = f"/v1/messages/{reply['message_id']}/feedback"
    refused = client.post(url, json=body)
    assert refused.status_code == 422
    assert refused.json()["errors"]
    assert client.get(url).status_code == 404


def test_what_must_not_be_stored_is_taken_out_of_a_comment(client: TestClient) -> None:
    _, reply = ask(client, "How long?")
    url = f"/v1/messages/{reply['message_id']}/feedback"
    said = client.post(url, json={"rating": "down", "comment": "my card is 4111 1111 1111 1111"}).json()
    assert said["comment"] == "my card is [card]"


def test_anothers_message_and_a_missing_one_look_the_same(client: TestClient, bearer: Bearer) -> None:
    mine, other = bearer(customer="C-10001"), bearer(customer="C-10002")
    key, reply = ask(client, "How long?", headers=mine)
    said = client.get(f"/v1/conversations/{key}/messages", headers=mine).json()["messages"][0]["id"]
    answers = []
    for message in (reply["message_id"], said, "f" * 32, "%00", "%C3%A9", "x" * 200):
        for who in (other, None):
            url = f"/v1/messages/{message}"
            answers += [
                client.post(f"{url}/feedback", json={"rating": "up"}, headers=who),
                client.get(f"{url}/feedback", headers=who),
                client.delete(f"{url}/feedback", headers=who),
                client.post(f"{url}/signs", json={"kind": "left"}, headers=who),
            ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    assert (
        client.post(f"/v1/messages/{reply['message_id']}/feedback", json={"rating": "up"}, headers=mine).status_code
        == 200
    )


def test_staff_do_not_rate_and_bad_tokens_prove_nothing(client: TestClient, bearer: Bearer) -> None:
    _, reply = ask(client, "How long?")
    url = f"/v1/messages/{reply['message_id']}/feedback"
    assert client.post(url, json={"rating": "up"}, headers=bearer(agent="mara")).status_code == 403
    assert client.post(url, json={"rating": "up"}, headers={"Authorization": "Bearer x"}).status_code == 401


def test_after_deletion_there_is_nothing_to_rate(client: TestClient, bearer: Bearer) -> None:
    mine = bearer(customer="C-10001")
    _, reply = ask(client, "How long?", headers=mine)
    url = f"/v1/messages/{reply['message_id']}/feedback"
    client.post(url, json={"rating": "up"}, headers=mine)
    assert client.delete("/v1/me/data", headers=mine).status_code == 204
    assert client.post(url, json={"rating": "down"}, headers=mine).status_code == 404
    assert client.get(url, headers=mine).status_code == 404


def test_the_page_tells_signs_and_each_is_kept_once(app: FastAPI, client: TestClient) -> None:
    key, reply = ask(client, "How long?")
    url = f"/v1/messages/{reply['message_id']}/signs"
    assert [client.post(url, json={"kind": kind}).status_code for kind in ("left", "left", "took_suggestion")] == [
        204
    ] * 3
    assert client.post(url, json={"kind": "thanked"}).status_code == 422
    assert [sign.kind for sign in app.state.services.feedback.signs(key)] == ["left", "took_suggestion"]


def seen(
    app: FastAPI, client: TestClient, assistant: ScriptedAssistant, first: Any, *then: tuple[str, Any]
) -> list[Sign]:
    """The signs after a conversation whose later turns are observed."""
    served = app.state.services
    assistant.answers.append(first)
    key, _ = ask(client, "How long does a parcel take to Ohio?")
    for text, answer in then:
        assistant.answers.append(answer)
        _, reply = ask(client, text, key)
        observe(served.store, served.feedback, key, text, answer.reply, lambda a, b: 0.9 if "days" in b else 0.1)
        assert reply["message_id"] == answer.reply.message_id
    found: list[Sign] = served.feedback.signs(key)
    return found


def test_asking_again_is_about_the_answer_before(
    app: FastAPI, client: TestClient, assistant: ScriptedAssistant
) -> None:
    first = scripted("Two days.", outcome="unknown")
    again, meant = "how long does the parcel take to ohio??", "How many days until a box reaches me in Cleveland?"
    signs = seen(app, client, assistant, first, (again, second := scripted("Two.")), (meant, scripted("Two!")))
    assert [(sign.message_id, sign.kind) for sign in signs] == [
        (first.reply.message_id, "rephrased"), (second.reply.message_id, "rephrased"),
    ]  # fmt: skip
    assert signs[0].data["outcome"] == "unknown"
    assert signs[1].data["meaning"] == 0.9


def test_thanks_a_person_and_a_suggestion_are_signs(
    app: FastAPI, client: TestClient, assistant: ScriptedAssistant
) -> None:
    first = scripted("Two days.", suggestions=["And on Saturdays?"])
    calls = scripted("A person comes.", outcome="handover")
    calls = type(calls)(calls.reply.model_copy(update={"reason": "wants_person"}), calls.focus, calls.trace)
    signs = seen(
        app, client, assistant, first,
        ("and on saturdays", scripted("No.")), ("great, thank you!", scripted("Welcome.")), ("a human please", calls),
        ("Can I pay by card when it comes?", scripted("Yes.")),
    )  # fmt: skip
    assert [sign.kind for sign in signs] == ["took_suggestion", "thanked", "asked_person"]


def test_a_yes_to_the_offer_of_a_person_is_a_sign(
    app: FastAPI, client: TestClient, assistant: ScriptedAssistant
) -> None:
    first, calls = scripted("I don't know.", outcome="unknown"), scripted("A person comes.", outcome="handover")
    calls = type(calls)(calls.reply.model_copy(update={"reason": "accepted"}), calls.focus, calls.trace)
    signs = seen(app, client, assistant, first, ("yes please", calls))
    assert [(sign.message_id, sign.kind, sign.data) for sign in signs] == [
        (first.reply.message_id, "asked_person", {"reason": "accepted"})
    ]


def test_observing_never_raises_and_a_first_turn_tells_nothing(app: FastAPI, client: TestClient) -> None:
    served = app.state.services
    key, _ = ask(client, "How long?")
    assert observe(served.store, served.feedback, key, "How long?", scripted("x").reply) == []
    assert observe(served.store, served.feedback, "\x00", "How long?", scripted("x").reply) == []

    def breaks(a: str, b: str) -> float:
        raise RuntimeError

    _, reply = ask(client, "Do parcels go to Ohio on Sundays?", key)
    answer = scripted("x").reply.model_copy(update={"message_id": reply["message_id"]})
    served.store.record(key, "anything about Ohio parcels today", scripted("y"))
    assert observe(served.store, served.feedback, key, "Do parcels Ohio?", answer, breaks) == []


def test_the_button_is_a_sign_about_the_last_answer(app: FastAPI, client: TestClient) -> None:
    empty = client.post("/v1/conversations").json()["conversation_id"]
    assert client.post(f"/v1/conversations/{empty}/handover", json={}).status_code == 201
    key, reply = ask(client, "How long?")
    for status in (201, 200):
        assert client.post(f"/v1/conversations/{key}/handover", json={"note": ""}).status_code == status
    (sign,) = app.state.services.feedback.signs(key)
    assert (sign.message_id, sign.kind, sign.data) == (reply["message_id"], "asked_person", {"reason": "button"})
    assert app.state.services.feedback.signs(empty) == []


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("thanks!", True), ("thx that works", True), ("You've been very helpful", True), ("that helped, ty", True),
        ("no thanks", False), ("thanks for nothing", False), ("that wasn't helpful", False), ("thanks to you I paid twice", False),
        ("thanks, and where is my order?", False), ("twenty pills", False), ("", False),
    ],
)  # fmt: skip
def test_thanks(text: str, is_so: bool) -> None:
    assert thanked(text) is is_so


@pytest.mark.parametrize(
    ("before", "now", "is_so"),
    [
        ("my order is late, where is it", "where is my late order", True),
        ("How do I reset my password?", "how do i reset my pasword", True),
        ("is order 311 shipped", "is order 315 shipped", False),
        ("Can you ship to Alaska?", "Hawaii?", False),
        ("where is my order", "cancel my order", False),
        ("Do you deliver on Saturdays?", "", False),
        ("?!", "?!", False),
    ],
)
def test_rephrased_by_words(before: str, now: str, is_so: bool) -> None:
    assert (rephrased(before, now) is not None) is is_so
