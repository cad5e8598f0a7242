"""Why an answer was given: told to whoever may read the conversation, in plain words, and nothing else of the trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, get_args

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.api.explanation import explained
from app.api.main import create_app
from app.api.wording import CHECKS, TAKEN_FOR
from app.settings import Settings
from rag.route import Where
from rag.turn import Citation
from rails.checks import FirstFault
from rails.output import OutputRail
from tests.fakes import BookInMemory, ScriptedAssistant, scripted

Bearer = Callable[..., dict[str, str]]
SECRET = "SECRET-7731"
ORDER = Citation(n=1, article_id="FH-1234567", title="Order FH-1234567", url="", kind="order")
ARTICLE = Citation(n=2, article_id="a-one", title="About a-one", url="?article=a-one")

TRACE: dict[str, Any] = {
    "text": SECRET,
    "customer_id": SECRET,
    "prompt": SECRET,
    "asked": [
        {
            "text": SECRET,
            "query": SECRET,
            "intents": [["order_arrival", 0.913], ["delivery_options", 0.12], ["human", 0.01]],
            "routes": {"account": 0.81},
            "where": "account",
            "why": SECRET,
            "answerable": 0.2,
            "articles": [[SECRET, 0.9]],
        }
    ],
    "rails": {
        "acted": None,
        "sign": SECRET,
        "unsure": [SECRET],
        "verdicts": [["emergency", 0.0123, "passes"], ["medical_advice", 0.4567, "doubts"], ["house_rule", 0.0, "passes"]],
    },
    "evidence": [SECRET],
    "held_back": [
        {"text": SECRET, "rail": "figures", "detail": SECRET},
        {"text": SECRET, "rail": "support", "detail": SECRET},
        {"text": SECRET, "rail": "figures", "detail": SECRET},
    ],
    "released": [SECRET],
    "composer": "extractive",
    "versions": {"policy": "2026-11-24", "knowledge": "3f9ac1"},
    "model_failed": SECRET,
    "error": SECRET,
    "timings_ms": {"turn": 12.0},
}  # fmt: skip


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"explain": True})


def answer_to(client: TestClient, assistant: ScriptedAssistant, headers: dict[str, str], **notes: Any) -> str:
    """The message id of an answer with the trace above."""
    planned = scripted("It comes on Friday.", citations=[ORDER, ARTICLE])
    assistant.answers.append(replace(planned, trace={**TRACE, **notes}))
    conversation = client.post("/v1/conversations", headers=headers).json()["conversation_id"]
    said = client.post(f"/v1/conversations/{conversation}/messages", json={"text": "when?"}, headers=headers)
    return str(said.json()["message_id"])


def test_the_owner_is_told(client: TestClient, assistant: ScriptedAssistant, bearer: Bearer) -> None:
    me = bearer(customer="C-10001")
    key = answer_to(client, assistant, me)
    answer = client.get(f"/v1/messages/{key}/why", headers=me)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "message_id": key,
        "questions": [
            {
                "taken_for": {"name": "account", "label": "a question about your own account"},
                "intents": [
                    {"name": "order_arrival", "label": "Order arrival", "likelihood": "very likely", "probability": 0.91},
                    {"name": "delivery_options", "label": "Delivery options", "likelihood": "possible", "probability": 0.12},
                ],
            }
        ],
        "acted": None,
        "rails": [
            {"name": "emergency", "label": "Emergency", "verdict": "no sign"},
            {"name": "medical_advice", "label": "Medical advice", "verdict": "in doubt"},
            {"name": "house_rule", "label": "House rule", "verdict": "no sign"},
        ],
        "sources": [
            {"n": 1, "title": "Order FH-1234567", "kind": "order"},
            {"n": 2, "title": "About a-one", "kind": "article"},
        ],
        "held_back": 3,
        "checks": [
            {"name": "figures", "label": "a figure did not stand in the source", "count": 2},
            {"name": "support", "label": "the source did not say it", "count": 1},
        ],
        "composer": {"name": "both", "label": "the articles' own sentences, and facts from your own account"},
        "versions": {"policy": "2026-11-24", "knowledge": "3f9ac1"},
    }  # fmt: skip


def test_nothing_else_leaves_the_trace(client: TestClient, assistant: ScriptedAssistant, bearer: Bearer) -> None:
    me = bearer(customer="C-10001")
    key = answer_to(client, assistant, me, composer=SECRET)
    answer = client.get(f"/v1/messages/{key}/why", headers=me)
    assert answer.json()["composer"]["name"] == "chat_model"
    assert SECRET not in answer.text
    assert "0.4567" not in answer.text, "what a rail measured stays inside"


def test_anothers_answer_is_one_that_does_not_exist(
    client: TestClient, assistant: ScriptedAssistant, bearer: Bearer
) -> None:
    me, other = bearer(customer="C-10001"), bearer(customer="C-10002")
    mine, anonymous = answer_to(client, assistant, me), answer_to(client, assistant, {})
    unknown = client.get(f"/v1/messages/{'0' * 32}/why", headers=me)
    assert unknown.status_code == 404
    assert unknown.headers["content-type"] == "application/problem+json"
    for key, headers in [(mine, other), (mine, {}), (anonymous, me), (anonymous, other)]:
        answer = client.get(f"/v1/messages/{key}/why", headers=headers)
        assert (answer.status_code, answer.text) == (404, unknown.text)
    assert client.get(f"/v1/messages/{anonymous}/why").status_code == 200
    assert client.get(f"/v1/messages/{mine}/why", headers=bearer(agent="C-10001")).status_code == 403
    assert client.get(f"/v1/messages/{mine}/why", headers={"Authorization": "Bearer a.b.c"}).status_code == 401


def test_only_an_answer_is_explained(app: FastAPI, client: TestClient, assistant: ScriptedAssistant) -> None:
    key = answer_to(client, assistant, {})
    found = app.state.services.store.trace(key)
    question = client.get(f"/v1/conversations/{found.conversation_id}/messages").json()["messages"][0]["id"]
    unknown = client.get(f"/v1/messages/{'0' * 32}/why").text
    for wrong in (found.id, question, found.conversation_id, "%00", "é", "' OR 1=1", "a" * 3000):
        answer = client.get(f"/v1/messages/{wrong}/why")
        assert (answer.status_code, answer.text) == (404, unknown)


@pytest.mark.parametrize("explain", [True, False])
def test_turned_off_it_tells_nobody(
    explain: bool, settings: Settings, assistant: ScriptedAssistant, bearer: Bearer
) -> None:
    assert Settings(_env_file=None).explain is False
    app = create_app(settings.model_copy(update={"explain": explain}), assistant, book=BookInMemory("C-10001"))
    with TestClient(app) as client:
        assert client.get("/v1/features").json() == {"explain": explain}
        me = bearer(customer="C-10001")
        answer = client.get(f"/v1/messages/{answer_to(client, assistant, me)}/why", headers=me)
        assert answer.status_code == (200 if explain else 404)
        if not explain:
            assert answer.json()["type"] == "urn:pestle:problem:not-found"
            assert "turned off" in answer.json()["detail"]


def test_a_pattern_that_spoke_before_the_rails_is_named() -> None:
    reply = scripted("Call 911.", outcome="emergency").reply
    why = explained(
        {"rails": {"acted": "overdose", "sign": "pattern", "verdicts": []}, "composer": "extractive"}, reply
    )
    assert why.acted is not None
    assert (why.acted.label, why.questions, why.composer.name) == ("Overdose", [], "wording")
    assert [(verdict.label, verdict.verdict) for verdict in why.rails] == [("Overdose", "clear sign")]


def test_rails_that_could_not_run_saw_nothing() -> None:
    why = explained({"rails": {"acted": "rail_error", "sign": "ValueError", "verdicts": []}}, scripted().reply)
    assert why.rails == []
    assert why.acted is not None
    assert why.acted.label == "A check that could not run"


def test_a_rail_that_acted_is_named_once() -> None:
    verdicts = [["self_harm", 0.1, "passes"], ["emergency", 0.98, "acts"]]
    why = explained({"rails": {"acted": "child_poisoning", "verdicts": verdicts}}, scripted().reply)
    assert [verdict.verdict for verdict in why.rails] == ["no sign", "clear sign"]
    assert why.acted is not None
    assert why.acted.label == "Child poisoning"


@pytest.mark.parametrize(
    ("p", "words"), [(1.0, "very likely"), (0.85, "very likely"), (0.5, "likely"), (0.04, "possible")]
)
def test_a_probability_in_words(p: float, words: str) -> None:
    why = explained({"asked": [{"where": "unknown", "intents": [["stock", p]]}]}, scripted().reply)
    assert [(intent.likelihood, intent.probability) for intent in why.questions[0].intents] == [(words, p)]


def test_a_thin_trace_is_explained_as_far_as_it_goes() -> None:
    why = explained({"outcome": "answered", "timings_ms": {"turn": 1.2}}, scripted().reply)
    assert (why.questions, why.rails, why.held_back, why.versions.policy) == ([], [], 0, None)


def test_each_route_has_its_words() -> None:
    assert set(TAKEN_FOR) == set(get_args(Where))


def test_each_check_of_the_output_rail_has_its_words() -> None:
    rail = OutputRail()
    checks = next(v for v in validators(rail) if isinstance(v, FirstFault))._checks
    assert {check.rail_alias.removeprefix("pestle/") for check in checks} <= set(CHECKS)


def validators(rail: OutputRail) -> Iterator[Any]:
    for found in rail._guard._validator_map.values():
        yield from found
