"""What may be learnt for a turn, as the turn sees it. Each has a neutral default: nothing learnt, nothing changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rag.compose.extractive import Chosen
from rag.encoder import Vectors


@dataclass(frozen=True)
class Rewrite:
    """A wording that failed stands for one that worked. `article`: what answered it; None: any article may."""

    id: str  # for the trace, and for taking it back
    text: str
    article: str | None = None


class Rewrites(Protocol):
    """Wordings that failed, with those that worked. Thread-safe; must be quick: every search asks it."""

    def of(self, mended: str, vector: Vectors) -> Rewrite | None:
        """What to search for in place of a message; None: for the message itself.

        `mended` has its spelling mended; `vector` is the plain encoder's of that, float32 of shape (dimensions,).
        """
        ...


class Ranker(Protocol):
    """Knows which of several answers people prefer. Thread-safe; must be quick."""

    def best(self, question: str, vector: Vectors, candidates: Sequence[Chosen]) -> int:
        """The place of the best candidate; the first is what would be said without a ranker.

        `vector` is the searching encoder's of the question, float32 of shape (dimensions,). At least two candidates.
        """
        ...


class NoRewrites:
    """Nothing has been learnt."""

    def of(self, mended: str, vector: Vectors) -> Rewrite | None:
        return None


NO_REWRITES = NoRewrites()
