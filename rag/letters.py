"""Letter n-grams of every known question: what is left of likeness when words are misspelt.

TF-IDF over the n-grams within words, as scikit-learn's `char_wb` analyser with sublinear counts has it. Our own few
lines, because importing scikit-learn costs the service three seconds at every start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from rag.encoder import Vectors

LENGTHS = (3, 4)


def grams(text: str) -> Iterator[str]:
    """The n-grams of each word with a space on either side."""
    for word in text.split():
        padded = f" {word} "
        for length in LENGTHS:
            if len(padded) <= length:
                yield padded
                break
            for start in range(len(padded) - length + 1):
                yield padded[start : start + length]


class LetterIndex:
    """Look-ups walk only the columns of the message's own n-grams."""

    def __init__(self, asked: Sequence[Sequence[str]], mend: Callable[[str], str]) -> None:
        """`asked` holds the questions of each article, in the articles' order."""
        self._texts = [text for texts in asked for text in texts]
        self._starts = np.cumsum([0, *(len(texts) for texts in asked)])[:-1]
        counted = [Counter(grams(mend(text))) for text in self._texts]
        self._column: dict[str, int] = {}
        for counts in counted:
            for gram in counts:
                self._column.setdefault(gram, len(self._column))
        rows = np.repeat(np.arange(len(counted)), [len(counts) for counts in counted])
        columns = np.array([self._column[gram] for counts in counted for gram in counts])
        found_in = np.bincount(columns, minlength=len(self._column))
        self._idf = np.log((1 + len(counted)) / (1 + found_in)) + 1
        weights = (1 + np.log([count for counts in counted for count in counts.values()])) * self._idf[columns]
        weights /= np.sqrt(np.bincount(rows, weights**2))[rows]
        order = np.argsort(columns, kind="stable")
        self._rows, self._weights = rows[order], weights[order]
        self._ends = np.concatenate([[0], np.cumsum(found_in)])

    def scores(self, mended: str, without: str = "") -> Vectors:
        """The likeness (0 to 1) of the most alike question of each article, of shape (articles,)."""
        counts = Counter(column for gram in grams(mended) if (column := self._column.get(gram)) is not None)
        if not counts:
            return np.zeros(len(self._starts), dtype=np.float32)
        columns = list(counts)
        own = (1.0 + np.log(list(counts.values()))) * self._idf[columns]
        own /= np.linalg.norm(own)
        spans = [slice(self._ends[column], self._ends[column + 1]) for column in columns]
        rows = np.concatenate([self._rows[span] for span in spans])
        shares = np.concatenate([self._weights[span] * weight for span, weight in zip(spans, own, strict=True)])
        likeness = np.bincount(rows, weights=shares, minlength=len(self._texts))
        if without:
            likeness[[place for place, text in enumerate(self._texts) if text == without]] = 0.0
        best: Vectors = np.maximum.reduceat(likeness, self._starts).astype(np.float32)
        return best
