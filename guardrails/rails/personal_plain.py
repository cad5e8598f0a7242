"""A text in plain characters of the same order, with the way back to where each of them stood."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

WORDS = {
    "zero": "0", "oh": "0", "o": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6",
    "seven": "7", "eight": "8", "nine": "9",
}  # fmt: skip
_word = rf"(?:{'|'.join(sorted(WORDS, key=len, reverse=True))})"
SPELLED = re.compile(rf"\b{_word}(?:[\s,.-]{{1,3}}(?:and |then )?{_word}){{6,}}\b", re.IGNORECASE)
WORD = re.compile(_word, re.IGNORECASE)
HIDDEN = frozenset("\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u3164\uffa0")  # seen by nobody, though no format marks


class Plain:
    """ASCII digits, dashes and spaces, no invisible characters, seven or more digit words in a row as digits.

    `span` gives back where a stretch of `text` stood in the original.
    """

    def __init__(self, original: str) -> None:
        self.text = original.replace("\x00", " ")
        self._places: Sequence[tuple[int, int]] | None = None
        if not original.isascii():
            self._replace([(_plain(character), at, at + 1) for at, character in enumerate(original)])
        if SPELLED.search(self.text):
            self._replace(_read_out(self.text))

    def span(self, start: int, end: int) -> tuple[int, int]:
        return (start, end) if self._places is None else (self._places[start][0], self._places[end - 1][1])

    def _replace(self, pieces: Sequence[tuple[str, int, int]]) -> None:
        """Each piece is its new characters (or none) and the stretch of the present text that they stand for."""
        kept = [(character, *self.span(start, end)) for new, start, end in pieces for character in new]
        self.text = "".join(character for character, _, _ in kept)
        self._places = [(start, end) for _, start, end in kept]


def _plain(character: str) -> str:
    if character.isascii():
        return character
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Cf" or character in HIDDEN or "\ufe00" <= character <= "\ufe0f":
        return ""
    if category == "Pd":
        return "-"
    if category.startswith("Z"):
        return " "
    wide = unicodedata.normalize("NFKC", character)
    return wide if len(wide) == 1 else character


def _read_out(text: str) -> list[tuple[str, int, int]]:
    pieces: list[tuple[str, int, int]] = []
    at = 0
    for run in SPELLED.finditer(text):
        for word in WORD.finditer(text, run.start(), run.end()):
            pieces += [(text[place], place, place + 1) for place in range(at, word.start())]
            pieces.append((WORDS[word[0].lower()], word.start(), word.end()))
            at = word.end()
    return pieces + [(text[place], place, place + 1) for place in range(at, len(text))]
