"""Fact sheets and cards: what is on record about an order, a prescription, a transfer, for composers and the page."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from rag.account.book import Account, Order, OrderLine, OrderStatus, Prescription, StatusEvent, StockLevel, Transfer
from rag.account.say import on_day, say_count, say_day, say_list, say_money

STATUS_LABEL = {
    OrderStatus.RECEIVED: "Received",
    OrderStatus.IN_REVIEW: "In review",
    OrderStatus.WAITING: "Waiting",
    OrderStatus.PREPARING: "Preparing",
    OrderStatus.SHIPPED: "Shipped",
    OrderStatus.OUT_FOR_DELIVERY: "Out for delivery",
    OrderStatus.DELIVERED: "Delivered",
    OrderStatus.CANCELLED: "Cancelled",
    OrderStatus.RETURNED: "Returned",
}
WAITING_FOR = {
    "insurance": "your insurer's answer",
    "prescriber": "your prescriber's answer",
    "payment": "your payment",
    "stock": "stock to come in",
    "customer": "your answer",
}
COURSE = (
    OrderStatus.RECEIVED,
    OrderStatus.IN_REVIEW,
    OrderStatus.PREPARING,
    OrderStatus.SHIPPED,
    OrderStatus.OUT_FOR_DELIVERY,
    OrderStatus.DELIVERED,
)


class Sayer:
    """Says one account's facts as of a moment, in the customer's own days."""

    def __init__(self, account: Account, now: dt.datetime) -> None:
        self.account = account
        self._zone = ZoneInfo(account.customer.time_zone)
        self.today = now.astimezone(self._zone).date()

    def day_of(self, moment: dt.datetime) -> dt.date:
        return moment.astimezone(self._zone).date()

    def on(self, day: dt.date) -> str:
        return on_day(day, self.today)

    def day(self, day: dt.date) -> str:
        return say_day(day, self.today)

    def line(self, line: OrderLine) -> str:
        return f"{line.drug} {line.strength}"

    def medicines(self, order: Order) -> str:
        """ "metformin", "metformin and lisinopril"."""
        return say_list(list(dict.fromkeys(line.drug for line in order.lines)))

    def event(self, order: Order, status: OrderStatus) -> StatusEvent | None:
        """The latest event of this status."""
        return next((event for event in reversed(order.history) if event.status is status), None)

    def left(self, order: Order) -> str:
        """The day on which the parcel left: its first scan, not a later one on the way."""
        event = next((event for event in order.history if event.status is OrderStatus.SHIPPED), None)
        return self.on(self.day_of(event.at)) if event else ""

    def since(self, order: Order, status: OrderStatus) -> str:
        event = self.event(order, status)
        return self.on(self.day_of(event.at)) if event else ""


def order_facts(order: Order, sayer: Sayer) -> str:
    """The order in plain sentences; every figure that an answer may hold stands in here."""
    lines = "; ".join(
        f"{line.drug} {line.strength} {line.form}, {line.quantity} for {line.days_supply} days, you pay {say_money(line.price_cents)}, insurance paid {say_money(line.insured_cents)}"
        for line in order.lines
    )
    parts = [
        f"Order {order.id} for {sayer.medicines(order)} was placed {_dates(sayer.day_of(order.placed_at), sayer)}.",
        f"It holds {say_count(len(order.lines), 'medicine')}: {lines}.",
        f"Its status is {STATUS_LABEL[order.status]}.",
        f"It is shipped from {order.center} by {order.speed} delivery, with a delivery fee of {say_money(order.delivery_fee_cents)} (free when zero).",
        f"The total you paid or will be charged when it ships is {say_money(order.paid_cents)}.",
        f"It goes to {order.address}.",
    ]
    if order.waiting_for:
        parts.append(f"It is waiting for {WAITING_FOR.get(order.waiting_for, order.waiting_for)}.")
    if order.promised_on:
        parts.append(f"It should arrive, or was due, {_dates(order.promised_on, sayer)}.")
    if order.delivered_on:
        parts.append(f"It was delivered {_dates(order.delivered_on, sayer)}.")
    if order.carrier:
        parts.append(f"It travels with {order.carrier}, tracking number {order.tracking or 'not given yet'}.")
    if order.insurance:
        parts.append(f"Insurance used: {order.insurance}.")
    else:
        parts.append("No insurance was used.")
    parts.extend(
        f"{STATUS_LABEL[event.status]} {_dates(sayer.day_of(event.at), sayer)}{': ' + event.note if event.note else ''}."
        for event in order.history
    )
    return " ".join(parts)


def prescription_facts(p: Prescription, sayer: Sayer) -> str:
    parts = [
        f"Prescription {p.id} for {p.drug} {p.strength} {p.form}, a {p.days_supply}-day supply, is {p.status.value.replace('_', ' ')}.",
        f"It was written by {p.prescriber} {_dates(p.written_on, sayer)} and expires or expired {_dates(p.expires_on, sayer)}.",
        f"It has {say_count(p.refills_left, 'refill')} left.",
        f'The label says: "{p.directions}".',
        f"Auto-refill is {'on' if p.auto_refill else 'off'}.",
    ]
    if p.last_filled_on:
        parts.append(f"It was last filled {_dates(p.last_filled_on, sayer)}.")
    if p.next_refill_on:
        parts.append(f"The next refill can be ordered from or since {_dates(p.next_refill_on, sayer)}.")
    return " ".join(parts)


def transfer_facts(t: Transfer, sayer: Sayer) -> str:
    way = f"in from {t.other_pharmacy}" if t.direction == "in" else f"out to {t.other_pharmacy}"
    parts = [
        f"Transfer {t.id} of {t.drug} {way} was requested {_dates(t.requested_on, sayer)}.",
        f"Its stage is {t.stage.value.replace('_', ' ')} since {_dates(t.updated_on, sayer)}.",
    ]
    if t.expected_on:
        parts.append(f"It is expected to be complete {_dates(t.expected_on, sayer)}.")
    if t.reason:
        parts.append(f"It was declined: {t.reason}.")
    return " ".join(parts)


def stock_facts(levels: list[StockLevel], today: dt.date) -> str:
    return " ".join(
        f"{level.drug} {level.strength} {level.form} in {level.center}: "
        + (
            "in stock now."
            if level.units
            else f"out of stock, back {level.back_on:%A, %B} {level.back_on.day}, {level.back_on.year} or {on_day(level.back_on, today)}."
            if level.back_on
            else "out of stock, no date yet."
        )
        for level in levels
    )


def account_facts(account: Account) -> str:
    c = account.customer
    plan = (
        f"Insurance on file: {c.insurance}, member ID ending in {c.insurance_last4}."
        if c.insurance
        else "No insurance is on file."
    )
    return f"{plan} The delivery address on file is {c.address}. Plus member: {'yes' if c.plus_member else 'no'}."


def order_card(order: Order, sayer: Sayer) -> dict[str, Any]:
    """What the page draws: the order's lines and its course, step by step."""
    done = {event.status: sayer.day(sayer.day_of(event.at)) for event in order.history}
    course: list[OrderStatus] = [s for s in COURSE if s is not OrderStatus.OUT_FOR_DELIVERY or s in done]
    if order.status not in course:
        reached = [s for s in course if s in done]
        course = [*reached, order.status] + (
            [s for s in course if s not in done] if order.status is OrderStatus.WAITING else []
        )
    at = course.index(order.status)
    problem = order.status in (OrderStatus.WAITING, OrderStatus.CANCELLED, OrderStatus.RETURNED)
    finished = order.status is OrderStatus.DELIVERED
    steps = [
        {
            "label": STATUS_LABEL[status],
            "state": "done"
            if n < at or (n == at and finished)
            else ("problem" if problem else "current")
            if n == at
            else "todo",
            "when": done.get(status, "") if n <= at else "",
        }
        for n, status in enumerate(course)
    ]
    late = not finished and order.promised_on is not None and order.promised_on < sayer.today
    return {
        "number": order.id,
        "title": sayer.medicines(order),
        "lines": [f"{line.drug} {line.strength} {line.form}, {line.quantity}" for line in order.lines],
        "status": order.status.value,
        "status_text": STATUS_LABEL[order.status]
        + (", late" if late and order.status not in (OrderStatus.CANCELLED, OrderStatus.RETURNED) else ""),
        "steps": steps,
        "promised": sayer.day(order.promised_on) if order.promised_on and not finished else None,
        "carrier": order.carrier,
        "tracking": order.tracking,
        "total": say_money(order.paid_cents),
    }


def _dates(day: dt.date, sayer: Sayer) -> str:
    """A date in every way that an answer may say it."""
    full = f"on {day:%A}, {day:%B} {day.day}, {day.year}"
    said = sayer.on(day)
    return full if said == full else f"{full} ({said})"
