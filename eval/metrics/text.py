"""What can be read off an answer's text: the facts in it, its length, and the school grade it asks for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

QUOTES_AND_DASHES = str.maketrans("‘’‚‛“”„‟‐‑‒–—−", "''''" + '""""' + "------")
INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
# Separators that make one figure of two: 5.99, 1,000, 10:30, 24/7, 3-5, 2026-11-20.
BEFORE_FIGURE = r"(?<![\w])(?<!\d[.,:/-])(?<!\w-)"
AFTER_FIGURE = r"(?!\w)(?![.,:/-]\d)"
BEFORE_WORD = r"(?<!\w)"
MARKER = re.compile(r"\[\d+\]")
WORD = re.compile(r"\w+(?:['.,:/-]\w+)*")
SENTENCE_END = re.compile(r"(?<!\b[^\W\d_])[.!?:;]+(?:\s|$)|\n")  # not after the letters of "a.m."
SILENT = re.compile(r"(?<=[^laeiouy])e$|(?<=[^aeiouydt])ed$|(?<=[^aeiouyscxzhg])es$")
VOWELS = re.compile(r"[aeiouyà-æè-ïò-öø-ý]+")


def holds(text: str, fact: str) -> bool:
    """Whether one of the fact's wordings, parted by "|", stands in the text; case and white space do not matter.

    A wording begins where a word begins and may end inside one ("refund" is in "refunds", "day" is not in "Monday");
    a figure stands by itself ("5" is in neither "15" nor "5.99" nor "3-5"). Raises `ValueError` for an empty fact.
    """
    wordings = [_plain(part) for part in fact.split("|")]
    if not all(wordings):
        raise ValueError(f"{fact!r} has an empty wording, which would stand in any text")
    plain = _plain(text)
    return any(_pattern(wording).search(plain) for wording in wordings)


def facts(text: str, wanted: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The facts that stand in the text and those that are missing, in their order."""
    held = {fact: holds(text, fact) for fact in wanted}
    return tuple(f for f, found in held.items() if found), tuple(f for f, found in held.items() if not found)


def words(text: str) -> int:
    """Words and figures; citation marks are none."""
    return len(WORD.findall(MARKER.sub(" ", text)))


def grade(text: str) -> float | None:
    """US school grade by Flesch and Kincaid (1975), never below 0; None for a text without words.

    A step of a list is a sentence with or without a full stop; a figure counts as a word of one syllable.
    """
    pieces = [WORD.findall(piece) for piece in SENTENCE_END.split(MARKER.sub("", text))]
    sentences = [found for found in pieces if any(not word.isdigit() for word in found)]  # "1." is none
    said = [word for found in sentences for word in found]
    if not said:
        return None
    return max(0.0, 0.39 * len(said) / len(sentences) + 11.8 * sum(map(syllables, said)) / len(said) - 15.59)


def syllables(word: str) -> int:
    """Groups of vowels, without endings that are not heard; right for 97 % of words (docs/decisions.md)."""
    return max(1, len(VOWELS.findall(SILENT.sub("", word.casefold()))))


def _plain(text: str) -> str:
    same = unicodedata.normalize("NFKC", text).translate(INVISIBLE).translate(QUOTES_AND_DASHES)
    return " ".join(same.casefold().split())


@lru_cache(maxsize=4096)
def _pattern(plain: str) -> re.Pattern[str]:
    spaced = re.escape(plain).replace(r"\ ", " ")
    spaced = re.sub(r"(?<=\d) (?=\d)", r"\\s+", spaced).replace(" ", r"\s*")
    spaced = re.sub(r"(?<=\d)(?=[^\W\d_])", r"\\s*", spaced)  # 5mg is 5 mg
    before = BEFORE_FIGURE if plain[0].isdigit() else BEFORE_WORD if plain[0].isalnum() else ""
    return re.compile(before + spaced + (AFTER_FIGURE if plain[-1].isdigit() else ""))
