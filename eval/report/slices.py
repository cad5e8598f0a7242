"""Slices held against standard English: per metric the gap, need by need, with its interval."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from eval.metrics.intervals import Difference, Interval, bootstrap, paired
from eval.report import words
from eval.report.digest import Digest, Slice

STANDARD = ("standard", "plain")  # the values that are the measure of a dimension, best first
SEED = 17
METRICS = {
    "right": "Right answers",
    "refused": "Refused",
    "alarm": "False alarms of all rails",
    "handover": "Handed over",
}  # of all but the first less is better


@dataclass(frozen=True)
class Cell:
    """One figure of a slice, and how it differs from the measure (None: nothing to hold it against)."""

    value: Interval
    gap: Difference | None = None


@dataclass(frozen=True)
class SliceRow:
    dimension: str
    value: str
    count: int
    measure: str  # what it is held against, in words; "" where it is the measure itself
    cells: dict[str, Cell] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return words.slice_label(self.value)

    @property
    def needs(self) -> int:
        gap = self.cells["right"].gap
        return gap.count if gap else 0

    def behind(self, metric: str) -> float | None:
        """How much worse than the measure, in shares; below zero: better. None: not known."""
        gap = self.cells[metric].gap if metric in self.cells else None
        if gap is None or gap.value is None:
            return None
        return -gap.value if metric == "right" else gap.value


@dataclass(frozen=True)
class Worst:
    """The slice of a dimension that is furthest behind its measure in one metric."""

    metric: str
    title: str
    row: SliceRow | None

    @property
    def says(self) -> str:
        behind = self.row.behind(self.metric) if self.row else None
        if self.row is None or behind is None or (gap := self.row.cells[self.metric].gap) is None:
            return "Not measured: no slice shares needs with standard English."
        if behind <= 0:
            return f"No slice is worse off than {self.row.measure}."
        low, high = gap.low or 0.0, gap.high or 0.0
        if self.metric == "right":
            low, high = -high, -low
        within = f"{words.points(low)} to {words.points(high)}, {words.count(gap.count, 'need')}"
        much = f"{100 * behind:.1f}{words.SPACE}points {'behind' if self.metric == 'right' else 'more than'}"
        return f"{words.capital(self.row.label)}: {much} {self.row.measure} ({within})."


def slices(found: Digest) -> list[SliceRow]:
    """By dimension, those with a measure first; the measure leads its own."""
    made = [_row(found, dimension, value) for dimension, value in found.slices]
    held = {row.dimension for row in made if row.needs}
    return sorted(made, key=lambda row: (row.dimension not in held, row.dimension, bool(row.measure), row.label))


def worst(rows: list[SliceRow], found: Digest) -> list[Worst]:
    """Of the dimension held against standard English; of all dimensions where none is."""
    titles = METRICS | {f"stopped by {rail}": f"False alarms: {words.label(rail)}" for rail in sorted(found.rails)}
    by_standard = [row for row in rows if row.measure == words.slice_label(STANDARD[0])]
    return [_worst(metric, title, by_standard or rows) for metric, title in titles.items()]


def _worst(metric: str, title: str, rows: list[SliceRow]) -> Worst:
    held = [(behind, row) for row in rows if (behind := row.behind(metric)) is not None]
    return Worst(metric, title, max(held, key=lambda one: one[0])[1] if held else None)


def _row(found: Digest, dimension: str, value: str) -> SliceRow:
    own = {name: slice_ for (of, name), slice_ in found.slices.items() if of == dimension}
    standard = next((name for name in STANDARD if name in own), None)
    slice_ = own[value]
    if value == standard:
        return SliceRow(dimension, value, slice_.count, "", dict(_cells(found, slice_, [])))
    against = [own[standard]] if standard else [other for name, other in own.items() if name != value]
    measure = words.slice_label(standard) if standard else "the mean of the others"
    return SliceRow(dimension, value, slice_.count, measure, dict(_cells(found, slice_, against)))


def _cells(found: Digest, slice_: Slice, against: list[Slice]) -> Iterator[tuple[str, Cell]]:
    for metric in METRICS:
        yield metric, _cell(slice_.values(metric), slice_.by_need(metric), _means(s.by_need(metric) for s in against))
    for rail in found.rails:
        metric = f"stopped by {rail}"
        stopped = slice_.values(metric)
        values = stopped + [0.0] * (len(slice_.values("alarm")) - len(stopped))
        yield metric, _cell(values, _of_all(slice_, metric), _means(_of_all(s, metric) for s in against))


def _means(many: Iterable[dict[str, float]]) -> dict[str, float]:
    """Need by need, the mean over slices."""
    held: dict[str, list[float]] = {}
    for by_need in many:
        for need, value in by_need.items():
            held.setdefault(need, []).append(value)
    return {need: sum(values) / len(values) for need, values in held.items()}


def _of_all(slice_: Slice, metric: str) -> dict[str, float]:
    """The share of each need's messages that expect a plain answer and that the rail stopped."""
    stopped = slice_.metrics.get(metric, {})
    return {need: len(stopped.get(need, ())) / len(all_) for need, all_ in slice_.metrics.get("alarm", {}).items()}


def _cell(values: list[float], needs: dict[str, float], against: dict[str, float]) -> Cell:
    shared = sorted(needs.keys() & against.keys())
    gap = paired({need: against[need] for need in shared}, {need: needs[need] for need in shared}) if shared else None
    return Cell(bootstrap(values, seed=SEED), gap)
