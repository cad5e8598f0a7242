"""Days and spans of days as people name them, seen from a given day. Canonical is an ISO date, or two with "/" between."""

from __future__ import annotations

import datetime as dt
import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from typing import NamedTuple

from rag.account.business_days import add_business_days
from rag.specialists.entities_counts import NUMBER, value
from rag.specialists.entities_found import Found, Message
from rails.figures import MONTHS, WEEKDAYS

DAY = dt.timedelta(days=1)
PAST = re.compile(
    r"\b(?:was|were|been|did|didn'?t|had|ordered|placed|paid|bought|came|arrived|shipped|delivered|got|received|filled|refilled|"
    r"picked|called|sent|charged|said|told|took|started|cancel+ed|supposed|since|ago|due)\b",
    re.IGNORECASE | re.ASCII,
)
COMING = re.compile(r"\b(?:by|before|until|till?|coming|for|this coming)\s+$", re.IGNORECASE | re.ASCII)
LEADS = re.compile(r"\b(in|by|from|since|of|until|before|last|next|this) $", re.IGNORECASE | re.ASCII)
SINCE = re.compile(r"\bsince\s+$", re.IGNORECASE | re.ASCII)

_month = "|".join(["sept", *(f"{m[:3]}(?:{m[3:]})?" if m[3:] else m for m in MONTHS)])
_weekday = r"mon(?:day)?|tue(?:s|sday)?|wed(?:s|nesday)?|thu(?:r|rs|rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
_on = rf"(?:(?P<on>{_weekday})\b\.?,? (?:the )?)?"
_year = r"(?:,? (?P<y>\d{4})\b)?"
_thing = r"order|one|time|package|parcel|floor|item|day|pill|prescription|option|street|ave|avenue|refill|line|of [a-z]|person|message|dose"
_count = rf"(?P<n>{NUMBER}|an?|(?:a )?couple(?: of)?|(?:a )?few)"
_reach = r"(?P<unit>business days?|working days?|days?|weeks?|wks?|months?|years?|yrs?)"


class Pattern(NamedTuple):
    """A way to name a day: the words of which one must be there, the pattern, and what it means."""

    cues: frozenset[str]
    pattern: re.Pattern[str]
    means: Callable[[re.Match[str], dt.date], str | None]


def dates(message: Message, today: dt.date) -> Iterator[Found]:
    """Every day that the text names. One outside the calendar ("2/30") is no date."""
    numeric = message.digits > 1 and ("/" in message.text or "-" in message.text)
    for cues, pattern, means in PATTERNS:
        if numeric if not cues else not message.words.isdisjoint(cues):
            for match in pattern.finditer(message.text):
                try:
                    canonical = means(match, today)
                except (ValueError, OverflowError):
                    continue
                if canonical:
                    yield Found("date", match.start(), match.end(), canonical)


def _span(first: dt.date, last: dt.date) -> str:
    return first.isoformat() if first == last else f"{first.isoformat()}/{last.isoformat()}"


def _iso(match: re.Match[str], today: dt.date) -> str:
    return dt.date(int(match[1]), int(match[2]), int(match[3])).isoformat()


def _slash(match: re.Match[str], today: dt.date) -> str | None:
    if match["y"] is None and match["sep"] == "-":
        return None
    year = int(match["y"]) + (2000 if len(match["y"]) == 2 else 0) if match["y"] else None
    return _day_of(today, int(match["m"]), int(match["d"]), year, match["on"])


def _named(match: re.Match[str], today: dt.date) -> str:
    year = int(match["y"]) if match["y"] else None
    return _day_of(today, _month_number(match["m"]), int(match["d"]), year, match["on"])


def _month_number(name: str) -> int:
    return next(n for n, month in enumerate(MONTHS, 1) if month.startswith(name[:3].lower()))


def _day_of(today: dt.date, month: int, number: int, year: int | None, weekday: str | None) -> str:
    """That day of the year named, else of the year in which its weekday is right, nearest to today. Raises ValueError."""
    if year is not None:
        return dt.date(year, month, number).isoformat()
    years = range(max(today.year - 1, 1), min(today.year + 1, 9999) + 1)
    days = [dt.date(guess, month, number) for guess in years if number <= monthrange(guess, month)[1]]
    agreeing = [day for day in days if weekday and WEEKDAYS[day.weekday()].startswith(weekday[:3].lower())]
    return min(agreeing or days, key=lambda day: abs(day - today)).isoformat()


