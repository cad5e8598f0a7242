"""What the page relies on holds for the real API and for the fake one, so that the fake is worth trusting."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.api.main import create_app
from app.settings import Settings
from app.ui.api_client import ApiClient, NotAccepted, NotThere, SignInEnded, open_http
from app.ui.staff_client import StaffClient
from rag.articles import Article
from rag.turn import Citation
from tests.fakes import BookInMemory, ScriptedAssistant, scripted
from tests.served import served
from tests.stored_runs import store_run
from tests.ui.fake_api import FakeApi, create_fake
from tests.ui.fake_quality import live as quality
from tests.ui.fake_quality import run, share

Client = Callable[[str | None], StaffClient]
RUN = "20261101-100000-aaaaaa"


def real_app(home: Path) -> object:
    source = Citation(n=1, article_id="track-order", title="How do I track my order?", url="?article=track-order")
    answers = [scripted(citations=[source], suggestions=["Talk to a person"]) for _ in range(20)]
    assistant = ScriptedAssistant()
    assistant.answers.extend(answers)
    article = Article(
        id="track-order", title="How do I track my order?", topic="orders", updated=dt.date(2026, 10, 16),
        questions=("track",), next_steps=(), links=(), body="Open Orders.", path=home / "track-order.md",
    )  # fmt: skip
    return create_app(
        Settings(home=home, explain=True),
        assistant,
        book=BookInMemory("C-10001"),
        articles=lambda: {article.id: article},
    )


@pytest.fixture(params=["real", "fake"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Client]:
    state = FakeApi(delay_s=0, explain=True)
    state.desk.runs, state.desk.reports = [run(RUN, "2026-11-01T10:00:00Z", {"answers": 0.9})], {RUN: "<p>Café</p>"}
    store_run(tmp_path / "eval", RUN, {"answers": (0.9, 200)}, "<p>Café</p>")
    app = real_app(tmp_path) if request.param == "real" else create_fake(state)
    with served(app) as url, open_http(url) as http:
        yield lambda token=None: StaffClient(http, token)


def test_signing_in(client: Client) -> None:
    api = client(None)
    assert api.is_up()
    customer = api.demo_customers()[0]
    assert customer["id"] == "C-10001"
    assert customer["name"]
    assert customer["about"]
    assert api.demo_token(customer["id"]).count(".") == 2


def test_a_turn_and_its_record(client: Client) -> None:
    api = client(None)
    conversation = api.new_conversation()
    events = list(api.ask(conversation, "How do I track it?", "key-1"))
    kinds = [event.kind for event in events]
    assert kinds[0] == "sentence"
    assert kinds[-1] == "done"
    assert {"citation", "suggestion"} <= set(kinds)
    assert {"text", "citations"} <= set(events[0].data)
    reply = events[-1].data
    assert {"text", "citations", "outcome", "suggestions", "sentences", "cards"} <= set(reply)
    assert {"n", "article_id", "title", "kind"} <= set(reply["citations"][0])
    asked, answered = api.messages(conversation)
    assert (asked["role"], asked["text"]) == ("customer", "How do I track it?")
    assert (answered["role"], answered["reply"]) == ("assistant", reply)


def test_the_same_key_is_the_same_turn(client: Client) -> None:
    api = client(None)
    conversation = api.new_conversation()
    first = list(api.ask(conversation, "How do I track it?", "key-1"))[-1]
    assert list(api.ask(conversation, "How do I track it?", "key-1"))[-1] == first
    assert len(api.messages(conversation)) == 2


def test_a_conversation_is_its_owners(client: Client) -> None:
    owner = client(client(None).demo_token("C-10001"))
    hers, nobodys = owner.new_conversation(), client(None).new_conversation()
    assert owner.messages(hers) == []
    for visitor, conversation in ((client(None), hers), (owner, nobodys), (owner, "no-such-conversation")):
        with pytest.raises(NotThere):
            visitor.messages(conversation)
        with pytest.raises(NotThere):
            list(visitor.ask(conversation, "Hi", "k"))


def test_why_an_answer_was_given_is_told_to_its_owner(client: Client) -> None:
    owner = client(client(None).demo_token("C-10001"))
    assert owner.explains()
    message_id = list(owner.ask(owner.new_conversation(), "How do I track it?", "key-1"))[-1].data["message_id"]
    why = owner.why(message_id)
    parts = {"questions", "acted", "rails", "sources", "held_back", "checks", "composer", "versions"}
    assert set(why) == {"message_id", *parts}
    assert why["message_id"] == message_id
    assert {"n", "title", "kind"} == set(why["sources"][0])
    assert {"name", "label"} == set(why["composer"])
    for visitor, wanted in ((client(None), message_id), (owner, "no-such-message")):
        with pytest.raises(NotThere):
            visitor.why(wanted)


def test_a_bad_token_ends_the_sign_in(client: Client) -> None:
    with pytest.raises(SignInEnded):
        client("a.b.c").new_conversation()


def test_articles(client: Client) -> None:
    article = client(None).article("track-order")
    assert {"id", "title", "topic", "updated", "body", "links"} <= set(article)
    with pytest.raises(NotThere):
        client(None).article("no-such-article")


def conversation(api: ApiClient, text: str = "How do I track it?") -> tuple[str, str]:
    """A conversation with one turn, and the reply's id."""
    key = api.new_conversation()
    return key, str(list(api.ask(key, text, "key-1"))[-1].data["message_id"])


