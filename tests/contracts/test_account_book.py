"""What an account book promises: in memory, on SQLite, over REST (a real server) and on PostgreSQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import text

from rag.account.book import AccountBook, Order, OrderStatus, Prescription
from rag.account.business import Business, write
from rag.account.generate import generate
from rag.account.memory import MemoryAccountBook
from rag.account.rest import RestAccountBook
from rag.account.schema import open_engine
from rag.account.sql import SqlAccountBook
from tests.contracts.account_service import KEY, account_service
from tests.postgres import postgres
from tests.served import served

TODAY = dt.date(2026, 11, 20)


@dataclass
class World:
    """A book, and how another program changes what is behind it."""

    book: AccountBook
    set_status: Callable[[Order, OrderStatus], None]
    set_refills: Callable[[Prescription, int], None]
    delete_order: Callable[[Order], None]


@pytest.fixture(scope="module")
def business() -> Business:
    return generate(3, TODAY, customers=12)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture(params=["memory", "sqlite", "rest", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path, business: Business) -> Iterator[World]:
    with ExitStack() as closing:
        if request.param in ("memory", "rest"):
            memory, book = MemoryAccountBook.of(business), None
            if request.param == "rest":
                book = RestAccountBook(closing.enter_context(served(account_service(memory))), KEY, timeout=20)
                closing.callback(book.close)
            yield in_memory(memory, book or memory)
        else:
            sqlite = f"sqlite:///{tmp_path / 'accounts.db'}"
            url = sqlite if request.param == "sqlite" else str(request.getfixturevalue("server"))
            write(business, url)
            sql = SqlAccountBook(url)
            closing.callback(sql.close)
            yield by_sql(sql, url)


def in_memory(memory: MemoryAccountBook, book: AccountBook) -> World:
    return World(
        book,
        lambda order, status: memory.put(replace(order, status=status)),
        lambda prescription, refills: memory.put(replace(prescription, refills_left=refills)),
        memory.remove,
    )


def by_sql(book: AccountBook, url: str) -> World:
    def send(statement: str, **values: object) -> None:
        engine = open_engine(url)
        with engine.begin() as connection:
            connection.execute(text(statement), values)
        engine.dispose()

    return World(
        book,
        lambda order, status: send("UPDATE orders SET status = :s WHERE id = :id", s=status.value, id=order.id),
        lambda p, refills: send("UPDATE prescriptions SET refills_left = :n WHERE id = :id", n=refills, id=p.id),
        lambda order: send("DELETE FROM orders WHERE id = :id", id=order.id),
    )


def first_order(world: World) -> Order:
    account = world.book.account("C-10001")
    assert account is not None
    return account.orders[0]


def last(world: World) -> int:
    after = 0
    while changes := world.book.changes(after):
        after = changes[-1].seq
    return after


def test_an_account_comes_back_whole_and_alone(world: World, business: Business) -> None:
    for customer in business.customers:
        account = world.book.account(customer.id)
        assert account is not None
        assert account.customer == customer
        orders = {order.id: order for order in business.orders if order.customer_id == customer.id}
        assert {order.id: order for order in account.orders} == orders
        prescriptions = {p.id: p for p in business.prescriptions if p.customer_id == customer.id}
        assert {p.id: p for p in account.prescriptions} == prescriptions
        transfers = {t.id: t for t in business.transfers if t.customer_id == customer.id}
        assert {t.id: t for t in account.transfers} == transfers
        assert [o.placed_at for o in account.orders] == sorted((o.placed_at for o in account.orders), reverse=True)
        requested = [t.requested_on for t in account.transfers]
        assert requested == sorted(requested, reverse=True)
        for order in account.orders:
            assert order.placed_at.utcoffset() == dt.timedelta(0)
            assert [e.at for e in order.history] == sorted(e.at for e in order.history)


STRANGE = ["C-99999", "", "c-10001", "C-1000%", "' OR 1=1 --", "..", "../C-10001", "C-10001/x", "Ü", "\x00"]


@pytest.mark.parametrize("strange", STRANGE)
def test_an_unknown_customer_has_no_account(world: World, strange: str) -> None:
    assert world.book.account(strange) is None


def test_stock_is_by_strength_and_center(world: World, business: Business) -> None:
    levels = world.book.stock("propranolol")
    expected = [level for level in business.stock if level.drug_id == "propranolol"]
    assert sorted(levels, key=repr) == sorted(expected, key=repr)
    out = [level for level in levels if level.strength == "20 mg" and level.center == "Phoenix"]
    assert out[0].units == 0
    assert out[0].back_on
    assert out[0].back_on > TODAY
    assert world.book.stock("oxycodone") == []


def test_the_feed_starts_with_every_record(world: World, business: Business) -> None:
    changes = world.book.changes(0)
    numbers = [(change.kind, change.id) for change in changes]
    expected = {("order", order.id) for order in business.orders}
    assert set(numbers) == expected | {("prescription", p.id) for p in business.prescriptions}
    assert [change.seq for change in changes] == sorted({change.seq for change in changes})
    owners = {o.id: o.customer_id for o in business.orders} | {p.id: p.customer_id for p in business.prescriptions}
    assert all(owners[change.id] == change.customer_id for change in changes)


def test_the_feed_is_read_in_parts(world: World) -> None:
    whole = world.book.changes(0)
    after, parts = 0, []
    while part := world.book.changes(after, limit=7):
        assert len(part) <= 7
        parts += part
        after = part[-1].seq
    assert parts == whole
    assert world.book.changes(after) == []


def test_a_change_made_by_another_program_is_seen(world: World) -> None:
    order, after = first_order(world), last(world)
    world.set_status(order, OrderStatus.DELIVERED)
    changes = world.book.changes(after)
    assert {(c.kind, c.id, c.customer_id) for c in changes} == {("order", order.id, order.customer_id)}
    (record,) = world.book.records(changes)
    assert isinstance(record, Order)
    assert record.status is OrderStatus.DELIVERED
    assert record.version > order.version
    assert replace(record, status=order.status, version=order.version) == order
    assert first_order(world) == record


def test_a_prescription_is_followed_too(world: World) -> None:
    account = world.book.account("C-10001")
    assert account is not None
    lisinopril = next(p for p in account.prescriptions if p.drug == "lisinopril")
    assert lisinopril.refills_left == 2
    after = last(world)
    world.set_refills(lisinopril, 1)
    (record,) = world.book.records(world.book.changes(after))
    assert record == replace(lisinopril, refills_left=1, version=lisinopril.version + 1)


def test_a_deleted_record_is_in_the_feed_and_not_in_the_records(world: World) -> None:
    order, after = first_order(world), last(world)
    world.delete_order(order)
    changes = world.book.changes(after)
    assert {(c.kind, c.id) for c in changes} == {("order", order.id)}
    assert world.book.records(changes) == []
    assert first_order(world).id != order.id


def test_records_come_once_each_in_the_order_of_the_changes(world: World) -> None:
    changes = world.book.changes(0)[:9]
    records = world.book.records([*reversed(changes), *changes])
    assert [record.id for record in records] == [change.id for change in reversed(changes)]
    assert world.book.records([]) == []


def test_the_first_customers(world: World, business: Business) -> None:
    assert world.book.customer_ids(3) == ["C-10001", "C-10002", "C-10003"]
    assert world.book.customer_ids() == sorted(customer.id for customer in business.customers)
