"""What the life of a hand-over promises, on SQLite and on PostgreSQL."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from app.store.audit import AuditStore
from app.store.conversations import ConversationStore
from app.store.corrections import CorrectionStore
from app.store.database import Database
from app.store.desk import DeskStore
from app.store.errors import AlreadyRecorded, CustomerWrote, HandoverMoved, UnknownConversation, UnknownHandover
from app.store.handovers import HandoverStore
from app.store.migrate import migrate
from app.store.records import Kept, StoredHandover
from app.store.suggestions import SuggestionStore
from app.tokens import Identity
from rag.turn import Answer, Citation, Handover, Urgency
from tests.fakes import scripted
from tests.postgres import postgres

ANA, BEN = Identity("agent", "ana", 9e9, "Ana"), Identity("pharmacist", "ben", 9e9, "Ben")
SOON = Handover("wants_person", "soon", "care")
NOTICE = "Ana has joined."


@dataclass(frozen=True)
class Stores:
    conversations: ConversationStore
    handovers: HandoverStore
    desk: DeskStore
    suggestions: SuggestionStore
    corrections: CorrectionStore
    audit: AuditStore

    def said(self, key: str) -> list[tuple[str, str]]:
        return [(one.role, one.text) for one in self.conversations.messages(key)]

    def turn(self, key: str, text: str, answer: Answer, idempotency: str | None = None) -> Kept:
        kept = self.conversations.record(key, text, answer, idempotency)
        assert kept is not None
        return kept

    def waiting(self, customer: str | None = "C-10001", wanted: Handover = SOON) -> StoredHandover:
        return self.handovers.call(self.conversations.create(customer), wanted)[0]

    def held(self, customer: str | None = "C-10001") -> StoredHandover:
        return self.handovers.claim(self.waiting(customer).id, ANA, NOTICE)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'pestle.db'}" if sqlite else str(request.getfixturevalue("server"))
    migrate(url)
    database = Database(url)
    corrections = CorrectionStore(database)
    yield Stores(
        ConversationStore(database),
        HandoverStore(database, corrections),
        DeskStore(database),
        SuggestionStore(database),
        corrections,
        AuditStore(database),
    )
    database.close()


def calling(text: str = "A person will come.", reason: str = "wants_person", urgency: Urgency = "soon") -> Answer:
    answer = scripted(text, outcome="emergency" if urgency == "urgent" else "handover")
    reply = answer.reply.model_copy(update={"handover_id": f"h{answer.reply.message_id}", "reason": reason})
    return replace(
        answer, reply=reply, handover=Handover(reason, urgency, "pharmacist" if urgency == "urgent" else "care")
    )


# Calling


def test_a_turn_that_calls_is_kept_with_its_handover(stores: Stores) -> None:
    key = stores.conversations.create("C-10001")
    source = Citation(
        n=1, article_id="FH-1234567", title="Your order FH-1234567", url="?order=FH-1234567", kind="order"
    )
    stores.turn(key, "Where is my order of blood pressure pills?", scripted("It left on Tuesday.", citations=[source]))
    stores.turn(key, "That can't be right, it has been three weeks now", scripted("I don't know.", outcome="unknown"))
    kept = stores.turn(key, "let me talk to a person", calling())
    found = stores.handovers.opened(key)
    assert found is not None
    assert kept.reply.handover_id == found.id
    assert (found.state, found.reason, found.urgency, found.department) == ("waiting", "wants_person", "soon", "care")
    assert found.message_id == kept.reply.message_id
    assert "blood pressure pills" in found.summary
    assert "three weeks" in found.summary
    assert "talk to a person" not in found.summary
    assert "It left on Tuesday." in found.summary
    assert [(fact["id"], fact["text"]) for fact in found.facts] == [("FH-1234567", "It left on Tuesday.")]


def test_a_person_is_never_called_twice(stores: Stores) -> None:
    key = stores.conversations.create(None)
    first = stores.turn(key, "a person please", calling())
    second = stores.turn(key, "hello? a person please!", calling())
    assert first.reply.handover_id == second.reply.handover_id
    again, new = stores.handovers.call(key, SOON, "call me Mr. Li")
    third, _ = stores.handovers.call(key, SOON, "call me Mr. Li")
    assert (again.id, new) == (first.reply.handover_id, False)
    assert third.note == "call me Mr. Li"
    assert len([one for one in stores.desk.queue() if one.handover.conversation_id == key]) == 1


def test_many_who_call_at_once_open_one(stores: Stores) -> None:
    key = stores.conversations.create(None)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: stores.handovers.call(key, SOON), range(16)))
    assert len({one.id for one, _ in found}) == 1
    assert sum(new for _, new in found) == 1


def test_danger_makes_a_waiting_one_urgent(stores: Stores) -> None:
    one = stores.waiting()
    stores.turn(one.conversation_id, "I took all my pills", calling("Call 911.", "overdose", "urgent"))
    found = stores.handovers.get(one.id)
    assert (found.urgency, found.reason, found.department) == ("urgent", "overdose", "pharmacist")
    stores.turn(one.conversation_id, "and now?", calling())
    assert stores.handovers.get(one.id).urgency == "urgent"


def test_after_an_end_a_person_can_be_called_again(stores: Stores) -> None:
    one = stores.held()
    stores.handovers.resolve(one.id, ANA, "answered", "", "Ana has left.")
    other, new = stores.handovers.call(one.conversation_id, SOON)
    assert new
    assert other.id != one.id
    assert stores.handovers.latest(one.conversation_id) == other


def test_cancelling_is_for_those_who_wait(stores: Stores) -> None:
    one = stores.waiting()
    stores.handovers.cancel(one.conversation_id)
    assert stores.handovers.get(one.id).state == "cancelled"
    with pytest.raises(HandoverMoved):
        stores.handovers.cancel(one.conversation_id)
    held = stores.held()
    with pytest.raises(HandoverMoved) as moved:
        stores.handovers.cancel(held.conversation_id)
    assert moved.value.handover == held


def test_nobody_is_called_to_what_is_not_there(stores: Stores) -> None:
    with pytest.raises(UnknownConversation):
        stores.handovers.call("A" * 22, SOON)
    for unknown in ("", "x", "\x00", "é", "' OR 1=1 --"):
        with pytest.raises(UnknownHandover):
            stores.handovers.claim(unknown, ANA, NOTICE)


# Silence


def test_a_claim_has_one_winner(stores: Stores) -> None:
    agents = [Identity("agent", f"agent-{n}", 9e9) for n in range(8)]
    for _ in range(5):
        one, meeting = stores.waiting(), threading.Barrier(len(agents))

        def claim(agent: Identity, id: str = one.id, meeting: threading.Barrier = meeting) -> tuple[bool, str | None]:
            meeting.wait(10)
            try:
                return True, stores.handovers.claim(id, agent, NOTICE).agent_id
            except HandoverMoved as moved:
                return False, moved.handover and moved.handover.agent_id

        with ThreadPoolExecutor(len(agents)) as pool:
            found = list(pool.map(claim, agents))
        winner = stores.handovers.get(one.id).agent_id
        assert [who for won, who in found if won] == [winner]
        assert {who for _, who in found} == {winner}
        assert stores.said(one.conversation_id) == [("notice", NOTICE)]


def test_claiming_again_changes_nothing(stores: Stores) -> None:
    one = stores.held()
    assert stores.handovers.claim(one.id, ANA, NOTICE) == one
    assert stores.said(one.conversation_id) == [("notice", NOTICE)]


def test_an_answer_in_the_making_is_dropped(stores: Stores) -> None:
    one = stores.held()
    key, answer = one.conversation_id, scripted("Words of the assistant.")
    kept = stores.turn(key, "are you there?", answer, "k-1")
    assert kept.dropped
    assert (kept.reply.outcome, kept.reply.text, kept.reply.sentences) == ("with_agent", "", ())
    assert kept.reply.handover_id == one.id
    assert stores.said(key) == [("notice", NOTICE), ("customer", "are you there?")]
    again = stores.conversations.replay(key, "k-1")
    assert again is not None
    assert (again.text, again.reply) == ("are you there?", kept.reply)
    assert stores.conversations.messages(key)[-1].reply is None


def test_danger_is_answered_even_then(stores: Stores) -> None:
    one = stores.held()
    stores.turn(one.conversation_id, "I took all my pills", calling("Call 911 now.", "overdose", "urgent"))
    assert stores.said(one.conversation_id)[1:] == [("customer", "I took all my pills"), ("notice", "Call 911 now.")]
    found = stores.handovers.get(one.id)
    assert (found.urgency, found.state, found.department) == ("urgent", "held", "care")


def test_a_message_that_was_only_overheard_is_asked_again_after_a_return(stores: Stores) -> None:
    key = stores.conversations.create(None)
    assert stores.conversations.record(key, "hello", scripted("x", outcome="with_agent")) is None
    assert stores.said(key) == []


def test_the_assistant_may_speak_until_somebody_claims(stores: Stores) -> None:
    one = stores.waiting()
    with stores.handovers.speaking(one.conversation_id) as free:
        assert free
    claimed = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        with stores.handovers.speaking(one.conversation_id) as free:
            assert free
            future = pool.submit(lambda: stores.handovers.claim(one.id, ANA, NOTICE) and claimed.set())
            assert not claimed.wait(0.2), "a claim was committed in the middle of a sentence"
        future.result(10)
    with stores.handovers.speaking(one.conversation_id) as free:
        assert not free


def test_turns_and_claims_in_any_order_leave_no_word_after_the_claim(stores: Stores) -> None:
    for n in range(20):
        one = stores.waiting()
        with ThreadPoolExecutor(2) as pool:
            turn = pool.submit(stores.turn, one.conversation_id, "well?", scripted(f"word {n}"))
            claim = pool.submit(stores.handovers.claim, one.id, ANA, NOTICE)
            kept, _ = turn.result(10), claim.result(10)
        roles = [role for role, _ in stores.said(one.conversation_id)]
        assert roles == (["notice", "customer"] if kept.dropped else ["customer", "assistant", "notice"])


# While it is held


def test_the_persons_words_reach_the_conversation_once(stores: Stores) -> None:
    one = stores.held()
    first = stores.handovers.reply(one.id, ANA, "Hello, I am <b>Ana</b>\x00", "k")
    assert stores.handovers.reply(one.id, ANA, "Hello, I am <b>Ana</b>\x00", "k") == first
    with pytest.raises(AlreadyRecorded):
        stores.handovers.reply(one.id, ANA, "Another", "k")
    [notice, said] = stores.conversations.messages(one.conversation_id)
    assert (said.role, said.author, said.text) == ("agent", "Ana", "Hello, I am <b>Ana</b>\ufffd")
    found = stores.handovers.get(one.id)
    assert found.answered_at is not None
    assert found.seen_at is not None
    assert notice.role == "notice"


@pytest.mark.parametrize("end", ["resolve", "give_back", "transfer", "release"])
def test_who_does_not_hold_it_cannot_act(stores: Stores, end: str) -> None:
    one = stores.held()
    actions: list[Any] = [
        lambda agent: stores.handovers.reply(one.id, agent, "hello"),
        lambda agent: stores.handovers.resolve(one.id, agent, "answered", "", ""),
        lambda agent: stores.handovers.give_back(one.id, agent, "", ""),
        lambda agent: stores.handovers.transfer(one.id, agent, "billing", "", ""),
        lambda agent: stores.handovers.seen(one.id, agent),
    ]
    for action in actions:
        with pytest.raises(HandoverMoved):
            action(BEN)
    match end:
        case "resolve":
            stores.handovers.resolve(one.id, ANA, "answered", "", "")
        case "give_back":
            stores.handovers.give_back(one.id, ANA, "", "")
        case "transfer":
            stores.handovers.transfer(one.id, ANA, "billing", "", "")
        case _:
            assert one.seen_at is not None
            assert stores.handovers.release(one.id, one.seen_at, "")
    for action in actions:
        with pytest.raises(HandoverMoved):
            action(ANA)


def test_an_agent_who_is_there_keeps_it(stores: Stores) -> None:
    one = stores.held()
    assert one.seen_at is not None
    stores.handovers.seen(one.id, ANA)
    assert not stores.handovers.release(one.id, one.seen_at, "gone")
    later = stores.handovers.get(one.id).seen_at
    assert later is not None
    assert stores.handovers.release(one.id, later, "gone")
    assert not stores.handovers.release(one.id, later, "gone")
    assert not stores.handovers.release("unknown", later, "gone")
    found = stores.handovers.get(one.id)
    assert (found.state, found.agent_id, found.claimed_at) == ("waiting", None, one.claimed_at)
    assert stores.said(one.conversation_id)[1:] == [("notice", "gone")]
    assert stores.handovers.claim(one.id, BEN, "Ben has joined.").agent_name == "Ben"


def test_a_transfer_keeps_the_place_and_the_note(stores: Stores) -> None:
    one = stores.held()
    moved = stores.handovers.transfer(one.id, ANA, "pharmacist", "asks about a dose", "A pharmacist comes.")
    assert (moved.state, moved.department, moved.created_at) == ("waiting", "pharmacist", one.created_at)
    assert [(n.author_id, n.text) for n in stores.desk.notes(one.conversation_id)] == [("ana", "asks about a dose")]
    assert all(text != "asks about a dose" for _, text in stores.said(one.conversation_id))


def test_afterwards_the_assistant_knows_what_was_said(stores: Stores) -> None:
    one = stores.waiting()
    key = one.conversation_id
    stores.turn(key, "Where is it?", scripted("Which one?"))
    stores.handovers.claim(one.id, ANA, NOTICE)
    stores.turn(key, "My parcel fh-1234567", scripted("dropped"))
    stores.turn(key, "Please look", scripted("dropped"))
    stores.handovers.reply(one.id, ANA, "It went back to us.")
    stores.handovers.reply(one.id, ANA, "I sent FH-7654321 instead.")
    stores.turn(key, "Thank you so much", scripted("dropped"))
    stores.handovers.give_back(one.id, ANA, "resent", "Ana has left.")
    past = stores.conversations.past(key)
    assert [(turn.text, turn.reply) for turn in past] == [
        ("Where is it?", "Which one?"),
        ("My parcel fh-1234567\nPlease look", "It went back to us.\nI sent FH-7654321 instead."),
        ("Thank you so much", ""),
    ]
    assert past[-1].focus.items == ("FH-7654321",)
    kept = stores.turn(key, "When will it come?", scripted("On Friday."))
    assert not kept.dropped


# Ending


@pytest.mark.parametrize("end", ["resolve", "give_back"])
def test_nobody_is_left_with_words_that_no_one_read(stores: Stores, end: str) -> None:
    one = stores.held()
    how = (ANA, "answered", "", "Ana has left.") if end == "resolve" else (ANA, "", "Ana has left.")
    seen = stores.turn(one.conversation_id, "Where is it?", scripted("dropped")).seq
    stores.handovers.reply(one.id, ANA, "On its way.")
    late = stores.turn(one.conversation_id, "And the other one?", scripted("dropped")).seq
    with pytest.raises(CustomerWrote):
        getattr(stores.handovers, end)(one.id, *how, seen_seq=seen)
    assert stores.handovers.get(one.id).state == "held"
    assert stores.said(one.conversation_id)[-1] == ("customer", "And the other one?")
    assert not getattr(stores.handovers, end)(one.id, *how, seen_seq=late).open


def test_an_emergency_is_not_cancelled(stores: Stores) -> None:
    urgent, soon = stores.waiting(wanted=Handover("overdose", "urgent", "pharmacist")), stores.waiting()
    with pytest.raises(HandoverMoved):
        stores.handovers.cancel(urgent.conversation_id)
    stores.handovers.cancel(soon.conversation_id)
    assert [stores.handovers.get(one.id).state for one in (urgent, soon)] == ["waiting", "cancelled"]


def test_a_transfer_starts_no_wait_from_another_departments_claim(stores: Stores) -> None:
    told, silent = stores.held(), stores.held()
    stores.handovers.reply(told.id, ANA, "I'll pass you on.")
    for one in (told, silent):
        assert stores.handovers.transfer(one.id, ANA, "billing", "", "").claimed_at is None
    waited = [stores.handovers.claim(one.id, BEN, NOTICE) for one in (told, silent)]
    pairs = [(one.created_at, one.claimed_at) for one in waited]
    assert all(
        claimed and first.claimed_at and claimed > first.claimed_at
        for first, (_, claimed) in zip((told, silent), pairs, strict=True)
    )
    waits = stores.desk.waits("billing")
    assert pairs[0] not in waits, "who was answered before did not wait all that time"
    assert pairs[1] in waits


# Corrections


def test_an_edited_suggestion_becomes_a_correction(stores: Stores) -> None:
    one = stores.held()
    stores.turn(one.conversation_id, "How long does it take?", scripted("dropped"))
    evidence = [{"id": "a#1", "title": "A", "text": "It takes 5 days."}]
    draft = stores.suggestions.add(
        one.conversation_id, "How long does it take?", "It takes 5 days.", [], evidence, {"policy": "1"}
    )
    stores.handovers.reply(one.id, ANA, "It takes  5 days.", suggestion_id=draft)
    assert stores.corrections.proposals(conversation_id=one.conversation_id) == []
    stores.handovers.reply(one.id, ANA, "It takes 5 days, sorry!", suggestion_id=draft)
    [first, *_] = stores.corrections.proposals(conversation_id=one.conversation_id)
    told = first.correction
    assert (told.kind, told.question, told.agent_id) == ("edited", "How long does it take?", "ana")
    assert (told.rejected, told.chosen) == ("It takes 5 days.", "It takes 5 days, sorry!")
    assert (list(told.evidence), told.versions) == (evidence, {"policy": "1"})


@pytest.mark.parametrize(("wish", "reason"), [("a person please", "wants_person"), ("yes please", "accepted")])
def test_an_answer_after_a_failed_one_becomes_a_correction_once(stores: Stores, wish: str, reason: str) -> None:
    key = stores.conversations.create("C-10001")
    stores.turn(key, "Do you ship to Mars?", scripted("I don't know.", outcome="unknown"))
    stores.turn(key, wish, calling(reason=reason))
    one = stores.handovers.opened(key)
    assert one is not None
    stores.handovers.claim(one.id, ANA, NOTICE)
    for greeting in ("Hello, this is Fernhollow Pharmacy. How can I help?", "One moment, please.", "Thank you!"):
        stores.handovers.reply(one.id, ANA, greeting)
        assert stores.corrections.proposals(conversation_id=key) == []
        stores.turn(key, "do you ship there?", scripted("dropped"))
    stores.handovers.reply(one.id, ANA, "Only to Earth.")
    stores.handovers.reply(one.id, ANA, "Anything else?")
    stores.handovers.reply(one.id, ANA, "It takes two days.")
    found = {
        proposal.correction.id: proposal.correction for proposal in stores.corrections.proposals(conversation_id=key)
    }
    [told] = found.values()
    assert (told.kind, told.question, told.rejected, told.chosen) == (
        "answered", "Do you ship to Mars?", "I don't know.", "Only to Earth.",
    )  # fmt: skip


def test_a_suggestion_of_another_conversation_corrects_nothing(stores: Stores) -> None:
    one, other = stores.held(), stores.held()
    draft = stores.suggestions.add(other.conversation_id, "q", "text", [], [], {})
    stores.handovers.reply(one.id, ANA, "hello", suggestion_id=draft)
    assert stores.corrections.proposals(conversation_id=one.conversation_id) == []


# The desk


def test_the_queue_puts_emergencies_first_and_then_who_waits_longest(stores: Stores) -> None:
    first, second = stores.waiting(), stores.waiting(None)
    urgent = stores.waiting(wanted=Handover("overdose", "urgent", "care"))
    stores.turn(first.conversation_id, "anybody there?", scripted("Soon."))
    mine = {first.id, second.id, urgent.id}
    queue = [one for one in stores.desk.queue("care") if one.handover.id in mine]
    assert [one.handover.id for one in queue] == [urgent.id, first.id, second.id]
    assert (queue[1].last_text, queue[1].unread, queue[1].customer_id) == ("anybody there?", 1, "C-10001")
    assert not [one for one in stores.desk.queue("billing") if one.handover.id in mine]
    places = [stores.desk.place(one.id) for one in (urgent, first, second)]
    assert None not in places
    assert places == sorted(places, key=lambda place: place or 0)
    stores.handovers.claim(first.id, ANA, NOTICE)
    assert stores.desk.place(first.id) is None
    stores.handovers.reply(first.id, ANA, "yes")
    assert next(one.unread for one in stores.desk.queue() if one.handover.id == first.id) == 0


def test_the_version_changes_with_the_queue(stores: Stores) -> None:
    one = stores.waiting()
    seen = [stores.desk.now().version]
    assert stores.desk.now().version == seen[0]
    stores.turn(one.conversation_id, "hello", scripted("hi"))
    seen.append(stores.desk.now().version)
    stores.handovers.call(one.conversation_id, Handover("button", "soon", "care"), "it is late")
    seen.append(stores.desk.now().version)
    stores.handovers.claim(one.id, ANA, NOTICE)
    seen.append(stores.desk.now().version)
    stores.handovers.add_note(one.id, BEN, "a note")
    seen.append(stores.desk.now().version)
    stores.handovers.resolve(one.id, ANA, "answered", "", "")
    seen.append(stores.desk.now().version)
    assert len(set(seen)) == 6


def test_what_an_agent_holds(stores: Stores) -> None:
    one = stores.held()
    assert stores.desk.now().held["ana"][one.conversation_id] == 1
    assert one in stores.desk.held()
    assert one.conversation_id not in stores.desk.now().held.get("ben", {})


def test_waits_are_real_ones(stores: Stores) -> None:
    one = stores.held()
    assert (one.created_at, one.claimed_at) in stores.desk.waits("care")
    assert all(called <= claimed for called, claimed in stores.desk.waits("care"))


def test_a_search_finds_words_and_customers(stores: Stores) -> None:
    key = stores.conversations.create("C-77777")
    stores.turn(key, "100% of my Zebrapills are missing", scripted("Sorry."))
    assert [found.conversation_id for found in stores.desk.search("zebraPILLS")] == [key]
    assert [found.conversation_id for found in stores.desk.search("", "C-77777")] == [key]
    assert [found.conversation_id for found in stores.desk.search("100%", "C-77777")] == [key]
    assert stores.desk.search("1_0%", "C-77777") == []
    assert stores.desk.search("zebrapills", "C-10001") == []


def test_each_act_of_staff_is_in_the_audit_record(stores: Stores) -> None:
    one = stores.held()
    stores.handovers.reply(one.id, ANA, "private words")
    stores.handovers.add_note(one.id, BEN, "a note")
    stores.handovers.resolve(one.id, ANA, "fixed", "done", "Ana has left.")
    found = stores.audit.entries(conversation_id=one.conversation_id)
    assert [(entry.actor_id, entry.action) for entry in found] == [
        ("ana", "handover.claim"), ("ana", "handover.reply"), ("ben", "handover.note"), ("ana", "handover.resolved"),
    ]  # fmt: skip
    assert all(entry.customer_id == "C-10001" for entry in found)
    assert "private words" not in str(found)


def test_an_ended_one_says_how_it_ended(stores: Stores) -> None:
    one = stores.held()
    ended = stores.handovers.resolve(one.id, ANA, "referred", "", "")
    assert (ended.state, ended.code, ended.open) == ("resolved", "referred", False)
    assert ended.ended_at is not None
    assert abs(dt.datetime.now(dt.UTC) - ended.ended_at) < dt.timedelta(minutes=1)
