"""What a message mentions: numbers of orders, prescriptions and parcels however sloppily typed, medicines, days, states."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from rapidfuzz import fuzz, process

from rag.account.drugs import DrugTable
from rag.specialists.entities import EntityReader
from rag.specialists.entities_words import english

NUMBER = re.compile(
    r"\b(fh|rx|tr|order|prescription|transfer)?\s*(?:number|num|no\.?|nr)?\s*[#:-]*\s*(\d(?:[\d\s-]{4,9})\d)\b",
    re.IGNORECASE,
)
TRACKING = re.compile(r"\b(1z\s?(?:[0-9a-z]\s?){16}|\d{20,22}|\d{12,15})\b", re.IGNORECASE)
ORDINALS = {
    "first": 1,
    "1st": 1,
    "second": 2,
    "2nd": 2,
    "third": 3,
    "3rd": 3,
    "fourth": 4,
    "4th": 4,
    "fifth": 5,
    "5th": 5,
    "sixth": 6,
}
ORDINAL = re.compile(
    rf"\b(?:the )?({'|'.join(ORDINALS)}|last)\b(?: (?:one|order|package|parcel|prescription))?|\b(?:number|no\.?|#|option) ?([1-9])\b|^\W*([1-9])\W*$",
    re.IGNORECASE,
)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
MONTH_DAY = re.compile(
    rf"\b({'|'.join(m[:3] for m in MONTHS)})[a-z]*\.? (\d{{1,2}})(?:st|nd|rd|th)?\b|\b(\d{{1,2}})/(\d{{1,2}})(?:/\d{{2,4}})?\b",
    re.IGNORECASE,
)
IN_MONTH = re.compile(
    rf"\b(?:(?:in|from|of|last|back in|the|my|this) ({'|'.join(MONTHS)})\b(?! \d)|({'|'.join(MONTHS)}) (?:order|package|parcel|delivery|shipment|one)\b)",
    re.IGNORECASE,
)
PREVIOUS = re.compile(
    r"\b(before (my|the|that|this) ?(last|latest|newest|one|most recent)?|second (to )?last|previous|the one before|earlier one|last but one)\b",
    re.IGNORECASE,
)
AGO = re.compile(r"\b(\d+|a|an|one|two|three|four) (day|week|month)s? ago\b", re.IGNORECASE)
COUNT = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4}
QUALIFIER = re.compile(r"^(high|low|type 2|type 1|chronic|mild|severe|an? (?:under|over)active|preventing|treating) ")
# Words of medicine names and uses that say nothing by themselves.
WEAK = frozenset(
    [
        "pill",
        "pills",
        "tablet",
        "tablets",
        "medicine",
        "medicines",
        "drug",
        "drugs",
        "med",
        "meds",
        "prescription",
        "order",
        "cream",
        "drops",
        "shot",
        "daily",
        "my way",  # a brand, and where a parcel is
    ]
)


@dataclass(frozen=True)
class Days:
    """A span of days that a message speaks of, both ends included."""

    first: dt.date
    last: dt.date

    def holds(self, day: dt.date | None) -> bool:
        return day is not None and self.first <= day <= self.last


@dataclass(frozen=True)
class Mentions:
    numbers: tuple[str, ...] = ()  # digits only
    tracking: tuple[str, ...] = ()  # upper case, no spaces
    drugs: tuple[str, ...] = ()  # drug ids
    forms: tuple[str, ...] = ()  # "inhaler", "pen": forms that tell one medicine from another
    words: tuple[str, ...] = ()  # what was typed for them
    named: bool = False  # a medicine's own name, not only its use or class
    days: Days | None = None
    ordinal: int | None = None  # 1 is the first; -1 the last
    other: bool = False
    newest: bool = False
    previous: bool = False  # the one before the newest, or before the one spoken of
    states: tuple[
        str, ...
    ] = ()  # "open", "shipped", "delivered", "late", "waiting", "cancelled", "cold", "preparing", "returned"
    pronoun: bool = False


FORM = re.compile(
    r"\b(inhaler|pen|patch|cream|ointment|gel|spray|syrup|drops|lotion|suppositor|injection|liquid|shampoo)(?:s|es|y|ies)?\b"
)
STATES = {
    "late": r"(?<!came )(?<!arrived )\b(late|overdue|delayed|should have (come|arrived)|supposed to (be here|arrive|come))\b",
    "shipped": r"\b(shipped|on (its|the|it's) way|in transit|in the mail|underway|coming)\b",
    "delivered": r"\b(delivered|that (actually )?(came|arrived)|i (have )?received|got here)\b|\bwhen (did|was)\b.*\b(arriv\w*|deliver\w*|come|came|get here|got here)\b|\b(came|arrived) late\b",
    "waiting": r"\b(waiting|stuck|on hold|held up)\b",
    "cancelled": r"\bcancel+ed\b",
    "preparing": r"\b(preparing|being prepared|packed)\b",
    "returned": r"\b(returned|sent back|came back)\b",
    "cold": r"\b(fridge|refrigerat\w+|cold|cooler|ice ?pack|keep cool|chilled)\b",
    "open": r"\b(current|open|pending|active|upcoming|latest|newest|most recent)\b",
}
PRONOUN = re.compile(r"\b(it|its|that|this|them|they|these|those|that one|this one|the one|same)\b", re.IGNORECASE)
OTHER = re.compile(
    r"\b(the )?(other|another|remaining) (one|order|package|parcel|prescription|medicine|med)s?\b|\bthe others?\b",
    re.IGNORECASE,
)
NEWEST = re.compile(
    r"\b(last|latest|newest|most recent|recent) (order|package|parcel|delivery|shipment|purchase|one|refill)\b",
    re.IGNORECASE,
)


class MentionReader:
    """Finds mentions in a message. Built once over the drug table; thread-safe."""

    def __init__(self, drugs: DrugTable) -> None:
        self._drugs_carried = drugs
        self._names = {name: tuple(ids) for name, ids in drugs.names().items() if name not in WEAK and len(name) > 2}
        self._own = {n.lower() for drug in drugs for n in (drug.generic, *drug.brands)}
        for name in [n for n in self._own if " " in n]:  # "insulin glargine" is also asked for as "glargine"
            for part in name.split():
                if len(part) > 6 and part not in self._names and part != "regular":
                    self._names[part] = self._names[name]
                    self._own.add(part)
        for drug in drugs:
            for use in drug.uses:
                for key in {use.lower(), QUALIFIER.sub("", use.lower())}:
                    self._names[key] = tuple(dict.fromkeys((*self._names.get(key, ()), drug.id)))
        self._single = [name for name in self._own if " " not in name and len(name) > 4]
        alternatives = "|".join(sorted((re.escape(name) for name in self._names), key=len, reverse=True))
        self._exact = re.compile(rf"\b({alternatives})(?:s|es)?\b", re.IGNORECASE)

    def vocabulary(self) -> list[str]:
        return sorted(self._names)

    def read(self, text: str, today: dt.date, mended: str = "") -> Mentions:
        """`text` is the cleaned message, with its own capitals and numbers; `mended` the same with its words mended."""
        lowered = mended or text.lower()
        tracking = tuple(re.sub(r"\s", "", found).upper() for found in TRACKING.findall(text))
        numbers = tuple(
            digits
            for _, found in NUMBER.findall(TRACKING.sub(" ", text))
            if 5 <= len(digits := re.sub(r"\D", "", found)) <= 9
        )
        drugs, named, words = self._drugs(lowered)
        ordinal = ORDINAL.search(lowered)
        place = None
        if ordinal:
            place = -1 if ordinal[1] == "last" else ORDINALS.get(ordinal[1] or "") or int(ordinal[2] or ordinal[3])
        return Mentions(
            numbers=numbers,
            tracking=tracking,
            drugs=drugs,
            forms=tuple(dict.fromkeys(m[1] for m in FORM.finditer(lowered))),
            named=named,
            words=words,
            days=days(lowered, today),
            ordinal=place,
            other=bool(OTHER.search(lowered)),
            newest=bool(NEWEST.search(lowered)),
            previous=bool(PREVIOUS.search(lowered)),
            states=tuple(state for state, pattern in STATES.items() if re.search(pattern, lowered)),
            pronoun=bool(PRONOUN.search(lowered)),
        )

    def entities(self, text: str, today: dt.date | None = None, own: Collection[str] = ()) -> list[dict[str, Any]]:
        """What the text names, with the places, as `pestle classify` prints it. `today` is the machine's when not given.

        "note" and "own" are there only where `EntityReader` sets them.
        """
        return [
            {
                name: value
                for name, value in asdict(entity).items()
                if not (name == "note" and not value) and not (name == "own" and value is None)
            }
            for entity in self._reader.read(text, today or dt.date.today(), own)
        ]

    @cached_property
    def _reader(self) -> EntityReader:
        """Built when first asked for: a customer's turn doesn't need it."""
        return EntityReader(self._drugs_carried)

    def _drugs(self, lowered: str) -> tuple[tuple[str, ...], bool, tuple[str, ...]]:
        found: dict[str, None] = {}
        named = False
        exact = [match[1] for match in self._exact.finditer(lowered)]
        own = [name for name in exact if name in self._own]
        for name in own or exact:
            found.update(dict.fromkeys(self._names.get(name, ())))
            named = named or name in self._own
        if not own:
            for word in re.findall(r"[a-z]{6,}", lowered):
                close = process.extractOne(
                    word, self._single, scorer=fuzz.ratio, score_cutoff=84 if len(word) > 6 else 88
                )
                if close and word not in english():  # "whether" is not Heather
                    if not named:
                        found.clear()
                    found.update(dict.fromkeys(self._names.get(close[0], ())))
                    named = True
        return tuple(found), named, tuple(own or exact)


def days(lowered: str, today: dt.date) -> Days | None:
    """The day or span that the words mean, seen from `today`; past weekdays, since people ask about what they did."""
    day = dt.timedelta(days=1)
    if re.search(r"\byesterday\b", lowered):
        return Days(today - day, today - day)
    if re.search(r"\b(placed|ordered|made|from) (it )?today\b|\btoday'?s\b", lowered):
        return Days(today, today)
    if match := AGO.search(lowered):
        count = COUNT.get(match[1]) or int(match[1])
        reach = {"day": 1, "week": 7, "month": 30}[match[2]]
        middle, slack = today - day * count * reach, day * {"day": 0, "week": 3, "month": 15}[match[2]]
        return Days(middle - slack, middle + slack)
    if re.search(r"\blast week\b", lowered):
        monday = today - day * (today.weekday() + 7)
        return Days(monday, monday + 6 * day)
    if re.search(r"\bthis week\b", lowered):
        return Days(today - day * today.weekday(), today)
    if re.search(r"\b(last|previous) month\b", lowered):
        end = today.replace(day=1) - day
        return Days(end.replace(day=1), end)
    if match := MONTH_DAY.search(lowered):
        month = [m[:3] for m in MONTHS].index(match[1][:3].lower()) + 1 if match[1] else int(match[3])
        return _nearest(today, month, int(match[2] or match[4]))
    if match := IN_MONTH.search(lowered):
        month = MONTHS.index((match[1] or match[2]).lower()) + 1
        year = today.year if month <= today.month else today.year - 1
        first = dt.date(year, month, 1)
        return Days(first, (first + 31 * day).replace(day=1) - day)
    if match := re.search(rf"\b(?:on|last|from|since|made|ordered|placed|this past) ({'|'.join(WEEKDAYS)})\b", lowered):
        back = (today.weekday() - WEEKDAYS.index(match[1])) % 7 or 7
        return Days(today - day * back, today - day * back)
    return None


def _nearest(today: dt.date, month: int, number: int) -> Days | None:
    """The day of that month and number nearest to today."""
    found = []
    for year in (today.year - 1, today.year, today.year + 1):
        try:
            found.append(dt.date(year, month, number))
        except ValueError:
            continue
    if not found:
        return None
    best = min(found, key=lambda candidate: abs((candidate - today).days))
    return Days(best, best)
