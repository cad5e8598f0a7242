"""Following the change feed while the service runs, so that order-status documents stay in step."""

from __future__ import annotations

import logging
import threading

from rag.account.book import AccountBook, AccountError
from rag.account.documents import AccountDocuments

log = logging.getLogger("pestle")

EVERY = 1.0  # seconds between two looks at the feed
LATER = 15.0  # and after the account book could not be read


class Follower:
    """A thread that takes changes as they come. `close` ends it."""

    def __init__(self, documents: AccountDocuments, book: AccountBook) -> None:
        self._documents, self._book = documents, book
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True, name="account-feed")
        if documents.owned:
            self._thread.start()

    def _follow(self) -> None:
        wait = EVERY
        while not self._stop.wait(wait):
            try:
                self._documents.sync(self._book, stop=self._stop.is_set)
                wait = EVERY
            except AccountError:
                log.warning("the account book can't be read; its changes are taken later")
                wait = LATER
            except Exception:
                log.exception("order documents could not be brought up to date")
                wait = LATER

    def close(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(10)
