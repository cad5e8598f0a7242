"""Medicines in a message, through misspellings and everyday names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from rag.account.drugs import DrugTable
from rag.specialists.entities_found import Found
from rag.specialists.entities_names import AFTER, BEFORE, FORMS, TOKEN, Key, Name, Names, token
from rag.specialists.entities_words import common, english

GAPS = frozenset(("", " ", "-", "/", " / ", "&", " & ", "+", " + ", "  "))
DETERMINERS = frozenset(["my", "the", "a", "her", "his", "your", "their", "our", "this"])
BARE = re.compile(
    r"(?:\s(?:er|xr|xl|sr|dr|hfa|odt|cr))?\s(?P<n>\d{1,4}(?:\.\d{1,3})?)(?![\w/%-]|[.,]\d|\s?(?:days?|weeks?|months?|years?|tab|"
    r"pill|cap|pen|refill|time|times|hours?|minutes?|dollars?|bucks?|more|of|box|bottle|unit|puff)\w*)",
    re.IGNORECASE | re.ASCII,
)
FIRST_SOUND = {"c": "k", "q": "k", "k": "k", "s": "s", "z": "s", "x": "s", "p": "p", "f": "f", "y": "i", "i": "i", "e": "i",
               "a": "i", "j": "g", "g": "g"}  # fmt: skip


class DrugFinder:
    """Finds medicines by the names of a table. Built once; thread-safe."""

    def __init__(self, drugs: DrugTable) -> None:
        self._names = Names(drugs)
        self._strengths = {drug.id: _bare_strengths(drug.strengths) for drug in drugs}
        own = {word for word in self._names.own_words() if len(word) >= 5 and word.isalpha()}
        words = {word for word in self._names.tokens if len(word) >= 7 and word.isalpha() and word not in own}
        self._own = frozenset(own)
        self._by_sound: dict[str, list[str]] = {}
        for word in sorted(own | words):
            for sound in _first_sounds(word):
                self._by_sound.setdefault(sound, []).append(word)
        self._bones = {word: _bones(word) for word in own | words}
        self.mended = lru_cache(maxsize=20_000)(self._mended)

    def find(self, text: str) -> Iterator[Found]:
        """Medicines, and the strength that stands bare behind one ("metformin 500")."""
        places = [(m.start(), m.end()) for m in TOKEN.finditer(text)]
        typed = [token(text[start:end]) for start, end in places]
        tokens = [word if word in self._names.tokens else self.mended(word) for word in typed]
        n = 0
        while n < len(tokens):
            match = self._match(text, tokens, places, n)
            if match is None:
                n += 1
                continue
            length, name = match
            if name.own:
                length += self._form_behind(text, tokens, places, n + length, name)
            start, end = places[n][0], places[n + length - 1][1]
            end -= 2 if text[end - 2 : end].lower() in ("'s", "’s") else 0
            misspelt = tokens[n : n + length] != typed[n : n + length]
            yield Found(
                "drug", start, end, name.ids[0], ("misspelt" if misspelt else "") if name.own else "everyday name"
            )
            if (behind := BARE.match(text, end)) and (strength := self._strength(name, behind["n"])):
                yield Found("bare_strength", behind.start("n"), behind.end("n"), strength)
            n += length

    def _strength(self, name: Name, number: str) -> str | None:
        return next((s for i in name.ids if (s := self._strengths[i].get(number))), None) if name.own else None

    def _match(self, text: str, tokens: list[str], places: list[tuple[int, int]], n: int) -> tuple[int, Name] | None:
        """The longest name that begins at token `n`: how many tokens, and the name."""
        for names, name in self._names.by_first.get(tokens[n], ()):
            size = len(names)
            if tuple(tokens[n : n + size]) == names and _together(text, places, n, size):
                if names in self._names.ambiguous and not self._certain(text, tokens, places, n, size):
                    continue
                longer = 0 if name.own else self._for_use(text, tokens, places, n + size - 1)
                return size + longer, name
        if tokens[n] in ("pill", "shot", *FORMS) and (longer := self._for_use(text, tokens, places, n)):
            use = self._use(tokens, n + longer)
            ids = self._names.uses[use]
            return 1 + longer, Name(ids, False)
        return None

    def _form_behind(self, text: str, tokens: list[str], places: list[tuple[int, int]], n: int, name: Name) -> int:
        """How many tokens from `n` on are an everyday name of the same medicine: "albuterol inhaler" is one thing."""
        if n < len(tokens) and _together(text, places, n - 1, 2) and (behind := self._match(text, tokens, places, n)):
            return behind[0] if not behind[1].own and name.ids[0] in behind[1].ids else 0
        return 0

    def _use(self, tokens: list[str], last: int) -> Key:
        return next(
            t
            for size in range(6, 0, -1)
            if (t := tuple(tokens[max(0, last - size + 1) : last + 1])) in self._names.uses
        )

    def _for_use(self, text: str, tokens: list[str], places: list[tuple[int, int]], n: int) -> int:
        """How many tokens after `n` say what it is for: "for my migraines" is three."""
        if n + 2 >= len(tokens) or tokens[n + 1] != "for" or tokens[n] not in ("pill", "shot", *FORMS):
            return 0
        first = n + 2 + (tokens[n + 2] in DETERMINERS)
        for size in range(min(6, len(tokens) - first), 0, -1):
            if tuple(tokens[first : first + size]) in self._names.uses and _together(text, places, n, first - n + size):
                return first - n + size - 1
        return 0

    def _certain(self, text: str, tokens: list[str], places: list[tuple[int, int]], n: int, size: int) -> bool:
        """Whether the words beside an ambiguous name say that it is the medicine."""
        before = tokens[n - 1] if n and _together(text, places, n - 1, 2) else ""
        after = tokens[n + size] if n + size < len(tokens) and _together(text, places, n + size - 1, 2) else ""
        if tokens[n] == "my":  # "on my way"
            return after in ("pill", "refill")
        if tokens[n] == "the":  # "the pill" is one kind of pill only where somebody is on it
            return before in BEFORE and text[places[n + 1][0] : places[n + 1][1]].lower() == "pill"
        return before in BEFORE or after in AFTER or after.isdecimal()

    def _mended(self, word: str) -> str:
        """The name or name's word that an unknown word was meant to be, else the word itself."""
        if not 5 <= len(word) <= 30 or not word.isalpha() or word in english() or f"{word}s" in english():
            return word
        bones, best = _bones(word), list[tuple[int, str]]()
        names = self._by_sound.get(next(iter(_first_sounds(word))), ())
        for name, distance, _ in process.extract(word, names, scorer=OSA.distance, score_cutoff=4, limit=6):
            apart = OSA.distance(bones, self._bones[name])
            if _close(len(name), distance, apart) and (name in self._own or distance <= 2):
                best.append((distance + apart, name))
        if not best:
            return self._begun(word)
        best.sort()
        tied = {self._names.ids(name) or name for score, name in best if score == best[0][0]}
        if len(tied) > 1 or self._rather_english(word, best[0][1]):
            return word
        return best[0][1]

    def _rather_english(self, word: str, name: str) -> bool:
        """Whether a common English word, and no name, is as near and as like."""
        reach, likeness = OSA.distance(word, name), fuzz.ratio(word, name)
        near = process.extract(word, common().get(word[:1], ()), scorer=OSA.distance, score_cutoff=reach, limit=3)
        return any(token(other) not in self._names.tokens and fuzz.ratio(word, other) >= likeness for other, *_ in near)

    def _begun(self, word: str) -> str:
        """ "atorva" is how only one medicine begins."""
        if len(word) < 6:
            return word
        begun = [name for name in self._by_sound.get(next(iter(_first_sounds(word))), ()) if name.startswith(word)]
        return begun[0] if len(begun) == 1 and begun[0] in self._own else word


