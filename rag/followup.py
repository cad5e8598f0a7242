"""Follow-ups: a message that leans on the one before is made whole with what the conversation is about."""

from __future__ import annotations

import re
from dataclasses import replace

from rag.index import KnowledgeIndex
from rag.retrieve import Found
from rag.turn import Focus
from rag.words import stems

OPENS = re.compile(r"^(and|but|so|also|then|or|what about|how about|what if|ok(ay)?,? (and|so|but))\b", re.IGNORECASE)
LEANS = re.compile(
    r"\b(it|its|that|this|they|them|those|these|there|one|ones|instead|else|either|same)\b", re.IGNORECASE
)
MORE = re.compile(
    r"\b(tell me more|more (details?|information|info)|say more|in (more )?detail|explain (that|it|more|further)|elaborate|"
    r"the (whole|full) (answer|article|story|details))\b|^(go on|more)\W*$",
    re.IGNORECASE,
)
PRICE = re.compile(r"\bhow much\b(?! (time|longer|of|left))|\b(costs?|price|fee|charge)\b", re.IGNORECASE)
CLOSE = 0.8  # share of the best article's score from which another may answer in its place
BRIEF = 9  # words up to which a message asks for nothing but more
SHORT = 3  # content words up to which a message can hardly stand alone


def leans(text: str, focus: Focus) -> bool:
    """Whether the message needs the conversation to be understood."""
    if not focus.question and not focus.items:
        return False
    content = len(stems(text))
    return bool(OPENS.search(text)) or (bool(LEANS.search(text)) and content <= SHORT + 1) or content <= 1


def wants_more(text: str) -> bool:
    return bool(MORE.search(text)) and len(text.split()) <= BRIEF


def priced(text: str, found: Found, index: KnowledgeIndex) -> Found:
    """For a follow-up that asks what something costs, an article that names a price goes before one that names none."""
    if not found.hits or not PRICE.search(text) or "$" in index.articles[found.hits[0].article_id].body:
        return found
    least = CLOSE * found.hits[0].score
    named = [hit for hit in found.hits if hit.score >= least and "$" in index.articles[hit.article_id].body]
    return replace(found, hits=(named[0], *(hit for hit in found.hits if hit is not named[0]))) if named else found


def whole(text: str, focus: Focus) -> str:
    """The message with the question it follows."""
    return f"{focus.question} {OPENS.sub('', text, count=1).strip()}".strip()
