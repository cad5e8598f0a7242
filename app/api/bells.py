"""Bells that wake those who follow a conversation, or the desk, as soon as this process has changed it.

A change by another server process rings nothing; followers look by themselves every so often, and more often on a
database that several processes share.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

DESK = "desk"  # no conversation's id: those have 22 characters
SHARED_S, ALONE_S = 0.5, 2.0  # seconds between looks: on PostgreSQL, and on SQLite, which has one server process


class Bells:
    """For one event loop; `ring` may be called from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, shared: bool) -> None:
        self._loop = loop
        self._hung: dict[str, set[asyncio.Event]] = {}
        self.look_s = SHARED_S if shared else ALONE_S

    @contextmanager
    def hung(self, key: str) -> Iterator[asyncio.Event]:
        """A bell that is set whenever `key` rings, until the block ends."""
        bell = asyncio.Event()
        self._hung.setdefault(key, set()).add(bell)
        try:
            yield bell
        finally:
            others = self._hung[key]
            others.discard(bell)
            if not others:
                del self._hung[key]

    async def rung(self, bell: asyncio.Event) -> None:
        """Until the bell rings or it is time to look."""
        try:
            await asyncio.wait_for(bell.wait(), self.look_s)
        except TimeoutError:
            return
        bell.clear()

    def ring(self, *keys: str) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ring, keys)

    def ring_all(self) -> None:
        self._ring(tuple(self._hung))

    def _ring(self, keys: tuple[str, ...]) -> None:
        for key in keys:
            for bell in self._hung.get(key, ()):
                bell.set()
