"""A run in figures: per suite, slice and intent, with intervals; what the report draws and the gates hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from eval.metrics.calibration import expected_calibration_error, reliability
from eval.metrics.decisions import confusion
from eval.metrics.intervals import bootstrap, paired
from eval.metrics.ranking import recall_at
from eval.runs import Row
from eval.scores import relevant_of

SEED = 5
DECISIONS = ("abstain", "refuse", "escalate")
STANDARD = "standard"  # the value of a slice that the others are held against
WORSE_UP = frozenset({"alarm", "handover", "refused"})  # of these less is better
MS = (5, 10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000, 2000, 5000)
Metric = dict[str, Any]


@dataclass
class Group:
    """The values of some cases: all of a suite, a slice or an intent. Numbers only, never the rows."""

    count: int = 0
    values: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, found: Mapping[str, float]) -> None:
        self.count += 1
        for name, value in found.items():
            self.values[name].append(value)

    def summary(self) -> dict[str, Any]:
        return {"count": self.count, "metrics": {name: metric(v) for name, v in sorted(self.values.items())}}


def metric(values: Iterable[float]) -> Metric:
    found = asdict(bootstrap(values, seed=SEED))
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in found.items()}


def figures(row: Row) -> dict[str, float]:
    """A row's scores, and its decisions as shares: of what was done, of what was expected, of what was not."""
    found: dict[str, float] = dict(row["scores"])
    for name, (expected, got) in row["pairs"].items():
        if name == "intent":
            found["intent"] = float(expected == got)
        elif name in DECISIONS:
            found.update(decided(name, expected, got))
        elif expected:  # a head: whether its rail spoke as it should
            found[f"{name}_recall"] = float(row["right"])
        else:
            found[f"{name}_false_alarms"] = float(not row["right"])
    if row["kind"] != "reading":
        found["handover"] = float(row["handover"])
        found["refused"] = float(row["outcome"] == "refused")
    return found


def decided(name: str, expected: bool, got: bool) -> dict[str, float]:
    found = {f"{name}_precision": float(expected)} if got else {}
    found |= {f"{name}_recall": float(got)} if expected else {f"{name}_false_alarms": float(got)}
    return found


def summarise(rows: Iterable[Row]) -> dict[str, Any]:
    """What `summary.json` holds. Rows are read once and not kept."""
    suites: dict[str, Group] = defaultdict(Group)
    slices: dict[str, Group] = defaultdict(Group)
    intents: dict[str, Group] = defaultdict(Group)
    articles: dict[str, list[float]] = defaultdict(list)
    needs: dict[str, dict[str, dict[str, dict[str, list[float]]]]] = {}
    read: list[tuple[str, str]] = []
    heads: dict[str, list[tuple[bool, float]]] = defaultdict(list)
    found_at: list[list[float]] = []
    times: list[float] = []
    for row in rows:
        values = figures(row)
        suites[row["suite"]].add(values)
        for name, value in row["slices"].items():
            if row["kind"] == "reading" and name == "style":
                continue  # what a reading is, right or wrong, is not what an answer is
            slices[f"{name}={value}"].add(values)
            if row["need"] and name != "style":
                by_metric = needs.setdefault(name, {}).setdefault(value, {})
                for which in ("right", *WORSE_UP):
                    if which in values:
                        by_metric.setdefault(which, {}).setdefault(row["need"], []).append(values[which])
        if row["intent"]:
            intents[row["intent"]].add(values)
        for article in wanted_articles(row)[:1]:
            articles[article].append(values["right"])
        for name, (expected, got) in row["pairs"].items():
            if name == "intent":
                read.append((expected, got))
            elif name not in DECISIONS:
                heads[name].append((expected, got))
        if row["ranked"]:
            one = relevant_of(row["expect"], row["ranked"])
            found_at.append([recall_at(row["ranked"], one, k) for k in range(1, 11)])
        times.append(row["ms"])
    told = {name: group.summary() for name, group in sorted(suites.items())}
    for head, pairs in heads.items():
        error = expected_calibration_error(pairs)
        told["dangers"]["metrics"][f"{head}_ece"] = {"value": error, "low": None, "high": None, "count": len(pairs)}
    mixed = confusion(read)
    return {
        "suites": told,
        "slices": {name: group.summary() for name, group in sorted(slices.items())},
        "intents": {name: group.summary() for name, group in sorted(intents.items())},
        "articles": {name: [sum(right), len(right)] for name, right in sorted(articles.items())},
        "gaps": {name: gaps(values) for name, values in sorted(needs.items()) if len(values) > 1},
        "confusion": {"labels": list(mixed.labels), "matrix": [list(line) for line in mixed.matrix]},
        "reliability": {head: [asdict(one) for one in reliability(pairs)] for head, pairs in sorted(heads.items())},
        "retrieval": {
            "k": list(range(1, 11)),
            "recall": np.mean(found_at, axis=0).round(6).tolist() if found_at else [],
        },
        "latency_ms": latency(times),
    }


def wanted_articles(row: Row) -> list[str]:
    expect = row["expect"]
    return [*expect.get("articles", ()), *expect.get("all_articles", ())]


def gaps(values: Mapping[str, Mapping[str, Mapping[str, list[float]]]]) -> dict[str, Any]:
    """For each metric the value of the slice that is furthest behind, need by need.

    Each is held against the standard, or where there is none, as with names, against the mean of the others. `value` is
    in shares, above zero where the slice is worse off.
    """
    found: dict[str, Any] = {}
    standard = values.get(STANDARD)
    for which in ("right", *sorted(WORSE_UP)):
        sign = 1 if which in WORSE_UP else -1
        means = {
            name: {need: sign * float(np.mean(v)) for need, v in by_metric.get(which, {}).items()}
            for name, by_metric in values.items()
        }
        behind = []
        for name, own in means.items():
            if name == STANDARD:
                continue
            others = [STANDARD] if standard else [other for other in means if other != name]
            base = {need: [means[o][need] for o in others if need in means[o]] for need in own}
            gap = paired({need: float(np.mean(v)) for need, v in base.items() if v}, own)
            if gap.value is not None:
                behind.append((gap.value, name, gap))
        if behind:
            value, name, gap = max(behind, key=lambda one: (one[0], one[1]))
            found[which] = {
                "worst": name,
                "value": round(value, 6),
                "low": gap.low,
                "high": gap.high,
                "p": gap.p,
                "count": gap.count,
            }
    return found


def latency(times: list[float]) -> dict[str, Any]:
    """Milliseconds a turn. The histogram: up to so many, how many cases; the last without a bound."""
    if not times:
        return {"p50": None, "p95": None, "histogram": []}
    counts, _ = np.histogram(times, bins=[0.0, *MS, np.inf])
    histogram = [[upto, int(count)] for upto, count in zip([*MS, None], counts, strict=True)]
    return {
        "p50": round(float(np.percentile(times, 50)), 2),
        "p95": round(float(np.percentile(times, 95)), 2),
        "histogram": histogram,
    }
