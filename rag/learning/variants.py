"""More of few examples: slips of the finger, other beginnings and ends, and mixes in the space of vectors."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

import numpy as np

from rag.encoder import Vectors
from rag.specialists.finetune import slip

OPENERS = ("", "hi, ", "hello, ", "please help, ", "quick question: ", "so ", "i want to know, ")
CLOSERS = ("", " please", " thanks", " asap", "?")
BEGINNING = re.compile(  # what can stand before a request without being one
    r"^(hi|hello|hey|please|so|ok|okay|um|well|excuse me|quick question|i (want|need|would like|'d like) to know|"
    r"can you (please )?tell me|could you (please )?tell me|do you know|i was wondering|just wondering)\b[\s,:.!-]*",
    re.IGNORECASE,
)
ENDING = re.compile(r"[\s,.!?]*\b(please|thanks|thank you|asap)?[\s.!?]*$", re.IGNORECASE)


def reworded(texts: Sequence[str], each: int, seed: int) -> list[tuple[str, int]]:
    """Up to `each` variants of every text, with its place: other beginnings and ends, and slips of the finger."""
    dice = random.Random(seed)
    made: dict[str, int] = {}
    for place, text in enumerate(texts):
        core = ENDING.sub("", BEGINNING.sub("", text)) or text
        for _ in range(each):
            variant = f"{dice.choice(OPENERS)}{core}{dice.choice(CLOSERS)}"
            variant = slip(variant, dice) if dice.random() < 0.5 else variant
            if variant != text:
                made.setdefault(variant, place)
    return list(made.items())


def mixed(x: Vectors, spread: Vectors, count: int, share: float, much: float, seed: int) -> tuple[Vectors, Vectors]:
    """Rows between two of `x`, moved as the rows of one intent differ (`spread`); with the place of the first of the two.

    What sets two messages of one known intent apart sets two of a new one apart too.
    """
    dice = np.random.default_rng(seed)
    first, second = dice.integers(len(x), size=count), dice.integers(len(x), size=count)
    between = np.where(dice.random(count) < share, dice.random(count), 1.0)[:, None]
    rows = between * x[first] + (1 - between) * x[second] + much * spread[dice.integers(len(spread), size=count)]
    return rows.astype(np.float32), first
