"""Invented values in place of personal data: the same for the same value within a conversation, and never anybody's."""

from __future__ import annotations

import datetime as dt
import random
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from pathlib import Path

from app.learning.name_lists import FAMILY
from app.learning.names import NameFinder
from app.learning.personal import Datum, Person, PersonalFinder
from rag.account.drugs import DrugTable
from rag.account.mentions import MentionReader
from rag.articles import Article
from rag.specialists.entities import EntityReader
from rag.specialists.entities_words import english
from rails.figures import MONTHS
from rails.personal import MARKS, Masker
from rails.policy import Policy

GIVEN_NAMES = (
    "Alex",
    "Robin",
    "Sam",
    "Jamie",
    "Casey",
    "Morgan",
    "Taylor",
    "Jordan",
    "Riley",
    "Avery",
    "Quinn",
    "Rowan",
)
FAMILY_NAMES = ("Ashdown", "Birchwell", "Coldbrook", "Denmoor", "Elmsley", "Fairhurst", "Greywell", "Hartmoor", "Inglebrook", "Kelmarsh", "Larkfield", "Marlowe")  # fmt: skip
STREETS = ("Alder Court", "Birch Hollow Road", "Clover Lane", "Dogwood Avenue", "Elder Street", "Fern Terrace")
MONTH = re.compile("|".join(f"{month}|{month[:3]}" for month in MONTHS), re.IGNORECASE)
LEADING_ZERO = {"order": ("FH-0", 6), "prescription": ("RX-0", 7), "transfer": ("TR-0", 5), "customer": ("C-0", 4)}
NUMBERS = re.compile(r"\d{5}|\d{3}-\d|@|\bbox\b", re.IGNORECASE)
ZIP_END = re.compile(r"\d{5}(?:-\d{4})?$")
STATE_END = re.compile(r"\b([A-Z]{2})\W*(?:\d{5}(?:-\d{4})?)?$")


def finder(policy: Policy, drugs: DrugTable, articles: Iterable[Article]) -> PersonalFinder:
    """A finder that takes no word of the language, the trade or the articles for a name."""
    words = set(english())
    known = [" ".join((article.title, article.body, *article.questions)) for article in articles]
    for text in (*MentionReader(drugs).vocabulary(), *known):
        words.update(re.findall(r"[^\W\d_][\w'’]*", text.lower()))
    keep = policy.masks.keep
    made = PersonalFinder(Masker(keep=keep), EntityReader(drugs), NameFinder(words), keep)
    lines = {line for text in known for line in text.splitlines() if NUMBERS.search(line)}
    made.publish(lines, dt.date.today())
    return made


