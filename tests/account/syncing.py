"""Following the change feed in a process of its own, for tests that kill it."""

from __future__ import annotations

from multiprocessing.connection import Connection
from pathlib import Path


def sync(folder: Path, url: str, encoder: Path, tell: Connection) -> None:
    from rag.account.documents import AccountDocuments
    from rag.account.generate import demo_drugs
    from rag.account.sql import SqlAccountBook
    from rag.encoder import Encoder

    documents = AccountDocuments(folder, Encoder(encoder), demo_drugs())
    book = SqlAccountBook(url)
    tell.send(documents.owned)
    tell.send(documents.sync(book, limit=40))


def own(folder: Path, encoder: Path, tell: Connection, customer: str, url: str) -> None:
    """Opens documents that another process owns and tells what a customer has there."""
    from rag.account.documents import AccountDocuments
    from rag.account.generate import demo_drugs
    from rag.account.sql import SqlAccountBook
    from rag.encoder import Encoder

    documents = AccountDocuments(folder, Encoder(encoder), demo_drugs())
    account = SqlAccountBook(url).account(customer)
    assert account
    vectors = documents.vectors(account)
    tell.send(
        (
            documents.owned,
            documents.sync(SqlAccountBook(url)),
            {number: vector.tolist() for number, vector in vectors.items()},
        )
    )
