"""A customer's data, retention and the audit record, on SQLite and on PostgreSQL."""

from __future__ import annotations

import datetime as dt
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, text, update
from sqlalchemy.exc import DBAPIError

from app.retention import Reached, Retention, carry_out
from app.store.audit import AuditStore
from app.store.conversations import ConversationStore
from app.store.database import Database, now
from app.store.errors import StoreAway, StoreError, UnknownConversation
from app.store.migrate import migrate
from app.store.people import PeopleStore
from app.store.tables import audit
from app.tokens import Identity
from tests.fakes import scripted
from tests.filled import OF_CUSTOMERS, age, counts, fill, hanging
from tests.postgres import postgres

ME, SAM = Identity("customer", "C-1", 0.0), Identity("agent", "Sam", 0.0)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    here = f"sqlite:///{tmp_path / 'pestle.db'}"
    url = here if request.param == "sqlite" else str(request.getfixturevalue("server"))
    migrate(url)
    made = Database(url)
    yield made
    if request.param == "postgresql":
        with made.writing() as db:
            db.execute(text("DROP SCHEMA public CASCADE"))
            db.execute(text("CREATE SCHEMA public"))
    made.close()


def test_the_tables_here_are_all_there_are() -> None:
    """A new table that hangs on conversations has to be deleted with them."""
    assert {table.name for table in OF_CUSTOMERS} == hanging()


def test_a_customer_has_everything_of_theirs_and_nothing_of_anothers(database: Database) -> None:
    mine, other = fill(database, "C-1", "heliotrope"), fill(database, "C-2", "vermilion")
    people = PeopleStore(database)
    found = people.data("C-1")
    told = json.dumps(found, default=str)
    assert [one["id"] for one in found["conversations"]] == [mine]
    one = found["conversations"][0]
    assert all("heliotrope" in json.dumps(one[part], default=str) for part in ("messages", "traces", "handovers"))
    assert all(
        "heliotrope" in json.dumps(one[part], default=str)
        for part in ("feedback", "notes", "suggestions", "corrections")
    )
    assert one["signs"][0]["kind"] == "left"
    assert "vermilion" not in told
    assert other not in told
    assert "Sam" not in told, "who of the staff wrote a note is not the customer's"
    assert people.data("C-3")["conversations"] == []


def test_two_first_choices_at_once(database: Database) -> None:
    people, together = PeopleStore(database), threading.Barrier(4)

    def choose(customer_id: str) -> None:
        together.wait()
        people.choose(customer_id, True)

    with ThreadPoolExecutor(4) as pool:
        for n in range(20):
            list(pool.map(choose, [f"C-{n}"] * 4))
    assert all(people.no_training(f"C-{n}") for n in range(20))


def test_a_deletion_takes_everything_of_one_customer_only(database: Database) -> None:
    fill(database, "C-2", "vermilion")
    fill(database, None, "anonymous")
    before = counts(database)
    for _ in range(3):
        fill(database, "C-1", "heliotrope")
    people = PeopleStore(database)
    people.choose("C-1", True)
    assert people.delete(ME) == 3
    assert counts(database) == before
    assert people.no_training("C-1"), "a choice outlives the data"
    (entry,) = AuditStore(database).entries("C-1")
    assert (entry.actor_id, entry.role, entry.action, entry.detail) == (
        "C-1", "customer", "data.delete", {"conversations": 3},
    )  # fmt: skip
    assert people.delete(ME) == 0


