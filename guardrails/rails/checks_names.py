"""Names: nobody and nothing is named in a sentence that its evidence doesn't name."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

from rails.checks import Check
from rails.engine import register_validator
from rails.figures import MONTHS, WEEKDAYS
from rails.reading import STOPWORDS, Reading

CAPITAL = re.compile(r"(?<![\w@.])(?:[A-Z][\w'’-]*\w|[A-Z](?=\.))")
START = re.compile(r"(?:^|[.!?:]\s+|[\"“(\n])\s*$")
TITLES = frozenset(("mr", "mrs", "ms", "miss", "dr", "prof"))
TITLED = re.compile(r"\b(mr|mrs|ms|miss|dr|prof)\.? +(\w+)", re.IGNORECASE)
USUAL = frozenset((*MONTHS, *WEEKDAYS, *TITLES, "i", "ok", "pm", "am", "us", "usa", "eastern", "pdf", "faq", "id", "step", "sms"))


@register_validator(name="pestle/names", data_type="string")
class NamesStand(Check):
    """Every name of the sentence stands in the evidence.

    A name is a word with a capital that doesn't begin a sentence; one that does is a name when another follows it, or
    when `is_word` says that it is no ordinary word. `known` are names that may always be used (the business's own).
    """

    def __init__(self, known: Collection[str] = (), is_word: Callable[[str], bool] | None = None) -> None:
        super().__init__()
        self._known = frozenset(part for name in known for part in re.findall(r"\w+", name.lower()))
        self._is_word = is_word

    def fault(self, sentence: Reading, evidence: Sequence[Reading], literal: bool) -> str | None:
        if literal:
            return None
        there = frozenset(word for text in evidence for word in re.findall(r"\w+", text.text.lower()))
        for name in self._names(sentence.text):
            parts = [part for part in re.findall(r"\w+", name.lower()) if part != "s"]
            if any(part not in there and part not in self._known and part not in USUAL for part in parts):
                return "names somebody or something that stands in no evidence"
        if _titled(sentence.text) - frozenset(pair for text in evidence for pair in _titled(text.text)):
            return "gives somebody a title that stands in no evidence"
        return None

    def _names(self, text: str) -> list[str]:
        found = []
        places = [*CAPITAL.finditer(text)]
        for n, place in enumerate(places):
            word = place[0].lower().removesuffix("'s").removesuffix("’s")
            titled = n > 0 and places[n - 1][0].lower() in TITLES and place.start() - places[n - 1].end() <= 2
            starts = bool(START.search(text[: place.start()])) and not titled
            if starts and not self._names_at_start(word, text, place, places[n + 1] if n + 1 < len(places) else None):
                continue
            found.append(place[0])
        return found

    def _names_at_start(self, word: str, text: str, place: re.Match[str], following: re.Match[str] | None) -> bool:
        if word in STOPWORDS:
            return False
        beside = following is not None and text[place.end() : following.start()] in (" ", ". ")
        return beside or (self._is_word is not None and not self._is_word(word))


def _titled(text: str) -> frozenset[tuple[str, str]]:
    """Titles with the names that they stand before: another Zhao than the evidence's Dr. Zhao is somebody else."""
    return frozenset((title.lower(), name.lower()) for title, name in TITLED.findall(text))
