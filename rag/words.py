"""Words: how a message's words are brought to the words of the articles. Spelling, shop talk, stems."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import Stemmer
import yaml
from symspellpy import SymSpell, Verbosity

TOKEN = re.compile(r"[a-z][a-z']*[a-z]|[a-z]|\d+(?:\.\d+)?")
STOPWORDS = frozenset(
    [
        "a",
        "about",
        "am",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "been",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "for",
        "from",
        "get",
        "got",
        "had",
        "has",
        "have",
        "hello",
        "hey",
        "hi",
        "how",
        "i",
        "i'd",
        "i'll",
        "i'm",
        "i've",
        "if",
        "in",
        "into",
        "is",
        "it",
        "it's",
        "its",
        "just",
        "me",
        "my",
        "of",
        "ok",
        "okay",
        "on",
        "or",
        "our",
        "out",
        "please",
        "s",
        "so",
        "some",
        "than",
        "thanks",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "they",
        "this",
        "to",
        "too",
        "u",
        "up",
        "us",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "why",
        "will",
        "with",
        "would",
        "you",
        "your",
    ]
)


RARE = 20_000  # a word seen less often in the frequency list may be a misspelling itself
COMMON = 1_000_000  # a word seen this often may be what was meant


class Speller:
    """Mends misspelt words towards the vocabulary of this business, and writes texting shorthand out.

    Words of the vocabulary and common English words are left alone. `shorthand` maps a word to what it stands for.
    """

    def __init__(self, vocabulary: Iterable[str], shorthand: dict[str, str]) -> None:
        self._shorthand = shorthand
        self._english = SymSpell(max_dictionary_edit_distance=1, prefix_length=7)
        self._known = set[str]()
        dictionary = files("symspellpy") / "frequency_dictionary_en_82_765.txt"
        for line in dictionary.read_text(encoding="utf-8").splitlines():
            word, _, count = line.lstrip("\ufeff").partition(" ")
            if int(count) > RARE:
                self._known.add(word)
            if int(count) > COMMON:
                self._english.create_dictionary_entry(word, int(count))
        parts = Counter(part for word in vocabulary for part in TOKEN.findall(word.lower()))
        self._ours = SymSpell(max_dictionary_edit_distance=2, prefix_length=7)
        for part, times in parts.items():
            if len(part) > 2 and part.isalpha():
                self._ours.create_dictionary_entry(part, times)
        self._known |= set(self._ours.words)
        self.mend_word = lru_cache(maxsize=20_000)(self._mend_word)

    def mend(self, text: str) -> str:
        """The text in lower case with its words mended; numbers and marks stay."""
        return re.sub(r"[a-z0-9][a-z0-9']*", lambda match: self.mend_word(match[0]), text.lower())

    def knows(self, word: str) -> bool:
        """Whether it is a word of English or of this business."""
        return word in self._known

    def known_share(self, text: str) -> float:
        """Share of the longer words that are English, of this business or shorthand: 0 to 1."""
        words = re.findall(r"[^\W\d_]{3,}", text.lower())
        return sum(word in self._known or word in self._shorthand for word in words) / len(words) if words else 0.0

    def _mend_word(self, word: str) -> str:
        if word in self._shorthand:
            return self._shorthand[word]
        if len(word) < 4 or word in self._known or not word.isalpha():
            return word
        reach = 1 if len(word) < 6 else 2
        ours = self._ours.lookup(word, Verbosity.CLOSEST, max_edit_distance=reach)
        common = self._english.lookup(word, Verbosity.CLOSEST, max_edit_distance=1)
        if ours and (not common or ours[0].distance <= common[0].distance):
            return str(ours[0].term)
        if common:
            return str(common[0].term)
        return word


def read_shorthand(path: Path) -> dict[str, str]:
    """The shorthand file: `word: what it stands for`, one a line."""
    data = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return {str(word).lower(): str(meaning).lower() for word, meaning in data.items()}


_stemmer = Stemmer.Stemmer("english")


def stems(text: str) -> list[str]:
    """Stemmed content words, in order."""
    words = [word for word in TOKEN.findall(text.lower()) if word not in STOPWORDS]
    return list(_stemmer.stemWords(words))
