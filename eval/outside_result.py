"""What came of the cases of somebody outside: counts, scores with intervals, rows; written beside the file, and signed."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from rich.console import Console

from app.keys import KeyRing
from app.settings import Settings
from eval.judge import PROMPT_VERSION, Judge
from eval.metrics.decisions import precision_recall
from eval.metrics.intervals import bootstrap
from eval.outside_cases import Outside
from eval.runner import root_of, run
from eval.runs import Row, Run, RunError
from eval.signed import FORMAT, canonical, file_digest, rows_digest, write

SCORES = ("right", "facts", "citation_precision", "citation_recall", "grounded", "similarity", "grade", "words")
DECISIONS = ("abstain", "refuse", "escalate")
NOT_RUN = "not run: "


@dataclass
class Tally:
    """Numbers of all rows so far, never the rows."""

    counts: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    values: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    pairs: dict[str, list[tuple[bool, bool]]] = field(default_factory=lambda: defaultdict(list))
    slices: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    judged: list[float] = field(default_factory=list)
    no_verdict: Counter[str] = field(default_factory=Counter)

    def add(self, told: dict[str, Any], row: Row) -> None:
        right = told["right"]
        self.counts["rows"] += 1
        self.counts["right" if right else "no_expectation" if right is None else "wrong"] += 1
        self.counts["not_run"] += bool(told["faults"] and told["faults"][0].startswith(NOT_RUN))
        self.outcomes[row["outcome"] or "none"] += 1
        for name, value in told["scores"].items():
            self.values[name].append(value)
        for name in DECISIONS:
            if name in row["pairs"]:
                self.pairs[name].append(tuple(row["pairs"][name]))
        if right is not None:
            for name, value in row["slices"].items():
                self.slices[f"{name}={value}"].append(float(right))
        if judge := told.get("judge"):
            if judge["score"] is None:
                self.no_verdict[judge["trouble"]] += 1
            else:
                self.judged.append(float(judge["score"]))

    def summary(self) -> dict[str, Any]:
        names = ("rows", "right", "wrong", "no_expectation", "not_run")
        return {
            "counts": {**{name: self.counts[name] for name in names}, "outcomes": dict(sorted(self.outcomes.items()))},
            "scores": {name: interval(self.values[name]) for name in dict.fromkeys((*SCORES, *sorted(self.values)))},
            "decisions": {name: asdict(precision_recall(self.pairs[name])) for name in DECISIONS},
            "slices": {name: interval(values) for name, values in sorted(self.slices.items()) if name != "style=plain"},
        }


def interval(values: Iterable[float]) -> dict[str, Any]:
    found = bootstrap(values)
    return {**asdict(found), "says": found.says}


def told(row: Row, decided: bool) -> dict[str, Any]:
    """A row as outsiders get it. `right` is None where nothing was expected, and nothing went wrong all the same."""
    right = row["right"] if decided or row["faults"] else None
    scores = {name: value for name, value in row["scores"].items() if name != "right"}
    if right is not None:
        scores = {"right": float(right), **scores}
    return {
        "id": row["id"],
        "turns": row["turns"],
        "slices": row["slices"],
        "expect": row["expect"],
        "right": right,
        "faults": row["faults"],
        "outcome": row["outcome"],
        "reason": row["reason"],
        "text": row["text"],
        "citations": row["citations"],
        "handover": row["handover"],
        "scores": scores,
    }


def evaluate_file(
    outside: Outside,
    settings: Settings,
    jobs: int = 0,
    out: Path | None = None,
    console: Console | None = None,
    judge: Judge | None = None,
) -> tuple[Path, dict[str, Any]]:
    """Runs the cases and writes the signed result; where, and what it says.

    An interrupted run goes on. Raises `RunError`, also where the file changed meanwhile, `ResultError`, `TokenKeyError`.
    """
    place = out or outside.path.with_name(f"{outside.path.name}.result.json")
    if place.resolve() == outside.path.resolve():
        raise RunError(f"{place} is the file of the cases; name another with --out")
    key = KeyRing(settings.home / "keys").newest()
    made = run([outside.suite()], settings, jobs, {"cases": outside.digest}, console, root_of(settings) / "outside")
    if file_digest(outside.path) != outside.digest:
        raise RunError(f"{outside.path} was changed while its cases ran; run it again")
    tally = Tally()
    with tempfile.TemporaryFile() as kept:
        for line in _lines(made, outside, tally, judge):
            kept.write(line + b"\n")
        result = _result(outside, made, tally, judge) | {"rows_sha256": rows_digest(_again(kept))}
        write(place, result, _again(kept), key)
    return place, result


def _lines(made: Run, outside: Outside, tally: Tally, judge: Judge | None) -> Iterator[bytes]:
    for row in made.rows():
        one = told(row, row["id"] not in outside.open)
        if judge:
            evidence = [item["text"] for item in row["evidence"]]
            reference = row["expect"].get("reference", "")
            one["judge"] = asdict(judge.grade("\n".join(row["turns"]), row["text"], evidence, reference))
        tally.add(one, row)
        yield canonical(one)


def _again(kept: IO[bytes]) -> Iterator[bytes]:
    kept.seek(0)
    yield from kept


def _result(outside: Outside, made: Run, tally: Tally, judge: Judge | None) -> dict[str, Any]:
    about = made.about
    data = {"name": outside.path.name, "sha256": outside.digest, "cases": outside.count}
    found: dict[str, Any] = {
        "format": FORMAT,
        "run": about["id"],
        "began": about["began"],
        "ended": about["ended"],
        "signed": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "data": data,
        "today": outside.about.today.isoformat(),
        "seed": outside.about.seed,
        "versions": {name: value for name, value in about["versions"].items() if name != "data"},
        **tally.summary(),
    }
    if judge:
        scores = interval(tally.judged)
        found["judge"] = {
            "model": judge.name,
            "rubric": PROMPT_VERSION,
            "scores": scores,
            "no_verdict": dict(sorted(tally.no_verdict.items())),
        }
    return found
