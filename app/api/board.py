"""What all desks look at: one look at the store serves everybody who asked before it began."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from app.store.records import OpenNow


class Board:
    """For one event loop."""

    def __init__(self, read: Callable[[], Awaitable[OpenNow]]) -> None:
        self._read = read
        self._looking = asyncio.Lock()
        self._began = -1.0
        self._seen = OpenNow("", {})

    async def look(self) -> OpenNow:
        """How things stand, no older than this call. Raises what reading raises."""
        asked = time.monotonic()
        async with self._looking:
            if self._began < asked:
                began = time.monotonic()
                self._seen = await self._read()
                self._began = began
            return self._seen
