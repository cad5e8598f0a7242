"""Open event streams end when the server is told to stop: uvicorn would wait for them without telling them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def on_stop_signal(call: Callable[[], object]) -> Iterator[None]:
    """Within, `call` runs at SIGINT and SIGTERM before the server's own handler. Nothing changes outside the main
    thread, where no signal arrives, or where the server has no handler of its own."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def handle(number: int, frame: FrameType | None) -> None:
        call()
        servers = before[signal.Signals(number)]
        if callable(servers):
            servers(number, frame)

    ours = [number for number, servers in before.items() if callable(servers)]
    for number in ours:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in ours:
            if signal.getsignal(number) is handle:
                signal.signal(number, before[number])
