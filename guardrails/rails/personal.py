"""Personal data that no answer needs, replaced by marks before a text is stored, logged or sent to a model.

Shapes and check digits come from python-stdnum and phonenumbers. Presidio's recognisers are not used at run time: they
can't be imported without spaCy and pandas (0.85 s), and their context words need an NLP engine. `eval/presidio.py`
holds this masker against them.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from rails import personal_phones as phones
from rails import personal_shapes as shapes
from rails.personal_named import introduced
from rails.personal_plain import WORDS, Plain
from rails.personal_scan import Finder, Scan, digits_of

MARKS = {
    "card": "[card]",
    "ssn": "[SSN]",
    "email": "[e-mail]",
    "phone": "[phone]",
    "insurance_id": "[insurance id]",
    "bank_account": "[bank account]",
    "ip": "[IP address]",
    "passport": "[passport]",
    "driver_license": "[driver license]",
}
# What is certain comes first: a card's digits must not be taken for a phone, nor an IBAN's for an account.
FIRST: tuple[Finder, ...] = (shapes.harmless, shapes.emails, shapes.ibans)
THEN: tuple[Finder, ...] = (
    shapes.tracked, shapes.cards, shapes.social_security, shapes.medicare, shapes.addresses, phones.shaped, introduced,
    phones.named, phones.bare,
)  # fmt: skip
_number_word = rf"\b(?:{'|'.join(WORDS)})\b"
_at_host = shapes.AT_HOST.pattern
POSSIBLE = re.compile(rf"(?:\d.*?){{3}}|@|::|\bpcn\b|{_at_host}|{_number_word}[\s,.-]+{_number_word}", re.I | re.S)
TRIGGER = re.compile(
    rf"\d|@|:[0-9a-f]*:|\bpcn\b|{_number_word}|{_at_host}|(?<!\S)[\[(]?(?:at?[\])]?(?:\s{{1,2}}\w{{0,10}})?)?$", re.I
)
AHEAD = 64  # characters without a digit or an @ after which nothing more can belong to what stood before them
BEHIND = 160  # characters before a number in which its introduction may stand


@dataclass(frozen=True, slots=True)
class Found:
    """One datum: its kind, and where it stood in the text that was given (start included, end not)."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Masked:
    """The text with a mark for each datum, and what they were."""

    text: str
    found: tuple[Found, ...] = ()


class Masker:
    """Finds personal data of the given `kinds` and masks them. Build it once; it is safe to use from several threads.

    `keep` are values that stay: the business's own numbers and addresses. Raises ValueError for a kind that isn't one
    of MARKS.
    """

    def __init__(self, kinds: Collection[str] = tuple(MARKS), keep: Collection[str] = ()) -> None:
        if unknown := sorted(set(kinds) - MARKS.keys()):
            raise ValueError(f"cannot mask {', '.join(unknown)}; known kinds are {', '.join(MARKS)}")
        self._kinds = frozenset(kinds)
        self._keep = frozenset(map(key, keep))

    def find(self, text: str, keep: Collection[str] = ()) -> tuple[Found, ...]:
        """The personal data in a text, in order, without overlaps. `keep` adds values that stay this time."""
        if not POSSIBLE.search(text) and text.isascii():
            return ()
        plain = Plain(text)
        scan = Scan(plain.text)
        scan.run(*FIRST)
        if shapes.LEFT.search(scan.text):
            scan.run(*THEN)
        if not (spans := scan.data):
            return ()
        kept = self._keep.union(map(key, keep))
        wanted = [span for span in spans if span[0] in self._kinds and key(plain.text[span[1] : span[2]]) not in kept]
        return tuple(Found(kind, *plain.span(start, end)) for kind, start, end in wanted)

    def mask(self, text: str, keep: Collection[str] = ()) -> Masked:
        """The text with a mark such as "[card]" in place of each datum."""
        found = self.find(text, keep)
        parts, at = [], 0
        for datum in found:
            parts += [text[at : datum.start], MARKS[datum.kind]]
            at = datum.end
        return Masked("".join([*parts, text[at:]]), found)


def key(value: str) -> str:
    """What two ways of writing one value have in common: lower case for an address, digits for a number."""
    value = value.strip().lower()
    if "@" in value or len(digits_of(value)) < 3:
        return value
    number = re.split(r"x|ext", value, maxsplit=1)[0] if re.match(r"[\d\s().+/-]+(?:x|ext)", value) else value
    letters = "".join(character for character in number if character.isalpha())
    digits = digits_of(number)
    return letters + (digits[1:] if len(digits) == 11 and digits[0] == "1" and not letters else digits)


class HeldBack:
    """Masks a text that arrives in chunks. What could still become part of a datum is held back until that is settled.

    Text without numbers flows, but for its last word; a number waits for AHEAD characters without one, or for the end.
    """

    def __init__(self, masker: Masker, keep: Collection[str] = ()) -> None:
        self._masker = masker
        self._keep = tuple(keep)
        self._text = ""  # what is held back, and before it some of what was let out
        self._out = 0  # how much of it was let out

    def feed(self, chunk: str) -> str:
        """Take the next chunk; gives what may be shown now, perhaps nothing."""
        self._text += chunk
        return self._let_out(self._settled())

    def close(self) -> str:
        """The rest, once no more chunks come."""
        return self._let_out(len(self._text))

    def _settled(self) -> int:
        """Where the part ends that no later chunk can change."""
        end = len(self._text)
        triggers = [match.start() for match in TRIGGER.finditer(self._text, self._out)]
        hold = _word_start(self._text, end)
        nearest = end
        for trigger in reversed(triggers):
            if nearest - trigger > AHEAD:
                break
            hold = min(hold, _word_start(self._text, trigger))
            nearest = trigger
        return max(hold, self._out)

    def _let_out(self, end: int) -> str:
        if end <= self._out:
            return ""
        found = self._masker.find(self._text, self._keep)
        parts = []
        at = self._out
        for datum in found:
            if datum.start < end < datum.end:
                end = max(at, datum.start)
            if at < datum.end <= end:
                parts += [self._text[at : datum.start], MARKS[datum.kind]]
                at = datum.end
        parts.append(self._text[at:end])
        begin = _word_start(self._text, max(0, end - BEHIND)) if end > BEHIND else 0
        self._text, self._out = self._text[begin:], end - begin
        return "".join(parts)


def _word_start(text: str, at: int) -> int:
    """Where the word begins that ends at, or goes on over, this place; spaces before the place belong to it."""
    while at > 0 and text[at - 1].isspace():
        at -= 1
    while at > 0 and not text[at - 1].isspace():
        at -= 1
    return at
