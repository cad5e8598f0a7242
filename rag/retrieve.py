"""Search: which articles answer a question, and is there one at all.

Chroma finds the nearest questions and passages; an article's signs (nearest question, its questions together, nearest
passage, a linear reading of the question, shared words, shared letters) are summed with weights fitted on labelled questions. A second
fitted model turns the signs of the best article into the probability that the question is answered here (the floor).
Weighted sum rather than rank fusion: Bruch et al., arXiv 2210.11934.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict

from rag.encoder import Encoder, Vectors
from rag.index import KnowledgeIndex
from rag.letters import LetterIndex
from rag.words import Speller, stems

SIGNS = ("question", "questions", "passage", "linear", "words", "letters")
FLOOR_SIGNS = (*SIGNS, "score", "margin", "coverage", "scope")
NEAREST = 64  # entries that Chroma is asked for; about 15 belong to each article
RIDGE = 3.0
NEAR_BONUS = 2.5  # what being near the article spoken of is worth to a follow-up
ALONE = 0.65  # share of the follow-up's own words in its score; the rest is for them with the question before


@dataclass(frozen=True)
class Weights:
    """What `pestle train` fitted: one weight for each of SIGNS, and for each of FLOOR_SIGNS with a bias."""

    fusion: tuple[float, ...]
    floor: tuple[float, ...]
    floor_bias: float
    scope: tuple[float, ...]  # a direction in the encoder's space: questions for this business against others
    floor_at: float  # probability under which the honest answer is "I don't know"

    @classmethod
    def read(cls, path: Path) -> Weights:
        data = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            tuple(data["fusion"]), tuple(data["floor"]), data["floor_bias"], tuple(data["scope"]), data["floor_at"]
        )

    def write(self, path: Path) -> None:
        rounded = {
            name: [round(w, 5) for w in value] if isinstance(value, tuple) else round(value, 5)
            for name, value in self.__dict__.items()
        }
        path.write_text(
            "{\n" + ",\n".join(f' "{name}": {json.dumps(value)}' for name, value in rounded.items()) + "\n}\n",
            encoding="utf-8",
        )


@dataclass(frozen=True)
class Hit:
    article_id: str
    score: float
    signs: tuple[float, ...]  # as SIGNS


@dataclass(frozen=True)
class Found:
    """The articles for one question, best first, and the probability that the best one answers it."""

    query: str
    vector: Vectors
    hits: tuple[Hit, ...]
    answerable: float

    @property
    def best(self) -> str | None:
        return self.hits[0].article_id if self.hits else None


class Search:
    """Search over one generation of the index. Thread-safe.

    `plain`: the encoder whose vectors callers have at hand, where it is not the one that made the index.
    """

    def __init__(
        self,
        index: KnowledgeIndex,
        encoder: Encoder,
        speller: Speller,
        weights: Weights,
        plain: Encoder | None = None,
    ) -> None:
        self.index, self.encoder, self.speller, self.weights = index, encoder, speller, weights
        self.plain = plain or encoder
        self._place = {article_id: n for n, article_id in enumerate(index.order)}
        self._scope = np.asarray(weights.scope, dtype=np.float32)
        self._mean, self._linear = self._fit_linear()
        self._letters = LetterIndex([index.asked(a) for a in index.articles.values()], speller.mend)

    def _fit_linear(self) -> tuple[Vectors, Vectors]:
        """Ridge regression from a question's vector to its article: the classes' common direction is taken out."""
        asked = [(n, self.index.asked(a)) for n, a in enumerate(self.index.articles.values())]
        self._place_of = {text: n for n, texts in asked for text in texts}
        x = self.index.vectors(text for _, texts in asked for text in texts)
        labels = np.array([n for n, texts in asked for _ in texts])
        mean = x.mean(axis=0)
        centred = x - mean
        targets = np.eye(len(asked), dtype=np.float32)[labels]
        gram = centred.T @ centred + RIDGE * np.eye(x.shape[1], dtype=np.float32)
        self._inverse: Vectors = np.linalg.inv(gram).astype(np.float32)
        return mean, (self._inverse @ centred.T @ targets).astype(np.float32)

    def _linear_scores(self, vector: Vectors, without: str) -> Vectors:
        """The linear reading, of shape (articles,); a question of the index can be read as if it were not in it."""
        centred = vector - self._mean
        scores: Vectors = centred @ self._linear
        if without in self._place_of:  # leave-one-out in closed form: (f - h y) / (1 - h)
            leverage = float(centred @ self._inverse @ centred)
            own = np.zeros_like(scores)
            own[self._place_of[without]] = 1.0
            scores = (scores - leverage * own) / (1.0 - leverage)
        return scores

    def find(self, query: str, vector: Vectors | None = None, top: int = 8) -> Found:
        """The best articles for a question. `vector` is the plain encoder's of `mended(query)`, if it is at hand."""
        mended = self.speller.mend(query)
        if vector is None or self.plain is not self.encoder:
            vector = self.encoder.encode([mended])[0]
        signs, coverage = self._signs(mended, vector)
        scores = signs @ np.asarray(self.weights.fusion, dtype=np.float32)
        order = np.argsort(-scores)[:top]
        hits = tuple(Hit(self.index.order[n], float(scores[n]), tuple(map(float, signs[n]))) for n in order)
        return Found(query, vector, hits, self._answerable(hits, coverage, vector))

    def follow(self, found: Found, whole: str, near: frozenset[str], top: int = 8) -> Found:
        """A follow-up, found by itself, read together with the question it follows.

        Articles `near` the one spoken of (itself, its links, its topic) come first in doubt.
        """
        together = self.find(whole, top=2 * top)
        alone = {hit.article_id: hit for hit in found.hits}
        joint = {hit.article_id: hit for hit in together.hits}
        least_alone, least_joint = found.hits[-1].score, together.hits[-1].score

        def score(article_id: str) -> float:
            one = alone[article_id].score if article_id in alone else least_alone
            other = joint[article_id].score if article_id in joint else least_joint
            return ALONE * one + (1 - ALONE) * other + (NEAR_BONUS if article_id in near else 0.0)

        ranked = sorted({**alone, **joint}, key=score, reverse=True)[:top]
        hits = tuple(Hit(a, score(a), (joint.get(a) or alone[a]).signs) for a in ranked)
        return Found(whole, found.vector, hits, max(found.answerable, together.answerable))

    def mended(self, query: str) -> str:
        return self.speller.mend(query)

    def _signs(self, mended: str, vector: Vectors, without: str = "") -> tuple[Vectors, float]:
        """Signs of every article, of shape (articles, signs), and the share of known words.

        `without` is a question of the index that is left out, so that a question can be judged by the others.
        """
        found = self.index.nearest(vector, NEAREST)
        least = found[-1][1] if found else 0.0
        nearest = np.full((len(self._place), 4), least, dtype=np.float32)  # three questions, one passage
        filled = [0] * len(self._place)
        seen_passage = set[int]()
        for entry, likeness in found:
            article_id, is_question, _ = entry.partition("?")
            place = self._place[article_id if is_question else entry.partition("#")[0]]
            if is_question and without and self.index.text_of(entry) == without:
                continue
            if is_question and filled[place] < 3:
                nearest[place, filled[place]] = likeness
                filled[place] += 1
            elif not is_question and place not in seen_passage:
                nearest[place, 3] = likeness
                seen_passage.add(place)
        words = stems(mended)
        matched = self.index.words.scores(words)
        signs = np.stack(
            [
                nearest[:, 0],
                nearest[:, :3].mean(axis=1),
                nearest[:, 3],
                self._linear_scores(vector, without),
                matched / max(float(matched.max()), 1e-6),
                self._letters.scores(mended, without),
            ],
            axis=1,
        )
        return signs.astype(np.float32), self.index.words.coverage(words)

    def floor_signs(self, hits: tuple[Hit, ...], coverage: float, scope: float) -> list[float]:
        """The signs, as FLOOR_SIGNS, from which the floor is judged."""
        first = hits[0]
        margin = first.score - hits[1].score if len(hits) > 1 else first.score
        return [*first.signs, first.score, margin, coverage, scope]

    def _answerable(self, hits: tuple[Hit, ...], coverage: float, vector: Vectors) -> float:
        if not hits:
            return 0.0
        signs = self.floor_signs(hits, coverage, float(vector @ self._scope))
        logit = self.weights.floor_bias + sum(w * s for w, s in zip(self.weights.floor, signs, strict=True))
        return 1.0 / (1.0 + math.exp(-max(min(logit, 40.0), -40.0)))


class KnowledgeRetriever(BaseRetriever):
    """The search as a LangChain retriever: whole articles as documents, best first; none under the floor."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    search: Search
    k: int = 4

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        found = self.search.find(query, top=self.k)
        if found.answerable < self.search.weights.floor_at:
            return []
        return [
            Document(
                page_content=self.search.index.articles[hit.article_id].body,
                metadata={
                    "article_id": hit.article_id,
                    "title": self.search.index.articles[hit.article_id].title,
                    "score": hit.score,
                },
                id=hit.article_id,
            )
            for hit in found.hits
        ]
