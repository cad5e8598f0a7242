"""Simulated customers in several processes, each with the API of its own, loaded once."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from app.settings import Settings
from app.tokens import Tokens
from app.wiring import Wired, build
from eval.account import CUSTOMERS
from eval.account_figures import Ground
from eval.cases import SEED, TODAY
from eval.simulated.goals import GOALS, Goal, Titles, read_goals
from eval.simulated.plans import Plan, plans
from eval.simulated.rows import Row, row
from eval.simulated.talk import talks
from rag.account.generate import generate

CHUNK = 10  # conversations with one started API, whose store they share
COUNT, PEOPLE = 520, 29


def conversations(
    settings: Settings, jobs: int, seed: int = PEOPLE, count: int = COUNT, goals: Path = GOALS
) -> Iterator[Row]:
    """The rows of `count` conversations, in order; the same however many processes there are. 0 jobs: this process.

    Raises GoalErrors and the loaders' own errors, each with what to do next.
    """
    wanted, titles = read_goals(settings.knowledge, goals)
    yield from rows_of(wanted, titles, settings, jobs, seed, count)


def rows_of(
    goals: Sequence[Goal], titles: Titles, settings: Settings, jobs: int, seed: int, count: int
) -> Iterator[Row]:
    ground = _ground()
    everybody = plans(goals, ground, seed, count)
    chunks = [everybody[n : n + CHUNK] for n in range(0, len(everybody), CHUNK)]
    if jobs <= 0:
        with tempfile.TemporaryDirectory(prefix="pestle-simulated-") as folder:
            stage = Stage(settings, ground, Path(folder))
            try:
                for chunk in chunks:
                    yield from stage.play(chunk, titles)
            finally:
                stage.close()
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _start, (settings, titles)) as pool:
        for found in pool.map(_play, chunks):
            yield from found


def _ground() -> Ground:
    return Ground(generate(SEED, TODAY, CUSTOMERS))


class Stage:
    """An assistant over the demo business, and for each chunk of conversations an API with an empty store."""

    def __init__(
        self,
        settings: Settings,
        ground: Ground,
        folder: Path,
        make: Callable[..., Wired] = build,
    ) -> None:
        self._ground, self._folder, self._played = ground, folder, 0
        self._settings = settings.model_copy(update={"today": TODAY})
        self._wired = make(self._settings, ground.book, folder / "documents")

    def close(self) -> None:
        self._wired.close()

    def play(self, chunk: Sequence[Plan], titles: Titles) -> list[Row]:
        from app.api.main import create_app

        self._played += 1
        home = self._folder / f"home-{self._played}"
        home.mkdir()
        apart = {"home": home, "database_url": "", "rate_identity": 0, "rate_address": 0, "demo": False}
        settings = self._settings.model_copy(update=apart)  # nothing is written to the real home
        app = create_app(settings, self._wired.assistant, book=self._ground.book)
        return asyncio.run(_rows(app, chunk, titles, partial(Tokens(settings).mint, "customer"), self._ground))


async def _rows(
    app: Any, chunk: Sequence[Plan], titles: Titles, mint: Callable[[str], str], ground: Ground
) -> list[Row]:
    return [row(talk, ground) async for talk in talks(app, chunk, titles, mint)]


_stage: tuple[Stage, Titles, tempfile.TemporaryDirectory[str]] | None = None


def _start(settings: Settings, titles: Titles) -> None:
    """In each process: Ctrl-C is for the one that collects."""
    global _stage
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger("bm25s").setLevel(logging.WARNING)
    folder = tempfile.TemporaryDirectory(prefix="pestle-simulated-", ignore_cleanup_errors=True)
    _stage = Stage(settings, _ground(), Path(folder.name)), titles, folder


def _play(chunk: Sequence[Plan]) -> list[Row]:
    assert _stage is not None
    return _stage[0].play(chunk, _stage[1])
