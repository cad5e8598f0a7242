"""The extractive composer's choice: which sentences and steps of an article answer a question, in a natural order.

An article opens with its answer, so the lead goes first unless another section fits the question clearly better. Then
sections follow by fit while there are words left; steps come whole or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag.compose.draft import DraftSentence, Evidence
from rag.encoder import Vectors
from rag.index import KnowledgeIndex
from rag.passages import Passage

HOW = re.compile(
    r"^(so |and |ok |hi |hello |please )*(how (do|to|can|should|would|might)|what do i (do|need)|what should i|steps|where do i|can i|i (want|need|would like) to|help me)\b",
    re.IGNORECASE,
)
SHORT = 120  # words up to which only what fits best is said; beyond, the article is told in its own order
CLEARLY = 0.08  # by how much a section must fit better than the lead to be said first
ENOUGH = 0.30  # least fit of a section that is said after the lead
NEAR = 0.14  # and how far behind the best it may be
DEICTIC = re.compile(
    r"^(it|its|they|them|their|these|those|this|that|there|then|he|she|such|otherwise|instead|also|however|but|and|so)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Chosen:
    """Sentences in the order in which they are said, with their evidence."""

    sentences: tuple[DraftSentence, ...]
    evidence: tuple[Evidence, ...]
    passages: tuple[str, ...]  # ids, for the trace and for "tell me more"


def passage_evidence(passage: Passage) -> Evidence:
    title = passage.title
    return Evidence(
        passage.id,
        passage.article_id,
        title,
        f"?article={passage.article_id}",
        f"{passage.heading}. {passage.text}" if passage.heading else passage.text,
    )


def choose(
    index: KnowledgeIndex,
    article_id: str,
    question: str,
    vector: Vectors,
    words: int,
    said: frozenset[str] = frozenset(),
    order: Sequence[int] = (),
) -> Chosen:
    """The answer from one article within `words`. `said` are passages that the customer has seen already.

    `order`: numbers of the passages to say, in place of the order that fits best.
    """
    parts = [part for part in index.passages[article_id] if part.id not in said and part.pieces]
    if not parts:
        parts = index.passages[article_id]
    fits = index.vectors(part.embedded for part in parts) @ vector
    sentences: list[DraftSentence] = []
    used: list[Passage] = []
    usual = list(range(len(parts))) if words > SHORT else _order(parts, fits, question)
    place_of = {part.number: place for place, part in enumerate(parts)}
    for place in [place_of[number] for number in order if number in place_of] if order else usual:
        left = words - sum(len(sentence.text.split()) for sentence in sentences)
        pieces = _within(index, parts[place], vector, left, bool(used))
        if pieces:
            sentences.extend(pieces)
            used.append(parts[place])
        if words <= SHORT and len(used) == 2 and not order:
            break
    return Chosen(tuple(sentences), tuple(passage_evidence(part) for part in used), tuple(part.id for part in used))


def _order(parts: list[Passage], fits: Vectors, question: str) -> list[int]:
    """Places of the passages to say, best first."""
    fits = fits.copy()
    if HOW.search(question):
        fits += [0.05 if any(piece.kind == "step" for piece in part.pieces) else 0.0 for part in parts]
    ranked = [int(place) for place in np.argsort(-fits)]
    best = ranked[0]
    first = 0 if parts[0].number == 0 and fits[best] - fits[0] < CLEARLY else best
    rest = [place for place in ranked if place != first and fits[place] >= max(ENOUGH, float(fits[best]) - NEAR)]
    return [first, *rest]


def _within(index: KnowledgeIndex, part: Passage, vector: Vectors, left: int, follows: bool) -> list[DraftSentence]:
    """The pieces of a passage that fit into the words left, in their order; steps whole or not at all."""
    texts = [piece.text for piece in part.pieces]
    total = sum(len(text.split()) for text in texts)
    if total <= left:
        return [DraftSentence(piece.text, (part.id,), piece.kind) for piece in part.pieces]
    if any(piece.kind == "step" for piece in part.pieces) or left < 12:
        return []
    fits = index.vectors(texts) @ vector
    kept: set[int] = set()
    for place in np.argsort(-fits):
        if DEICTIC.match(texts[place]) and place - 1 not in kept:
            continue
        if sum(len(texts[k].split()) for k in kept) + len(texts[place].split()) <= left:
            kept.add(int(place))
    return [DraftSentence(texts[k], (part.id,), part.pieces[k].kind) for k in sorted(kept)]
