"""Denials: a sentence in new words denies no more than the evidence that says the same."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rails.checks import Check
from rails.engine import register_validator
from rails.reading import NEGATORS, STOPWORDS, Reading, sentence_keys

SAME = 0.75  # share of a sentence's content words in a sentence of the evidence from which both say the same
COPY = 0.9  # and of all their words together from which one copies the other: then that one sentence alone counts


@register_validator(name="pestle/denials", data_type="string")
class SameDenials(Check):
    """Another "not" put into a true sentence turns it around, also where the sentence denies something already."""

    def fault(self, sentence: Reading, evidence: Sequence[Reading], literal: bool) -> str | None:
        if literal:
            return None
        there = [_taken_apart(key) for text in evidence for key in text.keys]
        for key in sentence_keys(sentence.text):
            words, denials = _taken_apart(key)
            copied = {count for theirs, count in there if words and len(words & theirs) >= COPY * len(words | theirs)}
            if copied and denials not in copied:
                return "denies otherwise than the sentence that it copies"
            same = [count for theirs, count in there if words and len(words & theirs) >= SAME * len(words)]
            if same and denials > max(same):
                return "denies more than its evidence"
        return None


def _taken_apart(key: str) -> tuple[frozenset[str], int]:
    """Content words, and how many denials there are."""
    tokens = re.findall(r"[a-z0-9]+(?:'[a-z]+)?", key)
    denials = [token for token in tokens if token in NEGATORS or token.endswith("n't")]
    return frozenset(tokens) - STOPWORDS - frozenset(denials), len(denials)
