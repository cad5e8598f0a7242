"""A prescription of generated data while its life is played: fills, refills left, next refill date, prices."""

from __future__ import annotations

import datetime as dt
import math
import re
from dataclasses import dataclass, field
from random import Random

from rag.account.book import Drug, OrderLine, Prescription, PrescriptionStatus
from rag.account.drugs import Dispensing

COUNTED = ("tablet", "capsule", "film", "patch")
TIMES = {
    "twice a day": 2.0,
    "three times a day": 3.0,
    "four times a day": 4.0,
    "twice a week": 2 / 7,
    "once a week": 1 / 7,
    "once a month": 1 / 30,
    "every 6 hours": 4.0,
    "every 8 hours": 3.0,
    "every 12 hours": 2.0,
}
DISPENSING_FEE = 495


@dataclass
class Script:
    id: str
    drug: Drug
    dispensing: Dispensing
    strength: str
    directions: str
    days: int
    refills: int  # allowed at the start
    written_on: dt.date
    prescriber: str
    copay: int | None  # None: no insurance
    auto_refill: bool = False
    fills: list[dt.date] = field(default_factory=list)  # days on which an order took it
    shipped: list[dt.date] = field(default_factory=list)
    waits: bool = False  # an order with it has not shipped yet
    status: PrescriptionStatus | None = None  # set by hand, else worked out

    @property
    def controlled(self) -> bool:
        return self.drug.schedule is not None

    @property
    def expires_on(self) -> dt.date:
        """A year after it was written; six months for Schedule III and IV."""
        return add_months(self.written_on, 6 if self.drug.schedule in ("III", "IV") else 12)

    @property
    def window(self) -> int:
        """Days after a fill from which the next can be ordered: 23 of 30, 68 of 90, 28 of 30 when controlled."""
        return 28 if self.controlled and self.days == 30 else math.ceil(self.days * 0.75)

    @property
    def refills_left(self) -> int:
        return max(0, self.refills - max(0, len(self.fills) - 1))

    def can_fill(self, day: dt.date) -> bool:
        if not self.written_on < day <= self.expires_on or len(self.fills) > self.refills:
            return False
        return not self.fills or day >= self.fills[-1] + dt.timedelta(days=self.window)

    def line(self, plus: bool, rng: Random, insured: bool = True) -> OrderLine:
        quantity = units(self.dispensing, self.directions, self.days)
        cash = self.dispensing.cents_per_unit * quantity + DISPENSING_FEE
        if self.copay is None or not insured:
            price, insurance = (round(cash * rng.uniform(0.6, 0.85)) if plus else cash), 0
        else:
            price = min(self.copay, cash)
            insurance = max(0, round(cash * 0.82) - price)
        return OrderLine(
            prescription_id=self.id,
            drug_id=self.drug.id,
            drug=self.drug.generic,
            strength=self.strength,
            form=self.dispensing.form,
            quantity=quantity,
            days_supply=self.days,
            price_cents=price,
            insured_cents=insurance,
        )

    def prescription(self, customer_id: str, today: dt.date) -> Prescription:
        status = self.status or self._status(today)
        last = max(self.shipped, default=None)
        due = last + dt.timedelta(days=self.window) if last and self.refills_left and not self.waits else None
        alive = status is PrescriptionStatus.ACTIVE
        return Prescription(
            id=self.id,
            customer_id=customer_id,
            drug_id=self.drug.id,
            drug=self.drug.generic,
            strength=self.strength,
            form=self.dispensing.form,
            directions=self.directions,
            days_supply=self.days,
            refills_left=self.refills_left,
            written_on=self.written_on,
            expires_on=self.expires_on,
            last_filled_on=last,
            next_refill_on=due if alive and due and due <= self.expires_on else None,
            prescriber=self.prescriber,
            status=status,
            auto_refill=self.auto_refill and alive,
        )

    def _status(self, today: dt.date) -> PrescriptionStatus:
        age = (today - self.written_on).days
        if self.expires_on < today:
            return PrescriptionStatus.EXPIRED
        if not self.fills:
            return (
                PrescriptionStatus.IN_REVIEW
                if age <= 2
                else PrescriptionStatus.ON_HOLD
                if age > 30
                else PrescriptionStatus.ACTIVE
            )
        days_left = (max(self.fills) - today).days + self.days
        if not self.refills_left and not self.dispensing.short_course and -20 < days_left < 12:
            return PrescriptionStatus.RENEWAL_REQUESTED
        return PrescriptionStatus.ACTIVE


def units(dispensing: Dispensing, directions: str, days: int) -> int:
    """Tablets, patches, pens or bottles for that many days by these directions."""
    if "on the first day" in directions:
        return 6
    if dispensing.units_per_30_days is not None:
        return dispensing.units_per_30_days * max(1, days // 30)
    if not any(word in dispensing.form for word in COUNTED):
        return max(1, days // 30)
    if directions.endswith(("by mouth once.", "empty stomach.")) and dispensing.short_course:
        return _number(directions)
    per_day = _number(directions) * next((n for words, n in TIMES.items() if words in directions), 1.0)
    if "as needed" in directions:
        per_day /= 2
    return max(1, math.floor(per_day * days + 0.01))


def copay(rng: Random, dispensing: Dispensing, days: int, directions: str, medicaid: bool) -> int:
    """What a plan asks of the customer, in cents."""
    if medicaid:
        return rng.choice((0, 100, 300))
    cash = dispensing.cents_per_unit * units(dispensing, directions, days)
    tiers = ((4_000, (0, 300, 500, 1_000)), (20_000, (1_000, 1_500, 2_500)), (60_000, (3_000, 3_500, 4_500)))
    return rng.choice(next((choice for limit, choice in tiers if cash < limit), (2_500, 4_500, 6_000, 9_500)))


def add_months(day: dt.date, months: int) -> dt.date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = (dt.date(year + (month == 11), (month + 1) % 12 + 1, 1) - dt.timedelta(days=1)).day
    return dt.date(year, month + 1, min(day.day, last))


def _number(directions: str) -> int:
    found = re.search(r"\b(\d+) (?:tablet|capsule|film|patch)", directions)
    return int(found[1]) if found else 1