def _together(text: str, places: list[tuple[int, int]], n: int, size: int) -> bool:
    return all(text[places[k][1] : places[k + 1][0]] in GAPS for k in range(n, n + size - 1))


def _close(length: int, distance: int, apart: int) -> bool:
    """Whether a word so far from a name of that length, in letters and in sound, is the name misspelt."""
    limit = 1 if length < 8 else 2 if length < 13 else 3
    return distance <= limit or (apart == 0 and distance <= 3) or (apart == 1 and distance <= 3 and length >= 9)


def _first_sounds(word: str) -> tuple[str, ...]:
    first = "f" if word.startswith("ph") else FIRST_SOUND.get(word[0], word[0])
    return (first, "s") if first == "k" and word[:1] == "c" and word[1:2] in tuple("eiy") else (first,)


def _bones(word: str) -> str:
    """A word as it sounds, roughly: one sign for every vowel, one for each group of letters that sound alike."""
    word = word.replace("ph", "f").replace("th", "t").replace("ch", "k").replace("ck", "k").replace("rh", "r")
    word = re.sub(r"c(?=[eiy])", "s", word).translate(str.maketrans("cqzxv", "kkssf"))
    return re.sub(r"(.)\1+", r"\1", re.sub(r"[aeiouy]+", "a", word))


def _bare_strengths(strengths: tuple[str, ...]) -> dict[str, str]:
    return {m[1]: s for s in strengths if (m := re.fullmatch(r"(\d+(?:\.\d+)?) (?:mg|mcg|g)", s))}
