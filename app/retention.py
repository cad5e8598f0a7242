"""Old conversations are deleted: at the start and once a day, in batches, in a thread of its own.

The system's clock alone is not believed: one that jumps years ahead would make every conversation old.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from app.store.database import now
from app.store.errors import StoreError
from app.store.people import PeopleStore

log = logging.getLogger("pestle.retention")
BATCH = 200
DAY_S = 86_400.0
AGAIN_S = 600.0
MOST_AHEAD = dt.timedelta(days=2)
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


class Reached:
    """How far in time retention has come, kept in a file: one line, an instant in ISO 8601.

    A clock that is more than two days ahead of it is not followed. Then it goes on at twice the speed at which this
    process has run, by a clock that never jumps: so a server that was off for a month catches up within another, and a
    wrong clock deletes a day too much a day, for as long as nobody sees the warnings.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._ran = time.monotonic()

    def last(self) -> dt.datetime | None:
        """None: nothing that can be read is there."""
        try:
            found = dt.datetime.fromisoformat(self._file.read_text(encoding="utf-8").strip())
        except (OSError, ValueError):
            return None
        return found if found.tzinfo else found.replace(tzinfo=dt.UTC)

    def now(self, at: dt.datetime, newest: Callable[[], dt.datetime | None]) -> dt.datetime:
        """The instant to delete by. `at`: what the system's clock says; `newest`: the latest message, asked where there
        is no file yet."""
        last = self.last() or newest()
        if last is None or at - last <= MOST_AHEAD:
            return at
        ran = dt.timedelta(seconds=time.monotonic() - self._ran)
        log.warning(
            "The clock says %s, but old conversations were last deleted by %s. If the clock is right, write today's "
            "date into %s; until then they are deleted a little at a time.",
            at.date(),
            last.date(),
            self._file,
        )
        return min(at, last + 2 * ran)

    def keep(self, reached: dt.datetime) -> None:
        """Never goes back: a clock that was set back would make the right one look wrong."""
        self._ran = time.monotonic()
        last = self.last()
        if last is None or reached > last:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._file.with_suffix(".new")
            fresh.write_text(f"{reached.isoformat()}\n", encoding="utf-8")
            fresh.replace(self._file)


class Retention:
    """Runs until closed; with `days` 0 it never does anything. A database that is away is tried again later."""

    def __init__(self, people: PeopleStore, days: int, file: Path) -> None:
        """`file` keeps how far it has come."""
        self._people = people
        self._days = days
        self._reached = Reached(file)
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
                reached = self._reached.now(now(), self._people.newest)
                if gone := carry_out(self._people, reached - dt.timedelta(days=self._days), self._ending):
                    log.info("%d conversations older than %d days were deleted", gone, self._days)
                self._reached.keep(reached)
                pause = DAY_S
            except (StoreError, OSError) as error:
                log.warning("Old conversations could not be deleted (%s); tried again in ten minutes.", error)
                pause = AGAIN_S
            self._ending.wait(pause)
