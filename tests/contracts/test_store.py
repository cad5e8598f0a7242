"""What a conversation store promises, on SQLite and on PostgreSQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from app.store.conversations import ConversationStore
from app.store.errors import AlreadyRecorded, StoreAway, UnknownConversation
from app.store.migrate import head, migrate
from rag.turn import Citation, Focus
from tests.fakes import scripted
from tests.postgres import postgres

STRANGE = "ünï ﷽ 👩🏽‍⚕️ \u202eright to left\u202c <script>alert(1)</script> '; DROP TABLE messages; -- \\x00 \x01"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'some folder' / 'pestle %40.db'}"
    return str(request.getfixturevalue("server"))


@pytest.fixture
def store(url: str) -> Iterator[ConversationStore]:
    migrate(url)
    made = ConversationStore(url)
    yield made
    made.close()


def test_a_conversation_knows_its_owner(store: ConversationStore) -> None:
    mine, nobodys = store.create("C-10001"), store.create(None)
    assert len(mine) == 22
    assert mine != nobodys
    found = store.conversation(mine)
    assert found is not None
    assert found.customer_id == "C-10001"
    assert abs(dt.datetime.now(dt.UTC) - found.created_at) < dt.timedelta(minutes=1)
    anonymous = store.conversation(nobodys)
    assert anonymous is not None
    assert anonymous.customer_id is None


@pytest.mark.parametrize("unknown", ["", "x", "A" * 22, "A" * 23, "\x00" * 22, "' OR 1=1 --", "é" * 22])
def test_an_unknown_id_finds_nothing(store: ConversationStore, unknown: str) -> None:
    assert store.conversation(unknown) is None
    assert store.trace(unknown) is None


def test_a_turn_comes_back_whole(store: ConversationStore) -> None:
    key = store.create(None)
    source = Citation(n=1, article_id="delivery-speeds", title="How fast?", url="?article=delivery-speeds")
    answer = scripted(STRANGE, citations=[source], suggestions=["And then?"], focus=Focus(items=("FH-1234567",)))
    kept = store.record(key, STRANGE, answer)
    assert kept is not None
    assert (kept.reply, kept.seq, kept.dropped) == (answer.reply, 2, False)
    said, replied = store.messages(key)
    assert (said.seq, said.role, said.text, said.reply) == (1, "customer", STRANGE, None)
    assert (replied.seq, replied.role, replied.id) == (2, "assistant", answer.reply.message_id)
    assert replied.reply == answer.reply
    assert store.past(key)[0].focus == answer.focus
    trace = store.trace(answer.reply.trace_id)
    assert trace is not None
    assert trace.data == answer.trace
    assert trace.message_id == answer.reply.message_id
    assert store.trace(answer.reply.message_id) == trace


def test_what_no_database_keeps_is_replaced(store: ConversationStore) -> None:
    key = store.create(None)
    store.record(key, "a\x00b\ud800c", scripted("fine"))
    assert store.messages(key)[0].text == "a\ufffdb\ufffdc"


def test_a_trace_may_hold_more_than_json(store: ConversationStore) -> None:
    key, answer = store.create(None), scripted("fine")
    answer.trace.update(day=dt.date(2026, 11, 21), ids=("a", "b"), score=float("nan"), path=Path("/x"), nul="\x00")
    store.record(key, "hello", answer)
    trace = store.trace(answer.reply.trace_id)
    assert trace is not None
    assert trace.data["day"] == "2026-11-21"
    assert trace.data["ids"] == ["a", "b"]
    assert trace.data["score"] is None
    assert trace.data["nul"] == "\x00"


def test_the_past_is_the_latest_turns_oldest_first(store: ConversationStore) -> None:
    key = store.create("C-10001")
    assert store.past(key) == ()
    for number in range(15):
        store.record(key, f"question {number}", scripted(f"answer {number}"))
    past = store.past(key)
    assert [turn.text for turn in past] == [f"question {number}" for number in range(3, 15)]
    assert past[-1].reply == "answer 14"
    assert [message.seq for message in store.messages(key, after=28)] == [29, 30]
    assert [message.seq for message in store.messages(key, after=10, limit=3)] == [11, 12, 13]
    assert store.last_seq(key) == 30


def test_a_key_is_recorded_once(store: ConversationStore) -> None:
    key, other = store.create(None), store.create(None)
    assert store.replay(key, "k1") is None
    first = scripted("first")
    store.record(key, "hello", first, "k1")
    with pytest.raises(AlreadyRecorded):
        store.record(key, "hello", scripted("second"), "k1")
    found = store.replay(key, "k1")
    assert found is not None
    assert found.text == "hello"
    assert found.reply == first.reply
    assert len(store.messages(key)) == 2
    store.record(other, "hello", scripted("another conversation"), "k1")


def test_an_unknown_conversation_takes_nothing(store: ConversationStore) -> None:
    answer = scripted("lost")
    with pytest.raises(UnknownConversation):
        store.record("A" * 22, "hello", answer)
    assert store.trace(answer.reply.trace_id) is None


def test_a_turn_is_recorded_whole_or_not_at_all(store: ConversationStore) -> None:
    key, answer = store.create(None), scripted("once")
    store.record(key, "hello", answer)
    twice = scripted("twice")
    clash = type(twice)(twice.reply.model_copy(update={"trace_id": answer.reply.trace_id}), twice.focus, twice.trace)
    with pytest.raises(Exception, match=r"(?i)unique"):
        store.record(key, "hello again", clash)
    assert [message.text for message in store.messages(key)] == ["hello", "once"]


def test_many_threads_leave_no_gap(store: ConversationStore) -> None:
    key = store.create(None)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: store.record(key, f"q{n}", scripted(f"a{n}")), range(24)))
    found = store.messages(key)
    assert [message.seq for message in found] == list(range(1, 49))
    pairs = zip(found[::2], found[1::2], strict=True)
    assert all(said.text[1:] == replied.text[1:] for said, replied in pairs)


def test_migrating_twice_changes_nothing(store: ConversationStore, url: str) -> None:
    key = store.create(None)
    migrate(url)
    assert store.conversation(key) is not None


def test_a_newer_database_is_left_alone(store: ConversationStore, url: str) -> None:
    def stamp(revision: str) -> None:
        with store._db.engine.begin() as db:
            db.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})

    stamp("9999")
    try:
        with pytest.raises(StoreAway, match="update Pestle"):
            migrate(url)
    finally:
        stamp(head())


def test_the_tables_are_those_that_the_code_knows(store: ConversationStore) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from app.store.tables import metadata

    with store._db.engine.connect() as db:
        assert compare_metadata(MigrationContext.configure(db), metadata) == []
