"""The state of one look at a text: what was found so far, and what is left to be looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property

from rails.personal_cues import Cues

BLANK = "\x00"
Span = tuple[str, int, int]  # kind, start, end
Finder = Callable[["Scan"], Iterable[Span]]
HARMLESS = ""  # the kind of what is recognised so that nothing else takes it for personal data


class Scan:
    """`text` loses what was taken: each taken character becomes BLANK, so that no place is found twice."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.found: list[Span] = []

    def run(self, *finders: Finder) -> None:
        for finder in finders:
            for kind, start, end in list(finder(self)):
                if BLANK not in self.text[start:end]:
                    self.text = self.text[:start] + BLANK * (end - start) + self.text[end:]
                    self.found.append((kind, start, end))

    @property
    def data(self) -> list[Span]:
        """What was found and isn't harmless, in order."""
        return sorted((span for span in self.found if span[0] != HARMLESS), key=lambda span: span[1])

    @cached_property
    def cues(self) -> Cues:
        """The cues of the text as it was when they were first asked for."""
        return Cues(self.text)


def digits_of(text: str) -> str:
    return "".join(character for character in text if character.isdigit())
