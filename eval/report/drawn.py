"""What is drawn: slices, confusion of intents, reliability of heads, retrieval, latency. None or empty: not measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from eval.report import charts, words
from eval.report.change import clear
from eval.report.groups import Compared
from eval.report.slices import METRICS, SliceRow
from eval.report.stored import Stored

PAIRS = 16


def confusion(run: Stored) -> dict[str, Any] | None:
    kept = run.summary.get("confusion") or {}
    labels, matrix = kept.get("labels") or [], kept.get("matrix") or []
    if not labels or not any(map(any, matrix)):
        return None
    pairs = [
        {"expected": words.label(labels[y]), "got": words.label(labels[x]), "count": count, "of": sum(row)}
        for y, row in enumerate(matrix)
        for x, count in enumerate(row)
        if x != y and count
    ]
    pairs.sort(key=lambda pair: (-pair["count"], pair["of"], pair["expected"]))
    total, hit = sum(map(sum, matrix)), sum(matrix[n][n] for n in range(len(labels)))
    return {
        "chart": charts.heat_map(labels, matrix),
        "pairs": pairs[:PAIRS],
        "more": len(pairs) - PAIRS,
        "total": total,
        "share": words.share(hit / total),
        "large": len(labels) > 16,
    }


def reliability(run: Stored) -> list[dict[str, Any]]:
    kept: Mapping[str, Any] = run.summary.get("reliability") or {}
    return [
        {
            "head": words.capital(words.label(head)),
            "chart": charts.reliability(head, bins),
            "error": f"{_calibration_error(bins):.3f}",
            "count": sum(int(b["count"]) for b in bins),
            "bins": [(words.share(b["mean"]), words.share(b["share"]), b["count"]) for b in bins if b["count"]],
        }
        for head, bins in kept.items()
        if any(b.get("count") for b in bins)
    ]


def _calibration_error(bins: Sequence[Mapping[str, Any]]) -> float:
    total = sum(int(b["count"]) for b in bins)
    return float(sum(b["count"] * abs(b["mean"] - b["share"]) for b in bins if b["count"]) / total)


def retrieval(run: Stored) -> dict[str, Any] | None:
    kept = run.summary.get("retrieval") or {}
    points = [(k, r) for k, r in zip(kept.get("k") or [], kept.get("recall") or [], strict=False) if r is not None]
    if not points:
        return None
    chart = charts.curve([k for k, _ in points], [r for _, r in points])
    return {"chart": chart, "points": [(k, words.share(r)) for k, r in points]}


def latency(run: Stored) -> dict[str, Any] | None:
    kept = run.summary.get("latency_ms") or {}
    bars = [(None if upto is None else float(upto), int(count)) for upto, count in kept.get("histogram") or []]
    if not sum(count for _, count in bars):
        return None
    while len(bars) > 1 and not bars[-1][1]:
        bars.pop()
    marks = {name: float(kept[name]) for name in ("p50", "p95") if kept.get(name) is not None}
    return {"chart": charts.histogram(bars, marks), "marks": {name: f"{ms:,.1f} ms" for name, ms in marks.items()}}


def slice_tables(rows: Sequence[SliceRow], rails: Counter[str]) -> dict[str, Any]:
    ends = [abs(end or 0) for row in rows if (gap := row.cells["right"].gap) for end in (gap.low, gap.high)]
    reach = min(0.5, max(0.05, *ends)) if ends else 0.05
    by_rail = [f"stopped by {rail}" for rail in sorted(rails)]
    return {
        "rows": [_slice(row, METRICS, reach) for row in rows],
        "columns": list(METRICS.values()),
        "rails": [words.capital(words.label(rail)) for rail in sorted(rails)],
        "by_rail": [_slice(row, by_rail, reach) for row in rows if row.cells["alarm"].value.count],
    }


def _slice(row: SliceRow, metrics: Iterable[str], reach: float) -> dict[str, Any]:
    gap = row.cells["right"].gap
    return {
        "dimension": words.label(row.dimension),
        "label": words.capital(row.label),
        "count": row.count,
        "needs": row.needs,
        "measure": row.measure,
        "chart": charts.gap(gap.low, gap.value, gap.high, reach) if gap else "",
        "cells": [
            {
                "said": words.share(value.value) if value.count else words.DASH,
                "within": words.interval(metric, value.low, value.high),
                "order": value.value,
                "gap": _gap(row, metric),
            }
            for metric in metrics
            for value in [row.cells[metric].value]
        ],
    }


def _gap(row: SliceRow, metric: str) -> Compared | None:
    gap, behind = row.cells[metric].gap, row.behind(metric)
    if gap is None or gap.value is None or behind is None:
        return None
    tone = "even" if not clear(gap) else "bad" if behind > 0 else "good"
    said = {"even": "", "bad": "worse", "good": "better"}[tone]
    within = f"{words.points(gap.low)} to {words.points(gap.high)}" if gap.low or gap.high else ""
    return Compared(words.points(gap.value), within, said, tone, gap.value)
