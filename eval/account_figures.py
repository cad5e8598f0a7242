"""What a reply about an account may say: the figures of each record by field, and the figures found in a text."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from rag.account.book import Account, Order, OrderStatus, Prescription, Transfer
from rag.account.business import Business
from rag.account.memory import MemoryAccountBook

Record = Order | Prescription | Transfer
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
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
NUMBERS = {
    w: n
    for n, w in enumerate(
        ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    )
}
_UNDER_WAY = (OrderStatus.SHIPPED, OrderStatus.OUT_FOR_DELIVERY, OrderStatus.DELIVERED)
_MONTH = (
    r"(Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)\.?"
)
_DAY = r"(Mon(?:day)?|Tues?(?:day)?|Wed(?:nesday)?|Thu(?:rs)?(?:day)?|Fri(?:day)?|Sat(?:urday)?|Sun(?:day)?)"
_YEAR = r"(?:,?\s+((?:19|20)\d\d))?"
_DATES = re.compile(
    rf"(?:\b{_DAY}\.?,?\s+)?(?:\b{_MONTH}\s+(\d{{1,2}})(?:st|nd|rd|th)?\b{_YEAR}"
    rf"|\b(\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH}{_YEAR}"
    r"|\b(\d{4})-(\d\d)-(\d\d)\b|\b(\d{1,2})/(\d{1,2})(?:/(\d{4}|\d\d))?\b)"
)
_BARE = re.compile(rf"\b(?:{_DAY}|(today|tonight|tomorrow|yesterday))\b", re.IGNORECASE)
_RANGE = re.compile(rf"\b{_DAY}s?\s+(?:to|through|and|or)\s+{_DAY}s?\b", re.IGNORECASE)


@dataclass(frozen=True)
class Said:
    """A date in a text, as far as it was said."""

    start: int
    end: int
    text: str
    month: int | None = None
    day: int | None = None
    year: int | None = None
    weekday: int | None = None
    offset: int | None = None  # days from today

    def means(self, date: dt.date, today: dt.date) -> bool:
        if self.offset is not None:
            return date == today + dt.timedelta(days=self.offset)
        if self.weekday is not None and date.weekday() != self.weekday:
            return False
        if self.month is None:
            return abs((date - today).days) <= 6
        return (date.month, date.day) == (self.month, self.day) and self.year in (None, date.year)


def dates_in(text: str) -> list[Said]:
    """All dates said in a text, in order. Spans such as "Monday to Thursday" are no dates."""
    found: list[Said] = []
    for m in _DATES.finditer(text):
        word, name, day, year, day2, name2, year2, iso_y, iso_m, iso_d, us_m, us_d, us_y = m.groups()
        if iso_y:
            parts = (int(iso_m), int(iso_d), int(iso_y))
        elif us_m:
            if not (1 <= int(us_m) <= 12 and 1 <= int(us_d) <= 31):
                continue
            parts = (int(us_m), int(us_d), _full(us_y))
        else:
            parts = (_index(MONTHS, name or name2), int(day or day2), _full(year or year2))
        said = Said(m.start(), m.end(), m.group().strip(), parts[0], parts[1], parts[2] or None)
        found.append(replace(said, weekday=_index(DAYS, word) - 1) if word else said)
    taken = [(s.start, s.end) for s in found] + [m.span() for m in _RANGE.finditer(text)]
    for m in _BARE.finditer(text):
        if any(start <= m.start() < end for start, end in taken) or text[m.start() : m.end()] in ("sun", "sat", "mon"):
            continue
        if m.group(1):
            found.append(Said(m.start(), m.end(), m.group(), weekday=_index(DAYS, m.group(1)) - 1))
        else:
            offset = {"tomorrow": 1, "yesterday": -1}.get(m.group(2).lower(), 0)
            found.append(Said(m.start(), m.end(), m.group(), offset=offset))
    return sorted(found, key=lambda s: s.start)


def _index(names: tuple[str, ...], word: str) -> int:
    return next(n for n, name in enumerate(names, 1) if name.startswith(word.lower()[:3]))


def _full(year: str | None) -> int:
    return 0 if not year else int(year) + (2000 if len(year) == 2 else 0)


@dataclass
class Known:
    """One record as a reply may speak of it."""

    record: Record
    dates: dict[str, set[dt.date]] = field(default_factory=dict)
    paid: int | None = None
    fee: int | None = None
    money: set[int] = field(default_factory=set)  # cents, all amounts of this record
    prices: set[int] = field(default_factory=set)  # cents, what one medicine of it costs
    counts: set[int] = field(default_factory=set)  # units, days of supply
    drugs: set[str] = field(default_factory=set)
    strings: set[str] = field(default_factory=set)  # texts that hold digits of their own
    events: set[OrderStatus] = field(default_factory=set)
    insured: dict[str, int] = field(default_factory=dict)  # cents that insurance pays, by medicine
    scans: dict[str, set[dt.date]] = field(default_factory=dict)  # days on the way, by what the scan says

    def on(self, *names: str) -> set[dt.date]:
        return {date for name in names for date in self.dates.get(name, ())}


class Ground:
    """A business by record and customer."""

    def __init__(self, business: Business) -> None:
        self.business = business
        self.today = business.today
        self.book = MemoryAccountBook.of(business)
        self.records: dict[str, Record] = {}
        self.records.update((order.id, order) for order in business.orders)
        self.records.update((prescription.id, prescription) for prescription in business.prescriptions)
        self.records.update((transfer.id, transfer) for transfer in business.transfers)
        self.zones = {c.id: ZoneInfo(c.time_zone) for c in business.customers}
        self.tracking = {o.tracking: o.customer_id for o in business.orders if o.tracking}
        self.digits = {number.split("-")[1]: number for number in self.records if not number.startswith("TR-")}

    def account(self, customer_id: str) -> Account:
        account = self.book.account(customer_id)
        if account is None:
            raise KeyError(customer_id)
        return account

    def own(self, customer_id: str) -> list[Record]:
        account = self.account(customer_id)
        return [*account.orders, *account.prescriptions, *account.transfers]

    def related(self, record: Record) -> list[Record]:
        """What an answer about this record may mention too: an order's prescriptions, a prescription's orders."""
        own = self.own(record.customer_id)
        if isinstance(record, Order):
            ids = {line.prescription_id for line in record.lines}
            return [r for r in own if isinstance(r, Prescription) and r.id in ids]
        if isinstance(record, Prescription):
            return [r for r in own if isinstance(r, Order) and any(x.prescription_id == record.id for x in r.lines)]
        return [r for r in own if isinstance(r, Prescription) and r.drug == record.drug]

    def known(self, record: Record) -> Known:
        if isinstance(record, Order):
            return self._order(record)
        if isinstance(record, Prescription):
            dates = {
                "written_on": {record.written_on},
                "expires_on": {record.expires_on},
                "last_filled_on": _one(record.last_filled_on),
                "next_refill_on": _one(record.next_refill_on),
            }
            return Known(
                record,
                dates,
                counts={record.days_supply},
                drugs={record.drug},
                strings={record.strength, record.directions, record.drug, record.prescriber},
            )
        dates = {
            "requested_on": {record.requested_on},
            "updated_on": {record.updated_on},
            "expected_on": _one(record.expected_on),
        }
        strings = {record.other_pharmacy, record.drug, record.reason or ""}
        return Known(record, dates, drugs={record.drug}, strings=strings - {""})

    def _order(self, order: Order) -> Known:
        zone = self.zones[order.customer_id]
        at = [(event.status, event.at.astimezone(zone)) for event in order.history]
        shipped = next((moment.date() for status, moment in at if status is OrderStatus.SHIPPED), None)
        scans: dict[str, set[dt.date]] = {}
        for event, (status, moment) in zip(order.history, at, strict=True):
            if status is OrderStatus.SHIPPED and event.note:
                scans.setdefault(event.note.split(",")[0].lower(), set()).add(moment.date())
        under_way = [m.date() for status, m in at if status in _UNDER_WAY]
        dates = {
            "placed_on": {order.placed_at.astimezone(zone).date()},
            "promised_on": _one(order.promised_on),
            "delivered_on": _one(order.delivered_on),
            "shipped_on": _one(shipped),
            "history": {moment.date() for _, moment in at},
            "scanned_on": set(under_way),
            "last_scan_on": {*under_way[-1:], *[m.date() for s, m in at if s is OrderStatus.SHIPPED][-1:]},
            "back_on": self._back(order),
        }
        prices = {line.price_cents for line in order.lines}
        insured = {line.insured_cents for line in order.lines}
        by_drug: dict[str, int] = {}
        for line in order.lines:
            by_drug[line.drug.lower()] = by_drug.get(line.drug.lower(), 0) + line.insured_cents
        whole = {line.price_cents + line.insured_cents for line in order.lines}
        sums = {
            sum(x.price_cents for x in order.lines),
            sum(x.insured_cents for x in order.lines),
            sum(x.price_cents + x.insured_cents for x in order.lines),
        }
        strings = {order.address, order.address.split(",")[0], order.center, *(e.note for e in order.history)}
        for line in order.lines:
            strings |= {line.strength, line.drug}
        clock = {f"{m.hour % 12 or 12}:{m:%M}" for _, m in at}
        return Known(
            order,
            dates,
            order.paid_cents,
            order.delivery_fee_cents,
            prices | insured | whole | sums | {order.paid_cents, order.delivery_fee_cents},
            prices,
            {n for line in order.lines for n in (line.quantity, line.days_supply)},
            {x.drug for x in order.lines},
            (strings | clock) - {""},
            {status for status, _ in at},
            by_drug,
            scans,
        )

    def _back(self, order: Order) -> set[dt.date]:
        wanted = {(line.drug_id, line.strength, line.form, order.center) for line in order.lines}
        return {
            s.back_on for s in self.business.stock if s.back_on and (s.drug_id, s.strength, s.form, s.center) in wanted
        }


def _one(date: dt.date | None) -> set[dt.date]:
    return {date} if date else set()


def segments(text: str) -> Iterator[str]:
    """Sentences and lines; "Dr." and "a.m." end none."""
    for line in text.splitlines():
        safe = re.sub(r"(?:\b(?:Dr|Mr|Mrs|Ms|a\.m|p\.m)|^\s*\d+)\.", lambda m: m.group()[:-1] + "\0", line)
        for part in re.split(r"(?<=[.!?])\s+(?=[A-Z\"“•*\d-])", safe):
            if part.strip():
                yield part.replace("\0", ".").strip()


def squeezed(text: str) -> str:
    """Lower-case words and digits, single spaces: for finding a text whatever its punctuation."""
    return " ".join(re.findall(r"[\w%/.]*\w%?", text.lower().replace(",", "")))


def holds(text: str, part: str) -> bool:
    return f" {squeezed(part)} " in f" {squeezed(text)} "


def says(words: Iterable[str], text: str) -> bool:
    """One of the words stands there and isn't denied: "on hold", not "isn't on hold"."""
    return any(
        not re.search(
            r"(?:\bnot|\bnever|n['’]t|\byet to be|\bno longer)(?: \w+){0,2} $", text[: m.start()], re.IGNORECASE
        )
        for word in words
        for m in re.finditer(word, text, re.IGNORECASE)
    )


def any_of(words: Iterable[str], text: str) -> bool:
    return any(re.search(word, text, re.IGNORECASE) for word in words)
