"""Figures: every number, date, price, strength, address and link in a text, each brought to one spelling.

"Two days" and "2 days", "$5.99" and "5.99 dollars", "Nov. 27" and "2026-11-27" are the same figure. One scan of a text
yields its figures, its words and its sentence and clause ends, in order.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

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
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ONES = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
)
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
UNITS = {
    "second": "second", "sec": "second", "minute": "minute", "min": "minute", "hour": "hour", "hr": "hour",
    "day": "day", "week": "week", "month": "month", "year": "year", "yr": "year", "time": "time",
    "mg": "mg", "milligram": "mg", "mcg": "mcg", "µg": "mcg", "μg": "mcg", "ug": "mcg", "microgram": "mcg", "g": "g",
    "gram": "g", "kg": "kg", "ml": "ml", "milliliter": "ml", "cc": "ml", "l": "l", "liter": "l", "unit": "unit",
    "iu": "unit", "meq": "meq", "mb": "mb", "gb": "gb",
    "tablet": "tablet", "pill": "tablet", "capsule": "capsule", "puff": "puff", "drop": "drop", "pen": "pen",
    "refill": "refill", "dollar": "dollar", "buck": "dollar", "cent": "cent",
}  # fmt: skip
PERIODS = {"hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month", "yearly": "year", "annually": "year"}
TIMES = {"twice": "2", "thrice": "3"}  # not "once", which mostly means "as soon as"

_ones = "|".join(sorted(ONES[1:10], key=len, reverse=True))
_small = "|".join(sorted(ONES, key=len, reverse=True))
_spelt = rf"(?:(?:{_ones})[ -]hundred|(?:{'|'.join(TENS)})(?:[ -](?:{_ones}))?|(?:{_small}))"
_digits = r"\d+(?:,\d{3})*(?:\.\d+)?"
_number = rf"(?:{_digits}|{_spelt})"
_unit = "(?:" + "|".join(sorted(UNITS, key=len, reverse=True)) + ")s?"
_period = r"(?:second|minute|hour|day|week|month|year)"
_month = "(?:" + "|".join(f"{m[:3]}(?:{m[3:]})?" if m[3:] else m for m in MONTHS) + "|sept)"
_weekday = r"(?:mon|tue(?:s)?|wed(?:nes)?|thu(?:r(?:s)?)?|fri|sat(?:ur)?|sun)(?:day)?"
_nth = r"(?:st|nd|rd|th)?"

_starters = (  # words that a figure may begin with; all others are taken in one step, which halves the cost of a scan
    rf"(?:{_spelt}|{_weekday}|{_month}|an?|per|each|every|schedules?|noon|midnight|dr|mr|mrs|ms|st|vs|inc|etc|approx)\b"
)
SCAN = re.compile(
    rf"""
      (?P<plain>(?!{_starters})[^\W\d_]++(?:'[^\W\d_]++)?(?=[\s,;!?)"]|[.:](?:\s|$)|$))
    | (?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)
    | (?P<link>(?:[a-z][a-z0-9+.-]*://|www\.)[^\s<>()\[\]"']+|(?:[a-z0-9-]+\.)+[a-z]{{2,24}}\b(?!')(?:/[^\s<>()\[\]"']*)?)
    | (?P<iso>\b\d{{4}}-\d\d-\d\d\b)
    | (?P<phone>(?:\+?\b1[-. ]?|\+?\b\d{{1,3}}[-.])?(?:\(\d{{3}}\)\s?|\b\d{{3}}[-. ])\d{{3}}[-. ]\d{{4}}\b)
    | (?P<id>\b[a-z]{{1,4}}-?\d{{4,}}[a-z0-9]*\b|\b1z[a-z0-9]{{10,}}\b
        |\b\d{{4}}(?:[ -]\d{{4}}){{2,}}(?:[ -]?\d+)?\b|\b\d{{7,}}\b)
    | (?P<date>\b(?:(?P<wd>{_weekday})\b\.?,?\s+)?
        (?:(?P<m1>{_month})\.?\s+(?P<d1>\d{{1,2}}){_nth}\b(?!\s?[ap]\.?m\b)|(?P<d2>\d{{1,2}}){_nth}\s+(?:of\s+)?(?P<m2>{_month})\b)
        (?:,?\s+(?P<y>\d{{4}})\b)?)
    | (?P<slash>\b\d{{1,2}}/\d{{1,2}}/\d{{2,4}}\b)
    | (?P<clock>\b(?P<h>\d{{1,2}})(?::(?P<min>\d\d))?\s?(?P<ap>[ap])(?:\.m\.|m\b)
        |\b(?P<h24>\d{{1,2}}):(?P<min24>\d\d)\b|\bnoon\b|\bmidnight\b)
    | (?P<money>\$\s?(?P<usd>{_digits})
        (?:\s?(?:/|\ban?|\bper|\beach|\bevery)\s?(?P<rate>{_period})\b|\s(?P<rately>monthly|yearly|annually|weekly|daily)\b)?)
    | (?P<percent>(?P<pct>{_digits})\s?(?:%|percent\b|per\ cent\b))
    | (?P<degree>(?P<deg>{_digits})\s?(?:°|º|degrees?\b)\s?(?P<scale>[fc]\b|fahrenheit\b|celsius\b)?)
    | (?P<amount>\b(?P<n>{_number}|an?|per|each|every)(?:\ more)?[\s-]?
        (?P<biz>(?:business|working)[\s-])?(?P<unit>{_unit})\b)
    | (?P<schedule>\bschedules?\ [iv]{{1,3}}\b)
    | (?P<number>\b(?:{_digits}{_nth}|{_spelt})\b(?:-(?=[\d$]))?)
    | (?P<short>\b(?:[a-z]\.){{2,}}|\b(?:dr|mr|mrs|ms|st|vs|inc|etc|approx)\.)
    | (?P<word>[^\W\d_]+(?:'[^\W\d_]+)?)
    | (?P<end>[.!?]+(?=["')\]]*(?:\s|$))|\n+)
    | (?P<cut>[,;:()]|\s[-–—]\s)
    """,
    re.VERBOSE,
)  # fmt: skip
LIST_MARK = re.compile(r"^[ \t]*(?:\d{1,2}[.)]|[-*•–])[ \t]+|^[ \t]*#+[ \t]*", re.MULTILINE)
PLAIN = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", " ": " "})
RELATIVE = frozenset(("today", "tonight", "tomorrow", "yesterday"))
JOINS = frozenset(("to", "and", "or", "through"))
SPANS = frozenset(("to", "through"))


class Figure(NamedTuple):
    """One figure: `kind` ("money", "date", "amount:day", …) and its one spelling. Dates may know weekday and year."""

    kind: str
    value: str
    weekday: int | None = None
    year: int | None = None

    def __str__(self) -> str:
        return f"{self.kind.removeprefix('amount:')} {self.value}"


class Token(NamedTuple):
    """A figure, a word, a clause end (`cut`) or a sentence end (`end`), in the order of the text."""

    kind: str
    text: str
    figure: Figure | None = None


def scan(text: str) -> list[Token]:
    """The tokens of a text. List numbers, bullets and heading marks at the start of a line are not figures."""
    plain = LIST_MARK.sub("", text).translate(PLAIN).lower()
    tokens = [_read(match) for match in SCAN.finditer(plain)]
    return _spread_units(tokens)


def figures(text: str) -> frozenset[Figure]:
    return frozenset(token.figure for token in scan(text) if token.figure)


def stands(figure: Figure, evidence: Iterable[Figure]) -> bool:
    """Whether the evidence holds this figure: no other day, weekday, year, unit or value."""
    if figure.kind == "date":
        return any(_same_date(figure, other) for other in evidence if other.kind == "date")
    if figure.kind == "weekday":
        return any(other == figure or str(_weekday_of(other)) == figure.value for other in evidence)
    if figure.kind == "month":
        return any(other == figure or (other.kind == "date" and other.value.split("-")[0] == figure.value)
                   for other in evidence)  # fmt: skip
    return figure in evidence


def _same_date(ours: Figure, theirs: Figure) -> bool:
    if ours.value != theirs.value or (ours.year is not None and ours.year != theirs.year):
        return False
    return ours.weekday is None or ours.weekday == _weekday_of(theirs)


def _weekday_of(figure: Figure) -> int | None:
    if figure.kind != "date" or figure.weekday is not None or figure.year is None:
        return figure.weekday
    month, day = map(int, figure.value.split("-"))
    try:
        return dt.date(figure.year, month, day).weekday()
    except ValueError:
        return None


def _read(match: re.Match[str]) -> Token:
    kind, text = match.lastgroup or "", match[0]
    if kind in ("plain", "word"):
        return _read_word(text)
    if kind in ("end", "cut"):
        return Token(kind, text)
    if kind == "short":
        return Token("word", text.replace(".", ""))
    if kind == "number" and text == "one":
        return Token("skip", text)  # "the other one": a pronoun far more often than a figure
    return Token("figure", text, _figure(kind, match))


def _read_word(word: str) -> Token:
    if word in RELATIVE:
        return Token("figure", word, Figure("day", word.replace("tonight", "today")))
    if word in TIMES:
        return Token("figure", word, Figure("amount:time", TIMES[word]))
    if word in PERIODS:
        return Token("figure", word, Figure(f"amount:{PERIODS[word]}", "1"))
    if (day := _day_names().get(word)) is not None:
        return Token("figure", word, Figure("weekday", str(day)))
    if word in MONTHS and word not in ("may", "march"):  # those two are words as well
        return Token("figure", word, Figure("month", str(MONTHS.index(word) + 1)))
    return Token("join" if word in JOINS else "word", word)


@cache
def _day_names() -> dict[str, int]:
    return {name + s: n for n, day in enumerate(WEEKDAYS) for name in (day,) for s in ("", "s")}


def _figure(kind: str, match: re.Match[str]) -> Figure:
    text = match[0]
    match kind:
        case "link":
            return Figure("link", re.sub(r"^[a-z]+://|^www\.", "", text).rstrip("/.,;:!?"))
        case "mail":
            return Figure("mail", text.rstrip("."))
        case "phone":
            return Figure("phone", re.sub(r"\D", "", text).removeprefix("1"))
        case "id":
            return Figure("id", re.sub(r"[^a-z0-9]", "", text))
        case "iso":
            year, month, day = map(int, text.split("-"))
            return Figure("date", f"{month}-{day}", year=year)
        case "slash":
            month, day, year = map(int, text.split("/"))
            return Figure("date", f"{month}-{day}", year=year + 2000 if year < 100 else year)
        case "date":
            return _date(match)
        case "clock":
            return Figure("time", _clock(match))
        case "money":
            return _money(match["usd"], match["rate"] or PERIODS.get(match["rately"] or ""))
        case "percent":
            return Figure("percent", _value(match["pct"]))
        case "degree":
            return Figure("degree", _value(match["deg"]) + (match["scale"] or "")[:1])
        case "amount":
            return _amount(match["n"], match["unit"], bool(match["biz"]))
        case "schedule":
            return Figure("schedule", text.split()[1])
        case _:
            return Figure("number", _value(re.sub(r"(?<=\d)(?:st|nd|rd|th)$", "", text.rstrip("-"))))


def _date(match: re.Match[str]) -> Figure:
    month = next(n for n, name in enumerate(MONTHS, 1) if name.startswith((match["m1"] or match["m2"])[:3]))
    day = int(match["d1"] or match["d2"])
    weekday = match["wd"]
    return Figure(
        "date", f"{month}-{day}",
        weekday=None if weekday is None else next(n for n, name in enumerate(WEEKDAYS) if name[:3] == weekday[:3]),
        year=int(match["y"]) if match["y"] else None,
    )  # fmt: skip


def _clock(match: re.Match[str]) -> str:
    if match["h24"]:
        return f"{int(match['h24'])}:{match['min24']}"
    if not match["h"]:
        return "12:00" if match[0] == "noon" else "0:00"
    hour = int(match["h"]) % 12 + (12 if match["ap"] == "p" else 0)
    return f"{hour}:{match['min'] or '00'}"


def _money(amount: str, rate: str | None) -> Figure:
    value = f"{float(amount.replace(',', '')):.2f}"
    return Figure("money", f"{value}/{rate}" if rate else value)


def _amount(number: str, unit: str, business: bool) -> Figure:
    unit = UNITS[unit] if unit in UNITS else UNITS[unit.removesuffix("s")]
    value = "1" if number in ("a", "an", "per", "each", "every") else _value(number)
    if unit == "dollar":
        return _money(value, None)
    if unit == "cent":
        return _money(str(float(value) / 100), None)
    return Figure(f"amount:{'business ' if business else ''}{unit}", value)


def _value(number: str) -> str:
    if number[0].isdigit():
        return f"{float(number.replace(',', '')):g}" if "." in number else str(int(number.replace(",", "")))
    total = 0
    for word in re.split("[ -]", number):
        if word == "hundred":
            total *= 100
        else:
            total += ONES.index(word) if word in ONES else (TENS.index(word) + 2) * 10
    return str(total)


def _spread_units(tokens: list[Token]) -> list[Token]:
    """ "3 to 5 days" says 3 days too, and "8 to 9 pm" 8 pm: a bare number before a joined figure takes its kind.

    What the two span is a figure of its own: "2 to 2 days" stands nowhere, though both of its ends may.
    """
    for at in range(len(tokens) - 1, 0, -1):
        later, number = tokens[at].figure, at - (2 if tokens[at - 1].kind in ("join", "cut") else 1)
        if later is None or number < 0:
            continue
        first = tokens[number].figure
        hyphen = tokens[at].text.startswith("-") or tokens[number].text.endswith("-")
        joined = number == at - 2 and (tokens[at - 1].kind == "join" or tokens[at - 1].text.strip() == "-")
        spread = later.kind.startswith("amount:") or later.kind in ("percent", "time", "degree", "money")
        if first is None or not spread or not (joined or hyphen) or first.kind not in ("number", later.kind):
            continue
        if first.kind == "number":
            first = _like(first, later)
            tokens[number] = Token("figure", tokens[number].text, first)
        between = number > 0 and tokens[number - 1].text == "between" and tokens[at - 1].text == "and"
        if hyphen or between or tokens[at - 1].text in SPANS or tokens[at - 1].text.strip() == "-":
            span = Figure(f"span:{later.kind.removeprefix('amount:')}", f"{first.value} to {later.value}")
            tokens.insert(at + 1, Token("figure", "", span))
    return tokens


def _like(number: Figure, later: Figure) -> Figure:
    match later.kind:
        case "degree":
            return Figure("degree", number.value + later.value.lstrip("0123456789.-"))
        case "time":
            hour = int(float(number.value)) % 12 + (12 if int(later.value.split(":")[0]) >= 12 else 0)
            return Figure("time", f"{hour}:00")
        case "money":
            return _money(number.value, None)
        case _:
            return Figure(later.kind, number.value)