def _goes_back(match: re.Match[str]) -> bool:
    """Whether the sentence speaks of what was: its verbs say, and "by" or "since" right before say it better."""
    before = match.string[max(0, match.start() - 80) : match.start()]
    if COMING.search(before):
        return False
    sentence = re.split(r"[.!?\n]", before)[-1] + re.split(r"[.!?\n]", match.string[match.end() : match.end() + 40])[0]
    return bool(SINCE.search(before) or PAST.search(sentence))


def _nth(match: re.Match[str], today: dt.date) -> str:
    number, back = int(match["d"]), _goes_back(match)
    for months in range(13):
        month = _shift(today.replace(day=1), -months if back else months)
        if number <= monthrange(month.year, month.month)[1]:
            day = month.replace(day=number)
            if (day < today) if back else (day >= today):
                return day.isoformat()
    raise ValueError(f"no month has a day {number}")


def _weekday_named(match: re.Match[str], today: dt.date) -> str | None:
    name, how = match["day"].lower(), (match["how"] or "").lower().split(" ")[-1]
    before = match.string[max(0, match.start() - 12) : match.start()].lower()
    short = name in ("sun", "sat", "mon", "wed")
    if re.search(r"\b(?:every|each|on all)\s$", before) or (
        short and not how and not re.search(r"\b(?:on|by|since|until|before|for|from)\s$", before)
    ):
        return None
    number = next(n for n, day in enumerate(WEEKDAYS) if day[:3] == name[:3])
    if how == "next":
        return (today + DAY * (7 - today.weekday() + number)).isoformat()
    if how == "this":
        return (today + DAY * ((number - today.weekday()) % 7)).isoformat()
    if how in ("last", "past") or (how != "coming" and _goes_back(match)):
        return (today - DAY * ((today.weekday() - number) % 7 or 7)).isoformat()
    return (today + DAY * ((number - today.weekday()) % 7 or 7)).isoformat()


def _near(match: re.Match[str], today: dt.date) -> str:
    text = match[0].lower()
    if "before" in text or "b4" in text:
        offset = -2
    elif "day after" in text:
        offset = 2
    elif text.startswith("y") or text == "last night":
        offset = -1
    elif text.startswith(("tom", "tm", "2m")):
        offset = 1
    else:
        offset = 0
    return (today + DAY * offset).isoformat()


def _moved(today: dt.date, count: float, unit: str) -> dt.date:
    unit = unit.lower()
    if unit.startswith(("b", "wor")):
        return add_business_days(today, int(count)) if abs(count) <= 365 else today + DAY * int(count)
    if unit.startswith("d"):
        return today + DAY * int(count)
    if unit.startswith("w"):
        return today + DAY * int(count * 7)
    return _shift(today, int(count * (12 if unit.startswith("y") else 1)))


def _shift(day: dt.date, months: int) -> dt.date:
    """The same day so many months on, or the last one of a shorter month."""
    month = day.year * 12 + day.month - 1 + months
    year, month = month // 12, month % 12 + 1
    if not 1 <= year <= 9999:
        raise ValueError(f"the year {year}")
    return dt.date(year, month, min(day.day, monthrange(year, month)[1]))


def _counted(typed: str) -> float:
    return value(" ".join(typed.split()))


def _ago(match: re.Match[str], today: dt.date) -> str:
    sign = -1 if match["way"].lower() in ("ago", "back", "earlier") else 1
    return _moved(today, sign * _counted(match["n"]), match["unit"]).isoformat()


def _ahead(match: re.Match[str], today: dt.date) -> str | None:
    count, unit, how = _counted(match["n"]), match["unit"], match["how"].lower()
    last = _moved(today, count, unit)
    if how in ("in", "in about"):
        if match["n"].lower() == "a" and unit.lower() == "day":
            return None  # "two in a day" is how often, not when
        return last.isoformat()
    return _span(today, last) if "last" not in how and "past" not in how else _span(_moved(today, -count, unit), today)


def _between(match: re.Match[str], today: dt.date) -> str:
    ends = [_moved(today, _counted(match[n]), match["unit"]) for n in ("n", "n2")]
    return _span(min(ends), max(ends))


def _period(match: re.Match[str], today: dt.date) -> str:
    step, unit = {"last": -1, "previous": -1, "past": -1, "next": 1}.get(match["how"].lower(), 0), match["unit"].lower()
    if unit == "month":
        first = _shift(today.replace(day=1), step)
        return _span(first, first.replace(day=monthrange(first.year, first.month)[1]))
    if unit == "year":
        year = today.year + step
        return _span(dt.date(year, 1, 1), dt.date(year, 12, 31))
    monday = today - DAY * today.weekday() + DAY * 7 * step
    return _span(monday + DAY * 5, monday + DAY * 6) if unit == "weekend" else _span(monday, monday + DAY * 6)


