"""How an order of generated data runs: its events from placed to delivered, cut off at the present moment.

The whole course is planned first and what lies after `now` is dropped, so that status, dates, carrier and tracking
number always agree with each other and with the delivery policy.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from random import Random

from rag.account.book import OrderStatus, StatusEvent
from rag.account.business_days import add_business_days, business_days_between, is_business_day, next_shipping_day
from rag.account.people import CENTERS, Place

WAITING_NOTES = {
    "insurance": "Waiting for your insurer: prior authorization asked for",
    "prescriber": "Waiting for your prescriber to answer a question",
    "payment": "Waiting for payment: the card was declined",
    "stock": "Waiting for stock: the medicine is on back order",
    "customer": "Waiting for your answer",
}
CANCELLED_NOTES = (
    "Cancelled at your request",
    "Cancelled: the prescriber stopped this medicine",
    "Cancelled: you asked for another medicine instead",
)
DELIVERED_NOTES = (
    "Delivered, left at the front door",
    "Delivered to the mailbox",
    "Delivered, handed to a resident",
    "Delivered, left with the front desk",
)
HUBS = {  # where parcels are seen on their way to these states
    "Ontario, CA": "CA NV",
    "Dallas, TX": "TX OK NM",
    "Denver, CO": "CO WY MT UT ID",
    "Reno, NV": "OR WA",
    "Atlanta, GA": "GA FL AL SC MS",
    "Louisville, KY": "KY TN NC AR WV",
    "Chicago, IL": "IL WI MN IA SD NE",
    "Indianapolis, IN": "IN MI OH MO KS",
    "Newark, NJ": "NJ NY CT RI MA NH VT ME",
    "Baltimore, MD": "MD DC DE VA PA",
}
HUB_OF = {state: hub for hub, states in HUBS.items() for state in states.split()}
ENDLESS = 99
SPEED_DAYS = {"expedited": 2, "overnight": 1}


@dataclass(frozen=True)
class Plan:
    """What is to happen to one order."""

    placed_at: dt.datetime
    place: Place
    speed: str
    cold: bool = False
    wait: str = ""  # a reason of WAITING_NOTES
    wait_days: int = 0  # business days, or ENDLESS
    late_days: int = 0  # business days after the promised date
    end: str = ""  # "cancelled" or "returned"; else delivered
    carrier: str = ""  # where it is not left to chance
    scans: bool = True  # whether the carrier reports anything on the way
    leaves: dt.date | None = None  # the shipping day, where it is set by hand


@dataclass(frozen=True)
class Course:
    """What had happened by now."""

    events: tuple[StatusEvent, ...]
    promised_on: dt.date | None
    delivered_on: dt.date | None
    carrier: str | None
    tracking: str | None
    waiting_for: str | None

    @property
    def status(self) -> OrderStatus:
        return self.events[-1].status

    @property
    def shipped_on(self) -> dt.date | None:
        return next((e.at.date() for e in self.events if e.status is OrderStatus.SHIPPED), None)


def run(plan: Plan, rng: Random, now: dt.datetime) -> Course:
    """The course of an order up to `now` (aware, UTC)."""
    events = [_event(OrderStatus.RECEIVED, plan.placed_at, "Order received")]
    at = plan.placed_at + dt.timedelta(minutes=rng.randint(15, 240))
    events.append(_event(OrderStatus.IN_REVIEW, at, "A pharmacist is checking the order"))
    if plan.end == "cancelled":
        at += dt.timedelta(hours=rng.randint(1, 30))
        events.append(_event(OrderStatus.CANCELLED, at, rng.choice(CANCELLED_NOTES)))
        return _cut(events, now, None, None, None, plan.wait)
    if plan.wait:
        at += dt.timedelta(hours=rng.randint(1, 5))
        events.append(_event(OrderStatus.WAITING, at, WAITING_NOTES[plan.wait]))
        if plan.wait_days >= ENDLESS:
            return _cut(events, now, None, None, None, plan.wait)
        at = at_hour(add_business_days(at.date(), plan.wait_days), rng, 14, 16)
    at += dt.timedelta(minutes=rng.randint(20, 120 if plan.leaves else 420))
    ship_day = plan.leaves or _ship_day(at, plan.cold)
    center = CENTERS[plan.place.center]
    events.append(_event(OrderStatus.PREPARING, at, f"Being packed in {center}"))
    events.append(_event(OrderStatus.SHIPPED, at_hour(ship_day, rng, 20, 22), f"Left {center}"))
    promised = promised_date(ship_day, plan)
    arrives = _arrival(ship_day, promised, plan, rng)
    events += _scans(ship_day, arrives, plan, rng)
    if plan.end == "returned":
        events.append(_event(OrderStatus.OUT_FOR_DELIVERY, at_hour(arrives, rng, 11, 12), "Out for delivery"))
        back = at_hour(add_business_days(arrives, rng.randint(5, 8)), rng, 15, 20)
        events.append(_event(OrderStatus.RETURNED, back, "Came back to us as undeliverable"))
    else:
        events.append(_event(OrderStatus.OUT_FOR_DELIVERY, at_hour(arrives, rng, 11, 12), "Out for delivery"))
        delivered = at_hour(arrives, rng, 16, 22)
        events.append(_event(OrderStatus.DELIVERED, delivered, rng.choice(DELIVERED_NOTES)))
    carrier = _carrier(plan, rng)
    return _cut(events, now, promised, carrier, tracking_number(carrier, rng), plan.wait)


def promised_date(ship_day: dt.date, plan: Plan) -> dt.date:
    """The delivery date that the customer is told, in business days after shipping."""
    return add_business_days(ship_day, SPEED_DAYS.get(plan.speed, plan.place.standard_days))


def tracking_number(carrier: str, rng: Random) -> str:
    """UPS: 1Z and 16 characters; USPS: 22 digits; FedEx: 12 digits."""
    digits = "".join(rng.choices("0123456789", k=20))
    if carrier == "UPS":
        return "1Z" + "".join(rng.choices("0123456789ABCDEFGHJKLMNPRSTVWXY", k=6)) + digits[:10]
    return f"92{digits}" if carrier == "USPS" else f"7{digits[:11]}"


def _ship_day(ready: dt.datetime, cold: bool) -> dt.date:
    """By 18 UTC (1 or 2 pm Eastern time) of a business day it leaves that day, else on the next shipping day."""
    same_day = is_business_day(ready.date()) and ready.hour < 18
    return next_shipping_day(ready.date() if same_day else ready.date() + dt.timedelta(days=1), cold)


def _arrival(ship_day: dt.date, promised: dt.date, plan: Plan, rng: Random) -> dt.date:
    if plan.late_days:
        return add_business_days(promised, plan.late_days)
    early = plan.speed == "standard" and business_days_between(ship_day, promised) > 3 and rng.random() < 0.3
    return add_business_days(promised, -1) if early else promised


def _scans(ship_day: dt.date, arrives: dt.date, plan: Plan, rng: Random) -> list[StatusEvent]:
    """One scan a day at most on the way; a late parcel shows a delay."""
    days = business_days_between(ship_day, arrives)
    if days < 2 or not plan.scans:
        return []
    hub = HUB_OF.get(plan.place.state, plan.place.city)
    scans = [_event(OrderStatus.SHIPPED, at_hour(add_business_days(ship_day, 1), rng, 3, 9), f"Arrived at {hub}")]
    if plan.late_days:
        delayed = add_business_days(ship_day, min(3, days - 1))
        scans.append(_event(OrderStatus.SHIPPED, at_hour(delayed, rng, 12, 19), f"Delayed at {hub}"))
    if days >= 3:
        before = add_business_days(arrives, -1)
        near = f"{plan.place.city}, {plan.place.state}"
        scans.append(_event(OrderStatus.SHIPPED, at_hour(before, rng, 20, 23), f"Arrived at {near}"))
    return sorted(scans, key=lambda scan: scan.at)


def _carrier(plan: Plan, rng: Random) -> str:
    if plan.carrier:
        return plan.carrier
    if plan.cold or plan.speed == "overnight":
        return rng.choice(("UPS", "FedEx"))
    return rng.choices(("UPS", "USPS", "FedEx"), (4, 4, 2))[0]


def _cut(
    events: list[StatusEvent],
    now: dt.datetime,
    promised: dt.date | None,
    carrier: str | None,
    tracking: str | None,
    wait: str,
) -> Course:
    happened = tuple(event for event in events if event.at <= now)
    status, seen = happened[-1].status, {event.status for event in happened}
    shipped = OrderStatus.SHIPPED in seen
    return Course(
        events=happened,
        promised_on=None if status is OrderStatus.WAITING else promised,
        delivered_on=happened[-1].at.date() if status is OrderStatus.DELIVERED else None,
        carrier=carrier if shipped else None,
        tracking=tracking if shipped else None,
        waiting_for=wait if status is OrderStatus.WAITING else None,
    )


def at_hour(day: dt.date, rng: Random, first_hour: int, last_hour: int) -> dt.datetime:
    """A moment of that day in UTC; from 11 to 23 it is the same calendar day in every state that is served."""
    hour, minute = rng.randint(first_hour, last_hour), rng.randint(0, 59)
    return dt.datetime(day.year, day.month, day.day, hour, minute, tzinfo=dt.UTC)


def _event(status: OrderStatus, at: dt.datetime, note: str) -> StatusEvent:
    return StatusEvent(status, at, note)