def test_a_deletion_that_fails_half_way_takes_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(database, "C-1", "heliotrope")
    before = counts(database)

    def broken(*args: object, **named: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("app.store.people.note", broken)
    with pytest.raises(RuntimeError):
        PeopleStore(database).delete(ME)
    assert counts(database) == before


def test_very_many_conversations_at_once(database: Database) -> None:
    store, people = ConversationStore(database), PeopleStore(database)
    with database.writing() as db:
        rows = [{"id": f"{n:022}", "customer_id": "C-1", "created_at": now()} for n in range(1300)]
        db.execute(insert(OF_CUSTOMERS[0]), rows)
    assert people.delete(ME) == 1300
    assert store.conversation(f"{7:022}") is None


def test_a_turn_or_a_deletion_wins_and_nothing_is_left_between(database: Database) -> None:
    """A turn that ends while its conversation is deleted is kept whole before, or is told that there is none."""
    store, people = ConversationStore(database), PeopleStore(database)
    for _ in range(20):
        key = store.create("C-1")
        both = threading.Barrier(2)

        def turn(key: str = key, both: threading.Barrier = both) -> str:
            both.wait()
            try:
                store.record(key, "hello", scripted())
            except UnknownConversation:
                return "deleted"
            return "recorded"

        def forget(both: threading.Barrier = both) -> int:
            both.wait()
            return people.delete(ME)

        with ThreadPoolExecutor(2) as pool:
            ended, gone = pool.submit(turn), pool.submit(forget)
            assert ended.result() in ("deleted", "recorded")
            assert gone.result() == 1
        assert not any(counts(database).values())


def test_choices(database: Database) -> None:
    people = PeopleStore(database)
    assert not people.no_training("C-1")
    for wanted in (True, True, False, True):
        people.choose("C-1", wanted)
        assert people.no_training("C-1") is wanted
    assert not people.no_training("C-2")


def test_old_conversations_go_and_others_stay(database: Database) -> None:
    new, old = fill(database, "C-1", "new"), fill(database, "C-1", "old")
    waiting, held = fill(database, None, "waiting", "waiting"), fill(database, "C-2", "held", "held")
    revived = fill(database, "C-1", "revived")
    for key in (old, waiting, held, revived):
        age(database, key, 31)
    store, people = ConversationStore(database), PeopleStore(database)
    store.record(revived, "I am back", scripted())
    assert carry_out(people, now() - dt.timedelta(days=30), threading.Event()) == 1
    kept = {key for key in (new, old, waiting, held, revived) if store.conversation(key)}
    assert kept == {new, waiting, held, revived}


def test_a_database_that_is_away_is_tried_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "retention"
    Reached(file).keep(now())
    monkeypatch.setattr("app.retention.AGAIN_S", 0.01)
    key = fill(database, "C-1", "old")
    age(database, key, 31)
    people, tries = PeopleStore(database), iter((StoreAway("away"), StoreAway("away")))

    class Away(PeopleStore):
        def expire(self, before: dt.datetime, limit: int) -> int:
            if trouble := next(tries, None):
                raise trouble
            return people.expire(before, limit)

    retention = Retention(Away(database), 30, file)
    until = time.monotonic() + 10
    while counts(database)["conversations"] and time.monotonic() < until:
        time.sleep(0.01)
    retention.close()
    assert not counts(database)["conversations"]


def test_batches_until_nothing_is_left(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.retention.BATCH", 10)
    with database.writing() as db:
        ago = now() - dt.timedelta(days=400)
        rows = [{"id": f"{n:022}", "customer_id": None, "created_at": ago} for n in range(45)]
        db.execute(insert(OF_CUSTOMERS[0]), rows)
    people = PeopleStore(database)
    assert [people.expire(now() - dt.timedelta(days=365), 10) for _ in range(2)] == [10, 10]
    retention = Retention(people, 365, tmp_path / "home" / "retention")
    until = time.monotonic() + 10
    while counts(database)["conversations"] and time.monotonic() < until:
        time.sleep(0.01)
    retention.close()
    entries = AuditStore(database).entries()
    assert [entry.detail["conversations"] for entry in entries] == [10, 10, 10, 10, 5]
    assert {(entry.actor_id, entry.role, entry.action) for entry in entries} == {("retention", "system", "data.expire")}


@pytest.mark.parametrize("known", [True, False])
def test_a_clock_that_jumps_ahead_deletes_nothing(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, known: bool
) -> None:
    file, right = tmp_path / "retention", now()
    monkeypatch.setattr("app.retention.DAY_S", 0.01)
    if known:
        Reached(file).keep(right)
    keys = [fill(database, "C-1", "new") for _ in range(3)]
    monkeypatch.setattr("app.retention.now", lambda: right + dt.timedelta(days=9_000))
    for _ in range(3):  # nor do restarts help it on
        retention = Retention(PeopleStore(database), 30, file)
        time.sleep(0.2)
        retention.close()
    store = ConversationStore(database)
    assert all(store.conversation(key) for key in keys)
    assert "write today's date" in caplog.text
    reached = Reached(file).last()
    assert reached is not None
    assert reached - right < dt.timedelta(minutes=1)


def test_time_is_followed_as_it_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("app.retention.time.monotonic", lambda: clock[0])
    at, day, file = now(), dt.timedelta(days=1), tmp_path / "retention"
    reached = Reached(file)
    assert reached.now(at, lambda: None) == at, "an empty database has nothing to lose"
    assert reached.now(at, lambda: at - day) == at
    assert reached.now(at, lambda: at - 9 * day) == at - 9 * day
    reached.keep(at - 9 * day)
    clock[0] += day.total_seconds()
    assert reached.now(at, lambda: None) == at - 7 * day, "off for long: it catches up twice as fast as days go by"
    reached.keep(at - 2 * day)
    assert reached.now(at, lambda: None) == at
    reached.keep(at - 5 * day)
    assert reached.last() == at - 2 * day
    file.write_text(at.date().isoformat(), encoding="utf-8")
    assert reached.now(at, lambda: at - 99 * day) == at, "what an operator writes counts"
    file.write_text("nonsense", encoding="utf-8")
    assert reached.last() is None


def test_the_audit_record_only_grows(database: Database) -> None:
    record = AuditStore(database)
    record.add(SAM, "conversation.read", "A" * 22, "C-1", {"messages": 3})
    record.add(SAM, "search")
    record.add(SAM, "conversation.read", "not an id, and far too long for the column", "C-2")
    for statement in (update(audit).values(actor_id="nobody"), delete(audit), delete(audit).where(audit.c.id == 1)):
        with pytest.raises((DBAPIError, StoreError)), database.writing() as db:
            db.execute(statement)
    found = record.entries()
    assert [entry.actor_id for entry in found] == ["Sam"] * 3
    assert found[0].conversation_id == "A" * 22
    assert found[0].detail == {"messages": 3}
    assert found[2].conversation_id is None
    assert abs(found[0].at - now()) < dt.timedelta(minutes=1)
    assert [entry.id for entry in record.entries(after=found[0].id, limit=1)] == [found[1].id]
    assert [entry.action for entry in record.entries(customer_id="C-1")] == ["conversation.read"]
    assert [entry.customer_id for entry in record.entries(conversation_id="A" * 22)] == ["C-1"]


def test_a_look_at_many_at_once_is_found_by_each_of_them(database: Database) -> None:
    record = AuditStore(database)
    record.add(SAM, "queue.read", detail={"conversations": ["a_%" + "A" * 19], "customers": ["C-1", 'C-"é"']})
    record.add(SAM, "search", detail={"conversations": ["aB%" + "A" * 19], "customers": ["C-10"]})
    assert [entry.action for entry in record.entries(customer_id="C-1")] == ["queue.read"]
    assert [entry.action for entry in record.entries(customer_id='C-"é"')] == ["queue.read"]
    assert [entry.action for entry in record.entries(conversation_id="a_%" + "A" * 19)] == ["queue.read"]
    assert record.entries(customer_id="C-") == []
