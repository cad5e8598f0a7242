"""Strengths, sums of money and quantities."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from rag.specialists.entities_counts import DIGITS, NUMBER, plain, value
from rag.specialists.entities_found import Found, Message

UNITS = {
    "mg": "mg", "mgs": "mg", "milligram": "mg", "milligrams": "mg", "mcg": "mcg", "mcgs": "mcg", "µg": "mcg",
    "μg": "mcg", "ug": "mcg", "microgram": "mcg", "micrograms": "mcg", "g": "g", "gm": "g", "gram": "g", "grams": "g",
    "ml": "mL", "mls": "mL", "milliliter": "mL", "milliliters": "mL", "cc": "mL", "unit": "units", "units": "units",
    "iu": "units", "meq": "mEq",
}  # fmt: skip
THINGS = {
    "tablet": "tablet", "tab": "tablet", "capsule": "capsule", "cap": "capsule", "pill": "pill", "pen": "pen",
    "vial": "vial", "inhaler": "inhaler", "patch": "patch", "patche": "patch", "box": "box", "boxe": "box",
    "bottle": "bottle", "pack": "pack", "tube": "tube", "refill": "refill", "dose": "dose", "syringe": "syringe",
    "strip": "strip", "needle": "needle", "drop": "drop", "puff": "puff", "gummy": "gummy", "lozenge": "lozenge",
}  # fmt: skip
THING_WORDS = frozenset(word + s for word in THINGS for s in ("", "s"))
PERIOD_WORDS = frozenset(("day", "days", "week", "weeks", "month", "months"))
QUANTITY_CUES = THING_WORDS | PERIOD_WORDS | {"qty", "quantity", "count", "ct"}
MONEY_CUES = frozenset(("dollar", "dollars", "buck", "bucks", "usd", "cent", "cents"))

_unit = "|".join(sorted(UNITS, key=len, reverse=True))
STRENGTH = re.compile(
    rf"(?<![\w.,$/])(?P<n>{NUMBER}(?:\s?[/-]\s?{DIGITS}){{0,2}})[\s-]?(?P<unit>{_unit})(?![^\W_])"
    rf"(?:\s?(?:/|per)\s?(?P<per>(?:{DIGITS}\s?)?(?:ml|dose|h|hr|hour|actuation|spray)(?![^\W_])))?",
    re.IGNORECASE | re.ASCII,
)
PERCENT = re.compile(
    r"(?<![\w.,$/-])(?P<n>\d{1,2}(?:\.\d{1,4})?|\.\d{1,4})\s?(?:%|percent\b)"
    r"(?=(?P<form>\s(?:[^\W\d_]+\s)?(?:creams?|gels?|ointment|lotion|solution|drops?|shampoo|foam|patch(?:es)?|spray|topical)\b)?)",
    re.IGNORECASE | re.ASCII,
)
PAIR = re.compile(r"(?<![\w.,$/-])\d{1,4}(?:\.\d{1,3})?(?:/\d{1,4}(?:\.\d{1,3})?){1,2}(?![\w/%]|[.,]\d)", re.ASCII)
MONEY = re.compile(
    rf"(?<![\w.,])(?:\$\s?(?P<usd>{DIGITS})|(?P<after>{DIGITS})\$|(?P<n>{NUMBER})\s?-?(?P<unit>dollars?|bucks?|usd|cents?)\b"
    rf"(?:,? and (?P<c>{NUMBER}) cents?\b)?)",
    re.IGNORECASE | re.ASCII,
)
QUANTITY = re.compile(
    rf"(?<![\w.,$/-])(?:(?P<n>{NUMBER}|couple(?: of)?|few|dozen)[\s-]?"
    rf"(?:(?P<period>day|week|month)s?'?[\s-]?(?:supply|supplies|worth|fill|refill|script)|(?P<thing>{'|'.join(THINGS)})s?)(?![^\W_])"
    rf"|(?:qty|quantity)(?: of)?[\s:#.]{{0,3}}(?P<qty>\d{{1,4}})\b|(?P<count>\d{{1,4}})[\s-]?(?:count|ct)\b)",
    re.IGNORECASE | re.ASCII,
)


def strengths(message: Message, pairs: Mapping[str, str]) -> Iterator[Found]:
    """Amounts with a unit; without one only what the table holds (`pairs`: "500/125" -> "500/125 mg", "5%" -> "5%")."""
    text = message.text
    if not message.words.isdisjoint(UNITS):
        for match in STRENGTH.finditer(text):
            numbers = "/".join(
                plain(value(part.strip())) for part in re.split(r"/|(?<=\d)\s?-\s?(?=[\d.])", match["n"])
            )
            per = f"/{_per(match['per'])}" if match["per"] else ""
            yield Found("strength", match.start(), match.end(), f"{numbers} {UNITS[match['unit'].lower()]}{per}")
    if "%" in text or "percent" in message.words:
        for match in PERCENT.finditer(text):
            canonical = f"{plain(float(match['n']))}%"
            if match["form"] or (canonical in pairs and "." in canonical):
                yield Found("strength", match.start(), match.end(), canonical)
    if "/" in text:
        for match in PAIR.finditer(text):
            if pair := pairs.get(match[0]):
                yield Found("strength", match.start(), match.end(), pair)


def _per(typed: str) -> str:
    return re.sub(r"(?<=\d)\s?(?=[a-z])", " ", typed.lower()).replace("ml", "mL")


def money(message: Message) -> Iterator[Found]:
    if "$" not in message.text and message.words.isdisjoint(MONEY_CUES):
        return
    for match in MONEY.finditer(message.text):
        if match["n"]:
            cents = match["unit"].lower().startswith("cent")
            total = value(match["n"]) / (100 if cents else 1) + (value(match["c"]) / 100 if match["c"] else 0)
        else:
            total = value(match["usd"] or match["after"])
        yield Found("money", match.start(), match.end(), f"{total:.2f}")


def quantities(message: Message) -> Iterator[Found]:
    """How many: "30 tablet", "90 day" (of supply), or the bare number after "qty"."""
    if message.words.isdisjoint(QUANTITY_CUES):
        return
    for match in QUANTITY.finditer(message.text):
        if bare := match["qty"] or match["count"]:
            canonical = plain(float(bare))
        else:
            what = (match["period"] or THINGS[match["thing"].lower()]).lower()
            canonical = f"{plain(value(' '.join(match['n'].split())))} {what}"
        yield Found("quantity", match.start(), match.end(), canonical)
