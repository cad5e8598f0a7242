"""Stored runs, PESTLE_HOME/eval/<run id>/: run.json, rows.jsonl, summary.json; listed, compared, gone on with."""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from eval.metrics.intervals import Difference, paired

Row = dict[str, Any]
ROWS_KEPT, SECONDS_KEPT = 50, 2.0  # a crash loses no more than these


class RunError(ValueError):
    """A run can't be found, or another one is going on; one sentence that says what to do."""


@dataclass(frozen=True)
class Run:
    """A run on disk."""

    folder: Path

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def about(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
        return found

    @property
    def ended(self) -> bool:
        return bool(self.about.get("ended"))

    @property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "summary.json").read_text(encoding="utf-8"))
        return found

    def rows(self) -> Iterator[Row]:
        """One at a time: there may be a hundred thousand."""
        with (self.folder / "rows.jsonl").open(encoding="utf-8") as file:
            yield from map(json.loads, file)

    def case(self, case: str) -> Row:
        """Raises RunError."""
        found = next((row for row in self.rows() if row["id"] == case), None)
        if found is None:
            raise RunError(f"run {self.id} has no case {case!r}; its cases are in {self.folder / 'rows.jsonl'}")
        return found

    def keep(self, name: str, data: Any) -> None:
        write_json(self.folder / name, data)


def write_json(path: Path, data: Any) -> None:
    """Whole or not at all."""
    beside = path.with_suffix(".part")
    with beside.open("w", encoding="utf-8") as file:
        json.dump(data, file, ensure_ascii=False, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def all_runs(root: Path) -> list[Run]:
    """Oldest first; `root` is PESTLE_HOME/eval."""
    found = [Run(path.parent) for path in root.glob("*/run.json")]
    return sorted(found, key=lambda run: (str(run.about.get("began")), run.id))


def find(root: Path, name: str) -> Run:
    """By its id, the beginning of it, or `latest`. Raises RunError."""
    runs = all_runs(root)
    if name == "latest" and (ended := [run for run in runs if run.ended]):
        return ended[-1]
    found = [run for run in runs if run.id.startswith(name)]
    if len(found) != 1:
        there = ", ".join(run.id for run in runs[-5:]) or "none yet: run `pestle eval`"
        raise RunError(f"{'no run is' if not found else 'several runs are'} called {name!r}; the last ones: {there}")
    return found[0]


def before(root: Path, run: Run) -> Run | None:
    """The last finished run of the same suites before this one, of the same kind of run."""
    about = run.about
    same = [
        other
        for other in all_runs(root)
        if other.ended and other.id != run.id and str(other.about["began"]) < str(about["began"])
        and other.about["suites"] == about["suites"] and other.about["options"] == about["options"]
    ]  # fmt: skip
    return same[-1] if same else None


def new_id(now: dt.datetime, digest: str) -> str:
    return f"{now:%Y%m%d-%H%M%S}-{digest[:6]}"


class RowFile:
    """rows.jsonl, appended to and synced every few rows. A line that an interruption tore is cut off first."""

    def __init__(self, path: Path) -> None:
        self.done: set[tuple[str, str]] = set()
        whole = 0
        if path.exists():
            with path.open("rb") as file:
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    row = json.loads(line)
                    self.done.add((row["suite"], row["id"]))
                    whole += len(line)
        self._file = path.open("ab")
        self._file.truncate(whole)
        self._waiting, self._synced = 0, time.monotonic()

    def add(self, line: str) -> None:
        self._file.write(f"{line}\n".encode())
        self._waiting += 1
        if self._waiting >= ROWS_KEPT or time.monotonic() - self._synced > SECONDS_KEPT:
            self.sync()

    def sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._waiting, self._synced = 0, time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.sync()
        self._file.close()


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Held by one evaluation at a time, and let go by the system however it ends. Raises RunError."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / "lock").open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            held = lock.read().strip() or "another process"
            raise RunError(f"an evaluation is running already ({held}); wait for it, or end it and run again") from None
        lock.seek(0)
        lock.truncate()
        lock.write(f"process {os.getpid()}, since {dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M:%S} UTC")
        lock.flush()
        yield


Outcomes = dict[str, dict[str, dict[str, float]]]  # suite → score → case → value


def outcomes(run: Run, only: Sequence[str] = ()) -> Outcomes:
    """The scores of every case; `only` these scores, or all."""
    found: Outcomes = defaultdict(lambda: defaultdict(dict))
    for row in run.rows():
        for name, value in row["scores"].items():
            if not only or name in only:
                found[row["suite"]][name][row["id"]] = value
    return {suite: dict(by_score) for suite, by_score in found.items()}


def compare(then: Run, now: Run) -> dict[str, dict[str, Difference]]:
    """Suite → score → the paired difference over the cases that both runs have."""
    one, two = outcomes(then), outcomes(now)
    return {
        suite: {
            name: paired(one[suite].get(name, {}), values)
            for name, values in by_score.items()
            if one[suite].get(name, {}).keys() & values.keys()
        }
        for suite, by_score in two.items()
        if suite in one
    }
