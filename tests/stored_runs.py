"""Evaluation runs on disk, as `pestle eval` leaves them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

VERSIONS = {"code": "c0ffee", "policy": "2026-11-24", "knowledge": "k1", "encoder": "e", "reader": "r", "composer": "x"}


def store_run(
    root: Path,
    id: str,
    right: Mapping[str, tuple[float | None, int]] | None,
    report: str | None = None,
    quick: bool = False,
    versions: Mapping[str, str] = VERSIONS,
) -> Path:
    """The folder of a run whose suites have this share right of so many cases; None: it has not ended.

    An id such as "20261101-100000-aaaaaa" tells when it began.
    """
    folder = root / id
    folder.mkdir(parents=True)
    day = f"{id[:4]}-{id[4:6]}-{id[6:8]}" if id[:8].isdigit() else "2026-11-01"
    about = {
        "id": id, "began": f"{day}T10:00:00+00:00", "ended": f"{day}T10:09:00+00:00" if right is not None else None,
        "suites": sorted(right or ()), "versions": {**versions, "data": {"answers": "d1"}}, "options": {"quick": quick},
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(about), encoding="utf-8")
    (folder / "rows.jsonl").write_text("", encoding="utf-8")
    if right is not None:
        summary = {
            "suites": {name: suite(value, count) for name, (value, count) in right.items()},
            "latency_ms": {"p50": 20.0, "p95": 55.0, "histogram": []},
        }
        (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    if report is not None:
        (folder / "report.html").write_text(report, encoding="utf-8")
    return folder


def suite(value: float | None, count: int) -> dict[str, Any]:
    ends = (None, None) if value is None else (round(value - 0.05, 6), round(min(1.0, value + 0.05), 6))
    return {"count": count, "metrics": {"right": {"value": value, "low": ends[0], "high": ends[1], "count": count}}}
