"""Old conversations are deleted: at the start and once a day, in batches, in a thread of its own."""

from __future__ import annotations

import datetime as dt
import logging
import threading

from app.store.database import now
from app.store.errors import StoreError
from app.store.people import PeopleStore

log = logging.getLogger("pestle.retention")
BATCH = 200
DAY_S = 86_400.0
AGAIN_S = 600.0
PAUSE_S = 0.05  # between batches, so that those who write get their turn


def carry_out(people: PeopleStore, before: dt.datetime, ending: threading.Event) -> int:
    """Deletes conversations in which nothing was said since, until none is left or `ending` is set; gives how many.

    Raises `StoreError` with the rest undone.
    """
    total = 0
    while not ending.is_set() and (gone := people.expire(before, BATCH)):
        total += gone
        ending.wait(PAUSE_S)
    return total


class Retention:
    """Runs until closed; with `days` 0 it never does anything. A database that is away is tried again later."""

    def __init__(self, people: PeopleStore, days: int) -> None:
        self._people = people
        self._days = days
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pestle-retention", daemon=True)
        if days:
            self._thread.start()

    def close(self) -> None:
        """Waits for the batch that has begun."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(30)

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                before = now() - dt.timedelta(days=self._days)
                if gone := carry_out(self._people, before, self._ending):
                    log.info("%d conversations older than %d days were deleted", gone, self._days)
                pause = DAY_S
            except StoreError as error:
                log.warning("Old conversations could not be deleted (%s); tried again in ten minutes.", error)
                pause = AGAIN_S
            self._ending.wait(pause)
