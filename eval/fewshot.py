"""`pestle eval fewshot`: a new intent from 5 and from 10 examples, on public intents that were left out one at a time.

Nothing of it ships. Data: PolyAI BANKING77 (CC BY 4.0). For each seventh of the 77 intents, heads are fitted on the other
66; then each intent of the seventh is added by itself, and judged on the test rows of the 66 and its own. The recipe's
constants were chosen on 4 intents of each seventh, with other draws of the examples; the others are also told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.settings import Settings
from app.wiring import load_encoder, load_reader
from eval.public import rows_of
from eval.table import Figure
from rag.encoder import Vectors
from rag.learning.fewshot import REWORDED, Known, fit_row
from rag.learning.variants import reworded
from rag.specialists.signs import signs
from rag.specialists.train import fit_intents

SEED, DRAWS = 0, 2
PARTS, CHOSEN_ON = 7, 4
KEPT_BACK = 1 / 7
SHOTS = ((5, 0.75), (10, 0.83))
LOSS = 0.5
Say = Callable[[str], object]


@dataclass(frozen=True)
class Outcome:
    """Of one new intent: F1 (0 to 1), and the accuracy that the others lost, in points."""

    f1: float
    loss: float
    unseen: bool  # nothing was chosen on this intent


def evaluate(settings: Settings, data: Path, say: Say) -> list[Figure]:
    folder = data / "banking77"
    if not folder.exists():
        return [Figure("BANKING77", "left out", "", f"{folder} is not here; name its folder with --data")]
    train, test = (rows_of(folder / f"{part}.csv", "text", "category") for part in ("train", "test"))
    names = sorted(set(train[1]))
    y, truth = (np.array([names.index(label) for label in labels]) for labels in (train[1], test[1]))
    encoder, reader = load_encoder(settings, threads=2), load_reader(settings, threads=2)

    def inputs(texts: Sequence[str]) -> Vectors:
        beside = np.stack([signs((text,)) for text in texts])
        return np.concatenate([reader.encode(texts), encoder.encode(texts), beside], axis=1).astype(np.float32)

    x, tested = inputs(train[0]), inputs(test[0])
    dice = np.random.default_rng(SEED)
    kept = dice.random(len(y)) < KEPT_BACK
    order = dice.permutation(len(names))
    found: dict[int, list[Outcome]] = {shots: [] for shots, _ in SHOTS}
    for part in range(PARTS):
        left_out = order[part::PARTS]
        known = _known(x, y, kept, np.array([k for k in range(len(names)) if k not in left_out]))
        ours = np.isin(truth, left_out, invert=True)
        logits = known.logits(tested)
        right = (logits.argmax(axis=1) == _place(left_out, truth)) & ours
        for place, new in enumerate(left_out):
            for shots, _ in SHOTS:
                for draw in range(DRAWS):
                    at = np.random.default_rng(9000 + 100 * draw + int(new)).choice(
                        np.flatnonzero(y == new), shots, replace=False
                    )
                    worded = reworded([train[0][n] for n in at], REWORDED, draw)
                    row = fit_row(known, x[at], inputs([text for text, _ in worded]), [of for _, of in worded], draw)
                    taken = row.logits(tested, known.hidden) > logits.max(axis=1)
                    hit, wrong = int((taken & (truth == new)).sum()), int((taken & ours).sum())
                    f1 = 2 * hit / (hit + wrong + int((truth == new).sum()))
                    found[shots].append(
                        Outcome(f1, 100 * float((right & taken).sum() / ours.sum()), place >= CHOSEN_ON)
                    )
        say(
            f"  seventh {part + 1}: "
            + ", ".join(f"{shots} examples F1 {np.mean([o.f1 for o in found[shots]]):.3f}" for shots, _ in SHOTS)
        )
    return [_figure(shots, goal, found[shots]) for shots, goal in SHOTS]


def _known(x: Vectors, y: Vectors, kept: Vectors, there: Vectors) -> Known:
    """Heads fitted on the rows of these intents that are not kept back."""
    learnt, back = np.isin(y, there) & ~kept, np.isin(y, there) & kept
    of = np.searchsorted(there, y)
    weights, bias, hidden = fit_intents(
        np.eye(len(there), dtype=np.float32)[of[learnt]], x[learnt], np.ones(int(learnt.sum()))
    )
    return Known(weights, bias, hidden, x[learnt], of[learnt], x[back], of[back])


def _place(left_out: Vectors, truth: Vectors) -> Vectors:
    """The place of each row's intent among those that are there."""
    return np.array([k - int((left_out < k).sum()) for k in truth])


def _figure(shots: int, goal: float, found: list[Outcome]) -> Figure:
    f1, loss = np.array([o.f1 for o in found]), np.array([o.loss for o in found])
    unseen = np.array([o.unseen for o in found])
    return Figure(
        f"BANKING77, a new intent from {shots} examples: F1 / loss of accuracy on the others",
        f"{f1.mean():.3f} / {loss.mean():.2f} points",
        f"≥ {goal} / ≤ {LOSS}",
        f"{len(found) // DRAWS} intents left out, {DRAWS} draws each; middle half of F1 {np.quantile(f1, 0.25):.2f} to "
        f"{np.quantile(f1, 0.75):.2f}, largest loss {loss.max():.2f}; on the {int(unseen.sum()) // DRAWS} intents on which "
        f"nothing was chosen {f1[unseen].mean():.3f}, on the others {f1[~unseen].mean():.3f}",
        bool(f1.mean() >= goal and loss.mean() <= LOSS),
    )
