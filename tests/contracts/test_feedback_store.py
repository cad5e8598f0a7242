"""What the stores of the learning side promise, on SQLite and on PostgreSQL: ratings, signs, corrections, drafts, gaps."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from app.store.conversations import ConversationStore
from app.store.corrections import KINDS, AlreadyDecided, CorrectionStore
from app.store.database import Database, now
from app.store.drafts import DraftChanged, DraftClosed, DraftStore
from app.store.exported import opted_out, told
from app.store.feedback import MOST_EARLIER, FeedbackStore, UnknownMessage
from app.store.migrate import migrate
from app.store.missed import missed
from app.store.people import PeopleStore, remove
from app.store.tables import messages
from tests.fakes import scripted
from tests.postgres import postgres

VERSIONS = {"policy": "3", "knowledge": "k1", "encoder": "e", "reader": "r"}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'pestle.db'}" if request.param == "sqlite" else str(request.getfixturevalue("server"))
    migrate(url)
    made = Database(url)
    yield made
    made.close()


@pytest.fixture
def store(database: Database) -> ConversationStore:
    return ConversationStore(database)


@pytest.fixture
def feedback(database: Database) -> FeedbackStore:
    return FeedbackStore(database)


@pytest.fixture
def corrections(database: Database) -> CorrectionStore:
    return CorrectionStore(database)


def answered(store: ConversationStore, customer: str | None = "C-10001") -> tuple[str, str]:
    """A conversation with one turn, and the id of its answer."""
    key, answer = store.create(customer), scripted("Two days.")
    answer.trace["versions"] = VERSIONS
    store.record(key, "How long?", answer)
    return key, answer.reply.message_id


def test_a_rating_is_kept_with_the_versions_of_the_answer(store: ConversationStore, feedback: FeedbackStore) -> None:
    key, message = answered(store)
    assert feedback.rating(message, "C-10001") is None
    rated = feedback.rate(message, "C-10001", "down", ["wrong", "wrong", "outdated"], "No <b>way</b> 👎 \x00")
    assert (rated.rating, rated.reasons, rated.comment) == ("down", ("wrong", "outdated"), "No <b>way</b> 👎 \ufffd")
    assert (rated.conversation_id, rated.versions, rated.earlier) == (key, VERSIONS, ())
    assert feedback.rating(message, "C-10001") == rated
    assert feedback.of_conversation(key) == {message: rated}


def test_the_mind_may_change_and_the_same_again_is_no_change(store: ConversationStore, feedback: FeedbackStore) -> None:
    _, message = answered(store)
    first = feedback.rate(message, "C-10001", "down", ["wrong"], "no")
    assert feedback.rate(message, "C-10001", "down", ["wrong"], "no") == first
    second = feedback.rate(message, "C-10001", "up")
    assert (second.rating, second.reasons, second.comment) == ("up", (), "")
    assert second.created_at == first.created_at
    assert [(was["rating"], was["reasons"], was["comment"]) for was in second.earlier] == [("down", ["wrong"], "no")]
    for n in range(2 * MOST_EARLIER):
        feedback.rate(message, "C-10001", "up", comment=str(n))
    found = feedback.rating(message, "C-10001")
    assert found is not None
    assert [was["comment"] for was in found.earlier][-1] == str(2 * MOST_EARLIER - 2)
    assert len(found.earlier) == MOST_EARLIER


def test_a_rating_can_be_withdrawn_twice_and_given_again(store: ConversationStore, feedback: FeedbackStore) -> None:
    _, message = answered(store, None)
    feedback.withdraw(message, None)
    feedback.rate(message, None, "up")
    feedback.withdraw(message, None)
    feedback.withdraw(message, None)
    assert feedback.rating(message, None) is None
    assert feedback.rate(message, None, "down").earlier == ()


def test_only_the_owner_rates_and_only_answers(store: ConversationStore, feedback: FeedbackStore) -> None:
    key, message = answered(store)
    said = store.messages(key)[0].id
    strangers: list[tuple[str, str | None]] = [
        (message, "C-10002"), (message, None), (said, "C-10001"), ("f" * 32, "C-10001"), ("", None), ("\x00", None), ("é", None),
    ]  # fmt: skip
    for wrong, who in strangers:
        for call in (
            lambda w=wrong, c=who: feedback.rate(w, c, "up"),
            lambda w=wrong, c=who: feedback.withdraw(w, c),
            lambda w=wrong, c=who: feedback.rating(w, c),
            lambda w=wrong, c=who: feedback.owned(w, c),
        ):
            with pytest.raises(UnknownMessage):
                call()
    assert feedback.of_conversation(key) == {}
    assert feedback.owned(message, "C-10001") == key


def test_after_deletion_there_is_nothing_to_rate(
    database: Database, store: ConversationStore, feedback: FeedbackStore, corrections: CorrectionStore
) -> None:
    key, message = answered(store)
    feedback.rate(message, "C-10001", "up")
    feedback.sign(key, message, "thanked")
    noted(database, corrections, key)
    with database.writing() as db:
        remove(db, [key])
    with pytest.raises(UnknownMessage):
        feedback.rate(message, "C-10001", "down")
    assert feedback.sign(key, message, "left") is False
    assert feedback.of_conversation(key) == {}
    assert corrections.proposals(None, conversation_id=key) == []


def test_many_at_once_leave_one_rating_and_one_sign(store: ConversationStore, feedback: FeedbackStore) -> None:
    key, message = answered(store)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: feedback.rate(message, "C-10001", "up", comment=str(n)), range(16)))
        new = list(pool.map(lambda n: feedback.sign(key, message, "thanked", {"n": n}), range(16)))
    found = feedback.rating(message, "C-10001")
    assert found is not None
    assert len({*(was["comment"] for was in found.earlier), found.comment}) == 16
    assert new.count(True) == 1
    assert len(feedback.signs(key)) == 1


def test_signs_are_kept_once_and_only_of_their_conversation(store: ConversationStore, feedback: FeedbackStore) -> None:
    key, message = answered(store)
    other, _ = answered(store)
    assert feedback.sign(key, message, "rephrased", {"likeness": 0.9})
    assert not feedback.sign(key, message, "rephrased", {"likeness": 0.1})
    assert feedback.sign(key, message, "left")
    assert not feedback.sign(other, message, "left")
    assert not feedback.sign(key, "f" * 32, "left")
    assert [(sign.kind, sign.data) for sign in feedback.signs(key)] == [("rephrased", {"likeness": 0.9}), ("left", {})]
    with pytest.raises(ValueError, match="no sign"):
        feedback.sign(key, message, "shouted")


def noted(database: Database, corrections: CorrectionStore, key: str, **other: Any) -> str:
    """A correction with the agent's message, in one transaction; gives the correction's id."""
    message = other.pop("message_id", uuid.uuid4().hex)
    with database.writing() as db:
        row = {"id": message, "conversation_id": key, "seq": 3, "role": "agent", "author": "Mara", "text": "One day."}
        if not other.pop("again", False):
            db.execute(insert(messages), row | {"created_at": now()})
        told = {
            "kind": "edited",
            "question": "How long?",
            "context": [{"role": "customer", "text": "Hello"}],
            "evidence": [{"id": "delivery-speeds#0", "title": "Delivery", "text": "One day."}],
            "rejected": "Two days.",
            "chosen": "One day.",
            "agent_id": "mara",
            "versions": VERSIONS,
        }
        return corrections.note(db, conversation_id=key, message_id=message, **told | other)


def test_a_correction_brings_three_proposals(
    database: Database, store: ConversationStore, corrections: CorrectionStore
) -> None:
    key, _ = answered(store)
    noted(database, corrections, key)
    found = corrections.proposals(conversation_id=key)
    assert {one.kind for one in found} == set(KINDS)
    assert {one.state for one in found} == {"open"}
    first = found[0]
    assert corrections.proposal(first.id) == first
    assert first.customer_id == "C-10001"
    assert first.correction.versions == VERSIONS
    assert first.correction.evidence[0]["id"] == "delivery-speeds#0"
    assert [one.kind for one in corrections.proposals("open", "case", key)] == ["case"]
    assert corrections.proposals("accepted", conversation_id=key) == []
    for unknown in ("", "f" * 32, "\x00", "é"):
        assert corrections.proposal(unknown) is None


def test_a_correction_noted_twice_is_one(
    database: Database, store: ConversationStore, corrections: CorrectionStore
) -> None:
    key, _ = answered(store)
    message = uuid.uuid4().hex
    first = noted(database, corrections, key, message_id=message)
    assert noted(database, corrections, key, message_id=message, again=True, chosen="Other.") == first
    assert len(corrections.proposals(conversation_id=key)) == 3


def test_a_correction_stands_or_falls_with_its_message(
    database: Database, store: ConversationStore, corrections: CorrectionStore
) -> None:
    key, _ = answered(store)
    row = {"id": uuid.uuid4().hex, "conversation_id": key, "seq": 3, "role": "agent", "text": "x", "created_at": now()}
    told = dict.fromkeys(("kind", "question", "rejected", "chosen", "agent_id"), "x")

    def broken_off() -> None:
        with database.writing() as db:
            db.execute(insert(messages), row)
            corrections.note(
                db, conversation_id=key, message_id=row["id"], context=[], evidence=[], versions={}, **told
            )
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken_off()
    assert corrections.proposals(conversation_id=key) == []
    assert store.last_seq(key) == 2


def test_a_proposal_is_decided_once(database: Database, store: ConversationStore, corrections: CorrectionStore) -> None:
    key, _ = answered(store)
    noted(database, corrections, key)
    first, second, _ = corrections.proposals(conversation_id=key)

    def breaks(db: object) -> dict[str, str]:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        corrections.decide(first.id, "accepted", "pia", along=breaks)

    def try_it(by: str) -> bool:
        try:
            return corrections.decide(first.id, "accepted", by, "good") is not None
        except AlreadyDecided:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(try_it, ("pia", "ada", "pia", "ada"))).count(True) == 1
    found = corrections.proposal(first.id)
    assert found is not None
    assert (found.state, found.data["note"]) == ("accepted", "good")
    assert found.decided_at is not None
    assert [one.id for one in corrections.proposals("accepted", conversation_id=key)] == [first.id]
    rejected = corrections.decide(second.id, "rejected", "pia", along=lambda db: {"more": 1})
    assert rejected is not None
    assert (rejected.state, rejected.data["more"]) == ("rejected", 1)
    assert corrections.decide("f" * 32, "accepted", "pia") is None


def test_a_draft_lives_until_it_is_closed(database: Database) -> None:
    drafts = DraftStore(database)
    begun = drafts.start("pay-card", "b" * 64, "text \x00", "how?", {"gap_id": "g"}, "pia")
    assert (begun.text, begun.state) == ("text \ufffd", "open")
    assert drafts.draft(begun.id) == begun
    saved = drafts.save(begun.id, "other", "pay", "who?", begun.changed_at)
    assert saved is not None
    assert (saved.text, saved.article_id, saved.question) == ("other", "pay", "who?")
    with pytest.raises(DraftChanged):
        drafts.save(begun.id, "late", "pay", None, begun.changed_at)
    assert begun.id in [one.id for one in drafts.drafts()]
    closed = drafts.close(begun.id, "published")
    assert closed is not None
    assert closed.state == "published"
    for call in (lambda: drafts.save(begun.id, "x", "pay"), lambda: drafts.close(begun.id, "discarded")):
        with pytest.raises(DraftClosed):
            call()
    assert begun.id not in [one.id for one in drafts.drafts()]
    assert begun.id in [one.id for one in drafts.drafts(None)]
    for unknown in ("", "f" * 32, "\x00", "é"):
        assert drafts.draft(unknown) is None
    assert drafts.save("f" * 32, "x", "pay") is None
    assert drafts.close("f" * 32, "discarded") is None


def test_missed_questions_and_exports_leave_out_who_opted_out(
    database: Database, store: ConversationStore, feedback: FeedbackStore
) -> None:
    begin = now() - dt.timedelta(seconds=1)
    customer = f"C-{uuid.uuid4().hex[:8]}"
    key, unhappy = answered(store, customer)
    feedback.rate(unhappy, customer, "down")
    unknown = scripted("I don't know.", outcome="unknown")
    unknown.trace["asked"] = [{"query": "made whole"}]
    store.record(key, "and that?", unknown)
    store.record(key, "fine", scripted("Good."))
    found = [one for one in missed(database, begin) if one.message_id in (unhappy, unknown.reply.message_id)]
    assert [(one.question, one.kind) for one in found] == [("made whole", "unanswered"), ("How long?", "badly_rated")]
    (whole,) = [one for one in told(database, begin) if one.id == key]
    assert [said.role for said in whole.messages] == ["customer", "assistant"] * 3
    assert whole.messages[1].trace["versions"] == VERSIONS
    assert whole.ratings[unhappy].rating == "down"
    before = opted_out(database, begin)
    PeopleStore(database).choose(customer, True)
    assert opted_out(database, begin) == before + 1
    assert key not in [one.id for one in told(database, begin)]
    assert unhappy not in [one.message_id for one in missed(database, begin)]
