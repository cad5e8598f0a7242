"""An absorbing Markov chain over wordings: where those end who go on from one of them.

After Ponnusamy et al., "Feedback-Based Self-Learning in Large-Scale Conversational AI Agents" (arXiv 1911.02557).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
from scipy.sparse import coo_matrix, csc_matrix, identity
from scipy.sparse.linalg import SuperLU, splu

from rag.encoder import Vectors

Weights = Mapping[tuple[int, int], float]


class Chain:
    """`moves[a, b]`: how often wording `b` came after `a`; `content[a, j]`: how often `a` ended in the good end `j`;
    `lost[a]`: how often in none. `doubt` is added to `lost` everywhere: what was seen once is no certainty.

    With `doubt` of 0, every wording must be able to reach an end.
    """

    def __init__(
        self, size: int, ends: int, moves: Weights, content: Weights, lost: Mapping[int, float], doubt: float = 0.0
    ) -> None:
        self.size, self.doubt = size, doubt
        self._moves, self._content = _matrix(moves, (size, size)), _matrix(content, (size, ends))
        self._lost = np.full(size, doubt)
        for place, weight in lost.items():
            self._lost[place] += weight
        out = np.asarray(self._moves.sum(axis=1)).ravel() + np.asarray(self._content.sum(axis=1)).ravel() + self._lost
        self._each = 1.0 / np.where(out > 0, out, 1.0)

    @cached_property
    def _solved(self) -> SuperLU:
        """Of (I - Q) transposed, with Q the chances of going on: it gives how often each wording is come through."""
        chances = self._moves.multiply(self._each[:, None])
        return splu(csc_matrix(identity(self.size) - chances.T))

    def visits(self, start: Vectors) -> Vectors:
        """How often each wording is said, of shape (wordings,), by who begins with chances `start`."""
        found: Vectors = np.maximum(self._solved.solve(np.asarray(start, dtype=np.float64)), 0.0)
        return found

    def ends(self, start: Vectors) -> Vectors:
        """The chance of each good end, of shape (ends,); what is missing to 1 is lost."""
        found: Vectors = self._content.T @ (self.visits(start) * self._each)
        return found

    def from_(self, place: int) -> Vectors:
        """The chance of each good end for who says this wording."""
        return self.ends(np.eye(1, self.size, place)[0])

    def at_once(self, place: int) -> float:
        """Of those who said this wording and were content or said another one: the share that was content with it."""
        good, onward = float(self._content[[place]].sum()), float(self._moves[[place]].sum())
        return good / (good + onward + self.doubt) if good else 0.0

    def after(self, place: int) -> Vectors:
        """The chances of what is said next by those who go on from this wording or were content with it at once.

        Who gives up says nothing about other wordings; who was content speaks for this one.
        """
        onward = np.asarray(self._moves[[place]].todense()).ravel()
        total = onward.sum() + self._content[[place]].sum() + self.doubt
        chances: Vectors = onward / total if total > 0 else onward
        return chances


def _matrix(weights: Weights, shape: tuple[int, int]) -> csc_matrix:
    places = np.array(list(weights), dtype=int).reshape(-1, 2)
    return coo_matrix((np.array(list(weights.values()), dtype=float), places.T), shape=shape).tocsr()
