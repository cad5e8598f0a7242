"""One generated customer, with a life of prescriptions and orders played day by day up to now."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from random import Random

from rag.account import people, timeline
from rag.account.book import Customer, Order, OrderStatus, Prescription, Transfer
from rag.account.bundles import BUNDLES
from rag.account.drugs import DrugTable
from rag.account.numbers import Numbers
from rag.account.people import Place
from rag.account.script import Script, copay
from rag.account.transfers import make_transfers

MONTHS_14 = 425  # days
CONTROLLED_REFILLS = 5  # at most, for Schedule III and IV
FEES = {"standard": 0, "expedited": 599, "overnight": 1499}


@dataclass
class Person:
    customer: Customer
    prescriptions: list[Prescription] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)  # newest first
    transfers: list[Transfer] = field(default_factory=list)


def moment(today: dt.date) -> dt.datetime:
    """The present of generated data: 14 UTC of the day, the morning everywhere in the United States."""
    return dt.datetime(today.year, today.month, today.day, 14, tzinfo=dt.UTC)


def make_person(number: int, rng: Random, today: dt.date, drugs: DrugTable, numbers: Numbers) -> Person:
    customer, place, sex = make_customer(number, rng)
    scripts = prescribe(rng, sex, customer, today, drugs, numbers)
    orders = play(rng, customer, place, scripts, today, numbers)
    transfers = make_transfers(rng, customer.id, scripts, today, drugs, numbers)
    return Person(customer, [s.prescription(customer.id, today) for s in scripts], orders[::-1], transfers)


def make_customer(number: int, rng: Random) -> tuple[Customer, Place, str]:
    first, last, sex = people.name(rng)
    place = rng.choice(people.PLACES)
    plan = people.insurance(rng, place.state)
    customer = Customer(
        id=f"C-{number}",
        name=f"{first} {last}",
        email=people.email(rng, first, last, number),
        phone=people.phone(rng, place),
        address=people.address(rng, place),
        state=place.state,
        time_zone=place.time_zone,
        insurance=plan,
        insurance_last4=f"{rng.randrange(10_000):04d}" if plan else None,
        plus_member=rng.random() < (0.15 if plan else 0.5),
    )
    return customer, place, sex


def prescribe(
    rng: Random,
    sex: str,
    customer: Customer,
    today: dt.date,
    drugs: DrugTable,
    numbers: Numbers,
) -> list[Script]:
    """One to six prescriptions: what one visit brought, later ones, and those that followed expired ones."""
    anchor = rng.randint(*rng.choices(((1, 3), (20, 180), (180, 330), (366, 415)), (4, 30, 50, 16))[0])
    long_supply, auto = rng.random() < 0.5, rng.random() < 0.3
    doctors: dict[str, str] = {}
    scripts: list[Script] = []
    for drug_id in _picks(rng, sex, rng.choices((1, 2, 3), (5, 4, 2))[0])[: rng.randint(3, 6)]:
        drug, forms = drugs.by_id[drug_id], drugs.dispensing[drug_id]
        dispensing = rng.choices(forms, (4, 1, 1, 1)[: len(forms)])[0]
        age = anchor if rng.random() < 0.7 else rng.randint(1, anchor)
        if dispensing.short_course:
            age = min(age, rng.randint(0, 60))
        directions = rng.choice(dispensing.directions)
        days = 90 if long_supply and drug.schedule is None and not drug.refrigerated else 30
        refills = rng.choice((1, 3, 3) if days == 90 else (2, 5, 11, 11))
        if dispensing.short_course:
            days, refills = rng.choice((7, 10)), 0
        medicaid = bool(customer.insurance and "Medicaid" in customer.insurance)
        scripts.append(
            Script(
                id=numbers.prescription(),
                drug=drug,
                dispensing=dispensing,
                strength=rng.choice(dispensing.strengths),
                directions=directions,
                days=days,
                refills=min(refills, CONTROLLED_REFILLS) if drug.schedule else refills,
                written_on=today - dt.timedelta(days=age),
                prescriber=doctors.setdefault(dispensing.prescriber, people.prescriber(rng)),
                copay=copay(rng, dispensing, days, directions, medicaid) if customer.insurance else None,
                auto_refill=auto and drug.schedule is None and not dispensing.short_course,
            )
        )
    return _renewed(rng, scripts, today, numbers)[:6]


def _picks(rng: Random, sex: str, conditions: int) -> list[str]:
    """Ids of medicines for that many conditions, each medicine and each class once."""
    able = [bundle for bundle in BUNDLES if bundle.sex in ("", sex)]
    found: list[str] = []
    for bundle in rng.choices(able, [bundle.weight for bundle in able], k=conditions):
        for chance, ids in bundle.picks:
            options = ids.split()
            if rng.random() < chance and not set(options) & set(found):
                found.append(rng.choice(options))
    return found


def _renewed(rng: Random, scripts: list[Script], today: dt.date, numbers: Numbers) -> list[Script]:
    """Most expired prescriptions were followed by a new one."""
    everything: list[Script] = []
    for script in scripts:
        everything.append(script)
        while script.expires_on < today and rng.random() < 0.65:
            written = min(script.expires_on - dt.timedelta(days=rng.randint(0, 9)), today - dt.timedelta(days=1))
            script = replace(script, id=numbers.prescription(), written_on=written, fills=[], shipped=[])
            everything.append(script)
    return everything


def play(
    rng: Random,
    customer: Customer,
    place: Place,
    scripts: list[Script],
    today: dt.date,
    numbers: Numbers,
) -> list[Order]:
    """Order what is due on one day after another; oldest first."""
    orders: list[Order] = []
    asleep = {script.id for script in scripts if rng.random() < 0.04}  # never claimed
    for day in _order_days(rng, scripts, today):
        due = [script for script in scripts if script.id not in asleep and script.can_fill(day)]
        for cold in (False, True):
            part = [script for script in due if script.drug.refrigerated is cold][:4]
            if part and len(orders) < 8:
                orders.append(place_order(rng, customer, place, part, day, today, numbers, cold))
    return sorted(orders, key=lambda order: (order.placed_at, order.id))


def _order_days(rng: Random, scripts: list[Script], today: dt.date) -> list[dt.date]:
    """Up to eight days, oldest first, one supply apart; a third of the customers ordered within the last days."""
    if rng.random() < 0.03:
        return []
    cycle = max(30, rng.choice([script.days for script in scripts]))
    day = today - dt.timedelta(days=rng.randint(0, 9 if rng.random() < 0.35 else cycle))
    first = min(script.written_on for script in scripts) + dt.timedelta(days=1)
    oldest = max(today - dt.timedelta(days=MONTHS_14), first)
    both = len({script.drug.refrigerated for script in scripts}) == 2
    most, days = rng.randint(2, 4 if both else 8), list[dt.date]()
    while day >= oldest and len(days) < most:
        days.append(day)
        day -= dt.timedelta(days=cycle + rng.choice((-3, -1, 0, 0, 1, 2, 4, 9)))
    return days[::-1]


def place_order(
    rng: Random,
    customer: Customer,
    place: Place,
    scripts: list[Script],
    day: dt.date,
    today: dt.date,
    numbers: Numbers,
    cold: bool,
) -> Order:
    """One order of these prescriptions; marks them as filled unless it was cancelled."""
    age = (today - day).days
    placed_at = min(timeline.at_hour(day, rng, 11, 23), moment(today) - dt.timedelta(minutes=rng.randint(1, 150)))
    plan = timeline.Plan(
        placed_at=placed_at,
        place=place,
        cold=cold,
        speed="overnight" if cold else rng.choices(tuple(FEES), (80, 14, 6))[0],
    )
    return order_of(rng, customer, _fate(rng, plan, age, bool(customer.insurance)), scripts, today, numbers.order())


def _fate(rng: Random, plan: timeline.Plan, age: int, insured: bool) -> timeline.Plan:
    """Most orders run smoothly; some wait, come late, are cancelled or come back."""
    draw = rng.random()
    reasons = ["prescriber", "stock", "customer"] + ["insurance"] * (2 * insured) + ["payment"] * (age <= 6)
    if age <= 10 and draw < 0.16:
        return replace(plan, wait=rng.choice(reasons), wait_days=timeline.ENDLESS)
    if draw < 0.21:
        return replace(plan, wait=rng.choice(reasons), wait_days=rng.randint(1, 4))
    if draw < 0.29:
        return replace(plan, late_days=rng.randint(2, 5))
    if draw < 0.34:
        return replace(plan, end="cancelled")
    return replace(plan, end="returned") if draw < 0.355 else plan


def order_of(
    rng: Random,
    customer: Customer,
    plan: timeline.Plan,
    scripts: list[Script],
    today: dt.date,
    number: str,
) -> Order:
    course = timeline.run(plan, rng, moment(today))
    lines = tuple(script.line(customer.plus_member, rng) for script in scripts)
    if course.status is not OrderStatus.CANCELLED:
        for script in scripts:
            script.fills.append(plan.placed_at.date())
            script.waits = course.shipped_on is None
            if course.shipped_on and course.status is not OrderStatus.RETURNED:
                script.shipped.append(course.shipped_on)
    free = plan.cold or (plan.speed == "expedited" and customer.plus_member)
    return Order(
        id=number,
        customer_id=customer.id,
        placed_at=plan.placed_at,
        status=course.status,
        lines=lines,
        history=course.events,
        center=plan.place.center,
        speed=plan.speed,
        delivery_fee_cents=0 if free else FEES[plan.speed],
        address=customer.address,
        promised_on=course.promised_on,
        delivered_on=course.delivered_on,
        carrier=course.carrier,
        tracking=course.tracking,
        insurance=customer.insurance,
        waiting_for=course.waiting_for,
    )
