"""How people write what they want: slips of the keys, few words, many words, good manners."""

from __future__ import annotations

import re
from random import Random

from eval.simulated.personas import Style

SLIPS = 0.1  # share of the words in which a key slips
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_WORD = re.compile(r"(?<![\w-])[A-Za-z]{4,}(?![\w-])")  # no numbers of orders, and nothing as short as "not"
OPENINGS = (
    "Hello there, I hope this reaches the right place.",
    "Hi, so I was just going through my things this morning with a coffee.",
    "Good day! I have been with you for a while now and was always happy.",
    "Hey, sorry to bother you, my wife usually does these things.",
    "Hello, it's me again, I'm not very good with computers.",
    "Hi! I was about to leave the house when this came to my mind.",
)
CLOSINGS = (
    "Thank you so much, you are always a help.",
    "Thanks a lot and have a lovely day over there.",
    "I'd appreciate it, thank you kindly.",
    "Anyway, that's what I was wondering about. Thanks!",
)
GREETINGS = ("Good morning.", "Good afternoon.", "Hello.", "Good evening.")
THANKS = ("Thank you.", "Thank you very much.", "Many thanks.")
FAREWELLS = (
    "Thank you, that was all.",
    "Great, thanks, bye!",
    "That helps. Have a good day.",
    "Perfect, thank you so much.",
)


def dressed(text: str, style: Style, dice: Random) -> str:
    """The text as somebody of this style writes it."""
    if style == "typos":
        return slipped(text, dice)
    if style == "terse":
        return re.sub(r"\b(?:please|kindly)\b,? ?", "", text, flags=re.IGNORECASE).strip(" .!").lower()
    if style == "rambling":
        return f"{dice.choice(OPENINGS)} {text} {dice.choice(CLOSINGS)}"
    if style == "polite":
        return f"{dice.choice(GREETINGS)} {text} {dice.choice(THANKS)}"
    return text


def slipped(text: str, dice: Random, share: float = SLIPS) -> str:
    """The text with slips of the keys in about this share of its longer words, at least one where there is such a word.

    A slip hits a neighbouring key, swaps two letters, leaves one out or doubles it; the first letter stays.
    """
    words = list(_WORD.finditer(text))
    if not words:
        return text
    chosen = [word for word in words if dice.random() < share] or [dice.choice(words)]
    for word in reversed(chosen):
        text = text[: word.start()] + _slip(word.group(), dice) + text[word.end() :]
    return text


def _slip(word: str, dice: Random) -> str:
    at = dice.randrange(1, len(word) - 1)
    match dice.choice(("neighbour", "swap", "drop", "double")):
        case "neighbour":
            return word[:at] + _neighbour(word[at], dice) + word[at + 1 :]
        case "swap":
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        case "drop":
            return word[:at] + word[at + 1 :]
        case _:
            return word[:at] + word[at] + word[at:]


def _neighbour(letter: str, dice: Random) -> str:
    row = next(row for row in _ROWS if letter.lower() in row)
    at = row.index(letter.lower())
    beside = [row[n] for n in (at - 1, at + 1) if 0 <= n < len(row)]
    return dice.choice(beside)
