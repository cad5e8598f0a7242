"""Fitting the grounded check on the knowledge base's own articles: boosted trees that can only reason one way.

Each feature may only push in the direction that its meaning has (monotone constraints), so that what is learnt on
falsified sentences of a pharmacy also holds for texts about anything else. Probabilities are calibrated by Platt's
logistic on rows of articles that the trees did not see.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from rag.articles import Article
from rag.specialists.grounded_examples import Paraphrase, Row, rows
from rails.grounded import FILE, LEXICAL, RAREST, SIMILAR, Embed, Grounded, Likeness, Text, Trees, lexical
from rails.reading import Reading

FOLDS = 5
TREES, DEPTH, RATE, LEAF = 100, 3, 0.08, 40
BY_HAND, LITERAL = 15.0, 0.3  # weights of rows; what people write counts most, and quotations are not asked about
# Share of a composer's sentences that are taken to be supported. 0.5 is then a doubt worth acting on, and not what half
# of the falsified examples reach.
PRIOR = 0.9


@dataclass(frozen=True)
class Score:
    """How a model did on articles that it did not see (0 to 1).

    `auroc` is of all rows but quotations, `by_hand` of those that a person wrote; of these, `lost` is the share of the
    faithful and `held` that of the unfaithful under a probability of 0.5.
    """

    auroc: float
    by_hand: float
    lost: float
    held: float


@dataclass(frozen=True)
class GroundedReport:
    """What fitting found, for the model over words alone and the one that has the encoder's view too."""

    rows: int
    words: Score
    meaning: Score


def fit_grounded(
    articles: Sequence[Article], paraphrases: Sequence[Paraphrase], embed: Embed
) -> tuple[Grounded, GroundedReport]:
    """The check, fitted on all articles, and how it did on articles left out in turn. The same each time."""
    made = rows(articles, paraphrases)
    rarity = rarities(articles)
    x = _inputs(made, rarity, embed)
    y = np.array([row.supported for row in made])
    by_hand = np.array([row.how == "by hand" for row in made])
    literal = np.array([row.how == "literal" for row in made])
    weight = np.where(by_hand, BY_HAND, np.where(literal, LITERAL, 1.0))
    fold = np.array([int(hashlib.sha256(row.article.encode()).hexdigest(), 16) % FOLDS for row in made])
    signs = [*LEXICAL.values(), *SIMILAR.values()]
    fitted: list[Trees] = []
    scores: list[Score] = []
    for inputs in (len(LEXICAL), len(signs)):
        unseen = np.zeros(len(y))
        for n in range(FOLDS):
            seen = fold != n
            model = _fit(x[seen, :inputs], y[seen], weight[seen], signs[:inputs])
            unseen[~seen] = model.decision_function(x[~seen, :inputs])
        slope, offset = _platt(unseen[~literal], y[~literal], weight[~literal])
        fitted.append(_arrays(_fit(x[:, :inputs], y, weight, signs[:inputs]), slope, offset))
        scores.append(_score(unseen * slope + offset, y, by_hand, literal))
    return Grounded(fitted[0], fitted[1], rarity), GroundedReport(len(made), scores[0], scores[1])


def _score(logit: NDArray[Any], y: NDArray[Any], by_hand: NDArray[Any], literal: NDArray[Any]) -> Score:
    overall, hand = (float(roc_auc_score(y[at], logit[at])) for at in (~literal, by_hand))
    lost, held = (float((logit[by_hand & (y == truth)] < 0).mean()) for truth in (True, False))
    return Score(overall, hand, lost, held)


def train_grounded(
    articles: Sequence[Article], paraphrases: Sequence[Paraphrase], embed: Embed, trained: Path
) -> GroundedReport:
    """Fit and write `grounded.safetensors` into the folder `trained`."""
    grounded, report = fit_grounded(articles, paraphrases, embed)
    grounded.save(trained / FILE)
    return report


def rarities(articles: Sequence[Article]) -> dict[str, float]:
    """How rare each stem is among the articles: the logarithm of their number over that of those that hold it."""
    held = Counter(stem for article in articles for stem in Text(article.body).all_stems)
    return {stem: min(RAREST, math.log((len(articles) + 1) / (count + 0.5))) for stem, count in sorted(held.items())}


def _inputs(made: Sequence[Row], rarity: dict[str, float], embed: Embed) -> NDArray[Any]:
    likeness = Likeness(embed)
    known: dict[str, Reading] = {}
    x = np.empty((len(made), len(LEXICAL) + len(SIMILAR)), dtype=np.float32)
    for n, row in enumerate(made):
        sentence = Reading(row.sentence)
        evidence = [known.setdefault(text, Reading(text)) for text in row.evidence]
        x[n] = [*lexical(sentence, evidence, rarity), *astuple(likeness(sentence, evidence))]
    return x


def _fit(x: NDArray[Any], y: NDArray[Any], weight: NDArray[Any], signs: Sequence[int]) -> HistGradientBoostingClassifier:
    model = HistGradientBoostingClassifier(
        max_depth=DEPTH, max_iter=TREES, learning_rate=RATE, min_samples_leaf=LEAF, monotonic_cst=list(signs),
        early_stopping=False, random_state=0,
    )  # fmt: skip
    return model.fit(x, y, sample_weight=weight)


def _platt(logit: NDArray[Any], y: NDArray[Any], weight: NDArray[Any]) -> tuple[float, float]:
    """Slope and offset, for a world in which PRIOR of the sentences are supported."""
    prior = np.where(y, PRIOR / weight[y].sum(), (1 - PRIOR) / weight[~y].sum()) * weight * len(y)
    model = LogisticRegression(C=100.0, max_iter=300).fit(logit[:, None], y, sample_weight=prior)
    return max(0.1, float(model.coef_[0, 0])), float(model.intercept_[0])


def _arrays(model: HistGradientBoostingClassifier, slope: float, offset: float) -> Trees:
    """The fitted trees, with the calibration worked into their leaves."""
    trees = [predictors[0].nodes for predictors in model._predictors]
    size = max(len(nodes) for nodes in trees)
    shape = (len(trees), size)
    own = np.tile(np.arange(size, dtype=np.int32), (len(trees), 1))
    feature, left, right = np.zeros(shape, dtype=np.int32), own.copy(), own.copy()
    threshold, value = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
    for n, nodes in enumerate(trees):
        inner = np.flatnonzero(nodes["is_leaf"] == 0)
        feature[n, inner] = nodes["feature_idx"][inner]
        threshold[n, inner] = nodes["num_threshold"][inner]
        left[n, inner], right[n, inner] = nodes["left"][inner], nodes["right"][inner]
        value[n, : len(nodes)] = nodes["value"] * slope
    return Trees(feature, threshold, left, right, value, float(np.ravel(model._baseline_prediction)[0]) * slope + offset, DEPTH)
