"""What a shape or a check digit gives away by itself: harmless numbers first, then mail, IBAN, cards, SSN, MBI, IP."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from stdnum import iban, luhn
from stdnum.us import itin, ssn

from rails.personal_cues import NEUTRAL
from rails.personal_scan import HARMLESS, Scan, Span, digits_of

LETTERED = re.compile(
    r"\b(?:(?:fh|rx|tr)[- ]?\d{5,9}|1z(?: ?[0-9a-z]){16}|1z(?: ?\d{2,10}){1,5}|c-\d{5}|[a-z]{2}\d{9}us)\b",
    re.IGNORECASE,
)
NUMBERED = re.compile(
    r"(?<![\w-])(?:"
    r"(?:\d{4}-\d{4}-\d\d|\d{5}-\d{3}-\d\d|\d{5}-\d{4}-\d{1,2})(?![\w-])"  # NDC
    r"|(?<![./])(?:\d{4}[/.-]\d\d?[/.-]\d\d?|\d\d?([/.-])\d\d?\1(?:\d{4}|\d\d))(?![\d/-]|\.\d)"  # dates
    r"|9[1-5]\d\d(?: ?\d{4}){4}(?: ?\d\d)?\b"  # USPS
    r"|(?<!\d[\s.,/+])\d{1,4}(?:[.,]\d{1,3})? ?(?:m?c?g|ml|l|iu|units?|tablets?|tabs?|pills?|capsules?"
    r"|days?|refills?|%)(?!\w)"
    r"|(?<=[$€£])\d{1,6}(?:,\d{3})*(?:\.\d\d)?(?![\d-])"
    r")",
    re.IGNORECASE,
)
MARK = re.compile(r"\[[A-Za-z -]{3,16}\]")
TRACKED = re.compile(r"(?<![\w@])(?:[a-z]{0,2}\d{8,34}[a-z]{0,2}|\d{4}(?:[ -]\d{4}){1,4}(?:[ -]\d{1,4})?)(?!\w)", re.I)
EMAIL = re.compile(r"(?<![\w.+-])\w[\w.!#$%&*+/=?^{|}~'-]{0,63}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
MAIL_HOSTS = r"g(?:oogle)?mail|yahoo|ymail|hotmail|outlook|icloud|aol|proton(?:mail)?|live|msn|comcast|verizon|gmx"
SPELLED_EMAIL = re.compile(
    r"(?<![\w.+-])\w[\w.+-]{0,63}\s?(?:@|\s[\[(]?at[\])]?\s)\s?"
    rf"(?:{MAIL_HOSTS})"
    r"(?:\.|\s[\[(]?dot[\])]?\s|\s\.\s?)(?:com|net|org|me|co|de)\b",
    re.IGNORECASE,
)
AT_HOST = re.compile(rf"\bat[\])]?\s{{1,2}}(?:{MAIL_HOSTS})", re.IGNORECASE)
IBAN = re.compile(r"(?<![a-z0-9])[a-z]{2}\d\d(?:[ -]?[a-z0-9]){11,30}", re.IGNORECASE)
SSN = re.compile(r"(?<![\w./-])\d{3}([-. ])\d\d\1\d{4}(?!\w|[./-]\d)")
_letter, _either = "[ac-hj-km-np-rt-y]", "[ac-hj-km-np-rt-y0-9]"
MBI = re.compile(
    rf"(?<![\w-])[1-9]{_letter}{_either}\d-?{_letter}{_either}\d-?{_letter}{{2}}\d\d(?![\w-])", re.IGNORECASE
)  # CMS: 11 characters, letters without S, L, O, I, B and Z
IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)")
IPV6 = re.compile(r"(?<![\w:.])[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:\.\d{1,3}){0,3}(?![\w:])", re.IGNORECASE)

LEFT = re.compile(
    r"\d(?:[a-z-]*\d){2}|\d\.\d{1,3}\.\d{1,3}\.\d|::|\bpcn\b|(?:\d\D{0,24}){8}\d", re.IGNORECASE
)  # worth a second look
GROUP = re.compile(r"(?<![A-Z0-9])\d{1,19}(?!\d)")
JOIN = re.compile(
    r"[\s.,\-_/\\*:|]{0,4}(?:\b(?:and then|then|and|next|plus|dash|hyphen|space|dot|followed by)\b[\s,:-]{0,3})?"
)
LOOSE = re.compile(r"[^\d\x00]{0,24}")
ISSUED = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[689]\d)\d{11,16}|6(?:011|4[4-9]\d|5\d\d)\d{12,15}|(?:62|81)\d{14,17}"
    r"|35(?:2[89]|[3-8]\d)\d{12,15}|(?:1800|2131)\d{11}|(?:50|5[6-8]|6[37])\d{14,17}"
)  # Visa, Mastercard, Amex, Diners, Discover, UnionPay, JCB, Maestro
FOURS = frozenset(((4, 4, 4, 4), (8, 8), (4, 12), (12, 4), (4, 4, 8), (8, 4, 4), (4, 8, 4), (4, 6, 5), (4, 6, 4)))


def harmless(scan: Scan) -> Iterator[Span]:
    """Order, prescription, transfer, customer and tracking numbers, NDC, dates, prices, strengths, marks."""
    for pattern in (LETTERED, NUMBERED, MARK) if "[" in scan.text else (LETTERED, NUMBERED):
        yield from ((HARMLESS, *match.span()) for match in pattern.finditer(scan.text))


def tracked(scan: Scan) -> Iterator[Span]:
    """Numbers that are introduced as tracking numbers."""
    if "tracking" in scan.cues.names:
        for match in TRACKED.finditer(scan.text):
            names = scan.cues.direct(*match.span())
            if "tracking" in names and names <= NEUTRAL:
                yield HARMLESS, *match.span()


def emails(scan: Scan) -> Iterator[Span]:
    if "@" in scan.text:
        yield from (("email", *match.span()) for match in EMAIL.finditer(scan.text))
    if "@" in scan.text or AT_HOST.search(scan.text):
        yield from (("email", *match.span()) for match in SPELLED_EMAIL.finditer(scan.text))


def ibans(scan: Scan) -> Iterator[Span]:
    for match in IBAN.finditer(scan.text):
        for end in range(match.end(), match.start() + 14, -1):
            ends = not scan.text[end : end + 1].isalnum() and scan.text[end - 1].isalnum()
            if ends and iban.is_valid(scan.text[match.start() : end], check_country=False):
                yield "bank_account", match.start(), end
                break


def cards(scan: Scan) -> Iterator[Span]:
    """Card numbers in one piece or in several, with spaces, dashes, line ends or words between."""
    groups = [match.span() for match in GROUP.finditer(scan.text)]
    if sum(end - start for start, end in groups) < 13:
        return
    first = 0
    while first < len(groups):
        last = next((last for last in _windows(scan, groups, first)), None)
        if last is not None:
            yield "card", groups[first][0], groups[last][1]
        first = first + 1 if last is None else last + 1


def _windows(scan: Scan, groups: list[tuple[int, int]], first: int) -> Iterator[int]:
    """The last groups of the card numbers that begin with this group, the longest number first."""
    sizes: list[int] = []
    tight, found = True, []
    for last in range(first, len(groups)):
        start, end = groups[last]
        if sizes:
            before = groups[last - 1][1]
            tight = tight and JOIN.fullmatch(scan.text, before, start) is not None
            if not tight and not LOOSE.fullmatch(scan.text, before, start):
                break
        sizes.append(end - start)
        if sum(sizes) > 19:
            break
        if sum(sizes) >= 13 and _is_card(scan, groups[first][0], end, tuple(sizes), tight):
            found.append(last)
    yield from reversed(found)


def _is_card(scan: Scan, start: int, end: int, sizes: tuple[int, ...], tight: bool) -> bool:
    number = digits_of(scan.text[start:end])
    if not luhn.is_valid(number) or len(set(number)) == 1:
        return False
    if sizes == (16,):
        return True
    if not ISSUED.fullmatch(number):
        return False
    if len(sizes) == 1 or sizes in FOURS:
        return True
    regular = len(set(sizes[:-1])) == 1 and sizes[-1] <= sizes[0]
    return tight and (regular or min(sizes) >= 3 or "card" in scan.cues.about(start, end))


def social_security(scan: Scan) -> Iterator[Span]:
    for match in SSN.finditer(scan.text):
        number = match[0].replace(match[1], "-")
        if ssn.is_valid(number) or itin.is_valid(number):
            yield "ssn", *match.span()


def medicare(scan: Scan) -> Iterator[Span]:
    yield from (("insurance_id", *match.span()) for match in MBI.finditer(scan.text))


def addresses(scan: Scan) -> Iterator[Span]:
    """IP addresses, of both versions."""
    found = [*IPV4.finditer(scan.text)] if scan.text.count(".") > 2 else []
    found += [*IPV6.finditer(scan.text)] if scan.text.count(":") > 1 else []
    for match in found:
        try:
            ipaddress.ip_address(match[0])
        except ValueError:
            continue
        if match[0] != "::":
            yield "ip", *match.span()
