"""One event loop in one daemon thread, shared by everything that must be cancelled at a deadline."""

from __future__ import annotations

import asyncio
import threading

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def loop() -> asyncio.AbstractEventLoop:
    """The running loop; started when it is first asked for (and again in a forked process)."""
    global _loop
    with _lock:
        if _loop is None or _loop.is_closed() or not _alive():
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name=NAME, daemon=True).start()
        return _loop


NAME = "chat-model"


def _alive() -> bool:
    return any(thread.name == NAME and thread.is_alive() for thread in threading.enumerate())
