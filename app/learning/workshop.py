"""What the learning side needs of a loaded assistant: an encoder, a trial of a draft beside the live index, ingestion."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from rag.turn import Reply


class WorkshopBusy(RuntimeError):
    """Another ingestion or trial is running; trying again in a minute makes sense."""


class Workshop(Protocol):
    """Thread-safe."""

    def encode(self, texts: Sequence[str]) -> Any:
        """Unit vectors, of shape (texts, dimensions)."""
        ...

    def search(self, words: str) -> Sequence[str]:
        """Ids of the articles that fit best, best first."""
        ...

    def preview(self, path: Path, text: str, question: str) -> tuple[Reply, Reply]:
        """The answer to a question as it is now, and as it would be with this article file below the folder.

        Nothing of it is served or kept. Raises `ArticleErrors`, `WorkshopBusy`.
        """
        ...

    def ingest(self) -> str:
        """Serves the articles as they lie on disk: only what changed is encoded. Gives the knowledge's version.

        Raises `ArticleErrors`, `WorkshopBusy`.
        """
        ...
