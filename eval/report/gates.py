"""What the gates said of a run, as the runner left it in gates.json beside the rows."""

from __future__ import annotations

import json
from dataclasses import dataclass

from eval.report.stored import Stored


@dataclass(frozen=True)
class Ruling:
    """`held` None: the gate had no cases to go by, which is no pass."""

    name: str
    held: bool | None
    says: str


def rulings(run: Stored) -> list[Ruling] | None:
    """None: the gates were not asked."""
    try:
        kept = json.loads((run.folder / "gates.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return [Ruling(str(g["name"]), g.get("held"), str(g.get("says") or g["name"])) for g in kept]
