"""The record of a turn as it is made: what was read, decided, said and left out, and how long each step took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Trace:
    """Collects notes and the milliseconds of each step."""

    def __init__(self) -> None:
        self.notes: dict[str, Any] = {}
        self._steps: dict[str, float] = {}
        self._began = time.perf_counter()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self._steps[name] = self._steps.get(name, 0.0) + (time.perf_counter() - began) * 1000

    def note(self, **notes: Any) -> None:
        self.notes.update(notes)

    def record(self) -> dict[str, Any]:
        steps = {name: round(ms, 3) for name, ms in self._steps.items()}
        return {**self.notes, "timings_ms": {**steps, "turn": round((time.perf_counter() - self._began) * 1000, 3)}}
