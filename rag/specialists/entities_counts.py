"""Numbers as people type them: "1,200", ".5", "ten", "twenty-five", "five hundred", "a couple of"."""

from __future__ import annotations

from rails.figures import ONES, TENS

_ones = "|".join(sorted(ONES[1:], key=len, reverse=True))
_digit = "|".join(sorted(ONES[1:10], key=len, reverse=True))
_small = rf"(?:(?:{'|'.join(TENS)})(?:[ -](?:{_digit})\b)?|(?:{_ones}))"
SPELT = rf"(?:(?:an?|{_digit})[ -](?:hundred|thousand)(?:[ -](?:and[ -])?{_small})?|{_small})"
DIGITS = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,9}(?:\.\d{1,6})?|\.\d{1,6})"
NUMBER = rf"(?:{DIGITS}|{SPELT})"
VAGUE = {"couple": 2, "couple of": 2, "few": 3, "dozen": 12, "a": 1, "an": 1}


def value(typed: str) -> float:
    """The number that a match of `NUMBER` or a key of `VAGUE` stands for."""
    word = typed.lower().removeprefix("a ") if typed.lower()[2:] in VAGUE else typed.lower()
    if word in VAGUE:
        return VAGUE[word]
    if word[0].isdecimal() or word[0] == ".":
        return float(word.replace(",", ""))
    total = 0
    for part in word.replace("-", " ").split():
        if part in ("hundred", "thousand"):
            total = (total or 1) * (100 if part == "hundred" else 1000)
        elif part in ONES:
            total += ONES.index(part)
        elif part in TENS:
            total += (TENS.index(part) + 2) * 10
    return total


def plain(number: float) -> str:
    """Without an exponent and without needless zeros."""
    return f"{number:.6f}".rstrip("0").rstrip(".")
