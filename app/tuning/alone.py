"""One at a time: a lock that the system lets go however its holder ends."""

from __future__ import annotations

import datetime as dt
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Busy(RuntimeError):
    """Somebody else is at it; the message says who and since when."""


@contextmanager
def alone(path: Path, what: str) -> Iterator[None]:
    """Held by one process. Raises Busy at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            held = lock.read().strip() or "another process"
            raise Busy(f"{what} is going on already ({held}); wait for it, or end it and try again") from None
        lock.seek(0)
        lock.truncate()
        lock.write(f"process {os.getpid()}, since {dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M:%S} UTC")
        lock.flush()
        yield


@contextmanager
def in_turn(path: Path) -> Iterator[None]:
    """Held by one at a time; waits for the one before, who has it for a moment only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
