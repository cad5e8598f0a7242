"""Fitting what search needs from labelled questions: fusion weights, and the floor of "I don't know".

Fusion: a softmax over all articles, as in listwise learning to rank (Cao et al. 2007), with non-negative weights.
Floor: logistic regression on the best article's signs; the threshold loses at most `LOST` of the answerable ones,
read off predictions for questions that the model was not fitted on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_predict

from rag.encoder import Vectors
from rag.labelled import Labelled
from rag.retrieve import FLOOR_SIGNS, SIGNS, Hit, Search, Weights

LOST = 0.04
FOLDS = 10
SEED = 7
START = Weights(tuple(1.0 for _ in SIGNS), tuple(0.0 for _ in FLOOR_SIGNS), 1.0, (0.0,) * 384, 0.5)


@dataclass(frozen=True)
class Fitted:
    """The weights, and how they did on questions that the floor was not fitted on (shares, 0 to 1)."""

    weights: Weights
    first: float  # right article first; fusion has few weights and is judged on its own questions
    unknown_caught: float
    lost: float


def fit(
    search: Search, answerable: list[Labelled], unanswerable: list[Labelled], hard: Sequence[Labelled] = ()
) -> Fitted:
    """Weights fitted on these questions; one that stands in the index is judged as if it did not.

    `answerable` are asked as customers ask and set the floor; `hard` ones, written to be close to a neighbouring
    article, only help to weigh the signs.
    """
    place = {article_id: n for n, article_id in enumerate(search.index.order)}
    readings = [_read(search, row.question) for row in answerable]
    nothing = [_read(search, row.question) for row in unanswerable]
    contrast = [_read(search, row.question) for row in hard]
    fusion = _fit_fusion(
        [r.signs for r in (*readings, *contrast)], [[place[a] for a in row.articles] for row in (*answerable, *hard)]
    )

    y = np.array([1] * len(readings) + [0] * len(nothing))
    vectors = np.stack([r.vector for r in (*readings, *nothing)])
    asked = search.index.vectors(q for a in search.index.articles.values() for q in search.index.asked(a))
    scope, unseen_scope = _fit_scope(vectors, y, asked)
    x = np.array([_floor_row(search, fusion, r, s) for r, s in zip((*readings, *nothing), unseen_scope, strict=True)])
    scale = x.std(axis=0) + 1e-6
    model = LogisticRegression(C=3.0, max_iter=2000, class_weight="balanced")
    unseen = cross_val_predict(model, x / scale, y, cv=FOLDS, method="predict_proba")[:, 1]
    floor_at = float(np.quantile(unseen[y == 1], LOST))
    model.fit(x / scale, y)
    floor = tuple(float(w) for w in model.coef_[0] / scale)
    weights = Weights(
        tuple(float(w) for w in fusion), floor, float(model.intercept_[0]), tuple(map(float, scope)), floor_at
    )
    first = np.mean(
        [
            int(np.argmax(r.signs @ fusion)) in {place[a] for a in row.articles}
            for r, row in zip(readings, answerable, strict=True)
        ]
    )
    return Fitted(
        weights, float(first), float(np.mean(unseen[y == 0] < floor_at)), float(np.mean(unseen[y == 1] < floor_at))
    )


def _fit_scope(vectors: Vectors, y: Vectors, asked: Vectors) -> tuple[Vectors, Vectors]:
    """The direction of questions for this business, and each row's value by a direction fitted without it."""

    def direction(rows: Vectors, labels: Vectors) -> Vectors:
        model = LogisticRegression(C=8.0, max_iter=300, tol=1e-3, class_weight="balanced")
        model.fit(np.concatenate([rows, asked]), np.concatenate([labels, np.ones(len(asked), dtype=int)]))
        coefficients: Vectors = model.coef_[0]
        return coefficients

    unseen = np.zeros(len(y))
    for train, test in KFold(FOLDS, shuffle=True, random_state=SEED).split(vectors):
        unseen[test] = vectors[test] @ direction(vectors[train], y[train])
    return direction(vectors, y), unseen


@dataclass(frozen=True)
class _Read:
    vector: Vectors
    signs: Vectors
    coverage: float


def _read(search: Search, question: str) -> _Read:
    mended = search.mended(question)
    vector = search.encoder.encode([mended])[0]
    return _Read(vector, *search._signs(mended, vector, without=question))


def _fit_fusion(signs: list[Vectors], right: list[list[int]]) -> Vectors:
    stacked = np.stack(signs).astype(np.float64)  # (questions, articles, signs)

    def loss(logs: Vectors) -> tuple[float, Vectors]:
        weights = np.exp(logs)
        scores = stacked @ weights
        scores -= scores.max(axis=1, keepdims=True)
        odds = np.exp(scores)
        share = odds / odds.sum(axis=1, keepdims=True)
        total, gradient = 0.0, np.zeros(len(weights))
        for n, rows in enumerate(right):
            mass = share[n, rows].sum()
            total -= np.log(mass + 1e-12)
            wanted = share[n, rows] / mass
            gradient += share[n] @ stacked[n] - wanted @ stacked[n, rows]
        prior = 0.5 * np.sum((weights / 30) ** 2)
        return total / len(right) + prior / len(right), (gradient + weights / 900) / len(right) * weights

    best = minimize(loss, np.log(np.full(stacked.shape[2], 5.0)), jac=True, method="L-BFGS-B")
    weights: Vectors = np.exp(best.x)
    return weights


def _floor_row(search: Search, fusion: Vectors, read: _Read, scope: float) -> list[float]:
    scores = read.signs @ fusion
    order = np.argsort(-scores)[:2]
    hits = tuple(Hit(search.index.order[n], float(scores[n]), tuple(map(float, read.signs[n]))) for n in order)
    return search.floor_signs(hits, read.coverage, scope)
