"""The learning side's parts, put together once for the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from app.learning.gaps import GapFinder
from app.learning.personal import PersonalFinder
from app.learning.proposals import Proposer
from app.learning.shelf import Shelf
from app.learning.surrogates import drugs_and_policy, finder, marked
from app.learning.workshop import Workshop
from app.settings import Settings
from rag.articles import Article, ArticleErrors, read_articles

MOST = 10  # articles that a search gives


@dataclass(frozen=True)
class LearningKit:
    """`workshop` None: no assistant is loaded that could encode or try a draft."""

    settings: Settings
    workshop: Workshop | None = None

    @cached_property
    def shelf(self) -> Shelf:
        return Shelf(self.settings.knowledge / "articles")

    @cached_property
    def proposer(self) -> Proposer:
        return Proposer(self.shelf)

    @cached_property
    def personal(self) -> PersonalFinder:
        """Built when first asked for: it reads the articles and the language's words."""
        drugs, policy = drugs_and_policy(self.settings.knowledge, self.settings.policy)
        try:
            articles = read_articles(self.settings.knowledge / "articles")
        except ArticleErrors:  # one file with a mistake: its words, and the others', may be taken for names for now
            articles = []
        return finder(policy, drugs, articles)

    @cached_property
    def gaps(self) -> GapFinder | None:
        return GapFinder(self.workshop.encode, self.marked) if self.workshop else None

    def marked(self, text: str) -> str:
        """The text with a mark in place of each personal datum."""
        return marked(self.personal, text)

    def search(self, words: str, articles: Mapping[str, Article]) -> list[str]:
        """Ids of the articles with all of these words, title first, then those that are near in meaning; at most ten."""
        wanted = words.lower().split()
        texts = {id: (a.title.lower(), f"{a.title}\n{a.topic}\n{a.body}".lower()) for id, a in articles.items()}
        titled = [id for id, (title, _) in texts.items() if all(word in title for word in wanted)]
        near = self.workshop.search(words) if self.workshop else ()
        written = [id for id, (_, whole) in texts.items() if all(word in whole for word in wanted)]
        return [id for id in dict.fromkeys((*titled, *near, *written)) if id in articles][:MOST]

    def likeness(self, one: str, other: str) -> float:
        """How close two questions are in meaning; 0 where nothing can tell."""
        if self.workshop is None:
            return 0.0
        vectors = self.workshop.encode([one, other])
        return float(np.dot(vectors[0], vectors[1]))
