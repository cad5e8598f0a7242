"""Suites and tasks for tests, and a folder to read them from."""

from __future__ import annotations

from pathlib import Path

from eval.cases import SEED, TODAY, Case, Kind, Suite, Task
from eval.known import Known

PLAIN = {"id": "c1", "say": "How much is it?", "expect": {"outcome": "answered"}}
KNOWN = Known(frozenset({"track-order", "delivery-speeds"}), frozenset({"delivery_options"}))


def task(suite: str = "small", kind: Kind = "answer", **case: object) -> Task:
    return Task(
        suite, kind, TODAY, SEED, Case.model_validate({**PLAIN, **({"say": None} if "turns" in case else {}), **case})
    )


def suite(tasks: list[Task], name: str = "small", kind: Kind = "answer", digest: str = "d") -> Suite:
    return Suite(name, kind, "For tests.", digest, len(tasks), tasks)


def written(folder: Path, text: str, name: str = "small.yaml") -> Path:
    path = folder / name
    path.write_text(
        f"suite: {name.removesuffix('.yaml')}\nkind: answer\nabout: For tests.\ncases:\n{text}", encoding="utf-8"
    )
    return path
