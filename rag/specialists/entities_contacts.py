"""Email addresses, US phone numbers, and the numbers on an insurance card."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module, util
from typing import Any

from rag.specialists.entities_found import Found, Message
from rag.specialists.entities_words import english

EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")
PHONE = re.compile(
    r"(?<![\w.$-])(?:\+?1[ .-]?)?(?:\(([2-9]\d\d)\) ?|([2-9]\d\d)[ .-]?)([2-9]\d\d)[ .-]?(\d{4})(?!\w|-\d)", re.ASCII
)
INSURANCE_CUES = frozenset(["bin", "rxbin", "pcn", "rxpcn", "group", "grp", "rxgrp", "member", "subscriber", "policy"])
LABELLED = re.compile(
    r"(?<![^\W_])(?:rx ?)?(?P<label>bin|pcn|group|grp|member|subscriber|policy)(?![^\W_])"
    r"(?:[\s:#.=]|(?<![^\W_])(?:numbers?|num|no|nr|id|is|code)(?![^\W_])){0,7}"
    r"(?P<id>[a-z0-9]+(?:-[a-z0-9]+){0,4})(?P<more>(?: \d{2,5}(?![\w.%]))*)",
    re.IGNORECASE | re.ASCII,
)
NAMES = {"bin": "BIN", "pcn": "PCN", "group": "group", "grp": "group"}
_letter, _sign = "[AC-HJKMNP-RT-Y]", "[0-9AC-HJKMNP-RT-Y]"
# Medicare Beneficiary Identifier: 11 signs without S, L, O, I, B and Z (CMS, "Understanding the MBI").
MEDICARE = re.compile(
    rf"(?<![\w-])[1-9]{_letter}{_sign}\d[- ]?{_letter}{_sign}\d[- ]?{_letter}{_letter}\d\d(?![\w-])",
    re.IGNORECASE | re.ASCII,
)


def emails(message: Message) -> Iterator[Found]:
    if "@" in message.text:
        for match in EMAIL.finditer(message.text):
            yield Found("email", match.start(), match.end(), match[0].lower())


def phones(message: Message) -> Iterator[Found]:
    """Ten digits that a US number may have, with or without +1. Canonical is E.164."""
    if message.digits < 10:
        return
    for match in PHONE.finditer(message.text):
        number = "+1" + (match[1] or match[2]) + match[3] + match[4]
        yield Found("phone", match.start(), match.end(), number, "" if _in_use(number) else "no such number")


@cache
def _numbering() -> Any:
    """The `phonenumbers` library where it is installed: it knows which area codes exist."""
    return import_module("phonenumbers") if util.find_spec("phonenumbers") else None


def _in_use(number: str) -> bool:
    library = _numbering()
    return library is None or bool(library.is_valid_number(library.parse(number)))


def insurance(message: Message) -> Iterator[Found]:
    """Member, group, BIN and PCN where a word introduces them, and what has the shape of a Medicare number."""
    if message.digits >= 5:
        for match in MEDICARE.finditer(message.text):
            yield Found("insurance_id", match.start(), match.end(), _compact(match[0]), "Medicare")
    if message.words.isdisjoint(INSURANCE_CUES):
        return
    for match in LABELLED.finditer(message.text):
        label, start, end = match["label"].lower(), match.start("id"), match.end("id")
        name = NAMES.get(label, "member")
        for more in re.finditer(r" \d+", match["more"]):
            if len(_compact(message.text[start:end])) >= 8 or name != "member":
                break
            end = match.start("more") + more.end()
        typed = message.text[start:end]
        if (note := _card_number(name, typed)) is not None:
            yield Found("insurance_id", start, end, _compact(typed), note)


def _card_number(name: str, typed: str) -> str | None:
    """The note of an insurance number, or None where the signs can't be one."""
    signs, digits = len(_compact(typed)), sum(sign.isdecimal() for sign in typed)
    if name == "BIN":
        if not typed.isdecimal() or not 5 <= signs <= 7:
            return None
        return "BIN" if signs == 6 else "BIN, wrong length"
    if name == "PCN":
        fits = 2 <= signs <= 15 and (digits or typed.isupper() or typed.lower() not in english())
        return "PCN" if fits else None
    least = 4 if name == "group" else 6
    return name if digits >= 3 and least <= signs <= 20 else None


def _compact(typed: str) -> str:
    return re.sub(r"[\s-]", "", typed).upper()
