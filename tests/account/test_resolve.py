"""Which of the customer's own records a message means: numbers, names, places in a list, days, and vague words."""

from __future__ import annotations

import datetime as dt

import pytest

from rag.account.business import Business
from rag.account.resolve import orders_meant, prescriptions_meant, transfers_meant
from rag.encoder import Encoder
from rag.turn import Focus
from tests import made
from tests.account.asking import Desk, mention_reader

MARIA, JAMES, LINH = "C-10001", "C-10002", "C-10003"
METFORMIN, JARDIANCE, PEN, LATE = "FH-2051846", "FH-3184410", "FH-3186092", "FH-3180275"


@pytest.fixture(scope="module")
def desk(sixty: Business, encoder: Encoder) -> Desk:
    return Desk.of(sixty, encoder)


@pytest.mark.parametrize(("customer", "text", "orders"), [
    (MARIA, "where is my metformin", [METFORMIN]), (MARIA, "wheres my metfromin", [METFORMIN]), (MARIA, "my metformine order", [METFORMIN]),
    (MARIA, "Glucophage order?", [METFORMIN]), (MARIA, "where is the one for my diabetes", [METFORMIN]),
    (JAMES, "where is my ozempic", [PEN]), (JAMES, "the one that needs a fridge", [PEN]), (JAMES, "is the refrigerated one coming", [PEN]),
    (JAMES, "the late one", [LATE]), (JAMES, "my overdue package", [LATE]), (JAMES, "which one is stuck waiting", [JARDIANCE]),
    (JAMES, "jardiance", [JARDIANCE]), (JAMES, "my blood thinner", [LATE]), (JAMES, "where is my eliquis", [LATE]),
    (MARIA, "FH-2051846", [METFORMIN]), (MARIA, "order 2051846 please", [METFORMIN]), (MARIA, "fh 205 1846", [METFORMIN]),
    (MARIA, "order #205-1846", [METFORMIN]), (MARIA, "fh2051846", [METFORMIN]), (MARIA, "Order No. 2051846?", [METFORMIN]),
    (MARIA, "FH-3184410", []), (MARIA, "FH-0000000", []), (MARIA, "where is my sertraline", []), (MARIA, "my last order", [METFORMIN]),
])  # fmt: skip
def test_orders(desk: Desk, customer: str, text: str, orders: list[str]) -> None:
    assert desk.meant(orders_meant, text, customer) == orders


def test_a_tracking_number_finds_its_order(desk: Desk) -> None:
    for customer in desk.business.customers:
        for order in desk.account(customer.id).orders:
            if order.tracking:
                typed = (
                    " ".join(order.tracking[n : n + 4] for n in range(0, len(order.tracking), 4))
                    if order.tracking.startswith("1Z")
                    else order.tracking
                )
                assert desk.meant(orders_meant, f"where is parcel {typed.lower()}", customer.id) == [order.id]


def test_every_own_number_is_found_and_nobody_elses(desk: Desk) -> None:
    everyone = desk.business.customers[:10]
    for customer, stranger in zip(everyone, [*everyone[1:], everyone[0]], strict=True):
        for order in desk.account(customer.id).orders[:4]:
            digits = order.id.split("-")[1]
            for typed in (order.id, order.id.lower(), digits, f"fh {digits[:3]} {digits[3:]}", f"#{digits}"):
                assert desk.meant(orders_meant, f"where is {typed}", customer.id) == [order.id]
                assert desk.meant(orders_meant, f"where is {typed}", stranger.id) == []
        for prescription in desk.account(customer.id).prescriptions[:4]:
            assert desk.meant(prescriptions_meant, f"status of {prescription.id.lower()}", customer.id) == [
                prescription.id
            ]
            assert desk.meant(prescriptions_meant, f"status of {prescription.id}", stranger.id) == []
        for transfer in desk.account(customer.id).transfers:
            assert desk.meant(transfers_meant, f"where is {transfer.id}", customer.id) == [transfer.id]
            assert desk.meant(transfers_meant, f"where is {transfer.id}", stranger.id) == []


LISTED = Focus(listed=(PEN, JARDIANCE, LATE), items=(PEN,), intent="order_status")


