"""The desk's API: queue, claim, reply, notes, transfer, resolve, suggestion, search, events."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.api.turns import THREADS
from app.store.errors import StoreFull
from app.tokens import Identity
from rag.compose.draft import Evidence
from rag.turn import Citation, Message
from tests.app.test_handover import begin, calling, held, said
from tests.fakes import BookInMemory, ScriptedAssistant, scripted

Bearer = Callable[..., dict[str, str]]
SOURCE = Citation(n=1, article_id="a-one", title="About a-one", url="?article=a-one")


def test_the_queue_shows_what_is_needed_to_choose(
    client: TestClient, assistant: ScriptedAssistant, bearer: Bearer
) -> None:
    me, agent = bearer(customer="C-10001"), bearer(agent="ana")
    first, second = begin(client, me), begin(client)
    assistant.answers.extend([scripted("It left on Tuesday."), calling("Call 911.", "overdose", "urgent")])
    client.post(f"{first}/messages", json={"text": "Where are my blood pressure pills?"}, headers=me)
    client.post(f"{first}/handover", json={"note": "it is late"}, headers=me)
    client.post(f"{second}/messages", json={"text": "I took all my pills"})
    queue = client.get("/v1/agent/queue", headers=agent).json()
    urgent, soon = queue["waiting"]
    assert (urgent["urgency"], urgent["reason"], urgent["customer_name"]) == ("urgent", "overdose", None)
    assert (soon["reason"], soon["customer_name"], soon["note"]) == ("button", "Demo 1", "it is late")
    assert "blood pressure pills" in soon["summary"]
    assert soon["last_text"] == "Where are my blood pressure pills?"
    assert soon["waiting_s"] >= 0
    assert queue["held"] == []
    assert client.get("/v1/agent/queue?department=billing", headers=agent).json()["waiting"] == []
    claimed = client.post(f"/v1/agent/handovers/{urgent['handover_id']}/claim", headers=agent).json()
    assert (claimed["state"], claimed["agent_name"]) == ("held", "ana")
    after = client.get("/v1/agent/queue", headers=agent).json()
    assert [one["handover_id"] for one in after["held"]] == [urgent["handover_id"]]
    assert after["version"] != queue["version"]


def test_of_many_who_claim_at_once_one_wins(live: httpx.Client, bearer: Bearer) -> None:
    path = begin(live)
    key = live.post(f"{path}/handover", json={}).json()["handover_id"]
    agents = [bearer(agent=f"agent-{n}") for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda who: live.post(f"/v1/agent/handovers/{key}/claim", headers=who), agents))
    won = [answer for answer in answers if answer.status_code == 200]
    lost = [answer.json() for answer in answers if answer.status_code == 409]
    assert (len(won), len(lost)) == (1, 5)
    assert all(problem["type"] == "urn:pestle:problem:taken" for problem in lost)
    assert all(won[0].json()["agent_name"] in problem["detail"] for problem in lost)


def test_the_whole_conversation_is_at_hand(client: TestClient, assistant: ScriptedAssistant, bearer: Bearer) -> None:
    me, agent = bearer(customer="C-10001"), bearer(agent="ana")
    path = begin(client, me)
    answer = scripted("Text of a-one.", citations=[SOURCE])
    assistant.answers.append(answer)
    client.post(f"{path}/messages", json={"text": "What about one?"}, headers=me)
    rated = {"rating": "down", "reasons": ["wrong"], "comment": "no"}
    client.post(f"/v1/messages/{answer.reply.message_id}/feedback", json=rated, headers=me)
    where = f"/v1/agent{path[3:]}"
    before = client.get(where, headers=agent).json()
    assert (before["handover"], before["account"]) == (None, None)
    key = client.post(f"{path}/handover", json={}, headers=me).json()["handover_id"]
    client.post(f"/v1/agent/handovers/{key}/notes", json={"text": "<b>careful</b>"}, headers=agent)
    found = client.get(where, headers=agent).json()
    assert found["conversation"]["signed_in"] is True
    assert found["customer"] == {"id": "C-10001", "name": "Demo 1", "plus_member": True}
    assert found["account"]["orders"] == []
    assert [note["text"] for note in found["notes"]] == ["<b>careful</b>"]
    asked, told = found["messages"]
    assert (asked["role"], asked["trace_id"], told["trace_id"]) == ("customer", None, answer.reply.trace_id)
    assert told["feedback"] == rated
    why = client.get(f"/v1/agent/messages/{told['id']}/trace", headers=agent).json()
    assert [source["article_id"] for source in why["sources"]] == ["a-one"]
    assert why["why"]["message_id"] == told["id"]
    assert all(text != "<b>careful</b>" for _, text in said(client, path, me))
    assert client.get(f"/v1/agent/messages/{asked['id']}/trace", headers=agent).status_code == 404
    assert client.get(f"/v1/agent/conversations/{'A' * 22}", headers=agent).status_code == 404


def test_an_account_book_that_is_away_stops_nobody(client: TestClient, book: BookInMemory, bearer: Bearer) -> None:
    from rag.account.book import AccountError

    me, agent = bearer(customer="C-10001"), bearer(agent="ana")
    path = begin(client, me)
    client.post(f"{path}/handover", json={}, headers=me)
    book.away = AccountError("away")
    assert client.get(f"/v1/agent{path[3:]}", headers=agent).json()["account"] is None
    assert client.get("/v1/agent/queue", headers=agent).json()["waiting"][0]["customer_name"] is None


def test_a_reply_counts_once(client: TestClient, bearer: Bearer) -> None:
    path = begin(client)
    desk = held(client, bearer, path)
    agent = {**bearer(agent="ana"), "Idempotency-Key": "k"}
    first = client.post(f"{desk}/reply", json={"text": "Hello"}, headers=agent)
    assert client.post(f"{desk}/reply", json={"text": "Hello"}, headers=agent).json() == first.json()
    assert client.post(f"{desk}/reply", json={"text": "Bye"}, headers=agent).status_code == 409
    assert [role for role, _ in said(client, path)] == ["notice", "agent"]
    client.post(f"{path}/messages", json={"text": "thanks"}, headers={"Idempotency-Key": "k"})
    assert said(client, path)[-1] == ("customer", "thanks")
    for wrong in ("", "   ", "x" * 8001, None):
        assert client.post(f"{desk}/reply", json={"text": wrong}, headers=bearer(agent="ana")).status_code == 422


@pytest.mark.parametrize("action", ["reply", "transfer", "resolve", "return", "heartbeat"])
def test_only_who_holds_it_acts(client: TestClient, bearer: Bearer, action: str) -> None:
    body = {"reply": {"text": "x"}, "transfer": {"department": "billing"}, "resolve": {"code": "fixed"}}.get(action, {})
    path = begin(client)
    desk, other = held(client, bearer, path), bearer(pharmacist="ben")
    taken = client.post(f"{desk}/{action}", json=body, headers=other)
    assert (taken.status_code, taken.json()["type"]) == (409, "urn:pestle:problem:taken")
    assert "ana" in taken.json()["detail"]
    assert client.post(f"{desk}/resolve", json={"code": "answered"}, headers=bearer(agent="ana")).status_code == 200
    gone = client.post(f"{desk}/{action}", json=body, headers=bearer(agent="ana"))
    assert (gone.status_code, gone.json()["type"]) == (409, "urn:pestle:problem:conflict")
    assert client.post(f"/v1/agent/handovers/nothing/{action}", json=body, headers=other).status_code == 404
    for headers, status in ((None, 401), (bearer(customer="C-10001"), 403)):
        assert client.post(f"{desk}/{action}", json=body, headers=headers).status_code == status


def test_a_transfer_goes_to_the_other_queue(client: TestClient, bearer: Bearer) -> None:
    path = begin(client)
    desk, agent = held(client, bearer, path), bearer(agent="ana")
    moved = client.post(f"{desk}/transfer", json={"department": "pharmacist", "note": "a dose"}, headers=agent).json()
    assert (moved["state"], moved["department"], moved["agent_id"]) == ("waiting", "pharmacist", None)
    assert "a pharmacist" in said(client, path)[-1][1]
    assert client.post(f"{desk}/claim", headers=bearer(pharmacist="ben")).json()["agent_name"] == "ben"


def test_it_is_resolved_with_a_code(client: TestClient, bearer: Bearer) -> None:
    path = begin(client)
    desk, agent = held(client, bearer, path), bearer(agent="ana")
    assert client.post(f"{desk}/resolve", json={"code": "whatever"}, headers=agent).status_code == 422
    ended = client.post(f"{desk}/resolve", json={"code": "fixed", "note": "resent"}, headers=agent).json()
    assert (ended["state"], ended["code"]) == ("resolved", "fixed")
    assert client.get(f"{path}/handover").json()["state"] == "resolved"
    assert client.post(f"{path}/messages", json={"text": "hello"}).json()["outcome"] == "answered"


def test_a_suggestion_is_the_assistants_own_draft_as_that_customer(
    client: TestClient, assistant: ScriptedAssistant, bearer: Bearer, app: FastAPI
) -> None:
    me, agent = bearer(customer="C-10001"), bearer(agent="ana")
    path = begin(client, me)
    assistant.answers.append(scripted("I don't know.", outcome="unknown"))
    client.post(f"{path}/messages", json={"text": "How long does it take?"}, headers=me)
    key = client.post(f"{path}/handover", json={}, headers=me).json()["handover_id"]
    desk = f"/v1/agent/handovers/{key}"
    client.post(f"{desk}/claim", headers=agent)
    client.post(f"{path}/messages", json={"text": "are you there?"}, headers=me)
    drafted = replace(
        scripted("It takes 5 days.", citations=[SOURCE]),
        evidence=(Evidence("a-one#1", "a-one", "About", "?", "5 days."),),
    )
    assistant.answers.extend([scripted("Hello!"), drafted])
    found = client.get(f"{desk}/suggestion", headers=agent).json()
    assert (found["text"], found["question"]) == ("It takes 5 days.", "How long does it take?")
    assert found["evidence"] == [{"id": "a-one#1", "title": "About", "text": "5 days."}]
    assert assistant.asked[-1] == Message("How long does it take?", "C-10001", (), called=("soon",)), (
        "no draft offers a person"
    )
    before = said(client, path, me)
    sent = {"text": "It takes 5 days, sorry.", "suggestion_id": found["suggestion_id"]}
    client.post(f"{desk}/reply", json=sent, headers=agent)
    assert said(client, path, me) == [*before, ("agent", "It takes 5 days, sorry.")]
    correction = app.state.services.corrections.proposals()[0].correction
    assert (correction.kind, correction.rejected, correction.chosen) == (
        "edited", "It takes 5 days.", "It takes 5 days, sorry.",
    )  # fmt: skip
    assistant.answers.extend([scripted("I don't know.", outcome="unknown")] * 3)
    nothing = client.get(f"{desk}/suggestion", headers=agent).json()
    assert (nothing["suggestion_id"], nothing["text"]) == (None, "")
    client.post(f"{desk}/resolve", json={"code": "answered"}, headers=agent)
    asked = len(assistant.asked)
    assert client.get(f"{desk}/suggestion", headers=agent).status_code == 409, "the account is closed to staff again"
    assert len(assistant.asked) == asked


def test_a_customer_may_delete_everything_while_a_reply_is_drafted(
    client: TestClient, assistant: ScriptedAssistant, bearer: Bearer, app: FastAPI
) -> None:
    me, agent = bearer(customer="C-10001"), bearer(agent="ana")
    path = begin(client, me)
    client.post(f"{path}/messages", json={"text": "How long does it take?"}, headers=me)
    key = client.post(f"{path}/handover", json={}, headers=me).json()["handover_id"]
    assistant.answers.append(scripted("It takes 5 days.", citations=[SOURCE]))
    assistant.on_answer = lambda message: (
        app.state.services.people.delete(Identity("customer", "C-10001", 0.0)) and None
    )
    assert client.get(f"/v1/agent/handovers/{key}/suggestion", headers=agent).status_code == 404


def test_an_agent_asks_privately(client: TestClient, assistant: ScriptedAssistant, bearer: Bearer) -> None:
    assistant.answers.append(calling("A person will come."))
    reply = client.post("/v1/agent/ask", json={"text": "what is our policy"}, headers=bearer(agent="ana")).json()
    assert reply["handover_id"] is None
    assert assistant.asked[-1].customer_id is None
    assert client.get("/v1/agent/queue", headers=bearer(agent="ana")).json()["waiting"] == []


def test_agents_questions_keep_no_customer_waiting(
    live: httpx.Client, assistant: ScriptedAssistant, bearer: Bearer
) -> None:
    path, agent, free = begin(live), bearer(agent="ana"), threading.Event()

    def slow(message: Message) -> None:
        if message.text == "slow":
            free.wait(20)

    assistant.on_answer = slow
    with ThreadPoolExecutor(THREADS) as pool:
        asked = [pool.submit(live.post, "/v1/agent/ask", json={"text": "slow"}, headers=agent) for _ in range(THREADS)]
        try:
            while not assistant.asked:
                time.sleep(0.01)
            assert live.post(f"{path}/messages", json={"text": "I took all my pills"}, timeout=5).status_code == 200
        finally:
            free.set()
        assert [one.result().status_code for one in asked] == [200] * THREADS


def test_past_conversations_are_found(client: TestClient, bearer: Bearer) -> None:
    me, agent = bearer(customer="C-10001"), bearer(agent="ana")
    path = begin(client, me)
    client.post(f"{path}/messages", json={"text": "my Zebrapills " + "x" * 400}, headers=me)
    [hit] = client.get("/v1/agent/search", params={"q": "zebrapills"}, headers=agent).json()["conversations"]
    assert (hit["customer_name"], hit["role"]) == ("Demo 1", "customer")
    assert hit["text"].startswith("my Zebrapills")
    assert len(hit["text"]) < 250
    assert client.get("/v1/agent/search", params={"q": "x"}, headers=agent).status_code == 422
    mine = client.get("/v1/agent/search", params={"customer": "C-10001"}, headers=agent).json()["conversations"]
    assert [one["conversation_id"] for one in mine] == [path.split("/")[-1]]


def test_canned_replies_are_there(client: TestClient, bearer: Bearer) -> None:
    found = client.get("/v1/agent/canned", headers=bearer(agent="ana")).json()
    assert {"id", "title", "text", "department"} == set(found[0])
    assert {one["department"] for one in found} == {None, "care", "billing", "pharmacist"}


def test_the_desk_is_told_what_happens(live: httpx.Client, bearer: Bearer) -> None:
    path, agent = begin(live), bearer(agent="ana")
    with live.stream("GET", "/v1/agent/events", headers=agent) as answer:
        lines = answer.iter_lines()

        def next_of(kind: str) -> dict[str, object]:
            for line in lines:
                if line == f"event: {kind}":
                    told: dict[str, object] = json.loads(next(lines)[6:])
                    return told
            raise AssertionError("the stream ended")

        first = next_of("queue")["version"]
        held(live, bearer, path)
        assert next_of("queue")["version"] != first
        live.post(f"{path}/messages", json={"text": "hello"})
        while (told := next_of("message"))["seq"] != 2:
            pass
        assert told["conversation_id"] == path.split("/")[-1]


def test_what_staff_does_is_in_the_audit_record(client: TestClient, bearer: Bearer, app: FastAPI) -> None:
    me, agent = bearer(customer="C-10001"), bearer(agent="ana")
    path = begin(client, me)
    key = client.post(f"{path}/handover", json={}, headers=me).json()["handover_id"]
    client.get("/v1/agent/queue", headers=agent)
    client.post(f"/v1/agent/handovers/{key}/claim", headers=agent)
    client.get(f"/v1/agent{path[3:]}", headers=agent)
    client.get(f"/v1/agent/handovers/{key}/suggestion", headers=agent)
    client.get("/v1/agent/search?customer=C-10001", headers=agent)
    found = [entry.action for entry in app.state.services.audit.entries() if entry.actor_id == "ana"]
    assert found == [
        "queue.read", "handover.claim", "conversation.read", "account.read", "suggestion.read", "search",
    ]  # fmt: skip


@pytest.mark.parametrize("action", ["resolve", "return"])
def test_a_message_that_crosses_the_end_keeps_it_open(client: TestClient, bearer: Bearer, action: str) -> None:
    path = begin(client)
    desk, agent = held(client, bearer, path), bearer(agent="ana")
    body = {"code": "fixed"} if action == "resolve" else {}
    client.post(f"{path}/messages", json={"text": "one more thing"})
    for wrong in (-1, "x", 2**40):
        assert client.post(f"{desk}/{action}", json=body | {"seen_seq": wrong}, headers=agent).status_code == 422
    refused = client.post(f"{desk}/{action}", json=body | {"seen_seq": 1}, headers=agent)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:pestle:problem:conflict")
    assert "just written" in refused.json()["detail"]
    assert client.get(f"{path}/handover").json()["state"] == "held"
    assert client.post(f"{desk}/{action}", json=body | {"seen_seq": 2}, headers=agent).status_code == 200


def test_a_colleagues_note_is_in_the_queue(client: TestClient, bearer: Bearer) -> None:
    path = begin(client)
    desk, agent = held(client, bearer, path), bearer(agent="ana")
    before = client.get("/v1/agent/queue", headers=agent).json()
    client.post(f"{desk}/notes", json={"text": "careful"}, headers=bearer(pharmacist="ben"))
    after = client.get("/v1/agent/queue", headers=agent).json()
    assert (before["held"][0]["notes"], after["held"][0]["notes"]) == (0, 1)
    assert before["version"] != after["version"]


def test_a_look_is_noted_where_it_shows_somebody_new(client: TestClient, bearer: Bearer, app: FastAPI) -> None:
    def noted() -> list[tuple[str, list[str], list[str]]]:
        found = [entry for entry in app.state.services.audit.entries() if entry.action == "queue.read"]
        return [(one.actor_id, one.detail["conversations"], one.detail["customers"]) for one in found]

    ana, ben, me = bearer(agent="ana"), bearer(agent="ben"), bearer(customer="C-10001")
    client.get("/v1/agent/queue", headers=ana)
    assert noted() == []
    first, second = begin(client), begin(client, me)
    one, two = (path.split("/")[-1] for path in (first, second))
    client.post(f"{first}/handover", json={})
    for who in (ana, ana, ben, ana):
        client.get("/v1/agent/queue", headers=who)
    assert noted() == [("ana", [one], []), ("ben", [one], [])]
    client.post(f"{second}/handover", json={}, headers=me)
    for _ in range(3):
        client.get("/v1/agent/queue", headers=ana)
    assert noted()[2:] == [("ana", [two], ["C-10001"])]
    client.delete(f"{second}/handover", headers=me)
    client.get("/v1/agent/queue", headers=ana)
    client.post(f"{second}/handover", json={}, headers=me)
    client.get("/v1/agent/queue", headers=ana)
    assert noted()[3:] == [("ana", [two], ["C-10001"])], "who was gone and comes back is named again"


def test_a_look_that_can_not_be_noted_shows_nothing(
    client: TestClient, bearer: Bearer, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*entry: object, **detail: object) -> None:
        raise StoreFull("no room")

    client.post(f"{begin(client)}/handover", json={})
    with monkeypatch.context() as patch:
        patch.setattr(app.state.services.audit, "add", full)
        for _ in range(2):
            assert client.get("/v1/agent/queue", headers=bearer(agent="ana")).status_code == 503
    assert client.get("/v1/agent/queue", headers=bearer(agent="ana")).status_code == 200
