"""Order-status documents: in step with the account book, and never another customer's."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text

from rag.account.book import Account, OrderStatus
from rag.account.business import Business, write
from rag.account.documents import AccountDocuments
from rag.account.follow import Follower
from rag.account.generate import demo_drugs
from rag.account.memory import MemoryAccountBook
from rag.account.schema import open_engine
from rag.account.sql import SqlAccountBook
from rag.encoder import Encoder, Vectors
from tests import made
from tests.account.syncing import own, sync

KILLS = 6


class CountingEncoder(Encoder):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.encoded: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.encoded.extend(texts)
        return super().encode(texts)


@pytest.fixture(scope="module")
def few(sixty: Business) -> Business:
    return first(sixty, 8)


def first(sixty: Business, count: int) -> Business:
    """The first customers, with all that is theirs."""
    customers = sixty.customers[:count]
    ids = {customer.id for customer in customers}

    def theirs(records: Any) -> Any:
        return tuple(record for record in records if record.customer_id in ids)

    return replace(
        sixty,
        customers=customers,
        orders=theirs(sixty.orders),
        prescriptions=theirs(sixty.prescriptions),
        transfers=theirs(sixty.transfers),
    )


@pytest.fixture
def counting() -> CountingEncoder:
    return CountingEncoder(made.encoder_folder())


@pytest.fixture
def url(tmp_path: Path, few: Business) -> str:
    made_url = f"sqlite:///{tmp_path / 'accounts.db'}"
    write(few, made_url)
    return made_url


@pytest.fixture
def book(url: str) -> Iterator[SqlAccountBook]:
    opened = SqlAccountBook(url)
    yield opened
    opened.close()


@pytest.fixture
def documents(tmp_path: Path, counting: CountingEncoder) -> Iterator[AccountDocuments]:
    made_documents = AccountDocuments(tmp_path / "documents", counting, demo_drugs())
    yield made_documents
    made_documents.close()


@pytest.fixture(scope="module")
def forkserver() -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["rag.account.documents", "rag.account.sql", "rag.account.generate", "rag.encoder"])
    return context


def behind_its_back(url: str, statement: str, **values: object) -> None:
    """Another program changes the database."""
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement), values)
    engine.dispose()


def account_of(book: SqlAccountBook | MemoryAccountBook, customer: str) -> Account:
    account = book.account(customer)
    assert account
    return account


def expected(account: Account, documents: AccountDocuments, encoder: Encoder) -> dict[str, Vectors]:
    records = [*account.orders, *account.prescriptions]
    return dict(zip([r.id for r in records], encoder.encode([documents.text(r) for r in records]), strict=True))


def assert_same(got: dict[str, Vectors], wanted: dict[str, Vectors]) -> None:
    assert set(got) == set(wanted)
    for number, vector in wanted.items():
        assert float(np.dot(got[number], vector)) > 0.98, number


def test_every_record_gets_a_document(
    documents: AccountDocuments, book: SqlAccountBook, few: Business, counting: CountingEncoder, encoder: Encoder
) -> None:
    assert documents.owned
    taken = documents.sync(book)
    assert taken >= len(few.orders) + len(few.prescriptions)
    assert documents.watermark == book.changes(0, 100_000)[-1].seq
    counting.encoded.clear()
    for customer in few.customers:
        account = account_of(book, customer.id)
        assert_same(documents.vectors(account), expected(account, documents, encoder))
    assert counting.encoded == [], "a document that is in step was encoded again"
    assert documents.sync(book) == 0
    assert counting.encoded == []


def test_a_status_changed_by_another_program_is_followed(
    documents: AccountDocuments,
    book: SqlAccountBook,
    url: str,
    few: Business,
    counting: CountingEncoder,
    encoder: Encoder,
) -> None:
    documents.sync(book)
    order = next(o for o in few.orders if o.status is OrderStatus.SHIPPED)
    before = documents.vectors(account_of(book, order.customer_id))[order.id]
    counting.encoded.clear()
    behind_its_back(url, "UPDATE orders SET status = 'delivered' WHERE id = :id", id=order.id)
    assert documents.sync(book) >= 1
    assert counting.encoded
    assert all(order.id in said and "delivered" in said for said in counting.encoded)
    counting.encoded.clear()
    account = account_of(book, order.customer_id)
    after = documents.vectors(account)
    assert counting.encoded == []
    assert_same(after, expected(account, documents, encoder))
    assert not np.allclose(after[order.id], before)


def test_a_stale_document_is_encoded_on_the_spot(
    documents: AccountDocuments,
    book: SqlAccountBook,
    url: str,
    few: Business,
    counting: CountingEncoder,
    encoder: Encoder,
) -> None:
    """Between a change and the next look at the feed, an answer is still right."""
    documents.sync(book)
    order = few.orders[0]
    behind_its_back(url, "UPDATE orders SET status = 'returned' WHERE id = :id", id=order.id)
    counting.encoded.clear()
    account = account_of(book, order.customer_id)
    assert_same(documents.vectors(account), expected(account, documents, encoder))
    assert len(counting.encoded) == 1
    assert "returned to us" in counting.encoded[0]


def test_insertions_and_deletions_are_followed(
    documents: AccountDocuments,
    book: SqlAccountBook,
    url: str,
    few: Business,
    encoder: Encoder,
    counting: CountingEncoder,
) -> None:
    documents.sync(book)
    gone = few.prescriptions[0]
    copied = next(p for p in few.prescriptions if p.customer_id != gone.customer_id)
    behind_its_back(url, "DELETE FROM prescriptions WHERE id = :id", id=gone.id)
    engine = open_engine(url)
    with engine.begin() as connection:
        names = [row[1] for row in connection.execute(text("PRAGMA table_info(prescriptions)"))]
        rest = ", ".join(name for name in names if name != "id")
        connection.execute(
            text(
                f"INSERT INTO prescriptions (id, {rest}) SELECT 'RX-99999999', {rest} FROM prescriptions WHERE id = :id"
            ),
            {"id": copied.id},
        )
    engine.dispose()
    assert documents.sync(book) == 2
    assert gone.id not in documents.vectors(account_of(book, gone.customer_id))
    assert documents._store.get(ids=[gone.id])["ids"] == []
    counting.encoded.clear()
    account = account_of(book, copied.customer_id)
    assert_same(documents.vectors(account), expected(account, documents, encoder))
    counting.encoded.clear()
    documents.vectors(account)
    assert counting.encoded == []


def test_the_watermark_survives_the_process(tmp_path: Path, book: SqlAccountBook, counting: CountingEncoder) -> None:
    first = AccountDocuments(tmp_path / "kept", counting, demo_drugs())
    taken = first.sync(book)
    mark = first.watermark
    first.close()
    counting.encoded.clear()
    again = AccountDocuments(tmp_path / "kept", counting, demo_drugs())
    assert taken > 0
    assert again.owned
    assert again.watermark == mark
    assert again.sync(book) == 0
    assert counting.encoded == []
    assert len(again.vectors(account_of(book, "C-10001"))) > 0
    assert counting.encoded == []
    again.close()


def test_a_lost_watermark_only_costs_time(
    documents: AccountDocuments, book: SqlAccountBook, tmp_path: Path, encoder: Encoder
) -> None:
    taken = documents.sync(book)
    (tmp_path / "documents" / "watermark").write_text("half a nu")
    assert documents.watermark == 0
    assert documents.sync(book) == taken
    account = account_of(book, "C-10002")
    assert_same(documents.vectors(account), expected(account, documents, encoder))


def test_nobody_is_ever_given_anothers_vectors(
    tmp_path_factory: pytest.TempPathFactory, sixty: Business, encoder: Encoder
) -> None:
    """Random customers of the generated data, with a collection that is partly in step, partly stale, partly wrong."""
    sixty = first(sixty, 24)
    book = MemoryAccountBook.of(sixty)
    documents = AccountDocuments(tmp_path_factory.mktemp("all"), encoder, demo_drugs())
    documents.sync(book)
    chance = random.Random(11)
    for order in chance.sample(sixty.orders, 12):
        book.put(replace(order, status=OrderStatus.RETURNED))
    stolen = chance.sample(
        sixty.orders, 6
    )  # as if a record had changed hands, or a document been written under a wrong number
    other = {o.id: next(c.id for c in sixty.customers if c.id != o.customer_id) for o in stolen}
    documents._store._collection.update(
        ids=[o.id for o in stolen],
        metadatas=[{"customer_id": other[o.id], "version": o.version} for o in stolen],
        embeddings=[np.eye(384, dtype=np.float32)[0]] * len(stolen),
    )
    asked = {*chance.sample([c.id for c in sixty.customers], 12), *other.values(), *(o.customer_id for o in stolen)}
    for customer in sorted(asked):
        account = account_of(book, customer)
        own_numbers = {r.id for r in (*account.orders, *account.prescriptions)}
        got = documents.vectors(account)
        assert set(got) == own_numbers
        assert_same(got, expected(account, documents, encoder) if own_numbers else {})
    documents.close()


def test_only_one_process_owns_the_collection(
    documents: AccountDocuments, book: SqlAccountBook, url: str, tmp_path: Path, forkserver: Any, encoder: Encoder
) -> None:
    documents.sync(book)
    ours, theirs = forkserver.Pipe()
    process = forkserver.Process(
        target=own, args=(tmp_path / "documents", made.encoder_folder(), theirs, "C-10002", url)
    )
    process.start()
    theirs.close()
    owned, taken, vectors = ours.recv()
    process.join(30)
    assert owned is False
    assert taken == 0
    account = account_of(book, "C-10002")
    assert_same({n: np.array(v, dtype=np.float32) for n, v in vectors.items()}, expected(account, documents, encoder))


def test_killed_in_mid_sync_it_repairs_itself(
    tmp_path: Path, url: str, book: SqlAccountBook, few: Business, forkserver: Any, encoder: Encoder
) -> None:
    folder, chance = tmp_path / "killed", random.Random(5)
    took = 1.5
    for kill in range(KILLS):
        behind_its_back(url, "UPDATE orders SET center = :center", center=f"Center {kill}")
        ours, theirs = forkserver.Pipe()
        process = forkserver.Process(target=sync, args=(folder, url, made.encoder_folder(), theirs))
        process.start()
        theirs.close()
        assert ours.recv() is True, "the killed process before still owns the collection"
        time.sleep(chance.uniform(0.0, took))
        process.kill()
        process.join(30)
    documents = AccountDocuments(folder, encoder, demo_drugs())
    assert documents.owned
    documents.sync(book)
    counting = CountingEncoder(made.encoder_folder())
    documents._encoder = counting
    for customer in few.customers:
        account = account_of(book, customer.id)
        assert_same(documents.vectors(account), expected(account, documents, encoder))
    assert counting.encoded == []
    documents.close()


def test_the_follower_keeps_in_step_by_itself(
    documents: AccountDocuments, book: SqlAccountBook, url: str, few: Business, counting: CountingEncoder
) -> None:
    documents.sync(book)
    follower = Follower(documents, book)
    try:
        counting.encoded.clear()
        order = few.orders[-1]
        behind_its_back(url, "UPDATE orders SET status = 'cancelled' WHERE id = :id", id=order.id)
        until = time.monotonic() + 15
        while not counting.encoded and time.monotonic() < until:
            time.sleep(0.05)
        assert counting.encoded
        assert all(order.id in said and "cancelled" in said for said in counting.encoded)
    finally:
        follower.close()
