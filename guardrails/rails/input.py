"""The cleaning half of the input rail: a message made plain, and told when there is nothing to read."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

Unreadable = Literal["empty", "too_long", "unreadable", "other_language"]

INVISIBLE = re.compile(
    "[\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb]"
)
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # and half characters, which no tokenizer takes
TAGS = re.compile(r"</?[a-zA-Z!][^>]{0,2000}>")
APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "`": "'", "–": "-", "—": "-"})


@dataclass(frozen=True)
class Cleaned:
    """A message as the models read it, or why it can't be read."""

    text: str
    problem: Unreadable | None = None


def clean(text: str, longest: int) -> Cleaned:
    """NFKC, no invisible or control characters, no tags, single spaces.

    A message that is too long is cleaned too: danger at its end must not be missed.
    """
    visible = CONTROL.sub(" ", INVISIBLE.sub("", unicodedata.normalize("NFKC", text)))
    if not visible.strip():
        return Cleaned("", "empty")
    words = " ".join(TAGS.sub(" ", visible).translate(APOSTROPHES).split())
    if len(text) > longest:
        return Cleaned(words, "too_long")
    letters = [character for character in words if character.isalpha()]
    if not any(character.isalnum() for character in words):
        return Cleaned(words, "unreadable")
    latin = sum("LATIN" in unicodedata.name(character, "") for character in letters)
    if letters and latin < len(letters) / 2:
        return Cleaned(words, "other_language")
    return Cleaned(words)

