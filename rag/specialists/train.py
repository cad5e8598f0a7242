"""Fitting the intent head: the intents' examples against the questions that articles answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from rag.articles import Article
from rag.encoder import Encoder
from rag.specialists.examples import Examples
from rag.specialists.reader import KNOWLEDGE, OUT_OF_SCOPE, features, save_head
from rag.words import Speller

SEED = 7


@dataclass(frozen=True)
class HeadReport:
    examples: int
    intents: int
    accuracy: float  # of the first intent, 5-fold
    route_accuracy: float
    confusions: tuple[tuple[str, str, int], ...]  # wanted, read as, times


def train_head(
    folder: Path,
    encoder: Encoder,
    speller: Speller,
    examples: Examples,
    articles: list[Article],
    asked: list[str],
    stray: list[str],
) -> HeadReport:
    """Fit on every example and write the head to `folder`. The report's accuracies are cross-validated.

    `asked` are further questions that articles answer, `stray` messages that nothing here answers.
    """
    knowledge = [question for article in articles for question in article.questions] + asked
    texts = [speller.mend(text) for text in (*examples.texts, *knowledge, *stray)]
    labels = np.array([*examples.labels, *[KNOWLEDGE] * len(knowledge), *[OUT_OF_SCOPE] * len(stray)])
    x = np.stack([features(text, vector) for text, vector in zip(texts, encoder.encode(texts), strict=True)])
    counts = dict(zip(*np.unique(labels, return_counts=True), strict=True))
    weight = {name: (len(labels) / len(counts) / count) ** 0.5 for name, count in counts.items()}
    model = LogisticRegression(C=12.0, max_iter=400, tol=1e-3, class_weight=weight, random_state=SEED)
    guesses = cross_val_predict(model, x, labels, cv=5, n_jobs=2)
    model.fit(x, labels)
    routes = {**examples.routes, KNOWLEDGE: KNOWLEDGE}
    names = [str(name) for name in model.classes_]
    save_head(folder, names, routes, model.coef_, model.intercept_, encoder.name)
    wrong = [(str(w), str(g)) for w, g in zip(labels, guesses, strict=True) if w != g]
    confusions = sorted(((w, g, wrong.count((w, g))) for w, g in set(wrong)), key=lambda row: -row[2])
    same_route = np.mean([routes[w] == routes[g] for w, g in zip(labels, guesses, strict=True)])
    return HeadReport(
        len(labels), len(names), float(np.mean(labels == guesses)), float(same_route), tuple(confusions[:20])
    )
