"""Runs suites: cases to worker processes, rows back in the order of the cases, a run folder that can be gone on with."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from app.settings import Settings
from eval.cases import Suite, Task
from eval.runs import Row, RowFile, Run, RunError, all_runs, alone, new_id
from eval.summary import summarise
from eval.versions import versions

if TYPE_CHECKING:
    from eval.worker import Worker

CHUNK = 8  # cases that are sent to a process at once
AHEAD = 4  # chunks that wait for each process; no more cases are in memory
# One thread each: the encoder keeps to that by itself, the libraries beside it would take the other processes' cores.
# One order of sets: where several figures are wrong, a trace names the first.
ALIKE = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"), "1"),
    "PYTHONHASHSEED": "0",
}
Source = Callable[[Settings, int], Iterable[Row]]  # rows that are made elsewhere, as by simulated customers


def root_of(settings: Settings) -> Path:
    """Where runs are kept."""
    return settings.home / "eval"


def run(
    suites: Sequence[Suite],
    settings: Settings,
    jobs: int = 0,
    options: dict[str, Any] | None = None,
    console: Console | None = None,
    root: Path | None = None,
    sources: dict[str, Source] | None = None,
) -> Run:
    """Every case of the suites, then the rows of the `sources`; the finished run.

    `jobs` is how many processes work; 0: this one alone. The rows are the same however many there are
    (with 0, but for what a trace names first among several). An unfinished
    run of the same versions, suites and options is gone on with. Raises RunError when another evaluation is running.
    """
    root = root or root_of(settings)
    with alone(root):
        made = versions(settings, suites)
        ours, fresh = _open(root, [*(suite.name for suite in suites), *(sources or {})], made, options or {})
        about = ours.about
        total = sum(suite.count for suite in suites)
        with RowFile(ours.folder / "rows.jsonl") as rows, _bar(console, total) as advance:
            if not fresh and console:
                console.print(f"Going on with run {ours.id}: {len(rows.done)} cases are done.")
            advance("cases done before", len(rows.done))
            tasks = (task for suite in suites for task in suite.tasks if (task.suite, task.case.id) not in rows.done)
            for suite_name, line in _lines(tasks, settings, jobs):
                rows.add(line)
                advance(suite_name, 1)
            for name, source in (sources or {}).items():
                for row in source(settings, jobs):
                    if (name, row["id"]) not in rows.done:
                        rows.add(dumped(row))
                        advance(name, 1)
        ours.keep("summary.json", summarise(ours.rows()))
        ours.keep("run.json", about | {"ended": _now().isoformat(timespec="seconds")})
    return ours


def _open(root: Path, names: list[str], made: dict[str, Any], options: dict[str, Any]) -> tuple[Run, bool]:
    """The unfinished run of the same kind, or a new one."""
    same = {"suites": names, "versions": made, "options": options}
    for old in reversed(all_runs(root)):
        about = old.about
        if not about["ended"] and all(about[key] == value for key, value in same.items()):
            return old, False
    now = _now()
    digest = hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()
    fresh = Run(root / new_id(now, digest))
    fresh.folder.mkdir(parents=True)
    fresh.keep("run.json", {"id": fresh.id, "began": now.isoformat(timespec="milliseconds"), "ended": None, **same})
    return fresh, True


def _lines(tasks: Iterable[Task], settings: Settings, jobs: int) -> Iterator[tuple[str, str]]:
    """Suite and row of each task, in the order of the tasks."""
    if jobs <= 0:
        from eval.worker import Worker

        worker = Worker(settings)
        try:
            for task in tasks:
                yield task.suite, dumped(worker.run(task))
        finally:
            worker.close()
        return
    waiting: deque[Future[list[tuple[str, str]]]] = deque()
    left = iter(tasks)
    with _alike():
        pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _start, (settings,))
        try:
            while True:
                while len(waiting) < jobs * AHEAD and (chunk := list(islice(left, CHUNK))):
                    waiting.append(pool.submit(_work, chunk))
                if not waiting:
                    return
                yield from waiting.popleft().result()
        except BrokenProcessPool:
            why = "a worker process ended (killed, or what it loads is missing: see above)"
            raise RunError(f"{why}; run again and it goes on from here, with --jobs 0 to see why") from None
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _alike() -> Iterator[None]:
    """The environment of the processes that are started meanwhile."""
    kept = {name: os.environ.get(name) for name in ALIKE}
    os.environ.update(ALIKE)
    try:
        yield
    finally:
        for name, value in kept.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


_worker: Worker | None = None


def _start(settings: Settings) -> None:
    """In each process: Ctrl-C is for the one that collects."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger("bm25s").setLevel(logging.WARNING)
    from eval.worker import Worker

    global _worker
    _worker = Worker(settings)


def _work(tasks: Sequence[Task]) -> list[tuple[str, str]]:
    assert _worker is not None
    return [(task.suite, dumped(_worker.run(task))) for task in tasks]


def dumped(row: Row) -> str:
    return json.dumps(row, ensure_ascii=False, default=str)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@contextmanager
def _bar(console: Console | None, total: int) -> Iterator[Callable[[str, int], None]]:
    if console is None:
        yield lambda suite, count: None
        return
    columns = (
        TextColumn("{task.description:20}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bars:
        task = bars.add_task("loading", total=total)

        def advance(suite: str, count: int) -> None:
            bars.update(task, advance=count, description=suite)

        yield advance
