"""Candidates that leave a mark on each turn, so that a turn made by two of them would be seen."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.tuning.loading import Ground, Loaded, Loader
from rag.compose.extractive import Chosen
from rag.encoder import Vectors
from rag.learning.examples import Kind
from rag.learning.seams import Rewrite

WORKED = "How long does standard delivery take?"


@dataclass(frozen=True)
class Marking:
    """Rewrites every message and ranks every answer, with the candidate's own mark."""

    id: str
    place: int

    def of(self, mended: str, vector: Vectors) -> Rewrite | None:
        time.sleep(0.001)  # so that there is a moment in which a swap could fall between two looks
        return Rewrite(self.id, WORKED)

    def best(self, question: str, vector: Vectors, candidates: Sequence[Chosen]) -> int:
        time.sleep(0.001)
        return self.place % len(candidates)


class Marked:
    """A loader that counts what it has open."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.closed: list[str] = []

    def load(self, folder: Path, ground: Ground) -> Loaded:
        about = json.loads((folder / "mark.json").read_text())
        if about.get("broken"):
            raise ValueError("it holds no weights")
        self.opened.append(folder.name)
        both = Marking(folder.name, about["place"])
        return Loaded(folder.name, {"rewrites": both, "ranker": both}, lambda: self.closed.append(folder.name))

    @property
    def loaders(self) -> dict[Kind, Loader]:
        return {"rephrasing": self.load}

    @property
    def open(self) -> set[str]:
        return {name for name in self.opened if self.opened.count(name) > self.closed.count(name)}


def mark(place: int, **more: object) -> dict[str, bytes]:
    return {"mark.json": json.dumps({"place": place, **more}).encode()}
