"""The database behind the account book: triggers, settings, speed, and what a broken one says."""

from __future__ import annotations

import datetime as dt
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from rag.account.book import AccountError, Change
from rag.account.business import write
from rag.account.generate import generate
from rag.account.schema import create_schema, open_engine
from rag.account.sql import SqlAccountBook
from tests.postgres import postgres

TODAY = dt.date(2026, 11, 20)
ORDER = "FH-2051846"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "accounts.db"
    write(generate(4, TODAY, customers=6), f"sqlite:///{path}")
    return path


@pytest.fixture
def book(path: Path) -> Iterator[SqlAccountBook]:
    book = SqlAccountBook(f"sqlite:///{path}")
    yield book
    book.close()


def raw(path: Path, statement: str) -> None:
    """Another program: plain sqlite3 with its own defaults."""
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE orders SET carrier = 'FedEx' WHERE id = '{ORDER}'",
        f"UPDATE orders SET version = 40 WHERE id = '{ORDER}'",
        f"UPDATE order_lines SET quantity = 5 WHERE order_id = '{ORDER}'",
        f"DELETE FROM order_lines WHERE order_id = '{ORDER}'",
        "INSERT INTO order_events (order_id, event, status, at) "
        f"VALUES ('{ORDER}', 99, 'delivered', '2026-11-20 12:00:00.000000')",
        f"UPDATE order_events SET note = 'x' WHERE order_id = '{ORDER}' AND event = 1",
        f"DELETE FROM order_events WHERE order_id = '{ORDER}' AND event = 1",
    ],
)
def test_raw_sql_raises_the_version_and_leaves_a_change(book: SqlAccountBook, path: Path, statement: str) -> None:
    (before,) = book.records([Change(0, "order", ORDER, "C-10001")])
    seq = book.changes(0)[-1].seq
    raw(path, statement)
    assert {(c.kind, c.id, c.customer_id) for c in book.changes(seq)} == {("order", ORDER, "C-10001")}
    (after,) = book.records(book.changes(seq))
    assert after.version > before.version


def test_an_order_that_changes_its_number_leaves_both(book: SqlAccountBook, path: Path) -> None:
    seq = book.changes(0)[-1].seq
    raw(path, "UPDATE prescriptions SET id = 'RX-1' WHERE id = 'RX-10482231'")
    changes = book.changes(seq)
    assert {c.id for c in changes} == {"RX-1", "RX-10482231"}
    assert [record.id for record in book.records(changes)] == ["RX-1"]


def test_a_status_that_is_none_is_refused(path: Path) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        raw(path, f"UPDATE orders SET status = 'lost' WHERE id = '{ORDER}'")


def test_sqlite_is_durable_and_waits(path: Path) -> None:
    with open_engine(f"sqlite:///{path}").connect() as connection:
        pragmas = ("journal_mode", "synchronous", "busy_timeout")
        values = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas]
    assert values == ["wal", 2, 10_000]


def test_a_reader_is_not_stopped_by_a_writer(book: SqlAccountBook, path: Path) -> None:
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute(f"UPDATE orders SET carrier = 'DHL' WHERE id = '{ORDER}'")
    account = book.account("C-10001")
    assert account is not None
    assert account.orders[0].carrier == "UPS"
    writer.execute("ROLLBACK")
    writer.close()


def test_create_schema_repeats(path: Path) -> None:
    engine = open_engine(f"sqlite:///{path}")
    create_schema(engine)
    create_schema(engine)
    assert SqlAccountBook(f"sqlite:///{path}").account("C-10001")


def test_no_tables_and_no_server_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(AccountError, match="pestle accounts import"):
        SqlAccountBook(f"sqlite:///{tmp_path / 'empty.db'}").account("C-10001")
    with pytest.raises(AccountError, match="PESTLE_ACCOUNTS_URL") as caught:
        SqlAccountBook("postgresql://someone:secret@127.0.0.1:1/x").account("C-10001")
    assert "secret" not in str(caught.value)
    for url in ("nonsense", "mongodb://x/y"):
        with pytest.raises(AccountError, match="PESTLE_ACCOUNTS_URL"):
            SqlAccountBook(url)


def test_a_strange_value_is_an_account_error(book: SqlAccountBook, path: Path) -> None:
    raw(path, f"UPDATE orders SET promised_on = 'soon' WHERE id = '{ORDER}'")
    with pytest.raises(AccountError, match="can't be read"):
        book.account("C-10001")


def test_an_account_is_read_fast(book: SqlAccountBook) -> None:
    book.account("C-10002")
    started = time.process_time()
    for _ in range(100):
        book.account("C-10002")
    assert (time.process_time() - started) / 100 < 0.004  # 1 ms on an idle machine


def test_the_feed_of_postgresql_follows_the_commits() -> None:
    """The first transaction to write is the last to commit: its change must not appear below one already read."""
    with postgres() as url:
        write(generate(4, TODAY, customers=6), url)
        create_schema(open_engine(url))
        book, engine = SqlAccountBook(url), create_engine(url)
        seq = book.changes(0)[-1].seq
        with engine.connect() as slow:
            slow.execute(text("UPDATE orders SET carrier = 'DHL' WHERE id = 'FH-2051846'"))
            with engine.begin() as quick:
                quick.execute(text("UPDATE order_lines SET quantity = 3 WHERE order_id = 'FH-2047113'"))
            seen = book.changes(seq)
            assert {change.id for change in seen} == {"FH-2047113"}
            slow.commit()
        assert {change.id for change in book.changes(seen[-1].seq)} == {"FH-2051846"}
        ids = [order.id for order in generate(4, TODAY, customers=6).orders]

        def many(ids: list[str]) -> None:
            for number in ids:
                with engine.begin() as connection:
                    connection.execute(text("UPDATE orders SET carrier = 'X' WHERE id = :id"), {"id": number})

        threads = [threading.Thread(target=many, args=(part,)) for part in (ids, ids[::-1])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {change.id for change in book.changes(seen[-1].seq)} == set(ids)
        book.close()
        engine.dispose()
