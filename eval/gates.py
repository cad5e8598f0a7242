"""Gates: what a release must reach, from eval/gates.yaml. A metric without cases is a failure, never a pass."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, TypeAdapter, model_validator

from eval.accepted import Accepted
from eval.cases import Part, Text, Word
from eval.metrics.intervals import Difference, paired
from eval.runs import Row
from eval.summary import wanted_articles
from rails.strict_yaml import FileErrors, read_strict

GATES = Path(__file__).parent / "gates.yaml"


class GateErrors(FileErrors):
    """The gates can't be read; one line a mistake, with file and line."""


class Figure(Part):
    """A metric of a suite, or of a slice over all suites, that must lie at least or at most so high."""

    suite: Word | None = None
    slice: str | None = Field(None, pattern=r"^[a-z0-9_]+=[a-z0-9_]+$")
    metric: Text
    at_least: float | None = None
    at_most: float | None = None
    quick: float | Literal["off"] | None = None  # the bound of the quick part, where it is another

    @model_validator(mode="after")
    def _is_one_bound(self) -> Self:
        if (self.suite is None) == (self.slice is None) or (self.at_least is None) == (self.at_most is None):
            raise ValueError("a figure needs suite or slice, and at_least or at_most: one of each")
        return self


class Gap(Part):
    """How far the worst value of a slice may be behind its standard, in shares."""

    slice: Word
    suites: Word  # where it is measured: the beginning of their names
    metric: Text
    at_most: float
    quick: float | Literal["off"] | None = None


class AgainstBaseline(Part):
    """Which losses against the accepted run are no chance."""

    p: float = Field(0.01, gt=0, lt=1)  # a suite falls when it is worse with a smaller p …
    least: float = Field(0.01, ge=0, lt=1)  # … and by more than this
    retrieval_least: float = Field(0.005, ge=0, lt=1)  # the search falls when it is worse by more than this, in MRR
    group_falls: float = Field(0.5, gt=0, le=1)  # an article or intent falls when so much less of it is right …
    group_fewest: int = Field(3, ge=1)  # … of at least so many cases


class GateFile(Part):
    figures: tuple[Figure, ...] = Field(min_length=1)
    gaps: tuple[Gap, ...] = ()
    baseline: AgainstBaseline = AgainstBaseline()


FILE = TypeAdapter(GateFile)


@dataclass(frozen=True)
class Verdict:
    """`held`: None where there are no cases to go by, which is no pass."""

    name: str
    held: bool | None
    says: str


def read_gates(path: Path = GATES) -> GateFile:
    """Raises GateErrors."""
    return read_strict(path, FILE, GateErrors)


def judge(
    gates: GateFile, rows: Iterable[Row], summary: dict[str, Any], accepted: Accepted | None, quick: bool = False
) -> list[Verdict]:
    """A verdict for every gate on what was run, and for every suite against the accepted run."""
    ran = summary["suites"].keys()
    found = [_figure(gate, summary, quick) for gate in gates.figures if gate.suite is None or gate.suite in ran]
    found += [_gap(gate, summary, quick) for gate in gates.gaps if any(name.startswith(gate.suites) for name in ran)]
    return [verdict for verdict in found if verdict] + list(against(gates.baseline, rows, accepted))


def missing_suites(gates: GateFile, summary: dict[str, Any]) -> list[Verdict]:
    """For a complete run: suites that gates name and that were not there."""
    named = dict.fromkeys(gate.suite for gate in gates.figures if gate.suite)
    return [Verdict(name, None, "no cases: the suite was not run") for name in named if name not in summary["suites"]]


def _bound(bound: float, quick: bool, other: float | Literal["off"] | None) -> float | None:
    if not quick or other is None:
        return bound
    return None if other == "off" else float(other)


def _figure(gate: Figure, summary: dict[str, Any], quick: bool) -> Verdict | None:
    least = gate.at_least is not None
    wanted = gate.at_least if gate.at_least is not None else gate.at_most
    assert wanted is not None
    bound = _bound(wanted, quick, gate.quick)
    if bound is None:
        return None
    group = summary["suites"].get(gate.suite) if gate.suite else summary["slices"].get(gate.slice)
    found = (group or {"metrics": {}})["metrics"].get(gate.metric)
    name = f"{gate.suite or gate.slice}: {gate.metric}"
    if not found or not found["count"] or found["value"] is None:
        return Verdict(name, None, "no cases")
    value = found["value"]
    ok = value >= bound if least else value <= bound
    return Verdict(name, ok, f"{value:.3f} of {found['count']}, {'at least' if least else 'at most'} {bound:g}")


def _gap(gate: Gap, summary: dict[str, Any], quick: bool) -> Verdict | None:
    bound = _bound(gate.at_most, quick, gate.quick)
    if bound is None:
        return None
    found = summary["gaps"].get(gate.slice, {}).get(gate.metric)
    name = f"worst {gate.slice}: {gate.metric}"
    if not found:
        return Verdict(name, None, "no cases")
    says = f"{found['worst']} is {found['value']:+.3f} behind over {found['count']} needs, at most {bound:g}"
    return Verdict(name, found["value"] <= bound, says)


def against(gate: AgainstBaseline, rows: Iterable[Row], accepted: Accepted | None) -> Iterator[Verdict]:
    """Each suite over the cases that both runs have; then every article and intent that got lost."""
    if accepted is None:
        yield Verdict("baseline", None, "no run has been accepted; `pestle eval --baseline` keeps one")
        return
    suites: dict[str, dict[str, float]] = defaultdict(dict)
    groups: dict[str, list[str]] = defaultdict(list)
    ranks: dict[str, float] = {}
    for row in rows:
        if row["id"] not in accepted.right:
            continue
        suites[row["suite"]][row["id"]] = float(row["right"])
        if row["id"] in accepted.mrr and "mrr" in row["scores"]:
            ranks[row["id"]] = row["scores"]["mrr"]
        if row["intent"]:
            groups[f"intent {row['intent']} in {row['suite']}"].append(row["id"])
        for article in wanted_articles(row)[:1]:
            groups[f"article {article}"].append(row["id"])
    if not suites:
        yield Verdict("baseline", None, f"no case of this run is in the accepted one ({accepted.id})")
    now = {case: right for cases in suites.values() for case, right in cases.items()}
    for suite, cases in suites.items():
        one = paired({case: accepted.right[case] for case in cases}, cases)
        yield Verdict(f"{suite}: against the baseline", not _lost(one, gate.least, gate.p), one.says)
    if ranks:
        one = paired(accepted.mrr, ranks)
        yield Verdict("retrieval: against the baseline", not _lost(one, gate.retrieval_least, gate.p), one.says)
    for name, members in sorted(groups.items()):
        if len(members) >= gate.group_fewest:
            then, today = (_share(values, members) for values in (accepted.right, now))
            if then - today >= gate.group_falls:
                yield Verdict(name, False, f"{today:.0%} right, {then:.0%} in the baseline, {len(members)} cases")


def _lost(one: Difference, least: float, p: float) -> bool:
    """Whether it is worse by more than `least`, and that is no chance."""
    return one.value is not None and one.p is not None and one.value < -least and one.p < p


def _share(right: Any, cases: Sequence[str]) -> float:
    return float(sum(right[case] for case in cases)) / len(cases)