class Surrogates:
    """Those of one conversation. Not thread-safe.

    Everything is drawn from `seed`, nothing from a value, so that a surrogate tells nothing of what it stands for.
    Record numbers begin with a zero, which no real one does; phones are 555-01…, addresses example.com.
    """

    def __init__(
        self, find: PersonalFinder, seed: str, person: Person | None = None, today: dt.date | None = None
    ) -> None:
        self._find, self._random = find, random.Random(seed)
        self._person = person or Person()
        self._today = today or dt.date.today()
        self._given: dict[tuple[str, str], str] = {}
        self._used: set[str] = set()
        self.counts: Counter[str] = Counter()  # of replaced values by kind

    def learn(self, texts: Iterable[str]) -> None:
        """Reads the whole conversation first: a name that is introduced in one message is known in all."""
        names = set(self._person.names)
        for text in texts:
            names.update(datum.canonical for datum in self._data(text) if datum.kind == "name")
        self._person = replace(self._person, names=frozenset(names))

    def replace(self, text: str) -> str:
        """The text with each datum replaced."""
        parts, at = [], 0
        for datum in self._data(text):
            parts += [text[at : datum.start], self._surrogate(datum, text[datum.start : datum.end])]
            at = datum.end
            self.counts[datum.kind] += 1
        return "".join([*parts, text[at:]])

    def shows(self, text: str) -> bool:
        """Whether a real value that was replaced somewhere is still to be found in a text."""
        return any((datum.kind, datum.canonical) in self._given for datum in self._data(text))

    def _data(self, text: str) -> list[Datum]:
        return self._find.find(text, self._person, self._today)

    def _surrogate(self, datum: Datum, value: str) -> str:
        if datum.kind in MARKS and datum.kind not in ("email", "phone", "insurance_id"):
            return MARKS[datum.kind]
        if datum.kind == "name" and len(value) == 1:
            return self._letters(value)
        place = (datum.kind, datum.canonical)
        if place not in self._given:
            self._given[place] = self._new(datum, value)
        made = self._given[place]
        return _cased(made, value) if datum.kind == "name" else made

    def _new(self, datum: Datum, value: str) -> str:
        make = self._makers().get(datum.kind, lambda: self._shaped(value))
        for _ in range(100):
            made = make() if datum.kind != "name" else self._name(datum)
            if datum.kind == "city" or (made not in self._used and made.lower() != value.lower()):
                break
        self._used.add(made)
        if datum.kind in ("address", "city"):
            return f"{made}{_rest_of_address(value)}".removeprefix(", ")
        return made

    def _makers(self) -> dict[str, Callable[[], str]]:
        pick = self._random
        records = {
            kind: lambda prefix=prefix, digits=digits: f"{prefix}{pick.randrange(10**digits):0{digits}}"
            for kind, (prefix, digits) in LEADING_ZERO.items()
        }
        return records | {
            "email": lambda: f"person{pick.randrange(1000, 10_000)}@example.com",
            "phone": lambda: f"{pick.choice((202, 303, 404, 505, 606, 707, 808))}-555-01{pick.randrange(100):02}",
            "address": lambda: f"{pick.randrange(100, 1000)} {pick.choice(STREETS)}",
            "city": lambda: "",
            "zip": lambda: f"000{pick.randrange(100):02}",
        }

    def _name(self, datum: Datum) -> str:
        pool = FAMILY_NAMES if datum.canonical in FAMILY else GIVEN_NAMES
        real = self._person.names
        free = [name for name in pool if name.lower() not in real and name not in self._used]
        return self._random.choice(free) if free else f"{self._random.choice(pool)}{self._random.randrange(100)}"

    def _shaped(self, value: str) -> str:
        """Another value of the same shape: digits for digits, letters for letters, a month for a month."""
        if MONTH.search(value):
            return re.sub(r"\d+", self._digits, MONTH.sub(self._month, value))
        if (re.search(r"[/.-]", value) and len(re.findall(r"\d+", value)) == 3) or re.fullmatch(r"(19|20)\d\d", value):
            return re.sub(r"\d+", self._digits, value)
        return self._letters(re.sub(r"\d", lambda _: str(self._random.randrange(10)), value))

    def _digits(self, match: re.Match[str]) -> str:
        """A year for a year, and what is a day in every month and a month for the rest."""
        if len(match[0]) == 4:
            return str(self._random.randrange(1940, 2000))
        return f"{self._random.randrange(1, 13):0{len(match[0])}}"

    def _month(self, match: re.Match[str]) -> str:
        month = self._random.choice(MONTHS)
        return _cased(month if len(match[0]) > 3 else month[:3], match[0])

    def _letters(self, value: str) -> str:
        def other(match: re.Match[str]) -> str:
            letter = self._random.choice("BCDFGHKLMNPRSTVWXZ")
            return letter if match[0].isupper() else letter.lower()

        return re.sub(r"[^\W\d_]", other, value)


def _cased(made: str, like: str) -> str:
    if like.isupper() and len(like) > 1:
        return made.upper()
    return made.lower() if like.islower() else made[0].upper() + made[1:]


def _rest_of_address(value: str) -> str:
    """City and state of a whole address: the state stays, since answers depend on it."""
    state = STATE_END.search(value)
    if state and ("," in value or ZIP_END.search(value)):
        return f", Fairview, {state[1]} 00000" if ZIP_END.search(value) else f", Fairview, {state[1]}"
    return ", 00000" if ZIP_END.search(value) else ""


def marked(find: PersonalFinder, text: str, person: Person | None = None, today: dt.date | None = None) -> str:
    """The text with a mark such as "[name]" in place of each datum, for what is shown or written for everybody."""
    parts, at = [], 0
    for datum in find.find(text, person or Person(), today or dt.date.today()):
        parts += [text[at : datum.start], MARKS.get(datum.kind, f"[{datum.kind}]")]
        at = datum.end
    return re.sub(r"\[name\](?:[ .]{1,2}\[name\])+", "[name]", "".join([*parts, text[at:]]))


def surrogates(find: PersonalFinder, seed: str, texts: Collection[str], person: Person | None = None) -> Surrogates:
    """Surrogates for a conversation whose messages are `texts`."""
    made = Surrogates(find, seed, person)
    made.learn(texts)
    return made


def drugs_and_policy(knowledge: Path, policy: Path) -> tuple[DrugTable, Policy]:
    """What `finder` needs, read from files."""
    from rag.account.drugs import read_drugs
    from rails.policy import read_policy

    return read_drugs(knowledge / "drugs.yaml"), read_policy(policy)
