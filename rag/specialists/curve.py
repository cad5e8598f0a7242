"""The learning curve: heads on a part of the rows, judged on all that were kept back.

On the plain encoder's vectors and the signs: the tuned reader has seen every row, so its vectors can't tell what fewer
rows would have taught.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np

from rag.encoder import Vectors
from rag.specialists.examples import HEADS
from rag.specialists.rows import Learnt, Rows
from rag.specialists.train import READ, fit_heads

SHARES = (0.125, 0.25, 0.5, 1.0)


def learning_curve(rows: Rows, x: Vectors, say: Callable[[str], None]) -> list[dict[str, float]]:
    """One point for each of SHARES: intents' accuracy, and each head's AUROC. `x` are the rows' inputs."""
    plain = np.concatenate([x[:, READ : 2 * READ], np.zeros_like(x[:, :READ]), x[:, 2 * READ :]], axis=1)
    points = []
    for share in SHARES:
        at = [n for n, row in enumerate(rows.rows) if row.kept_back or _place(row) < share]
        part = Rows(tuple(rows.rows[n] for n in at), rows.routes)
        _heads, report = fit_heads(part, plain[at], "", "", "")
        point = {"share": share, "rows": float(report.learnt), "intents": report.accuracy}
        point.update({name: report.heads[name].auroc for name in HEADS})
        points.append(point)
        say(f"  {share:.1%}: " + ", ".join(f"{name} {value:.3f}" for name, value in point.items() if name != "share"))
    return points


def _place(row: Learnt) -> float:
    return int(hashlib.sha256(("curve" + row.turns[-1].lower()).encode()).hexdigest()[:8], 16) / 2**32