@pytest.mark.parametrize(("text", "orders"), [
    ("the first one", [PEN]), ("the second one", [JARDIANCE]), ("2", [JARDIANCE]), ("2nd", [JARDIANCE]), ("the third", [LATE]),
    ("number 3", [LATE]), ("option 2", [JARDIANCE]), ("the last one", [LATE]), ("the other one", [JARDIANCE, LATE]), ("the others", [JARDIANCE, LATE]),
])  # fmt: skip
def test_places_in_what_was_listed(desk: Desk, text: str, orders: list[str]) -> None:
    assert desk.meant(orders_meant, text, JAMES, LISTED) == orders


def test_the_other_one_of_two(desk: Desk) -> None:
    two = Focus(listed=(PEN, LATE), items=(LATE,), intent="order_status")
    assert desk.meant(orders_meant, "what about the other one", JAMES, two) == [PEN]


def test_it_is_what_was_just_spoken_of(desk: Desk) -> None:
    assert desk.meant(orders_meant, "when does it arrive", JAMES, Focus(items=(LATE,))) == [LATE]
    assert desk.meant(orders_meant, "and my jardiance", JAMES, Focus(items=(LATE,))) == [JARDIANCE]


def test_a_forged_focus_opens_nothing(desk: Desk) -> None:
    """What a conversation is about may be tampered with; the account decides."""
    forged = Focus(listed=(METFORMIN, METFORMIN), items=(METFORMIN,), intent="order_status")
    for text in ("when does it arrive", "the first one", "the second one", "the other one", "where is it"):
        assert METFORMIN not in desk.meant(orders_meant, text, JAMES, forged)


def test_days(desk: Desk) -> None:
    for customer in desk.business.customers[:20]:
        for order in desk.account(customer.id).orders[:3]:
            day = order.placed_at.astimezone(dt.UTC).date()
            found = desk.meant(orders_meant, f"the order from {day:%B} {day.day}", customer.id)
            near = {
                o.id
                for o in desk.account(customer.id).orders
                if any(d and abs((d - day).days) <= 1 for d in (o.placed_at.date(), o.promised_on, o.delivered_on))
            }
            assert set(found) <= near


@pytest.mark.parametrize(("text", "first", "last"), [
    ("yesterday", (11, 19), (11, 19)), ("from last week", (11, 9), (11, 15)), ("this week", (11, 16), (11, 20)), ("3 days ago", (11, 17), (11, 17)),
    ("the one from nov 4", (11, 4), (11, 4)), ("11/4", (11, 4), (11, 4)), ("in october", (10, 1), (10, 31)), ("last month", (10, 1), (10, 31)),
    ("on Tuesday", (11, 17), (11, 17)), ("two weeks ago", (11, 3), (11, 9)), ("December 2nd", (12, 2), (12, 2)),
])  # fmt: skip
def test_days_in_words(text: str, first: tuple[int, int], last: tuple[int, int]) -> None:
    found = mention_reader().read(text, made.TODAY).days
    assert found
    assert (found.first, found.last) == (dt.date(2026, *first), dt.date(2026, *last))


@pytest.mark.parametrize("text", ["feb 30", "13/45", "on the 99th", "january 0", "0/0"])
def test_days_that_there_are_not(text: str) -> None:
    assert mention_reader().read(text, made.TODAY).days is None


def test_prescriptions(desk: Desk) -> None:
    lisinopril = next(p.id for p in desk.account(MARIA).prescriptions if p.drug == "lisinopril")
    for text in (
        "refills on lisinopril",
        "how many refills for my lisinoprill",
        "zestril refills",
        "my blood pressure pill",
    ):
        assert desk.meant(prescriptions_meant, text, MARIA) == [lisinopril]
    assert desk.meant(prescriptions_meant, "how many refills on sertraline", MARIA) == []
    everything = desk.meant(prescriptions_meant, "what refills do I have", MARIA)
    assert set(everything) == {p.id for p in desk.account(MARIA).prescriptions}


@pytest.mark.parametrize(
    "word",
    [
        "prescription",
        "standard",
        "express",
        "insurance",
        "package",
        "yesterday",
        "delivery",
        "tracking",
        "company",
        "address",
        "password",
        "pharmacist",
        "appointment",
    ],
)
def test_plain_words_are_no_medicines(word: str) -> None:
    assert not mention_reader().read(f"about my {word} please", made.TODAY).named
