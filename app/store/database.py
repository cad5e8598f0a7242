"""One database for all stores: reading and writing transactions that raise `StoreError` and nothing of a driver."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from app.store.engine import WRITING, open_engine
from app.store.errors import BUSY, StoreBusy, store_errors


class Database:
    """Thread-safe. `app.store.migrate.migrate(url)` must have run before."""

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url)
        # SQLite lets one writer in and makes the others poll with growing pauses; a lock hands over at once.
        self._writer = threading.Lock() if self.engine.dialect.name == "sqlite" else None

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with store_errors(), self.engine.connect() as db:
            yield db

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: all of it, or nothing."""
        if self._writer and not self._writer.acquire(timeout=10):
            raise StoreBusy(BUSY)
        try:
            with store_errors(), self.engine.connect().execution_options(**{WRITING: True}) as db, db.begin():
                yield db
        finally:
            if self._writer:
                self._writer.release()


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
