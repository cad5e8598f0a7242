"""Fitting what search needs from labelled questions: fusion weights, and the floor of "I don't know".

Fusion: a softmax over all articles, as in listwise learning to rank (Cao et al. 2007), with non-negative weights.
Floor: logistic regression on the best article's signs; the threshold loses at most `LOST` of the answerable ones,
read off predictions for questions that the model was not fitted on.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from rag.encoder import Vectors
from rag.retrieve import FLOOR_SIGNS, SIGNS, Hit, Search, Weights

LOST = 0.015
START = Weights(tuple(1.0 for _ in SIGNS), tuple(0.0 for _ in FLOOR_SIGNS), 1.0, 0.5)


class LabelError(ValueError):
    """A labelled file has a mistake; the message names the file and the row."""


@dataclass(frozen=True)
class Labelled:
    question: str
    articles: tuple[str, ...]  # right ones, best first; empty when no article answers
    style: str = "plain"


def read_labelled(path: Path, known: set[str]) -> list[Labelled]:
    """Rows of a YAML list of {question, articles, style}. Raises LabelError."""
    rows = yaml.safe_load(path.read_text(encoding="utf-8"))
    found = []
    for n, row in enumerate(rows or [], 1):
        if not isinstance(row, dict) or not isinstance(row.get("question"), str):
            raise LabelError(f"{path}: row {n} needs a question")
        articles = tuple(row.get("articles") or ())
        if stray := [article for article in articles if article not in known]:
            raise LabelError(f"{path}: row {n} names {stray[0]!r}, which is no article")
        found.append(Labelled(row["question"], articles, row.get("style", "near" if row.get("near") else "plain")))
    return found


def fit(search: Search, answerable: list[Labelled], unanswerable: list[Labelled]) -> Weights:
    """Weights fitted on these questions, none of which may stand in the index."""
    place = {article_id: n for n, article_id in enumerate(search.index.order)}
    readings = [_read(search, row.question) for row in answerable]
    fusion = _fit_fusion([signs for signs, _ in readings], [[place[a] for a in row.articles] for row in answerable])
    nothing = [_read(search, row.question) for row in unanswerable]
    x = np.array([_floor_row(search, fusion, signs, coverage) for signs, coverage in (*readings, *nothing)])
    y = np.array([1] * len(readings) + [0] * len(nothing))
    scale = x.std(axis=0) + 1e-6
    model = LogisticRegression(C=3.0, max_iter=2000, class_weight="balanced")
    unseen = cross_val_predict(model, x / scale, y, cv=10, method="predict_proba")[:, 1]
    floor_at = float(np.quantile(unseen[y == 1], LOST))
    model.fit(x / scale, y)
    floor = tuple(float(w) for w in model.coef_[0] / scale)
    return Weights(tuple(float(w) for w in fusion), floor, float(model.intercept_[0]), floor_at)


def _read(search: Search, question: str) -> tuple[Vectors, float]:
    mended = search.mended(question)
    return search._signs(mended, search.encoder.encode([mended])[0])


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


def _floor_row(search: Search, fusion: Vectors, signs: Vectors, coverage: float) -> list[float]:
    scores = signs @ fusion
    order = np.argsort(-scores)[:2]
    hits = tuple(Hit(search.index.order[n], float(scores[n]), tuple(map(float, signs[n]))) for n in order)
    return search.floor_signs(hits, coverage)
