"""Letter n-grams and words of a message, hashed: what spelling says beside what the vectors mean."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from zlib import crc32

import numpy as np

from rag.encoder import Vectors

SIZE = 2048
SHORTEST, LONGEST = 3, 5  # letters of a gram, with the space before and after a word
LEAST = 0.55  # weight of the whole vector beside the encoder's unit vector


def grams(text: str) -> Vectors:
    """Float32 of shape (SIZE,), of length LEAST (zero for a text without letters)."""
    counts: Counter[int] = Counter()
    for word in re.findall(r"[a-z0-9']+", text.lower())[:80]:
        padded = f" {word} "
        counts[crc32(padded.encode()) % SIZE] += 1
        for size in range(SHORTEST, LONGEST + 1):
            for at in range(len(padded) - size + 1):
                counts[crc32(padded[at : at + size].encode()) % SIZE] += 1
    out = np.zeros(SIZE, dtype=np.float32)
    if counts:
        out[list(counts)] = 1 + np.log(np.fromiter(counts.values(), dtype=np.float32))
        out *= LEAST / np.linalg.norm(out)
    return out


def grams_of(texts: Sequence[str]) -> Vectors:
    """Float32 of shape (texts, SIZE)."""
    return np.stack([grams(text) for text in texts])
