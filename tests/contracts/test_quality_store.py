"""Service figures, on SQLite and on PostgreSQL. Each test has years of its own, for the server is shared."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import inspect, update

from app.store.conversations import ConversationStore
from app.store.database import Database
from app.store.feedback import FeedbackStore
from app.store.handovers import HandoverStore
from app.store.migrate import migrate
from app.store.people import PeopleStore
from app.store.quality import Latency, service
from app.store.tables import conversations, handovers, messages, traces
from app.tokens import Identity
from rag.turn import Handover, Outcome
from tests.fakes import scripted
from tests.postgres import postgres

YEARS = count(2031, 5)
ANN = Identity("agent", "Ann", 0.0)


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
def now() -> dt.datetime:
    return dt.datetime(next(YEARS), 6, 15, 12, tzinfo=dt.UTC)


class Traffic:
    """Makes conversations as if they had happened at a given time."""

    def __init__(self, database: Database) -> None:
        self._db, self._store, self.feedback = database, ConversationStore(database), FeedbackStore(database)
        self.handovers = HandoverStore(database)

    def talk(self, at: dt.datetime, *turns: Outcome, customer: str | None = None, ms: float | None = 10.0) -> list[str]:
        """A conversation; the id of it, then those of its answers."""
        key, answers = self._store.create(customer), []
        for outcome in turns:
            answer = scripted("Two days.", outcome=outcome)
            answer.trace["timings_ms"] = {} if ms is None else {"turn": ms}
            self._store.record(key, "How long?", answer)
            answers.append(answer.reply.message_id)
        self.move(key, at)
        return [key, *answers]

    def call(self, key: str, at: dt.datetime, reason: str = "button") -> str:
        found, _ = self.handovers.call(key, Handover(reason, "soon", "care"))
        self.move(key, at)
        return found.id

    def move(self, key: str, at: dt.datetime) -> None:
        with self._db.writing() as db:
            db.execute(update(conversations).where(conversations.c.id == key).values(created_at=at))
            for table in (messages, traces, handovers):
                db.execute(update(table).where(table.c.conversation_id == key).values(created_at=at))


@pytest.fixture
def traffic(database: Database) -> Traffic:
    return Traffic(database)


def days_ago(now: dt.datetime, days: int) -> dt.datetime:
    return now - dt.timedelta(days=days)


def test_nothing_is_nothing(database: Database, now: dt.datetime) -> None:
    found = service(database, 28, now)
    assert len(found.days) == 28
    assert max(found.days) == now.date()
    assert min(found.days) == days_ago(now, 27).date()
    for counts in (*found.days.values(), found.total, found.before):
        assert (counts.conversations, counts.turns, counts.latency) == (0, 0, Latency(0, None, None))
        assert not counts.handovers


def test_each_thing_is_counted_on_its_day(database: Database, traffic: Traffic, now: dt.datetime) -> None:
    traffic.talk(now, "answered", "unknown")
    traffic.talk(days_ago(now, 2), "answered", "clarify", "refused", "emergency")
    traffic.talk(days_ago(now, 7), "answered")  # the day before the period
    traffic.talk(days_ago(now, 14), "answered")  # before both
    ConversationStore(database).create(None)  # opened, and nothing was said
    found = service(database, 7, now)
    assert {day: counts.conversations for day, counts in found.days.items() if counts.conversations} == {
        now.date(): 1,
        days_ago(now, 2).date(): 1,
    }
    assert found.days[now.date()].outcomes == {"answered": 1, "unknown": 1}
    assert found.total.outcomes == {"answered": 2, "unknown": 1, "clarify": 1, "refused": 1, "emergency": 1}
    assert (found.total.conversations, found.total.turns) == (2, 6)
    assert (found.before.conversations, found.before.turns) == (1, 1)


def test_a_day_is_one_in_utc(database: Database, traffic: Traffic, now: dt.datetime) -> None:
    west = dt.timezone(dt.timedelta(hours=-8))
    late = dt.datetime(now.year, 6, 14, 20, tzinfo=west)  # the 15th in UTC
    traffic.talk(late, "answered")
    assert service(database, 3, now).days[now.date()].conversations == 1
    assert service(database, 1, late).total.turns == 1
    midnight = dt.datetime(now.year, 6, 15, tzinfo=dt.UTC)
    traffic.talk(midnight, "answered")
    assert service(database, 3, now).days[now.date()].conversations == 2


def test_contained_is_without_a_person_or_with_a_call_that_was_cancelled(
    database: Database, traffic: Traffic, now: dt.datetime
) -> None:
    traffic.talk(now, "answered")
    called = traffic.talk(now, "answered")[0]
    traffic.call(called, now)
    cancelled = traffic.talk(now, "answered")[0]
    traffic.call(cancelled, now, "wants_person")
    traffic.handovers.cancel(cancelled)
    twice = traffic.talk(now, "answered")[0]
    traffic.call(twice, now)
    traffic.handovers.cancel(twice)
    traffic.call(twice, now, "medical_advice")
    only_the_button = traffic.talk(now)[0]
    traffic.call(only_the_button, now)
    found = service(database, 1, now).total
    assert (found.conversations, found.called) == (5, 3)
    assert found.handovers == {"button": 3, "wants_person": 1, "medical_advice": 1}
    assert {name: n for name, n in found.cancelled.items() if n} == {"button": 1, "wants_person": 1}


def test_what_a_person_held_is_no_turn(database: Database, traffic: Traffic, now: dt.datetime) -> None:
    key = traffic.talk(now, "answered")[0]
    traffic.handovers.claim(traffic.call(key, now), ANN, "Ann is here.")
    ConversationStore(database).record(key, "Are you there?", scripted(outcome="with_agent"))
    traffic.move(key, now)
    found = service(database, 1, now).total
    assert found.outcomes == {"answered": 1}
    assert found.latency.count == 1


def test_ratings_and_repeated_questions_count_for_the_day_of_the_answer(
    database: Database, traffic: Traffic, now: dt.datetime
) -> None:
    key, first, second, third = traffic.talk(days_ago(now, 1), "answered", "answered", "unknown", customer="C-10001")
    traffic.feedback.rate(first, "C-10001", "up")
    traffic.feedback.rate(second, "C-10001", "up")
    traffic.feedback.rate(second, "C-10001", "down")
    traffic.feedback.rate(third, "C-10001", "up")
    traffic.feedback.withdraw(third, "C-10001")
    traffic.feedback.sign(key, third, "rephrased")
    traffic.feedback.sign(key, first, "thanked")
    found = service(database, 7, now)
    yesterday = found.days[days_ago(now, 1).date()]
    for counts in (yesterday, found.total):
        assert (counts.up, counts.down, counts.rephrased) == (1, 1, 1)
    assert found.days[now.date()].up == 0


def test_latencies_are_taken_at_their_ranks(database: Database, traffic: Traffic, now: dt.datetime) -> None:
    for ms in range(1, 21):
        traffic.talk(now, "answered", ms=float(ms))
    traffic.talk(days_ago(now, 1), "answered", ms=1000.0)
    traffic.talk(days_ago(now, 1), "answered", ms=None)
    for _ in range(3):
        traffic.talk(days_ago(now, 2), "answered", ms=7.5)  # one value, many times
    traffic.talk(days_ago(now, 3), "answered", ms=3.0)
    found = service(database, 3, now)
    assert found.days[now.date()].latency == Latency(20, 10.0, 19.0)
    assert found.days[days_ago(now, 1).date()].latency == Latency(1, 1000.0, 1000.0)
    assert found.days[days_ago(now, 2).date()].latency == Latency(3, 7.5, 7.5)
    assert found.total.latency == Latency(24, 9.0, 20.0)
    assert found.before.latency == Latency(1, 3.0, 3.0)


def test_who_opted_out_counts_too(database: Database, traffic: Traffic, now: dt.datetime) -> None:
    customer = f"C-{uuid.uuid4().hex[:8]}"
    traffic.talk(now, "answered", customer=customer)
    PeopleStore(database).choose(customer, True)
    assert service(database, 1, now).total.turns == 1


def test_the_indexes_are_there(database: Database) -> None:
    inspected = inspect(database.engine)
    for table in ("messages", "traces"):
        assert [f"{table}_by_time"] == [i["name"] for i in inspected.get_indexes(table) if i["name"].endswith("_time")]
