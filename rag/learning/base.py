"""What a candidate is made on: the models and the knowledge that serve now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rag.articles import Article, read_articles
from rag.encoder import Encoder
from rag.labelled import Labelled, read_labelled
from rag.learning.cleaning import DANGERS
from rag.retrieve import Search
from rag.specialists.reader import Heads, Reader
from rag.specialists.rows import Rows, read_rows


class NothingToLearn(ValueError):
    """There is nothing in these examples to learn from; one sentence that says why, and what would change it."""


@dataclass(frozen=True)
class Base:
    """`knowledge`: the folder of the articles and the labelled rows; `cache`: where vectors of texts may be kept.

    `model`: the folder of the chat model that is tuned; None: there is none.
    """

    knowledge: Path
    encoder: Encoder
    reader: Encoder  # the encoder with the reader's adapter
    heads: Heads
    search: Search
    cache: Path | None = None
    model: Path | None = None

    @cached_property
    def articles(self) -> list[Article]:
        return read_articles(self.knowledge / "articles")

    @cached_property
    def answerable(self) -> list[Labelled]:
        """Labelled questions with the articles that answer them."""
        return read_labelled(self.knowledge / "labelled", self._known)

    @cached_property
    def unanswerable(self) -> list[Labelled]:
        return read_labelled(self.knowledge / "labelled" / "unanswerable.yaml", self._known)

    @cached_property
    def rows(self) -> Rows:
        """The rows that the reader and its heads were trained on. Raises ExamplesError."""
        stray = [row for row in self.unanswerable if row.style != "near"]
        return read_rows(self.knowledge, self.articles, self.answerable, stray)

    def dangerous(self, texts: Sequence[str]) -> list[bool]:
        """Whether a danger head is sure of a text, or in doubt about it: nobody's words may teach anything there."""
        reader = Reader(self.heads, self.reader, self.encoder)
        vectors = self.encoder.encode([self.search.mended(text) for text in texts]) if texts else ()
        marks = (reader.read((text,), vector).marks for text, vector in zip(texts, vectors, strict=True))
        return [any(read[head] >= self.heads.bounds[head].unsure for head in DANGERS) for read in marks]

    @property
    def _known(self) -> set[str]:
        return set(self.search.index.articles)

    def versions(self) -> dict[str, str]:
        """What a candidate that is made on this belongs to."""
        return {
            "encoder": self.encoder.name,
            "reader": self.reader.name,
            "examples": self.heads.examples,
            "knowledge": self.search.index.content_hash,
        }
