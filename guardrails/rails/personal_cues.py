"""Cues: the words that introduce a number ("my social is", "tracking number:") or follow it ("… is my member id")."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from string import ascii_lowercase, ascii_uppercase

NEUTRAL = frozenset(("tracking", "other"))  # numbers that customers and staff need to see
REACH = 40  # characters between a cue and its number when other words stand between them
CUES = {
    "tracking": "track, tracker, tracking, ups, fedex, usps, dhl, waybill, shipment, package, parcel",
    "other": (
        "order, prescription, rx, refill, transfer, ndc, npi, dea, lot, batch, invoice, ref, reference, confirmation, "
        "case, ticket, claim, zip, zip code, zipcode, serial, upc, sku, coupon, promo, receipt"
    ),
    "ssn": "ssn, ss#, ss #, social, social sec, social security, soc sec, itin, tax id, taxpayer id",
    "cvv": "cvv, cvv2, cvc, cvc2, security code",
    "card": (
        "card, credit card, debit card, hsa card, fsa card, visa, mastercard, master card, amex, american express, "
        "credit, debit, maestro"
    ),
    "insurance": (
        "member, membership, subscriber, policy, policyholder, policy holder, group, grp, enrollee, beneficiary, "
        "cardholder, insured, mbi, plan id, plan number, plan #, rxgroup, rxgrp, rx group, rx grp, rx member, "
        "insurance id, insurance number, insurance no, insurance #, insurance card, "
        "medicare id, medicare number, medicare #, medicare card, "
        "medicaid id, medicaid number, medicaid #, medicaid card, health card"
    ),
    "bin": "bin, rxbin, rx bin",
    "pcn": "pcn, rxpcn, rx pcn",
    "insurer": (
        "insurance, insurer, coverage, aetna, cigna, humana, anthem, blue cross, bluecross, blue shield, bcbs, uhc, "
        "united health, unitedhealth, united healthcare, unitedhealthcare, kaiser, "
        "medicaid, medicare, tricare, molina, express scripts, caremark, optum, optumrx"
    ),
    "routing": "routing, aba, rtn",
    "account": (
        "account, acct, a/c, bank account, checking account, savings account, bank acct, checking acct, savings acct"
    ),
    "iban": "iban",
    "passport": "passport",
    "license": (
        "license, licence, driver license, drivers license, driver's license, drivers' license, driving license, "
        "driver licence, driver's licence, driving licence, driver id, driver's id, state id, dl#, dl #, dl no, "
        "dl number, dl:"
    ),
    "phone": (
        "phone, telephone, tel, cell, cellular, cellphone, mobile, fax, landline, whatsapp, call, text, reach, dial, "
        "ring, contact, my number, my no, my #, my new number, my old number"
    ),
}
PHRASES = {phrase: name for name, phrases in CUES.items() for phrase in phrases.split(", ")}
PHRASES |= {f"{phrase}s": name for phrase, name in PHRASES.items() if phrase[-1].isalpha() and phrase[-1] != "s"}
WORD = re.compile(r"(?<![\w-])[a-z]+")
HEADS = {word: [phrase for phrase in sorted(PHRASES, key=len, reverse=True) if WORD.findall(phrase)[0] == word]
         for word in {WORD.findall(phrase)[0] for phrase in PHRASES}}  # fmt: skip
LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)  # str.lower() changes the length of some texts
FILLER = re.compile(
    r"(?:[\s:#=,.(\"'-]|\b(?:numbers?|no|num|nos|ids?|code|card|is|are|was|it|s|its|the|a|my|our|your|his|her|their|new"
    r"|old|now|changed|to|as|at|on|me|back|us|says|reads|for|please|here|of|with|which|and|line|info|details|digits"
    r"|should|be|in|so|that)\b)*",
    re.IGNORECASE,
)
OWNED = re.compile(
    r"[\s:#.(\"'-]*(?:(?:numbers?|no|num|nos|ids?|code)\b[\s:#.(\"'-]*(?:(?:is|are|was)\b[\s:\"'-]*)?)?", re.IGNORECASE
)  # "order number is", "order #": the number is the order's, whatever stands before that
FOLLOWED = re.compile(
    r"\s{0,2}(?:=|\(|\b(?:is|was)\b)\s{0,2}(?:(?:my|our|your|his|her|their|the|a)\s)?(?:(?:new|old)\s)?", re.IGNORECASE
)
SENTENCE_END = re.compile(r"[.!?]\s|\n")


@dataclass(frozen=True, slots=True)
class Cue:
    name: str
    start: int
    end: int


class Cues:
    """All cues of a text, in order."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._all = list(_read(text.translate(LOWER)))
        self.names = frozenset(cue.name for cue in self._all)

    def direct(self, start: int, end: int) -> frozenset[str]:
        """The cues that introduce text[start:end] with nothing but filler between, or that follow it with "is my".

        Cues may follow each other: "the tracking number for my order is" gives two.
        """
        names = set()
        for cue in reversed(self._all):
            if cue.end > start:
                continue
            if start - cue.end > REACH or not FILLER.fullmatch(self._text, cue.end, start):
                break
            names.add(cue.name)
            if cue.name == "other" and len(names) == 1 and OWNED.fullmatch(self._text, cue.end, start):
                return frozenset(names)
            start = cue.start
        followed = FOLLOWED.match(self._text, end) if self._all else None
        if followed:
            names.update(cue.name for cue in self._all if cue.start == followed.end())
        return frozenset(names)

    def about(self, start: int, end: int) -> frozenset[str]:
        """The direct cues; where there are none, the last telling one in the same sentence within reach."""
        if names := self.direct(start, end):
            return names
        for cue in reversed(self._all):
            if cue.end <= start and cue.name not in NEUTRAL:
                near = start - cue.end <= REACH and not SENTENCE_END.search(self._text, cue.end, start)
                return frozenset((cue.name,)) if near else frozenset()
        return frozenset()


def _read(text: str) -> Iterator[Cue]:
    done = 0
    for word in WORD.finditer(text):
        if word.start() < done or word[0] not in HEADS:
            continue
        for phrase in HEADS[word[0]]:
            end = word.start() + len(phrase)
            if text.startswith(phrase, word.start()) and not (phrase[-1].isalpha() and text[end : end + 1].isalpha()):
                yield Cue(PHRASES[phrase], word.start(), end)
                done = end
                break
