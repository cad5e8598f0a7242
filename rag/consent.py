"""Whether a short message says yes to what was just offered."""

from __future__ import annotations

import re

YES = frozenset(
    [
        "yes",
        "yeah",
        "yep",
        "yup",
        "yess",
        "yea",
        "ye",
        "sure",
        "absolutely",
        "definitely",
        "certainly",
        "gladly",
        "please",
        "pls",
        "plz",
        "yesplease",
    ]
)
MAYBE = frozenset(
    ["ok", "okay", "k", "alright", "fine", "good", "great", "perfect", "right"]
)  # a yes only beside a word such as "do"
WITH = frozenset(
    [
        "please",
        "pls",
        "plz",
        "do",
        "it",
        "that",
        "this",
        "would",
        "be",
        "is",
        "could",
        "you",
        "can",
        "i",
        "i'd",
        "id",
        "would'd",
        "like",
        "love",
        "want",
        "to",
        "so",
        "yes",
        "of",
        "course",
        "go",
        "ahead",
        "great",
        "good",
        "nice",
        "helpful",
        "perfect",
        "thanks",
        "thank",
        "very",
        "much",
        "a",
        "the",
        "person",
        "human",
        "someone",
        "somebody",
        "agent",
        "pharmacist",
        "get",
        "me",
        "connect",
        "ask",
        "let's",
        "lets",
        "one",
        "for",
        "then",
        "why",
        "not",
        "sounds",
        "fine",
        "ok",
        "okay",
        "alright",
        "now",
        "'d",
    ]
)
PHRASES = re.compile(
    r"^(of course|go ahead|do it|please do|why not|i('?d| would) like that|that('?d| would) be \w+|sounds good)\b"
)
NO = frozenset(["no", "not", "nope", "nah", "don't", "dont", "never", "later", "but", "unless"])
LONGEST = 9  # words


def accepts(text: str) -> bool:
    """True for "yes please" or "ok, do that"; False where the message also asks or says something else."""
    words = re.findall(r"[a-z']+", text.lower().replace("’", "'"))
    if not words or len(words) > LONGEST or "?" in text or re.search(r"\d", text):
        return False
    said = " ".join(words)
    if NO & set(words) and not said.startswith("why not"):
        return False
    if set(words) - YES - MAYBE - WITH - {"not"}:
        return False
    if PHRASES.search(said) or YES & set(words):
        return True
    return bool(MAYBE & set(words[:1])) and ("thanks" not in words and "thank" not in words)
