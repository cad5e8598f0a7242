"""The accepted run: eval/baseline.json, its figures and which of its cases were right. Later runs are held against it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval.runs import Run

BASELINE = Path(__file__).parent / "baseline.json"
LEFT_OUT = ("confusion", "reliability", "articles")  # of the summary: large, and not compared


@dataclass(frozen=True)
class Accepted:
    """`right`: 1.0 or 0.0 by case. `mrr`: one over the rank of the right article, by case with a ranking."""

    id: str
    right: Mapping[str, float]
    mrr: Mapping[str, float] = field(default_factory=dict)


def read_accepted(path: Path = BASELINE) -> Accepted | None:
    """None where no run has been accepted yet."""
    if not path.exists():
        return None
    data = json.loads(path.read_text(encoding="utf-8"))
    right = {case: float(value) for case, value in data["right"].items()}
    return Accepted(data["run"]["id"], right, data["mrr"])


def accept(run: Run, path: Path = BASELINE) -> None:
    """Keep the run as the one that others are held against."""
    about = run.about
    summary = {name: part for name, part in run.summary.items() if name not in LEFT_OUT}
    data: dict[str, Any] = {
        "run": {name: about[name] for name in ("id", "began", "ended", "suites", "versions")},
        "summary": summary,
        "right": {row["id"]: int(row["right"]) for row in run.rows()},
        "mrr": {row["id"]: round(row["scores"]["mrr"], 4) for row in run.rows() if "mrr" in row["scores"]},
    }
    lines = [f" {json.dumps(name)}: {json.dumps(part, separators=(',', ':'))}" for name, part in data.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
