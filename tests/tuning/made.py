"""Made-up candidates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

from app.tuning.candidates import Candidate, Candidates
from rag.learning.examples import Kind
from tests.rag.learning.made import example, matched

NOON = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


def candidate(
    home: Path,
    kind: Kind = "rephrasing",
    files: Mapping[str, bytes] = {"rewrites.json": b"{}"},
    customers: int = 3,
    minute: int = 0,
) -> Candidate:
    """A candidate of these files, made of one row of each customer `c0`, `c1` …"""
    store = Candidates(home)
    folder = store.begin(kind, f"key{minute}")
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    examples = [example(n, matched(), customer=f"c{n}") for n in range(customers)]
    now = NOON + dt.timedelta(minutes=minute)
    return store.finish(folder, kind, examples, {"encoder": "e1"}, 7, {"right": 0.5}, now)