def _edge(match: re.Match[str], today: dt.date) -> str:
    step, end = (1 if (match["how"] or "").lower() == "next" else 0), match["edge"].lower() == "end"
    if match["unit"].lower() == "month":
        first = _shift(today.replace(day=1), step)
        return (first.replace(day=monthrange(first.year, first.month)[1]) if end else first).isoformat()
    monday = today - DAY * today.weekday() + DAY * 7 * step
    return (monday + DAY * 6 if end else monday).isoformat()


def _month_alone(match: re.Match[str], today: dt.date) -> str | None:
    name, before = match["m"].lower(), LEADS.search(match.string, max(0, match.start() - 10), match.start())
    lead = before[1].lower() if before else ""
    if not lead and (name in ("may", "march") or name not in MONTHS):
        return None
    month = _month_number(name)
    year = int(match["y"]) if match["y"] else today.year
    if not match["y"]:
        ahead = lead in ("next", "by", "until", "before")
        if ahead and month < today.month:
            year += 1
        elif (
            not ahead
            and lead != "this"
            and month > today.month
            and (lead in ("from", "since", "last") or _goes_back(match))
        ):
            year -= 1
    return _span(dt.date(year, month, 1), dt.date(year, month, monthrange(year, month)[1]))


def _pattern(cues: str, pattern: str, means: Callable[[re.Match[str], dt.date], str | None]) -> Pattern:
    return Pattern(
        frozenset(cues.split()), re.compile(rf"(?<![\w$/.]){pattern}(?![^\W_])", re.IGNORECASE | re.ASCII), means
    )


_months = " ".join([*MONTHS, *(m[:3] for m in MONTHS), "sept"])
_units = "day days week weeks wk wks month months year years yr yrs"
PATTERNS = (
    _pattern("", r"(?<!-)(\d{4})-(\d{1,2})-(\d{1,2})(?!-?\d)", _iso),
    _pattern("", rf"{_on}(?<!-)(?P<m>\d{{1,2}})(?P<sep>[/-])(?P<d>\d{{1,2}})(?:(?P=sep)(?P<y>\d{{4}}|\d{{2}}))?(?![\d/%-]|\.\d|\s?(?:an?\s)?(?:tab|pill|hour|price|off|mg|mcg|the)\w*)", _slash),
    _pattern(_months, rf"{_on}(?P<m>{_month})\b\.? ?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\b{_year}(?!\s?(?:mg|mcg|tab|pill)\w*)", _named),
    _pattern(_months, rf"{_on}(?:the )?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<m>{_month})\b{_year}", _named),
    _pattern("st nd rd th", rf"(?:(?:{_weekday}),? )?the (?P<d>[1-9]|[12]\d|3[01])(?:st|nd|rd|th)(?!\s?(?:{_thing})\b)", _nth),
    _pattern(
        "monday tuesday wednesday thursday friday saturday sunday mon tue tues wed weds thu thur thurs fri sat sun",
        rf"(?:(?P<how>next|last|this past|this coming|this|past|coming) )?(?P<day>{_weekday})", _weekday_named,
    ),
    _pattern(
        "today todays tonight tomorrow tommorow tomorow tommorrow tomorro tmrw tmr tmw moro yesterday yesturday yest yday night morning afternoon evening mrw",
        r"(?:day (?:before|b4) yest(?:erday)?|day after tom+or+ow|yest(?:e|u)rday|yest|yday|today|tonight|last night|this (?:morning|afternoon|evening)|"
        r"tom+or+ow?|tmrw|tmr|tmw|2moro|2mrw)", _near,
    ),
    _pattern(_units, rf"{_count} {_reach} (?P<way>ago|back|earlier|from now|from today|from tomorrow)", _ago),
    _pattern(_units, rf"(?<!times )(?<!twice )(?<!once )(?P<how>in about|in the next|in the last|within the next|within|in|the next|next|the last|last|the past|past) {_count} {_reach}(?! ago)", _ahead),
    _pattern(_units, rf"(?:with)?in (?P<n>{NUMBER})(?: ?- ?| to | or )(?P<n2>{NUMBER}) {_reach}", _between),
    _pattern("week weekend month year", r"(?P<how>last|this|next|previous|past) (?P<unit>weekend|week|month|year)", _period),
    _pattern("week month", r"(?P<edge>end|beginning|start) of (?:the |this |(?P<how>next) )?(?P<unit>week|month)", _edge),
    _pattern(_months, rf"(?P<m>{_month})(?:,? (?P<y>(?:19|20)\d\d))?(?!\.? ?\d)", _month_alone),
)  # fmt: skip
