"""Everything in a text that tells who somebody is: names, contacts, addresses, birthdays, numbers of accounts and records."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from app.learning.names import NameFinder
from rag.account.book import Account
from rag.specialists.entities import EntityReader
from rag.words import STOPWORDS
from rails.figures import MONTHS
from rails.personal import Masker, key

RECORDS = frozenset(("order", "prescription", "transfer", "tracking", "email", "phone", "insurance_id", "number"))
CUSTOMER = re.compile(r"(?<![\w-])C-?\d{4,6}(?![\w-])", re.IGNORECASE)
PRODUCT = re.compile(r"^\d{4,5}-\d{3,4}-\d{1,2}$")  # a National Drug Code names a medicine and nobody
DIGITS = re.compile(r"(?<![\w.$€£/:-])(?:\d[ -]?){4,}\d(?![\w/:%-]|\.\d)")
YEARS_AGO = 12  # a date of that long ago is somebody's birthday: no order is so old

_number = r"\b\d{1,6}[a-z]?"
_unit = r"(?i:,?\s*(?:apt|apartment|unit|suite|ste|floor|fl|room|rm|#)\.?\s*#?\s*[\w-]{1,6}\b)?"
_state = r"(?P<state>[A-Z]{2})"
_city = (
    rf"(?:,?\s+(?:[A-Z][\w.'’-]*,?\s+){{1,3}}{_state}\b(?:,?\s+\d{{5}}(?:-\d{{4}})?\b)?|,?\s+\d{{5}}(?:-\d{{4}})?\b)?"
)
_plain = "street|st|avenue|ave|road|rd|lane|ln|boulevard|blvd|parkway|pkwy|terrace|turnpike|hwy"
_mixed = "Drive|Dr|Court|Ct|Place|Pl|Way|Circle|Cir|Square|Sq|Trail|Trl|Highway|Loop|Row|Run|Path|Alley|Crossing|Point"
STREETS = (
    re.compile(rf"{_number}\s+(?P<words>(?:[\w.'’-]+\s+){{1,4}}?)(?:{_plain})\b\.?(?-i:{_unit}{_city})", re.IGNORECASE),
    re.compile(rf"{_number}\s+(?P<words>(?:[A-Z][\w.'’-]*\s+){{1,4}}?)(?:{_mixed})\b\.?{_unit}{_city}"),
)
BOX = re.compile(r"\bp\.?\s?o\.?\s?box\s*#?\s*\d+" + f"(?-i:{_city})", re.IGNORECASE)
CITY = re.compile(r"(?<![\w,])[A-Z][\w.'’-]+(?: [A-Z][\w.'’-]+){0,2},? (?P<state>[A-Z]{2}),? \d{5}(?:-\d{4})?\b")
ZIP = re.compile(r"\bzip(?:\s?code)?\W{0,3}(?:(?:is|to|now|was|changed to|in)\s+)*(\d{5}(?:-\d{4})?)\b", re.IGNORECASE)
NO_STREET = frozenset((*STOPWORDS, "days", "day", "tablets", "pills", "refills", "mg", "weeks", "times", "hours", "minutes", "business"))  # fmt: skip

_month = rf"(?:{'|'.join(f'{month}|{month[:3]}' for month in MONTHS)}|sept)\.?"
_ordinal = r"\d{1,2}(?:st|nd|rd|th)?"
_year = r"(?:19|20)\d\d"
DATE = re.compile(
    rf"\b(?:\d{{1,2}}[/.-]\d{{1,2}}[/.-](?:{_year}|\d\d)|{_year}[/.-]\d{{1,2}}[/.-]\d{{1,2}}"
    rf"|{_month}\s+{_ordinal},?(?:\s+of)?\s+(?:{_year}|'\d\d)|{_ordinal}(?:\s+of)?\s+{_month},?\s+{_year}"
    rf"|{_month}\s+{_ordinal}\b|{_month}\s+{_year}|\d{{8}}|{_year})(?![\w-])",
    re.IGNORECASE,
)
BORN = re.compile(r"\b(?:born|birth|birthday|birthdate|birth date|b-?day|d\.?o\.?b\.?)\b[^.!?\n]{0,24}$", re.IGNORECASE)
BORN_AFTER = re.compile(r"^\W{0,3}(?:is|was)\s+(?:my|his|her|their|the)\s+(?:birth|b-?day|dob)", re.IGNORECASE)
FULL_YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True)
class Datum:
    """`text[start:end]` tells who somebody is. `canonical`: what two ways of writing it have in common."""

    kind: str
    start: int
    end: int
    canonical: str


@dataclass(frozen=True)
class Person:
    """What is known of the people of a conversation before it is read. `names` are words in lower case."""

    names: frozenset[str] = frozenset()
    values: tuple[tuple[str, str], ...] = ()  # kind and value, as the account book has them

    @classmethod
    def of(cls, account: Account | None, authors: Collection[str] = ()) -> Person:
        """The customer of this account, their prescribers, and staff who wrote under these names."""
        if account is None:
            return cls(frozenset(_words(authors)))
        customer = account.customer
        names = _words((customer.name, *authors, *(one.prescriber for one in account.prescriptions)))
        street, _, _ = customer.address.partition(",")
        values = {
            ("address", customer.address),
            ("address", street),
            ("email", customer.email),
            ("phone", customer.phone),
        }
        return cls(frozenset(names), tuple(sorted((k, v) for k, v in values if v.strip())))


class PersonalFinder:
    """Finds personal data. Thread-safe. `masker` should know all kinds; what it keeps is the business's own."""

    def __init__(self, masker: Masker, entities: EntityReader, names: NameFinder, keep: Collection[str] = ()) -> None:
        self._masker, self._entities, self._names = masker, entities, names
        self._keep = frozenset(map(key, keep))
        self._public: frozenset[tuple[str, str]] = frozenset()

    def publish(self, texts: Iterable[str], today: dt.date) -> None:
        """Whatever stands in these texts is everybody's: the business's own addresses and numbers."""
        found = (datum for text in texts for datum in self.find(text, Person(), today) if datum.kind != "name")
        self._public |= {(datum.kind, datum.canonical) for datum in found}

    def find(self, text: str, person: Person, today: dt.date) -> list[Datum]:
        """The personal data of a text, in order and without overlaps."""
        taken: list[Datum] = []
        for datum in self._all(text, person, today):
            if all(datum.end <= other.start or datum.start >= other.end for other in taken):
                taken.append(datum)
        told = (datum for datum in taken if (datum.kind, datum.canonical) not in self._public)
        return sorted(told, key=lambda datum: datum.start)

    def _all(self, text: str, person: Person, today: dt.date) -> Iterator[Datum]:
        """What is certain comes first."""
        for kind, value in person.values:
            yield from (
                Datum(kind, *match.span(), key(value)) for match in re.finditer(re.escape(value), text, re.IGNORECASE)
            )
        for found in self._masker.find(text):
            yield Datum(found.kind, found.start, found.end, key(text[found.start : found.end]))
        yield from (Datum("customer", *m.span(), re.sub(r"\D", "", m[0])) for m in CUSTOMER.finditer(text))
        yield from self._addresses(text)
        yield from self._birthdays(text, today)
        entities = self._entities.read(text, today)
        for entity in entities:
            if entity.type in RECORDS and key(entity.value) not in self._keep and not PRODUCT.search(entity.value):
                yield Datum(entity.type, entity.start, entity.end, entity.canonical)
        yield from (
            Datum("name", n.start, n.end, text[n.start : n.end].lower()) for n in self._names.find(text, person.names)
        )
        harmless = [(entity.start, entity.end) for entity in entities]
        for match in DIGITS.finditer(text):
            plain = re.sub(r"\D", "", match[0])
            spoken_for = PRODUCT.search(match[0]) or key(match[0]) in self._keep
            if not spoken_for and not any(s < match.end() and match.start() < e for s, e in harmless):
                yield Datum("number", *match.span(), plain)

    def _addresses(self, text: str) -> Iterator[Datum]:
        for pattern in STREETS:
            for match in pattern.finditer(text):
                if not NO_STREET & set(match["words"].lower().split()):
                    yield Datum("address", *match.span(), _folded(match[0]))
        for kind, pattern in (("address", BOX), ("city", CITY)):
            yield from (Datum(kind, *match.span(), _folded(match[0])) for match in pattern.finditer(text))
        yield from (Datum("zip", *match.span(1), match[1]) for match in ZIP.finditer(text))

    def _birthdays(self, text: str, today: dt.date) -> Iterator[Datum]:
        for match in DATE.finditer(text):
            year = FULL_YEAR.search(match[0])
            whole = year is not None and match[0] != year[0] and int(year[0]) <= today.year - YEARS_AGO
            told = BORN.search(text[: match.start()]) or BORN_AFTER.match(text[match.end() :])
            if told or (whole and not match[0].isdigit()):
                yield Datum("birthday", *match.span(), _folded(match[0]))


def _folded(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _words(names: Collection[str]) -> set[str]:
    """The words of people's names, without titles and initials."""
    found = {word for name in names for word in re.findall(r"[^\W\d_][\w'’-]*", name.lower()) if len(word) > 1}
    return found - {"dr", "mr", "mrs", "ms", "md", "do", "np", "pa", "rn", "phd", "the", "of", "agent", "support"}
