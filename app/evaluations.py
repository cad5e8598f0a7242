"""Stored evaluation runs, as `pestle eval` leaves them in PESTLE_HOME/eval/<run id>/: read for the quality page."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, Field, FiniteFloat, ValidationError

RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
RUN, SUMMARY, REPORT = "run.json", "summary.json", "report.html"
OF_A_RUN = (RUN, SUMMARY, "rows.jsonl")  # a folder with none of them is something else


class Estimate(BaseModel):
    """A measure with its 95 % interval; `value` is None where there was no case."""

    value: FiniteFloat | None
    low: FiniteFloat | None = None
    high: FiniteFloat | None = None
    count: int = Field(ge=0)


class SuiteScores(BaseModel):
    """`metrics` by name; `right` is the share of cases that were right."""

    count: int = Field(ge=0)
    metrics: dict[str, Estimate] = {}


class _Latency(BaseModel):
    p50: FiniteFloat | None = None
    p95: FiniteFloat | None = None


class _Summary(BaseModel):
    suites: dict[str, SuiteScores]
    latency_ms: _Latency = _Latency()


class _About(BaseModel):
    began: dt.datetime
    ended: dt.datetime | None = None
    versions: dict[str, Any] = {}
    options: dict[str, Any] = {}


@dataclass(frozen=True)
class StoredRun:
    """A run on disk. `ended` None: interrupted, or still going on; then it has no scores yet.

    `versions`: of code, policy, knowledge and models; `quick`: only the part that `--quick` runs; latencies in ms.
    """

    id: str
    began: dt.datetime
    ended: dt.datetime | None
    versions: dict[str, str]
    quick: bool
    suites: dict[str, SuiteScores]
    p50: float | None
    p95: float | None
    has_report: bool


@dataclass(frozen=True)
class BrokenRun:
    """A folder that is passed over. `why`: one sentence."""

    id: str
    why: str


def stored_runs(root: Path, most: int) -> tuple[list[StoredRun], list[BrokenRun]]:
    """The newest runs under `root`, oldest first, and the broken folders that lay among them."""
    runs: list[StoredRun] = []
    broken: list[BrokenRun] = []
    for folder in _folders(root):
        try:
            runs.append(_read(folder))
        except _Broken as error:
            broken.append(BrokenRun(folder.name, str(error)))
        if len(runs) == most:
            break
    return sorted(runs, key=lambda run: (run.began, run.id)), broken


def report_of(root: Path, run_id: str) -> Path | None:
    """The report of a run, or None; never a file outside its folder, whatever `run_id` is."""
    if not RUN_ID.fullmatch(run_id):
        return None
    report = root / run_id / REPORT
    try:
        inside = report.resolve(strict=True) == root.resolve(strict=True) / run_id / REPORT
    except (OSError, RuntimeError):  # not there, or links in a ring
        return None
    return report if inside and report.is_file() else None


class _Broken(ValueError):
    pass


def _folders(root: Path) -> Iterator[Path]:
    """Of runs, newest first: their names begin with the time."""
    try:
        names = sorted((path.name for path in root.iterdir() if RUN_ID.fullmatch(path.name)), reverse=True)
    except OSError:
        return
    for name in names:
        if any((root / name / file).exists() for file in OF_A_RUN):
            yield root / name


def _read(folder: Path) -> StoredRun:
    about = _file(folder / RUN, _About)
    summary = _file(folder / SUMMARY, _Summary) if about.ended else _Summary(suites={})
    return StoredRun(
        id=folder.name,
        began=_aware(about.began),
        ended=about.ended and _aware(about.ended),
        versions={name: value for name, value in about.versions.items() if isinstance(value, str)},
        quick=about.options.get("quick") is True,
        suites=summary.suites,
        p50=summary.latency_ms.p50,
        p95=summary.latency_ms.p95,
        has_report=report_of(folder.parent, folder.name) is not None,
    )


def _aware(at: dt.datetime) -> dt.datetime:
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)


M = TypeVar("M", bound=BaseModel)


def _file(path: Path, model: type[M]) -> M:
    """Raises `_Broken`, which names the file and what is wrong with it, and no other path of this machine."""
    try:
        return model.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise _Broken(f"{path.name} is missing; delete the folder, or run `pestle eval` again.") from None
    except OSError as error:
        raise _Broken(f"{path.name} can't be read ({error.strerror}); delete the folder, or mend it.") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        what = f"{where}: {first['msg']}" if where else first["msg"]
        raise _Broken(f"{path.name} is not as expected ({what}); delete the folder, or mend it.") from None
