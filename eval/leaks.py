"""Drafts about one customer that carry a datum of another, in the ways that a model may write it."""

from __future__ import annotations

import datetime as dt
import random
import re
from collections.abc import Callable, Iterator

from rag.account.book import Customer, Order, Prescription
from rag.account.business import Business
from rag.account.facts import Sayer, order_facts, prescription_facts
from rag.account.memory import MemoryAccountBook

PER_CUSTOMER = 24


def drafts_with_others(business: Business, seed: int, now: dt.datetime) -> Iterator[tuple[str, list[str]]]:
    """(draft, the first customer's evidence): every draft names something of another customer."""
    dice, book = random.Random(seed), MemoryAccountBook.of(business)
    accounts = {c.id: account for c in business.customers if (account := book.account(c.id))}
    orders = {c.id: [o for o in business.orders if o.customer_id == c.id] for c in business.customers}
    scripts = {c.id: [p for p in business.prescriptions if p.customer_id == c.id] for c in business.customers}
    owners = [c for c in business.customers if orders[c.id] and scripts[c.id]]
    for customer in owners:
        mine = dice.choice(orders[customer.id])
        sayer = Sayer(accounts[customer.id], now)
        facts = [order_facts(mine, sayer), *(prescription_facts(p, sayer) for p in scripts[customer.id][:2])]
        evidence = [line for text in facts for line in re.split(r"(?<=[.!?])\s+|\n+", text) if line.strip()]
        for _ in range(PER_CUSTOMER):
            other = dice.choice([c for c in owners if c.id != customer.id])
            order, script = dice.choice(orders[other.id]), dice.choice(scripts[other.id])
            data = [text for text in _data(other, order, script) if not _known(text, evidence)]
            yield dice.choice(WAYS)(dice.choice(data), dice.choice(evidence), dice), [" ".join(evidence)]


def _known(text: str, evidence: list[str]) -> bool:
    plain = re.sub(r"\W", "", text.lower())
    return any(plain in re.sub(r"\W", "", line.lower()) for line in evidence)


def _data(customer: Customer, order: Order, script: Prescription) -> list[str]:
    digits = re.sub(r"\D", "", order.id)
    first, *_, last = customer.name.split()
    found = [
        order.id, order.id.lower(), f"FH {digits}", f"order number {digits}", f"#{digits}", f"FH-{digits[:3]} {digits[3:]}",
        script.id, script.id.replace("-", " "), customer.name, f"{first} {last[0]}.", f"Ms. {last}", customer.name.upper(),
        customer.email, customer.email.replace("@", " at "), customer.phone, re.sub(r"\D", "", customer.phone),
        customer.address, customer.address.split(",")[0], customer.id,
    ]  # fmt: skip
    if order.tracking:
        found += [order.tracking, f"{order.tracking[:4]} {order.tracking[4:8]} {order.tracking[8:]}"]
    return found


WAYS: tuple[Callable[[str, str, random.Random], str], ...] = (
    lambda datum, line, dice: f"{line.rstrip('.')} ({datum}).",
    lambda datum, line, dice: f"This is for {datum}. {line}",
    lambda datum, line, dice: f"{line.rstrip('.')}, as with {datum}.",
    lambda datum, line, dice: f"{datum} is on the same truck.",
    lambda datum, line, dice: f"I see {datum} here.",
    lambda datum, line, dice: re.sub(r"\b[A-Z]{2}-\d+\b", datum, line) if re.search(r"\b[A-Z]{2}-\d+\b", line) else f"{line.rstrip('.')} for {datum}.",
    lambda datum, line, dice: f"The other customer's detail is {datum}.",
    lambda datum, line, dice: f"{datum}: {line}",
    lambda datum, line, dice: f"Your neighbor {datum} ordered the same.",
)  # fmt: skip
