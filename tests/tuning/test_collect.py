"""From the store to examples: who is left out, what each sign becomes, and nobody's data in any of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.learning.kit import LearningKit
from app.settings import Settings
from app.store.audit import entry
from app.store.conversations import ConversationStore
from app.store.corrections import CorrectionStore
from app.store.database import Database, now
from app.store.feedback import FeedbackStore
from app.store.migrate import migrate
from app.store.people import PeopleStore
from app.tuning.collect import Collected, Collector
from app.tuning.lot import Lot
from rag.articles import parse_article
from rag.learning.examples import Example, write_examples
from tests.app.learning_side import correct
from tests.fakes import BookInMemory, scripted

KIT = LearningKit(Settings(_env_file=None))  # type: ignore[call-arg]
LATE = "---\nid: late\ntitle: A late parcel\ntopic: delivery\nupdated: 2026-01-01\nquestions: [a, b, c, d]\n---\nWait 2 days.\n"
LOT = Lot(b"k" * 32)


class Shop:
    """A store with conversations, and the collector over it."""

    def __init__(self, url: str) -> None:
        migrate(url)
        self.database = Database(url)
        self.store, self.feedback = ConversationStore(self.database), FeedbackStore(self.database)
        self.corrections, self.people = CorrectionStore(self.database), PeopleStore(self.database)

    def turn(
        self,
        key: str,
        text: str,
        article: str | None = "late",
        intent: str = "delivery_options",
        outcome: str = "answered",
        where: str = "knowledge",
        acted: str | None = None,
    ) -> str:
        answer = scripted(f"About {article}.", outcome=outcome)  # type: ignore[arg-type]
        asked = {"text": text, "query": text, "intents": [[intent, 0.9]], "where": where}
        more = {
            "outcome": outcome,
            "asked": [asked],
            "evidence": [f"{article}#0"] if article else [],
            "rails": {"acted": acted},
        }
        answer.trace.update(more)
        self.store.record(key, text, answer)
        return str(answer.reply.message_id)

    def collect(self, **more: Any) -> Collected:
        articles = [parse_article(LATE, Path("late.md"))]
        collector = Collector(self.database, KIT.personal, BookInMemory("C-10001", "C-10002"), articles, LOT)
        return collector.collect(now(), **more)

    def of(self, kind: str, **more: Any) -> list[Example]:
        return [one for one in self.collect(**more).examples if one.kind == kind]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    opened = Shop(f"sqlite:///{tmp_path / 'pestle.db'}")
    yield opened
    opened.database.close()


def test_nothing_at_all(shop: Shop) -> None:
    key = shop.store.create("C-10001")
    shop.turn(key, "How long does delivery take?")
    assert shop.collect() == Collected()


def test_ratings_become_what_each_kind_needs(shop: Shop) -> None:
    key = shop.store.create("C-10001")
    good = shop.turn(key, "How long does delivery take?")
    bad = shop.turn(key, "And to an island in winter?", intent="delivery_cost")
    own = shop.turn(key, "Where is my order?", where="account")
    shop.feedback.rate(good, "C-10001", "up")
    shop.feedback.rate(bad, "C-10001", "down", ["not_what_i_asked"])
    shop.feedback.rate(own, "C-10001", "up")
    assert [(o.data["article"], o.data["good"], o.source) for o in shop.of("retrieval")] == [
        ("late", True, (f"rating:{good}",)),
        ("late", False, (f"rating:{bad}",)),
    ]
    assert [(o.data["good"], o.data["passages"]) for o in shop.of("ranking")] == [
        (True, ["late#0"]),
        (False, ["late#0"]),
    ]
    (routed,) = shop.of("routing")
    assert (routed.data["was"], routed.data["why"]) == ("delivery_cost", "not_what_i_asked")
    assert routed.data["turns"][-1] == "And to an island in winter?"
    assert len(routed.data["turns"]) == 3
    chat = shop.of("chat")
    assert [one.data["label"] for one in chat] == [True, False, True]
    assert {one.customer for one in chat} == {LOT.customer("C-10001", key)}
    assert all(one.new for one in chat)
    assert not any(one.staff for one in chat)


def test_a_question_said_again_is_a_chain_with_its_end(shop: Shop) -> None:
    key = shop.store.create(None)
    first = shop.turn(key, "my thing is not here yet", None, "small_talk", "unknown")
    second = shop.turn(key, "my parcel is late", "late", "order_late")
    shop.feedback.sign(key, first, "rephrased")
    shop.feedback.sign(key, second, "thanked")
    (chain,) = shop.of("rephrasing")
    assert chain.data == {
        "said": ["my thing is not here yet", "my parcel is late"],
        "articles": [None, "late"],
        "outcomes": ["unknown", "answered"],
        "ended": "content",
    }
    assert chain.source == (f"sign:{first}:rephrased", f"sign:{second}:thanked")
    assert not chain.signed_in
    again = next(one for one in shop.of("retrieval") if one.data["question"] == "my thing is not here yet")
    assert (again.data["article"], again.data["good"]) == ("late", True)
    (routed,) = shop.of("routing")
    assert (routed.data["intent"], routed.data["was"], routed.data["why"]) == ("order_late", "small_talk", "content")


def test_missed_questions_and_failures_are_chains_of_one(shop: Shop) -> None:
    key = shop.store.create("C-10001")
    shop.turn(key, "do you sell bicycles", None, outcome="unknown")
    shop.feedback.sign(key, shop.turn(key, "is it late"), "asked_person")
    shop.feedback.sign(key, shop.turn(key, "what of it"), "took_suggestion")
    assert [(one.data["ended"], one.origin) for one in shop.of("rephrasing")] == [
        ("failed", "missed"),
        ("failed", "sign"),
        ("content", "sign"),
    ]


def test_where_a_rail_spoke_nobody_learns(shop: Shop) -> None:
    key = shop.store.create("C-10001")
    for outcome, acted in (
        ("emergency", "overdose"),
        ("refused", "medical_advice"),
        ("answered", "abuse"),
        ("handover", "wants_person"),
    ):
        message = shop.turn(key, "I took all my pills", outcome=outcome, acted=acted)
        shop.feedback.rate(message, "C-10001", "up")
        shop.feedback.sign(key, message, "rephrased")
        shop.feedback.sign(key, message, "thanked")
    assert shop.collect().examples == []


def test_what_a_person_said_instead(shop: Shop) -> None:
    key = shop.store.create("C-10001")
    shop.turn(key, "Where is my late parcel?", None, outcome="unknown")
    evidence = [{"id": "late#0", "title": "A late parcel", "text": "Wait 2 days."}]
    correct(shop, key, "Please wait for 2 days.", evidence=evidence)  # type: ignore[arg-type]
    before = shop.collect().examples
    assert [(o.kind, o.origin, o.staff) for o in before if o.staff] == [("ranking", "correction", True)]
    for one in shop.corrections.proposals("open"):
        shop.corrections.decide(one.id, "rejected" if one.kind == "knowledge" else "accepted", "pia")
    found = [one for one in shop.collect().examples if one.staff]
    assert {one.kind for one in found} == {"ranking", "chat", "routing", "retrieval"}
    assert {one.origin for one in found} == {"proposal"}
    assert {one.customer for one in found} == {LOT.customer("C-10001", key)}
    pair = next(one for one in found if one.kind == "ranking").data
    assert (pair["chosen"], pair["rejected"]) == ("Please wait for 2 days.", "I don't know that.")


def test_another_department_corrects_a_reading(shop: Shop) -> None:
    key = shop.store.create("C-10001")
    shop.turn(key, "Is this charge for my co-pay right?", None, "billing_question", "unknown")
    with shop.database.writing() as db:
        entry(db, "mara", "agent", "handover.transfer", key, "C-10001", {"to": "pharmacist"})
    (routed,) = shop.of("routing")
    assert (routed.data["department"], routed.data["was"], routed.staff) == ("pharmacist", "billing_question", True)


def test_customers_who_opted_out_or_are_forgotten_are_left_out(shop: Shop) -> None:
    for customer in ("C-10001", "C-10002", None):
        key = shop.store.create(customer)
        shop.feedback.rate(shop.turn(key, "How long does delivery take?"), customer, "up")
    everybody = {one.customer for one in shop.collect().examples}
    assert len(everybody) == 3
    assert {o.customer for o in shop.collect(without="C-10002").examples} == everybody - {LOT.customer("C-10002", "")}
    shop.people.choose("C-10001", True)
    assert {o.customer for o in shop.collect().examples} == everybody - {LOT.customer("C-10001", "")}
    assert shop.collect(kinds=frozenset({"ranking"})).by_kind == {"ranking": 2}
    assert len(shop.collect(most=1).examples) < len(shop.collect().examples)
    assert shop.collect(horizon=dt.timedelta(0)).examples == []


def test_planted_canaries_stand_in_no_example(shop: Shop, tmp_path: Path) -> None:
    canaries = [
        "Hesperus",
        "Quillfeather",
        "hesperus.q@canary.test",
        "415-867-5309",
        "FH-3180275",
        "fh 318 0275",
        "RX-10203040",
    ]
    key = shop.store.create("C-10001")
    for text in (
        "Hi, my name is Hesperus Quillfeather. How long does delivery take?",
        "Mail me at hesperus.q@canary.test or call 415-867-5309 about FH-3180275",
        "where is fh 318 0275 and my prescription RX-10203040, it's for Hesperus",
    ):
        message = shop.turn(key, text)
        shop.feedback.rate(message, "C-10001", "up", comment="Hesperus was here")
        shop.feedback.sign(key, message, "rephrased")
    correct(shop, key, "Dear Hesperus, FH-3180275 left.", question="where is FH-3180275 for Hesperus Quillfeather?")  # type: ignore[arg-type]
    for one in shop.corrections.proposals("open"):
        shop.corrections.decide(one.id, "accepted", "pia")
    found = shop.collect()
    assert len(found.examples) > 8
    write_examples(tmp_path / "examples.jsonl", found.examples)
    text = (tmp_path / "examples.jsonl").read_text().lower()
    assert [canary for canary in canaries if canary.lower() in text] == []
    assert "c-10001" not in text
