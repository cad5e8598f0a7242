"""Numbers of orders, prescriptions, transfers and parcels, however sloppily they are typed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from rag.specialists.entities_found import Found, Message

PREFIX = {"order": "FH-", "prescription": "RX-", "transfer": "TR-"}
LENGTH = {"order": 7, "prescription": 8, "transfer": 6}
KIND = {"f": "order", "o": "order", "r": "prescription", "p": "prescription", "s": "prescription", "t": "transfer",
        "x": "transfer"}  # fmt: skip
CUES = frozenset(
    ["fh", "f", "rx", "r", "tr", "t", "ord", "order", "orders", "prescription", "script", "transfer", "xfer"]
)
WRONG = "wrong length"

_run = r"[0-9OoIiLl]+(?:[ .\-_][0-9OoIiLl]+){0,9}(?![A-Za-z0-9])"
RECORD = re.compile(
    rf"(?<![^\W_])(?P<kind>f[\s.\-_]?h|r[\s.\-_]?x|t[\s.\-_]?r|order|ord|prescription|script|transfer|xfer)"
    rf"(?:[\s:#.\-_]|(?<![^\W_])(?:numbers?|num|no|nr|id|is|was|request|ref|reference)(?![^\W_])){{0,9}}(?P<run>{_run})",
    re.IGNORECASE | re.ASCII,
)
BARE = re.compile(r"(?<![\w.$/-])(?:\d{5,9}|\d{3}[ -]\d{3,4}|\d{4}[ -]\d{4})(?![\w%/-]|[.,]\d)", re.ASCII)
DATE = re.compile(r"\d{4}[-.]\d{1,2}[-.]\d{1,2}|\d{1,2}[-.]\d{1,2}[-.](?:\d{2}|\d{4})")
DIGIT_LIKE = str.maketrans("OoIiLl", "001111")

UPS = re.compile(r"(?<![^\W_])1\s?z(?:[ -]?[0-9a-z]*\d[0-9a-z]*){1,9}(?![^\W_])", re.IGNORECASE | re.ASCII)
DIGIT_RUN = re.compile(r"(?<![\w.$/+-])\d{3,23}(?:[ -]\d{1,5}){0,7}(?![\w/%]|[.,-]\d)", re.ASCII)
TRACKING_LENGTHS = frozenset((12, 15, 20, 21, 22))
TRACKING_CUE = re.compile(
    r"\b(?:track\w*|usps|ups|fed ?ex|parcel|carrier)\b.{0,25}$", re.IGNORECASE | re.ASCII | re.DOTALL
)
PHONE_LIKE = ([3, 3, 4], [1, 3, 3, 4])


def records(message: Message, own: Mapping[str, str]) -> Iterator[Found]:
    """Orders, prescriptions and transfers, and bare numbers, which are a record only if they are the customer's own.

    `own` gives the record's number by its digits.
    """
    text = message.text
    if not message.words.isdisjoint(CUES) or any(word.startswith(("fh", "rx", "tr", "ord")) for word in message.words):
        for match in RECORD.finditer(text):
            if one := _record(match, own):
                yield one
    for match in BARE.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        yield _own(match.start(), match.end(), digits, own) or Found("number", match.start(), match.end(), digits)


def _own(start: int, end: int, digits: str, own: Mapping[str, str]) -> Found | None:
    if (number := own.get(digits)) is None:
        return None
    kind = next((kind for kind, prefix in PREFIX.items() if number.upper().startswith(prefix)), "tracking")
    return Found(kind, start, end, number)


def _record(match: re.Match[str], own: Mapping[str, str]) -> Found | None:
    kind, run = KIND[match["kind"][0].lower()], match["run"]
    if len(match["kind"]) > 3 and DATE.fullmatch(run):
        return None  # "order 11-12-26" says when, not which
    groups = _groups(run)
    totals = _totals(groups)
    end = _cut(totals, [len(g[0]) for g in groups], LENGTH[kind])
    if end is None:
        return None
    digits = run[: groups[end][1]].translate(DIGIT_LIKE)
    digits = re.sub(r"\D", "", digits)
    place = match.start(), match.start("run") + groups[end][1]
    if mine := _own(*place, digits, own):
        return mine
    return Found(kind, *place, PREFIX[kind] + digits, "" if len(digits) == LENGTH[kind] else WRONG)


def _groups(run: str) -> list[tuple[str, int]]:
    """Groups of a run with their ends. A group of letters only is a word, unless every group is one sign."""
    groups = [(m[0], m.end()) for m in re.finditer(r"[0-9OoIiLl]+", run)]
    if len(groups) > 1 and all(len(group) == 1 for group, _ in groups):
        while groups and not groups[-1][0].isdecimal():
            groups.pop()
        return groups
    for n, (group, _) in enumerate(groups):
        if not any(sign.isdecimal() for sign in group):
            return groups[:n]
    return groups


def _totals(groups: list[tuple[str, int]]) -> list[int]:
    totals: list[int] = []
    for group, _ in groups:
        totals.append((totals[-1] if totals else 0) + len(group))
    return totals


def _cut(totals: list[int], sizes: list[int], want: int) -> int | None:
    """Which group ends the number: where the count is right, else where it is off by one; None: it is no such number."""
    if not totals:
        return None
    singles = len(sizes) > 1 and max(sizes) == 1
    if want in totals and not (singles and totals[-1] == want + 1):
        return totals.index(want)
    near = [n for n, total in enumerate(totals) if abs(total - want) == 1]
    if not near or totals[-1] >= 10:  # ten digits and more are a phone or a parcel
        return None
    return 0 if near[0] == 0 else near[-1]


def parcels(message: Message) -> Iterator[Found]:
    """Tracking numbers of UPS (1Z and 16 signs), FedEx (12 or 15 digits) and USPS (20 to 22 digits)."""
    text = message.text
    for match in UPS.finditer(text):
        groups = [(m[0], m.end()) for m in re.finditer(r"[0-9A-Za-z]+", match[0])]
        totals = _totals(groups)
        end = totals.index(18) if 18 in totals else next((n for n, t in enumerate(totals) if t in (17, 19)), None)
        if end is not None:
            number = "".join(group for group, _ in groups[: end + 1]).upper()
            note = "" if len(number) == 18 else WRONG
            yield Found("tracking", match.start(), match.start() + groups[end][1], number, note)
    if message.digits >= 11:
        for match in DIGIT_RUN.finditer(text):
            if one := _parcel(match, text):
                yield one


def _parcel(match: re.Match[str], text: str) -> Found | None:
    groups = [(m[0], m.end()) for m in re.finditer(r"\d+", match[0])]
    sizes = [len(group) for group, _ in groups]
    if sizes[:3] == PHONE_LIKE[0] or sizes[:4] == PHONE_LIKE[1] or sizes == [4, 6, 5] or sizes == [4, 4, 4, 4]:
        return None
    if sizes[0] > 9:  # typed in one piece: what follows is another number
        groups = groups[:1]
    elif len(set(sizes[:-1])) > 1 or not sizes[-1] <= sizes[0] <= 5:  # carriers print groups of one size
        return None
    totals = _totals(groups)
    right = [n for n, total in enumerate(totals) if total in TRACKING_LENGTHS]
    if right:
        end, note = right[-1], ""
    elif totals[-1] in (11, 13, 14, 16, 19, 23) and TRACKING_CUE.search(
        text[max(0, match.start() - 60) : match.start()]
    ):
        end, note = len(groups) - 1, WRONG
    else:
        return None
    number = "".join(group for group, _ in groups[: end + 1])
    return Found("tracking", match.start(), match.start() + groups[end][1], number, note)
