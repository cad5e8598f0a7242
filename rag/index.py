"""The knowledge index as it is served: one finished generation, read-only.

A generation is a folder `<home>/knowledge/<name>/` with `articles.json`, `vectors.npz` (text hash to vector), Chroma's
files and, written last, `manifest.json`. The file `<home>/knowledge/current` names the one that serves.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import bm25s
import numpy as np
from chromadb.api.client import Client
from langchain_chroma import Chroma

from rag.articles import Article, parse_article
from rag.encoder import Encoder, Vectors
from rag.passages import Passage, passages
from rag.vectors import VectorStoreError, collection, open_chroma
from rag.words import stems


class IndexMissing(RuntimeError):
    """There is no index yet, or it was made by another encoder; the message says what to run."""


@dataclass(frozen=True)
class Entry:
    """One vector of the collection: a question that an article answers, or a passage."""

    id: str
    article_id: str
    kind: str  # "question" or "passage"
    text: str
    passage: int = -1


def entries(article: Article, labelled: Sequence[str] = ()) -> list[Entry]:
    """Everything of an article that is searched by vector; `labelled` are questions that people gave to it."""
    texts = dict.fromkeys((article.title, *article.questions, *labelled))
    asked = [Entry(f"{article.id}?{n}", article.id, "question", text) for n, text in enumerate(texts)]
    parts = [Entry(part.id, article.id, "passage", part.embedded, part.number) for part in passages(article)]
    return [*asked, *parts]


def text_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class WordIndex:
    """BM25 over whole articles: their questions, titles and text. Scores are of shape (articles,)."""

    def __init__(self, articles: Iterable[Article]) -> None:
        corpus = [stems(" ".join((a.title, a.title, *a.questions, a.body))) for a in articles]
        self._bm25 = bm25s.BM25()
        self._bm25.index(corpus, show_progress=False)
        self._vocabulary: dict[str, int] = self._bm25.vocab_dict
        self._size = len(corpus)

    def scores(self, words: list[str]) -> Vectors:
        known = [word for word in words if word in self._vocabulary]
        if not known:
            return np.zeros(self._size, dtype=np.float32)
        found: Vectors = self._bm25.get_scores(known)
        return found

    def coverage(self, words: list[str]) -> float:
        """Share of the words that stand anywhere in the articles: 0 to 1."""
        return sum(word in self._vocabulary for word in words) / len(words) if words else 0.0


class KnowledgeIndex:
    """One generation, opened."""

    def __init__(self, folder: Path, encoder: Encoder, chroma_url: str = "") -> None:
        self.version = folder.name
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        if manifest["encoder"] != encoder.name:
            raise IndexMissing(f"the index was made by {manifest['encoder']}, not {encoder.name}; run `pestle ingest`")
        self.content_hash: str = manifest["content_hash"]
        sources = json.loads((folder / "articles.json").read_text(encoding="utf-8"))
        self.articles = {a.id: a for a in (parse_article(source["text"], Path(source["path"])) for source in sources)}
        self._labelled: dict[str, list[str]] = json.loads((folder / "labelled.json").read_text(encoding="utf-8"))
        with np.load(folder / "vectors.npz", allow_pickle=False) as stored:
            self._row = {key: n for n, key in enumerate(stored["hashes"].tolist())}
            self._vectors: Vectors = stored["vectors"].astype(np.float32)
        self._client: Client = open_chroma(folder / "chroma", chroma_url)
        name = collection_name(self.version)
        if name not in {found.name for found in self._client.list_collections()}:
            raise VectorStoreError(f"Chroma has no collection {name}; run `pestle ingest --force`")
        self.store: Chroma = collection(self._client, name, encoder)
        self.size = self.store._collection.count()
        self.order = list(self.articles)
        self.words = WordIndex(self.articles.values())

    @cached_property
    def passages(self) -> dict[str, list[Passage]]:
        return {article.id: passages(article) for article in self.articles.values()}

    def nearest(self, vector: Vectors, count: int) -> list[tuple[str, float]]:
        """Chroma's nearest entries: their ids and cosine similarities, nearest first."""
        found = self.store._collection.query(
            query_embeddings=[vector], n_results=min(count, self.size), include=["distances"]
        )
        assert found["distances"] is not None
        return [(entry, 1.0 - distance) for entry, distance in zip(found["ids"][0], found["distances"][0], strict=True)]

    def neighbourhood(self, article_id: str) -> frozenset[str]:
        """An article, what it links to and what shares its topic."""
        article = self.articles.get(article_id)
        if article is None:
            return frozenset()
        return frozenset(
            {article_id, *article.links, *(a.id for a in self.articles.values() if a.topic == article.topic)}
        )

    def text_of(self, entry: str) -> str:
        """The question behind the id of an entry."""
        article_id, _, number = entry.partition("?")
        return self.asked(self.articles[article_id])[int(number)]

    def asked(self, article: Article) -> tuple[str, ...]:
        """Every known way of asking for an article."""
        return tuple(dict.fromkeys((article.title, *article.questions, *self._labelled.get(article.id, ()))))

    def vectors(self, texts: Iterable[str]) -> Vectors:
        """Stored vectors of entries' and pieces' texts: float32 of shape (n, dimensions)."""
        return self._vectors[[self._row[text_hash(text)] for text in texts]]

    def close(self) -> None:
        self._client.close()


def collection_name(version: str) -> str:
    return f"knowledge-{version}"


def current_generation(root: Path) -> Path | None:
    """The folder of the generation that serves, or None before the first ingestion."""
    try:
        name = (root / "current").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    return root / name if name and (root / name / "manifest.json").exists() else None


def open_index(root: Path, encoder: Encoder, chroma_url: str = "") -> KnowledgeIndex:
    """Raises IndexMissing before the first ingestion."""
    folder = current_generation(root)
    if folder is None:
        raise IndexMissing("nothing has been ingested yet; run `pestle ingest`")
    return KnowledgeIndex(folder, encoder, chroma_url)