def test_a_rating_and_its_signs(client: Client) -> None:
    api = client(client(None).demo_token("C-10001"))
    _, message = conversation(api)
    assert api.rating(message) is None
    api.rate(message, "down", ["wrong"], "")
    told = api.rate(message, "up", ["clear"], "Good.")
    assert (told["rating"], told["reasons"], told["comment"]) == ("up", ["clear"], "Good.")
    found = api.rating(message) or {}
    assert found["rating"] == "up"
    api.unrate(message)
    assert api.rating(message) is None
    for kind in ("took_suggestion", "left"):
        api.sign(message, kind)
    with pytest.raises(NotThere):
        client(None).rate(message, "up", [], "")


def test_a_customers_data(client: Client) -> None:
    api = client(client(None).demo_token("C-10001"))
    key, _ = conversation(api)
    assert key in str(api.my_data())
    assert api.choices() == {"no_training": False}
    api.choose(True)
    assert api.choices() == {"no_training": True}
    api.delete_my_data()
    with pytest.raises(NotThere):
        api.messages(key)


def test_a_person_from_the_button_to_the_end(client: Client) -> None:
    api = client(client(None).demo_token("C-10001"))
    key, _ = conversation(api)
    assert api.handover(key) is None
    asked = api.ask_person(key, "Please.", None)
    assert {"state", "department", "place", "wait_minutes", "open_now", "opens_at", "agent_name", "text"} <= set(asked)
    assert asked["state"] == "waiting"
    assert api.ask_person(key, "", None)["handover_id"] == asked["handover_id"], "never twice"
    api.no_person(key)
    api.ask_person(key, "", "billing")

    ann, leo = (client(client(None).staff_token("agent", name)) for name in ("Ann", "Leo"))
    item = ann.queue()["waiting"][0]
    assert {"handover_id", "conversation_id", "customer_name", "reason", "urgency", "department", "summary"} <= set(
        item
    )
    assert {"state", "waiting_s", "agent_id", "agent_name", "last_text", "unread"} <= set(item)
    handover = item["handover_id"]
    assert ann.claim(handover)["agent_name"] == "Ann"
    with pytest.raises(NotAccepted, match="Ann"):
        leo.claim(handover)
    with pytest.raises(NotAccepted):
        leo.reply(handover, "Me too", None, "leo-1")
    ann.heartbeat(handover)
    sent = ann.reply(handover, "Hello.", None, "ann-1")
    assert ann.reply(handover, "Hello.", None, "ann-1") == sent, "one message for one key"
    done = list(api.ask(key, "Hi there", "key-2"))[-1].data
    assert (done["outcome"], done["text"]) == ("with_agent", "")
    ann.note(handover, "Calm.")
    view = ann.conversation(key)
    assert {"conversation", "customer", "messages", "handover", "notes", "account"} == set(view)
    assert view["handover"]["id"] == handover
    assert view["notes"][0]["text"] == "Calm."
    assert {"orders", "prescriptions", "transfers"} <= set(view["account"])
    assert {"suggestion_id", "text", "citations"} <= set(ann.suggestion(handover))
    assert all({"id", "title", "text", "department"} <= set(one) for one in ann.canned())
    assert ann.past("Hi there")[0]["conversation_id"] == key
    assert {"text", "citations", "outcome"} <= set(ann.copilot("How do I track it?"))
    answer = next(message for message in view["messages"] if message["role"] == "assistant")
    assert {"why", "sources"} == set(ann.trace(answer["id"]))
    ann.transfer(handover, "pharmacist", "")
    assert leo.claim(handover)["department"] == "pharmacist"
    leo.give_back(handover, "", 10**6)
    api.ask_person(key, "", None)
    again = leo.queue()["waiting"][0]["handover_id"]
    leo.claim(again)
    list(api.ask(key, "One more thing", "k-more"))
    with pytest.raises(NotAccepted):
        leo.resolve(again, "answered", "", 0)
    leo.resolve(again, "answered", "", 10**6)
    assert (api.handover(key) or {})["state"] == "resolved"
    assert {"customer", "assistant", "agent", "notice"} == {message["role"] for message in api.messages(key)}
    with pytest.raises(NotThere):
        api.queue()


def test_events_tell_of_the_queue(client: Client) -> None:
    ann = client(client(None).staff_token("agent", "Ann"))
    events = ann.events()
    first = next(event for event in events if event)
    assert first.name == "queue"


def keys(value: object) -> object:
    """The shape of an answer: its names all the way down, of a list the first entry's."""
    if isinstance(value, dict):
        return {name: keys(one) for name, one in value.items() if name not in ("suites", "versions")}
    return [keys(value[0])] if isinstance(value, list) and value else None


def test_quality_is_told_to_evaluators(client: Client) -> None:
    eve, ann = client(client(None).staff_token("evaluator", "Eve")), client(client(None).staff_token("agent", "Ann"))
    live = eve.live(7)
    assert keys(live) == keys(quality(7, 0))
    assert len(live["days"]) == 7
    assert live["total"]["contained"] == share(0, 0)
    (told,) = eve.runs()["runs"]
    assert set(told) == set(run("", "", {}))
    assert told["suites"]["answers"]["metrics"]["right"]["value"] == 0.9
    assert told["has_report"]
    assert eve.report(RUN) == "<p>Café</p>"
    with pytest.raises(NotThere):
        eve.report("../run.json")
    for refused in (lambda: ann.live(7), ann.runs, lambda: ann.report(RUN)):
        with pytest.raises(NotThere):
            refused()
