"""Sentences cut from a stream of tokens, each as soon as it is surely complete."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["sentence", "step", "bullet"]

MARKER = re.compile(
    r"\[\s*(?:evidence|source|item)?\s*#?\d+(?:\s*(?:[,;&]|and)\s*\d+)*\s*\](?!\()|【\s*\d+[^】]{0,20}】", re.IGNORECASE
)
_mark = f"(?:{MARKER.pattern})"
_marks = rf"(?:\s*{_mark}\s*[.,;]?)*"
BOUNDARY = re.compile(
    rf"(?:(?P<stop>[.!?]+)[\"'”’)*_]*(?P<after>{_marks})|(?P<marks>(?:\s*{_mark})+))(?P<gap>\s+)(?=\S)", re.IGNORECASE
)
LINE_END = re.compile(rf"{_marks}\s*", re.IGNORECASE)
FINISHED = re.compile(rf"(?:[.!?][\"'”’)*_]*|{_mark}[\s.]*)\s*$", re.IGNORECASE)
ITEM = re.compile(r"\s*(?:\*\*)?(?:(?P<n>\d{1,2})[.)]|(?P<bullet>[-*•–]))(?:\*\*)?\s+")
NEXT_STEP = re.compile(r"(?<=[.!?\]])\s+(?=\d{1,2}[.)]\s+[A-Z])")
ABBREVIATION = re.compile(
    r"\b(?:[A-Za-z]\.(?:[A-Za-z]\.)+|(?:Dr|Mr|Mrs|Ms|St|Ave|vs|approx|No|Inc|Co|Ltd|dept|ext|e\.g|i\.e|Jan|Feb|Mar|Apr|Jun|Jul|Aug"
    r"|Sept?|Oct|Nov|Dec|Mon|Tues?|Wed|Thurs?|Fri|Sat|Sun)\.|[A-Z]\.)$", re.IGNORECASE,
)  # fmt: skip
CLOCK = re.compile(r"\b[ap]\.m\.$", re.IGNORECASE)
CLOCK_GOES_ON = re.compile(
    r"(?:Eastern|Central|Mountain|Pacific|[ECMP][SD]?T|(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:days?)?"
    r"|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*)\b"
)
OPEN_MARKER = re.compile(rf"{_mark}|[\[【][^\]】]{{0,24}}$|[\[【]$", re.IGNORECASE)
THOUGHTS = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>\s*", re.DOTALL | re.IGNORECASE)
STYLE = re.compile(r"\*\*|__(?=\S)|(?<=\S)__|^#+\s*", re.MULTILINE)


@dataclass(frozen=True)
class Cut:
    """A complete sentence, step or bullet without its markers, and the evidence numbers that they name."""

    text: str
    numbers: tuple[int, ...]
    kind: Kind = "sentence"


class Cutter:
    """Feed it tokens; it hands out what is complete. `rest()` ends the stream.

    A marker may stand before or after the full stop, and may be split over tokens; so a sentence is given out when the
    first character of what follows it has come. A step or bullet is one piece up to the end of its line.
    """

    def __init__(self) -> None:
        self._buffer = ""
        self._thinking: bool | None = None

    @property
    def pending(self) -> int:
        """Characters that wait for the end of their sentence."""
        return len(self._buffer)

    @property
    def finished(self) -> bool:
        """Whether what waits looks complete: it ends in a full stop or a marker, or is nothing."""
        return not self._buffer.strip() or bool(FINISHED.search(self._buffer))

    def feed(self, text: str) -> Iterator[Cut]:
        self._buffer += text
        if not self._skip_thoughts():
            return
        while (end := self._end()) is not None:
            piece, self._buffer = self._buffer[:end], self._buffer[end:]
            if cut := read(piece):
                yield cut

    def rest(self, *, whole: bool = True) -> Iterator[Cut]:
        """What is left. With `whole` False (a cut-off stream) a piece without an end is dropped."""
        if whole or self.finished:
            yield from self.feed("\n\x00")  # a line end and something after it: nothing can follow any more
        self._buffer = ""

    def _skip_thoughts(self) -> bool:
        if self._thinking is False:
            return True
        start = self._buffer.lstrip().lower()
        if "<think".startswith(start[:6]) and len(start) < 6:
            return False
        if start.startswith("<think"):
            if not THOUGHTS.match(self._buffer):
                return False
            self._buffer = THOUGHTS.sub("", self._buffer, count=1)
        self._thinking = False
        return True

    def _end(self) -> int | None:
        """Where the first complete piece of the buffer ends, if there is one."""
        buffer = self._buffer
        lead = len(buffer) - len(buffer.lstrip())
        line = _line_end(buffer, lead)
        item = ITEM.match(buffer)
        if item:
            step = NEXT_STEP.search(buffer, item.end(), len(buffer) if line is None else line) if item["n"] else None
            return step.end() if step else line
        if re.fullmatch(r"\s*(?:\*\*)?\d{1,2}[.)](?:\*\*)?\s*", buffer):
            return None  # "1." and nothing after it yet
        for match in BOUNDARY.finditer(buffer, lead):
            if line is not None and match.start() >= line:
                break
            if _is_end(buffer, match):
                return match.end()
        return line


def _line_end(buffer: str, start: int) -> int | None:
    """The end of the first line, markers at the start of the next one included, once what follows is known."""
    at = buffer.find("\n", start)
    if at < 0:
        return None
    after = LINE_END.match(buffer, at)
    end = after.end() if after else at
    if end >= len(buffer) or OPEN_MARKER.match(buffer, end):
        return None
    return end


def _is_end(buffer: str, match: re.Match[str]) -> bool:
    following = buffer[match.end() :]
    if OPEN_MARKER.match(following):
        return False
    if match["marks"] is not None:  # "… in 2 days [1] Standard …": no full stop, but a new sentence
        return following[0].isupper() and not following.startswith(("I ", "I'"))
    if match["after"].strip():
        return True
    head = buffer[: match.end("stop")]
    if CLOCK.search(head):
        known = re.match(r"\w+\W", following)  # the whole next word is needed: "9 p.m. Mon…" goes on
        return bool(known) and following[0].isupper() and not CLOCK_GOES_ON.match(following)
    if ABBREVIATION.search(head):
        return False
    return not following[0].islower()


def read(piece: str) -> Cut | None:
    """A piece as a Cut; None when no words are left in it."""
    item = ITEM.match(piece)
    kind: Kind = "sentence" if not item else "step" if item["n"] else "bullet"
    body = piece[item.end() :] if item else piece
    numbers = [int(n) for mark in MARKER.finditer(body) for n in _numbers(mark[0])]
    text = STYLE.sub("", MARKER.sub("", body))
    text = re.sub(r"\s+([.,;!?])", r"\1", " ".join(text.split()))
    text = re.sub(r"([.!?])[.,;]+$", r"\1", text)
    if not re.search(r"\w", text):
        return None
    return Cut(text, tuple(dict.fromkeys(numbers)), kind)


def _numbers(mark: str) -> list[str]:
    digits = re.findall(r"\d+", mark)
    return digits[:1] if mark.startswith("【") else digits
