"""What changed since another run: overall and per suite, with the significance of paired cases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval.metrics.intervals import Difference, paired
from eval.report import words
from eval.report.digest import Digest, rights
from eval.report.stored import Stored, read

TONES = {"better": "good", "worse": "bad"}
JUDGED = {
    "better": "Better than",
    "worse": "Worse than",
    "no change": "Level with",
    "no clear change": "No clear change against",
}


@dataclass(frozen=True)
class Other:
    """The run that is compared with. `right` maps cases to 1.0 or 0.0; a baseline in one file may lack it."""

    id: str
    versions: Mapping[str, Any]
    summary: Mapping[str, Any]
    right: Mapping[str, float]
    began: str = ""


@dataclass(frozen=True)
class Change:
    name: str  # "the last run", "the baseline"
    other: Other
    overall: Difference
    suites: Mapping[str, Difference]
    broken: frozenset[str] = field(default_factory=frozenset)  # right then, wrong now
    mended: frozenset[str] = field(default_factory=frozenset)
    added: int = 0  # cases that the other run did not have
    gone: int = 0
    versions: tuple[str, ...] = ()  # names of what else changed


def load(path: Path) -> Other:
    """A run folder, or a baseline kept in one file. Raises `NoRun`."""
    if path.is_dir() or not path.exists():
        run = read(path)
        return Other(run.id, run.versions, run.summary, rights(run), str(run.info.get("began", "")))
    kept = json.loads(path.read_text(encoding="utf-8"))
    info = kept.get("run") if isinstance(kept.get("run"), dict) else kept
    right = {str(case): float(value) for case, value in (kept.get("right") or {}).items()}
    return Other(
        str(info.get("id", path.stem)),
        info.get("versions") or {},
        kept.get("summary") or kept,
        right,
        str(info.get("began", "")),
    )


def change(name: str, run: Stored, now: Digest, other: Other) -> Change:
    """Over the cases that both runs have."""
    both = now.right.keys() & other.right.keys()
    suites = {
        suite: _paired(other.right, now.right, [case for case in cases if case in both])
        for suite, cases in now.suites.items()
    }
    return Change(
        name,
        other,
        _paired(other.right, now.right, sorted(both)),
        suites,
        frozenset(case for case in both if other.right[case] > now.right[case]),
        frozenset(case for case in both if other.right[case] < now.right[case]),
        len(now.right) - len(both),
        len(other.right) - len(both),
        tuple(changed(run.versions, other.versions)),
    )


def changed(now: Mapping[str, Any], then: Mapping[str, Any]) -> list[str]:
    """Names of what has another version now; suites whose cases are others, as "cases of NAME"."""
    names = [name for name in now if name != "data" and name in then and now[name] != then[name]]
    data, old = now.get("data") or {}, then.get("data") or {}
    return names + [f"cases of {suite}" for suite in data if suite in old and data[suite] != old[suite]]


def clear(found: Difference | None) -> bool:
    """Whether chance alone would hardly have made the difference."""
    return found is not None and found.value is not None and found.p is not None and found.p < 0.05 and found.value != 0


def verdict(found: Difference | None) -> str:
    """In one word or two: better, worse, no clear change, or that nothing can be compared."""
    if found is None or found.value is None:
        return "not compared"
    if not clear(found):
        return "no change" if found.value == 0 else "no clear change"
    return "better" if found.value > 0 else "worse"


def size(found: Change) -> str:
    """The change over all, in words."""
    overall = found.overall
    if overall.value is None:
        return f"Not compared with {found.name}: no case is in both."
    if overall.value == 0 and not found.broken:
        return f"The same as {found.name}, case by case."
    judged = JUDGED[verdict(overall)]
    much = f"{words.points(overall.value)}{words.SPACE}points"
    return f"{judged} {found.name}: {much} ({words.points(overall.low)} to {words.points(overall.high)}, {words.chance(overall.p)})."


def moved(found: Change) -> str:
    if found.overall.value is None:
        return ""
    both = words.count(found.overall.count, "case")
    if not found.broken and not found.mended:
        return f"{words.capital(both)} in both."
    return f"Of {both} in both, {len(found.broken):,} newly wrong and {len(found.mended):,} newly right."


def _paired(then: Mapping[str, float], now: Mapping[str, float], cases: list[str]) -> Difference:
    return paired({case: then[case] for case in cases}, {case: now[case] for case in cases})
