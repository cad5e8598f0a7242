"""Several answers from one article, of which a ranker may choose: other passages, another order, other lengths."""

from __future__ import annotations

from rag.compose.extractive import Chosen, choose
from rag.encoder import Vectors
from rag.index import KnowledgeIndex

MOST = 6
BRIEF = 56  # words of the short ones


def variants(index: KnowledgeIndex, article_id: str, question: str, vector: Vectors, words: int) -> list[Chosen]:
    """Up to MOST different answers, none over `words`. The first is the one that is given without a ranker."""
    parts = index.passages[article_id]
    usual = choose(index, article_id, question, vector, words)
    fits = index.vectors(part.embedded for part in parts) @ vector
    order_of_fit = sorted(range(len(parts)), key=lambda n: (-float(fits[n]), n))
    ranked = [parts[n].number for n in order_of_fit if parts[n].pieces]
    if not ranked:
        return [usual]
    best, lead = ranked[0], min(ranked)
    orders = [
        ([best], words),  # what fits best, alone
        ([lead], words),  # how the article opens, alone
        ([best, lead], words),
        (ranked[:2], BRIEF),
        (sorted(ranked[:3]), words),  # the three that fit best, in the article's own order
    ]
    found = [usual]
    for order, most in orders:
        one = choose(index, article_id, question, vector, min(most, words), order=tuple(dict.fromkeys(order)))
        if one.sentences and all(one.sentences != other.sentences for other in found):
            found.append(one)
    return found[:MOST]
