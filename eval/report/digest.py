"""One pass over a run's rows: who was right, what each slice met, where the failed cases lie."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from eval.report.stored import Row, Stored
from eval.report.words import kind_of


@dataclass(frozen=True)
class Failed:
    """A failed case: where its row begins in rows.jsonl, and what it is filtered by."""

    suite: str
    id: str
    offset: int
    kinds: tuple[str, ...]


@dataclass
class Slice:
    """One slice's cases. Each metric maps a case's key to its values; a need said in several ways shares its key."""

    count: int = 0
    metrics: dict[str, dict[str, list[float]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))

    def add(self, metric: str, key: str, value: float) -> None:
        self.metrics[metric][key].append(float(value))

    def values(self, metric: str) -> list[float]:
        return [value for values in self.metrics.get(metric, {}).values() for value in values]

    def by_need(self, metric: str) -> dict[str, float]:
        return {key: sum(values) / len(values) for key, values in self.metrics.get(metric, {}).items()}


@dataclass
class Digest:
    count: int = 0
    right: dict[str, float] = field(default_factory=dict)  # case → 1.0 or 0.0
    suites: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  # suite → its cases
    slices: dict[tuple[str, str], Slice] = field(default_factory=lambda: defaultdict(Slice))
    failed: list[Failed] = field(default_factory=list)
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)  # (suite, kind) → cases
    rails: Counter[str] = field(default_factory=Counter)  # rail → ordinary cases of any slice that it stopped

    @property
    def rights(self) -> int:
        return self.count - len(self.failed)


def digest(run: Stored) -> Digest:
    """Holds a few numbers a row, never the rows themselves."""
    found = Digest()
    for offset, row in run.rows():
        suite, case, right = str(row.get("suite", "")), str(row["id"]), bool(row.get("right"))
        found.count += 1
        found.right[case] = float(right)
        found.suites[suite].append(case)
        if not right:
            kinds = tuple(dict.fromkeys(kind_of(str(fault)) for fault in row.get("faults") or ())) or ("other",)
            found.failed.append(Failed(suite, case, offset, kinds))
            found.faults.update((suite, kind) for kind in kinds)
        for name, value in (row.get("slices") or {}).items():
            if row.get("kind") != "reading" or name != "style":  # what a reading is, is not what an answer is
                _slice(found, (str(name), str(value)), row, right)
    return found


def rights(run: Stored) -> dict[str, float]:
    """Case → 1.0 or 0.0, of a run that is compared with."""
    return {str(row["id"]): float(bool(row.get("right"))) for _, row in run.rows()}


def _slice(found: Digest, of: tuple[str, str], row: Row, right: bool) -> None:
    slice_ = found.slices[of]
    slice_.count += 1
    key = str(row.get("need") or row["id"])
    slice_.add("right", key, right)
    if row.get("kind") == "reading":
        return
    slice_.add("refused", key, row.get("outcome") == "refused")
    slice_.add("handover", key, bool(row.get("handover")))
    alarm = (row.get("scores") or {}).get("alarm")  # only where a plain answer is expected
    if alarm is None:
        return
    slice_.add("alarm", key, alarm)
    if alarm:
        rail = str(row.get("stopped_by") or row.get("reason") or row.get("outcome"))
        slice_.add(f"stopped by {rail}", key, 1.0)
        found.rails[rail] += 1


def fairly(failed: list[Failed], most: int) -> Iterator[Failed]:
    """At most `most` of them, taking turns between suites, so that a large suite hides no small one."""
    waiting: dict[str, list[Failed]] = defaultdict(list)
    for case in reversed(failed):
        waiting[case.suite].append(case)
    left = most
    while left and waiting:
        for suite in list(waiting):
            if not left:
                return
            yield waiting[suite].pop()
            left -= 1
            if not waiting[suite]:
                del waiting[suite]
