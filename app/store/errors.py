"""What can go wrong in the store.

StoreError              not done, nothing changed; the message is for whoever runs Pestle and says what to do
├── StoreFull           no room left
├── StoreBusy           someone else held the database for too long
└── StoreAway           the database can't be reached, opened or used
UnknownConversation     no conversation has this id
AlreadyRecorded         this Idempotency-Key has been recorded in this conversation before
UnknownHandover         no hand-over has this id
HandoverMoved           the hand-over is not, or no longer, in the state that this needs
CustomerWrote           the customer has written what the agent had not seen
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from app.store.records import StoredHandover


class StoreError(RuntimeError):
    """The store could not do it. `retry_after`: seconds after which another try makes sense."""

    retry_after = 5


class StoreFull(StoreError):
    retry_after = 60


class StoreBusy(StoreError):
    retry_after = 1


class StoreAway(StoreError):
    retry_after = 5


class UnknownConversation(LookupError):
    pass


class AlreadyRecorded(ValueError):
    pass


class UnknownHandover(LookupError):
    pass


class HandoverMoved(ValueError):
    """`handover`: how it stands; None where none is open."""

    def __init__(self, handover: StoredHandover | None) -> None:
        super().__init__(handover.state if handover else "none is open")
        self.handover = handover


class CustomerWrote(ValueError):
    pass


FULL_STATES = {"53100", "53200"}  # PostgreSQL: disk_full, out_of_memory
BUSY_STATES = {"40001", "40P01", "55P03", "57014", "53300"}  # serialisation, deadlock, lock or statement timeout, slots
FULL = "The database has no room left: free some disk space, then try again."
BUSY = "The database was in use by another program for too long: try again, or stop the other program."
AWAY = "The database can't be used ({why}): check that it runs, and PESTLE_DATABASE_URL, then try again."


@contextmanager
def store_errors() -> Iterator[None]:
    """Turns what a database driver raises into a `StoreError`; a mistake of ours (bad SQL, bad data) stays as it is."""
    try:
        yield
    except exc.TimeoutError as error:
        raise StoreBusy(BUSY) from error
    except (exc.OperationalError, exc.InterfaceError, exc.InternalError) as error:
        raise _named(error) from error
    except exc.DBAPIError as error:
        if error.connection_invalidated or type(error) is exc.DatabaseError:  # the latter: SQLite, "malformed"
            raise _named(error) from error
        raise


def _named(error: exc.DBAPIError) -> StoreError:
    # The driver's own words stay out of the message: they may hold a row's values or the database's address.
    said = str(error.orig).lower()
    state = getattr(error.orig, "sqlstate", None)
    if state in FULL_STATES or "disk is full" in said or "no space left" in said:
        return StoreFull(FULL)
    if state in BUSY_STATES or "is locked" in said or "table is locked" in said:
        return StoreBusy(BUSY)
    return StoreAway(AWAY.format(why=type(error.orig).__name__))
