"""The held-out sets of the heads and of the intents, read from eval/suites."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from eval.questions import SUITES, SuiteError
from rag.specialists.examples import Marked, read_head_file

HEADS = ("emergency", "self_harm", "medical_advice", "injection", "abuse", "wants_human", "frustration", "follow_up")


def head_cases(head: str, folder: Path = SUITES) -> list[Marked]:
    """Positives and hard lookalikes of one head. Raises ExamplesError."""
    return list(read_head_file(folder / f"{head}_heldout.yaml"))


@dataclass(frozen=True)
class IntentCase:
    """A message and the intents that it carries, the main one first."""

    turns: tuple[str, ...]
    intents: tuple[str, ...]
    style: str


def intent_cases(folder: Path = SUITES) -> list[IntentCase]:
    path = folder / "intents_heldout.yaml"
    cases = []
    for n, row in enumerate(yaml.safe_load(path.read_text(encoding="utf-8")), 1):
        turns: list[str] = (row.get("turns") or [row.get("text")]) if isinstance(row, dict) else [""]
        if not all(isinstance(turn, str) for turn in turns) or not row.get("intents"):
            raise SuiteError(f"{path}: row {n} needs text or turns, and intents")
        cases.append(IntentCase(tuple(turns), tuple(row["intents"]), row.get("style", "plain")))
    return cases
