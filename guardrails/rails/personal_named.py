"""Numbers that only their introduction gives away: "my member id is W12345678", "routing number 021000021"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rails.personal_scan import Scan, Span

_join = r"(?:[\s.,/-]{0,3}|\s(?:and |dash |and then |then ))"
_coded = r"(?=(?:[a-z-]*\d){3})[a-z0-9][a-z0-9-]{4,19}"  # letters, digits and dashes, with three digits at least


@dataclass(frozen=True)
class Rule:
    """A shape that counts as `kind` where `cue` introduces it: directly, or from some words away."""

    kind: str
    cue: str
    value: re.Pattern[str]
    direct: bool = True


def _rule(kind: str, cue: str, value: str, direct: bool = True, flags: re.RegexFlag = re.IGNORECASE) -> Rule:
    return Rule(kind, cue, re.compile(rf"(?<![\w@])(?<!\d-)(?:{value})(?![\w@]|-\w)", flags), direct)


RULES = (
    _rule("ssn", "ssn", rf"\d(?:{_join}\d){{8}}", direct=False),
    _rule("card", "card", r"\d(?:[\s.-]{0,2}\d){12,18}", direct=False),
    _rule("card", "cvv", r"\d{3,4}"),
    _rule("bank_account", "routing", r"\d(?:[ -]?\d){8}", direct=False),
    _rule("bank_account", "iban", r"[a-z]{2}\d\d(?: ?[a-z0-9]{4}){2,7}(?: ?[a-z0-9]{1,3})?"),
    _rule("passport", "passport", r"[a-z]{0,2}\d{6,9}", direct=False),
    _rule("driver_license", "license", rf"[a-z]{{0,3}}\d(?:[ -]?\d){{3,14}}[a-z]{{0,2}}|{_coded}", direct=False),
    _rule("insurance_id", "bin", r"\d{6}|\d{8}"),
    _rule("insurance_id", "pcn", r"(?!(?:ID|RX|AND|BIN|PCN|GRP|GROUP|IS|NO)\b|RX[BPG])[A-Z0-9]{2,12}", flags=re.NOFLAG),
    _rule("insurance_id", "insurance", rf"{_coded}(?: \d{{2,6}}){{0,3}}|\d{{2,5}}(?:[ -]\d{{2,5}}){{1,4}}"),
    _rule("insurance_id", "insurance", r"(?=[A-Z]*\d)[A-Z0-9]{5,15}", flags=re.NOFLAG),
    _rule("insurance_id", "insurer", r"\d{8,12}"),
    _rule("insurance_id", "insurer", r"[a-z]{1,4}-?\d{6,12}[a-z]?", direct=False),
    _rule("bank_account", "account", r"\d(?:[ -]?\d){5,16}"),
)
LAST_FOUR = re.compile(
    r"last (?:four|4)(?: digits)? of (?:my |the |his |her )?(?:ssn|social(?: security)?)(?: number)?\W{0,3}"
    r"(?:is|are|was|were)?\W{0,3}(\d{4})(?!\w)",
    re.IGNORECASE,
)


def introduced(scan: Scan) -> Iterator[Span]:
    """What the rules find, and the last four digits of a social security number, which is all that many desks ask."""
    cues = scan.cues
    for rule in RULES:
        if rule.cue in cues.names:
            for match in rule.value.finditer(scan.text):
                names = cues.direct(*match.span()) if rule.direct else cues.about(*match.span())
                if rule.cue in names:
                    yield rule.kind, *match.span()
    if "ssn" in cues.names:
        yield from (("ssn", *match.span(1)) for match in LAST_FOUR.finditer(scan.text))
