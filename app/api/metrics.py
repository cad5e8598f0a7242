"""Figures for Prometheus. One registry an app, so that several apps in one process don't meet."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from rag.turn import Answer

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.025, 0.035, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self._turns = Counter("pestle_turns", "Turns taken and recorded.", ["outcome"], registry=registry)
        self._seconds = Histogram(
            "pestle_turn_seconds",
            "A whole turn with the store, without the wait for the one before.",
            buckets=BUCKETS,
            registry=registry,
        )
        self._steps = Histogram(
            "pestle_step_seconds",
            "One step of a turn, as its trace gives it.",
            ["step"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._problems = Counter("pestle_problems", "Problem answers, by kind.", ["kind"], registry=registry)

    def turn(self, answer: Answer, seconds: float) -> None:
        """Counts one recorded turn. The trace's `timings_ms` are milliseconds by step."""
        self._turns.labels(answer.reply.outcome).inc()
        self._seconds.observe(seconds)
        timings = answer.trace.get("timings_ms")
        for step, milliseconds in timings.items() if isinstance(timings, Mapping) else ():
            if isinstance(milliseconds, int | float):
                self._steps.labels(step).observe(milliseconds / 1000)

    def problem(self, kind: str) -> None:
        self._problems.labels(kind).inc()

    def text(self) -> bytes:
        return generate_latest(self._registry)
