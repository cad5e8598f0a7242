"""The window: what of a conversation is read with a message."""

from __future__ import annotations

import re
from collections.abc import Sequence

SPECIAL = re.compile(r"\[(SEP|CLS|PAD|UNK|MASK)\]", re.IGNORECASE)  # the tokenizer's own words, which nobody else may use
BREAK = " [SEP] "
BEFORE, REPLY = 28, 22  # words kept of an earlier message and of the reply to it
LONG = 64  # words of one piece of a long message
OVERLAP = 12
FEW = 6  # different words up to which a message only repeats itself


def window(turns: Sequence[str]) -> str:
    """The last message with the two customer's messages before it and the reply to the last of those.

    `turns` alternate between customer and assistant and end with the customer.
    """
    *past, message = (SPECIAL.sub(" ", turn) for turn in turns)
    if not past:
        return message
    earlier = past[-4::2] if len(past) >= 4 else past[-2::2]
    parts = [*(_end(text, BEFORE) for text in earlier), _start(past[-1], REPLY), message]
    return BREAK.join(part for part in parts if part.strip())


def pieces(turns: Sequence[str]) -> list[str]:
    """The windows of a message: one, or for a long message one for each overlapping piece of it."""
    words = turns[-1].split()
    if len({word.lower() for word in words}) <= FEW:  # the same over and over: once is enough
        words = words[: 2 * FEW]
        turns = (*turns[:-1], " ".join(words))
    if len(words) <= LONG:
        return [window(turns)]
    step = LONG - OVERLAP
    cut = [" ".join(words[at : at + LONG]) for at in range(0, len(words) - OVERLAP, step)]
    return [window((*turns[:-1], cut[0])), *(SPECIAL.sub(" ", piece) for piece in cut[1:])]


def _start(text: str, count: int) -> str:
    return " ".join(text.split()[:count])


def _end(text: str, count: int) -> str:
    return " ".join(text.split()[-count:])
