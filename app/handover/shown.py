"""What each desk has been shown of the queue, so that the audit record names a conversation once and not at each look."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterable

MOST = 1_000  # desks; the one that looked longest ago is forgotten, and noted again when it comes back


class Shown:
    """In process and thread-safe. Several processes, and one that starts again, note what they show each for itself."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[Hashable, frozenset[str]] = {}

    def new(self, desk: Hashable, ids: Iterable[str]) -> set[str]:
        """Those of the ids that the desk's last look did not have."""
        with self._lock:
            return set(ids) - self._seen.get(desk, frozenset())

    def keep(self, desk: Hashable, ids: Iterable[str]) -> None:
        """Remembers a look, once it has been noted."""
        with self._lock:
            self._seen.pop(desk, None)
            self._seen[desk] = frozenset(ids)
            if len(self._seen) > MOST:
                self._seen.pop(next(iter(self._seen)))
