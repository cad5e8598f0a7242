"""Screening evidence: a passage or an order's note that commands whoever reads it is no evidence.

Patterns look at each sentence; where a chat model will read it, so does the injection head.
"""

from __future__ import annotations

from functools import lru_cache

from rag.encoder import Encoder
from rag.specialists.reader import Reader
from rails.policy import Policy
from rails.steering import sentences, steers

KEPT = 4096  # verdicts on sentences that are remembered


class EvidenceScreen:
    """Takes out sentences that try to steer a model. Thread-safe.

    `reader` None: patterns only.
    """

    def __init__(self, policy: Policy, reader: Reader | None = None, encoder: Encoder | None = None) -> None:
        self._patterns = policy.rail("injection").patterns
        self._reader, self._encoder = reader, encoder
        self._steers = lru_cache(KEPT)(self._judge)

    def clean(self, text: str) -> tuple[str, tuple[str, ...]]:
        """The text without its steering sentences, and those sentences. A text without any comes back as it is."""
        parts = sentences(text)
        steering = tuple(part for part in parts if self._steers(part))
        if not steering:
            return text, ()
        return " ".join(part for part in parts if part not in steering), steering

    def _judge(self, sentence: str) -> bool:
        if steers(sentence, self._patterns):
            return True
        if self._reader is None or self._encoder is None or len(sentence.split()) < 3:
            return False
        vector = self._encoder.encode([sentence])[0]
        return self._reader.read((sentence,), vector).marks["injection"] >= self._reader.bounds["injection"].sure
