"""What a run says nothing about, in sentences: silence is never a pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from eval.report import words
from eval.report.change import Change
from eval.report.digest import Digest
from eval.report.gates import Ruling
from eval.report.slices import Worst
from eval.report.stored import Stored

PARTS = {
    "confusion": ("matrix", "Confusion of intents: no case names its intent."),
    "retrieval": ("recall", "Retrieval: no case with known right articles went through search."),
    "latency_ms": ("histogram", "Latency: no times were kept."),
}


def unmeasured(
    run: Stored, found: Digest, rulings: Sequence[Ruling] | None, changes: Sequence[Change], worst: Sequence[Worst]
) -> list[str]:
    return [*_scope(run, found, changes), *_gates(rulings), *_compared(changes), *_parts(run, worst), *_judge(run)]


def _scope(run: Stored, found: Digest, changes: Sequence[Change]) -> Iterator[str]:
    if not run.info.get("ended"):
        yield "The run has not ended; these are the cases finished so far. The same command goes on with it."
    if (run.info.get("options") or {}).get("quick"):
        yield "This was a quick run: a part of each suite."
    if not found.count:
        yield "No case was run, so nothing was measured. That is not a pass."
    if missing := [words.label(str(name)) for name in run.info.get("suites") or [] if name not in found.suites]:
        yield f"No case of {words.listed(missing)} was run."
    for change in changes:
        left = set(change.other.versions.get("data") or {}) - set(run.versions.get("data") or {})
        if left:
            yield f"Run in {change.name} and not in this one: {words.listed(sorted(map(words.label, left)))}."


def _gates(rulings: Sequence[Ruling] | None) -> Iterator[str]:
    if rulings is None:
        yield "The gates were not asked."
    for ruling in rulings or ():
        if ruling.held is None:
            yield f"A gate had no cases to go by, which is no pass: {ruling.says}"


def _compared(changes: Sequence[Change]) -> Iterator[str]:
    names = [change.name for change in changes]
    for name in ("the last run", "the baseline"):
        if name not in names:
            yield f"Not compared with {name}: none was given."
    for change in changes:
        if change.overall.value is None:
            yield f"Not compared case by case with {change.name}: no case is in both."


def _parts(run: Stored, worst: Sequence[Worst]) -> Iterator[str]:
    if worst and worst[0].row is None:
        yield "Gaps between ways of speaking: no slice shares needs with standard English."
    for part, (key, sentence) in PARTS.items():
        if not (run.summary.get(part) or {}).get(key):
            yield sentence
    if not run.summary.get("reliability"):
        yield "Calibration of the heads: no case is labelled for one."
    counts: Counter[str] = Counter()
    for entry in (run.summary.get("suites") or {}).values():
        for name, figure in (entry.get("metrics") or {}).items():
            counts[name] += int(figure.get("count") or 0)
    if empty := [words.metric_label(name) for name, count in counts.items() if not count]:
        yield f"No case in any suite for: {', '.join(empty)}."


def _judge(run: Stored) -> Iterator[str]:
    if not (run.info.get("options") or {}).get("judge"):
        yield "No model judged the answers: right means that each of a case's own checks held."
