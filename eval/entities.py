"""The entity reader on messages whose entities are known: precision, recall and F for each type."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from eval.table import Figure, share
from rag.account.drugs import DrugTable
from rag.specialists.entities import EntityReader

SUITE = Path(__file__).parent / "suites" / "entities.yaml"


def evaluate(drugs: DrugTable) -> list[Figure]:
    """One figure for all and one for each type. An entity is right when type, value and canonical spelling all are."""
    rows = load()
    right, found, wanted = Counter[str](), Counter[str](), Counter[str]()
    for got, want in readings(EntityReader(drugs), rows):
        right.update(kind for kind, _, _ in (got & want).elements())
        found.update(kind for kind, _, _ in got.elements())
        wanted.update(kind for kind, _, _ in want.elements())
    on = f"{len(rows)} rows"
    totals = _figure("entities, all types", right.total(), found.total(), wanted.total(), on)
    kinds = sorted(wanted | found)
    return [totals, *(_figure(f"entities: {kind}", right[kind], found[kind], wanted[kind], on) for kind in kinds)]


def load() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = yaml.safe_load(SUITE.read_text(encoding="utf-8"))
    return rows


def readings(
    reader: EntityReader, rows: list[dict[str, Any]]
) -> list[tuple[Counter[tuple[str, str, str]], Counter[tuple[str, str, str]]]]:
    """For each row what was found and what was wanted, as counts of (type, value, canonical)."""
    return [
        (
            Counter((e.type, e.value, e.canonical) for e in reader.read(row["text"], _day(row["today"]))),
            Counter((e["type"], e["value"], e["canonical"]) for e in row["entities"]),
        )
        for row in rows
    ]


def _day(value: dt.date | str) -> dt.date:
    return value if isinstance(value, dt.date) else dt.date.fromisoformat(value)


def _figure(what: str, right: int, found: int, wanted: int, on: str) -> Figure:
    f = f"{2 * right / (found + wanted):.3f}" if found + wanted else "–"
    return Figure(f"{what}: precision / recall / F", f"{share(right, found)} / {share(right, wanted)} / {f}", "",
                  f"{wanted} entities in {on}")  # fmt: skip
