"""Follow-ups: a message that leans on the one before is made whole with what the conversation is about."""

from __future__ import annotations

import re

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


def whole(text: str, focus: Focus) -> str:
    """The message with the question it follows."""
    return f"{focus.question} {OPENS.sub('', text, count=1).strip()}".strip()
