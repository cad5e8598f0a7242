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
OWN_LINE = re.compile(r"([^\s.!?:;])[ \t]*$", re.MULTILINE)
DECIMAL = re.compile(r"(?<=\d)[.,:](?=\d)")


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

    Steps of a list that end in no full stop count as sentences; the point in a price ends none. About one grade lower
    than with a pronouncing dictionary (docs/decisions.md).
    """
    import textstat  # takes a second, and is not needed to run a case

    plain = DECIMAL.sub("", OWN_LINE.sub(r"\1.", MARKER.sub("", text)))
    if not words(plain):
        return None
    # "en_US" would make textstat fetch a dictionary; under this name syllables come from the hyphenation it carries.
    textstat.set_lang("en-US")
    return max(0.0, float(textstat.flesch_kincaid_grade(plain)))


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
