"""Telephone numbers: the American shape, what phonenumbers knows as valid, and what is introduced as one."""

from __future__ import annotations

import re
from collections.abc import Iterator

import phonenumbers
from phonenumbers import Leniency, PhoneNumberMatcher

from rails.personal_scan import Scan, Span

EXTENSION = r"(?:,?\s?(?:x|ext\.?|extension)\s?\d{1,6})?"
AMERICAN = re.compile(
    r"(?<![\w./+-])(?:(?:\+|00)?1[ ./-]{0,2})?(?:\(\d{3}\) {0,2}|\d{3}[ ./-])\d{3}[ .-]\d{4}"
    rf"{EXTENSION}(?![^\W_]|[.-]\d)|\+1[ ./-]{{0,2}}\(?\d{{3}}\)?[ ./-]?\d{{3}}[ .-]?\d{{4}}{EXTENSION}(?!\d)",
    re.IGNORECASE,
)
ABROAD = re.compile(r"(?<![\w+])\+\d{1,3}(?:[ ./()-]{0,3}\d){6,13}" + EXTENSION + r"(?!\w)", re.IGNORECASE)
NATIONAL = re.compile(r"(?<![\w./-])\(?0\d{1,4}\)?[ /-]\d{2,4}(?:[ .-]?\d{2,4}){1,3}(?![\w-])")
LIKELY = re.compile(r"(?:\d[ ./()-]{0,3}){8}\d")
OTHERS = frozenset(((4, 4, 2), (5, 3, 2), (5, 4, 1), (5, 4, 2), (5, 4)))  # NDC and ZIP+4
BARE = re.compile(r"(?<![\w./$-])1?[2-9]\d\d[2-9]\d{6}(?!\w|[./-]\d)")
NAMED = re.compile(r"(?<![\w.$-])[+(]?\d(?:[ ./()-]{0,2}\d){6,14}" + EXTENSION + r"(?!\w)", re.IGNORECASE)


def shaped(scan: Scan) -> Iterator[Span]:
    """Numbers written as telephone numbers are."""
    if not LIKELY.search(scan.text):
        return
    for pattern in (AMERICAN, ABROAD):
        yield from (("phone", *match.span()) for match in pattern.finditer(scan.text))
    for match in NATIONAL.finditer(scan.text):
        if 9 <= sum(sizes := _sizes(match[0])) <= 12 and sizes not in OTHERS:
            yield "phone", *match.span()
    for found in PhoneNumberMatcher(scan.text, "US", leniency=Leniency.VALID):
        written = len(sizes := _sizes(found.raw_string)) > 1 and sizes not in OTHERS
        if written and not _called_otherwise(scan, found.start, found.end):
            yield "phone", found.start, found.end


def _sizes(number: str) -> tuple[int, ...]:
    return tuple(len(group) for group in re.findall(r"\d+", number))


def named(scan: Scan) -> Iterator[Span]:
    """Numbers that are introduced as telephone numbers, in whatever shape."""
    if "phone" in scan.cues.names:
        for match in NAMED.finditer(scan.text):
            if "phone" in scan.cues.direct(*match.span()):
                yield "phone", *match.span()


def bare(scan: Scan) -> Iterator[Span]:
    """Ten digits in one piece that are a valid American number and aren't introduced as anything else."""
    for match in BARE.finditer(scan.text):
        if not _called_otherwise(scan, *match.span()):
            number = phonenumbers.parse(match[0], "US")
            if phonenumbers.is_valid_number(number):
                yield "phone", *match.span()


def _called_otherwise(scan: Scan, start: int, end: int) -> bool:
    names = scan.cues.direct(start, end)
    return bool(names) and "phone" not in names
