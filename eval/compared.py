"""A candidate against what serves, over the quick part of every suite, case by case and gate by gate."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from app.settings import Settings
from app.tuning.candidates import Candidate, Change, Compared
from app.tuning.durable import write_whole
from app.tuning.serving import Served, ServingFile
from eval.accepted import Accepted, read_accepted
from eval.adapted import adapted
from eval.cases import Suite, read_suites
from eval.gates import GateFile, Verdict, against, judge, read_gates
from eval.known import Known
from eval.metrics.intervals import Difference, paired
from eval.quick import quick
from eval.runner import root_of
from eval.runner import run as run_suites
from eval.runs import Run, all_runs, compare
from eval.versions import versions

BEYOND_CHANCE = 0.05  # p of a difference that is told
OPTIONS: dict[str, Any] = {"quick": True}
Runs = Callable[[Sequence[Suite], Settings, int, dict[str, Any], Console | None], Run]


def compared(
    candidate: Candidate,
    settings: Settings,
    jobs: int = 0,
    console: Console | None = None,
    suites: Sequence[Suite] | None = None,
    runs: Runs = run_suites,
) -> Compared:
    """Runs the suites with what serves and with the candidate in its place, but for a run of the same versions that is there.

    One that serves is held against the same without it. An ended run is gone on with. Raises the runner's errors, and those of loading the candidate.
    """
    serving = ServingFile(settings.serving_file).read()
    serves = getattr(serving, candidate.kind) == candidate.id
    then_served = (serving.having(None, candidate.kind) if serves else serving).present
    part = quick([*read_suites(Known.of(settings.knowledge)), *adapted()]) if suites is None else suites
    with tempfile.TemporaryDirectory(prefix="pestle-compare-") as folder:
        before = _with(then_served, settings, Path(folder) / "before.json")
        after = _with(serving.having(candidate.id, candidate.kind).present, settings, Path(folder) / "after.json")
        then, now = (_same(part, these) or runs(part, these, jobs, OPTIONS, console) for these in (before, after))
    return verdict(then, now, then_served.learnt, read_gates(), read_accepted())


def verdict(then: Run, now: Run, served: dict[str, str], gates: GateFile, accepted: Accepted | None) -> Compared:
    """What the candidate's run says against the other one. A gate with nothing to go by is no pass."""
    both = [{v.name: v for v in judge(gates, run.rows(), run.summary, accepted, quick=True)} for run in (then, now)]
    fell = {name: v for name, v in both[1].items() if not v.held}
    told = [name for name in fell if name in both[0] and not both[0][name].held]
    mine = [_says(v) for name, v in fell.items() if name not in told]
    mine += [_says(v, "what serves") for v in against(gates.baseline, now.rows(), _as_accepted(then)) if not v.held]
    changes = [
        _change(suite, name, one)
        for suite, by_score in compare(then, now).items()
        for name, one in by_score.items()
        if one.value and one.p is not None and one.p < BEYOND_CHANCE
    ]
    right = paired(_right(then), _right(now))
    return Compared(
        against=served,
        gates=tuple(dict.fromkeys(mine)),
        gains=tuple(one for one in changes if one.value > 0),
        losses=tuple(one for one in changes if one.value < 0),
        run=now.id,
        before=then.id,
        told=tuple(told),
        cases=right.count,
        right=(right.value, right.low, right.high, right.p),
    )


def _with(served: Served, settings: Settings, path: Path) -> Settings:
    """The settings under which these candidates serve."""
    write_whole(path, served.model_dump_json())
    return settings.model_copy(update={"serving": path})


def _same(suites: Sequence[Suite], settings: Settings) -> Run | None:
    """A complete run of these versions, which need not be made again."""
    same = {"suites": [suite.name for suite in suites], "versions": versions(settings, suites), "options": OPTIONS}
    found = [run for run in all_runs(root_of(settings)) if run.ended]
    return next((run for run in reversed(found) if all(run.about[key] == value for key, value in same.items())), None)


def _as_accepted(run: Run) -> Accepted:
    """What serves, as the run that another one is held against."""
    mrr = {row["id"]: row["scores"]["mrr"] for row in run.rows() if "mrr" in row["scores"]}
    return Accepted(run.id, {row["id"]: float(row["right"]) for row in run.rows()}, mrr)


def _right(run: Run) -> dict[str, float]:
    return {f"{row['suite']}/{row['id']}": float(row["right"]) for row in run.rows()}


def _says(one: Verdict, than: str = "the baseline") -> str:
    return f"{one.name}: {one.says}".replace("the baseline", than)


def _change(suite: str, metric: str, one: Difference) -> Change:
    value, low, high, p = one.value or 0.0, one.low or 0.0, one.high or 0.0, one.p or 0.0
    return Change(suite=suite, metric=metric, value=value, low=low, high=high, p=p, count=one.count)
