"""Customers' names for the desk's queue, which is read often: remembered for a while."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from rag.account.book import AccountBook, AccountError

KEPT, KEPT_S = 2_000, 600.0


class Names:
    """Thread-safe."""

    def __init__(self, book: AccountBook | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._book, self._clock = book, clock
        self._known: OrderedDict[str, tuple[float, str | None]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, customer_id: str | None) -> str | None:
        """None for an anonymous visitor, for one whom the book doesn't know, and while the book is away."""
        if customer_id is None or self._book is None:
            return None
        at = self._clock()
        with self._lock:
            if (known := self._known.get(customer_id)) and at - known[0] < KEPT_S:
                return known[1]
        try:
            account = self._book.account(customer_id)
        except AccountError:
            return None
        name = account.customer.name if account else None
        with self._lock:
            self._known[customer_id] = (at, name)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        return name
