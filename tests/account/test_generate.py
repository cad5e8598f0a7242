"""Generated data is the same for the same day, and agrees with knowledge_base/facts.yaml."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.account.book import Order, OrderStatus, PrescriptionStatus, TransferStage
from rag.account.business import Business, write
from rag.account.business_days import add_business_days, is_business_day
from rag.account.generate import demo_drugs, ensure_demo, generate
from rag.account.people import MEDICAID
from rag.account.person import moment
from rag.account.sql import SqlAccountBook

TODAY = dt.date(2026, 11, 20)
NOT_SERVED = {"AK", "HI", "LA", "ND", "PR"}
TRACKING = {"UPS": r"1Z[0-9A-Z]{16}", "USPS": r"\d{22}", "FedEx": r"\d{12}"}
DAYS = {"standard": (3, 5), "expedited": (2, 2), "overnight": (1, 1)}


@pytest.fixture(scope="module")
def business() -> Business:
    return generate(5, TODAY, customers=600)


def shipped_on(order: Order) -> dt.date | None:
    return next((event.at.date() for event in order.history if event.status is OrderStatus.SHIPPED), None)


def test_it_depends_on_seed_and_day_only() -> None:
    once = generate(1, TODAY, customers=40)
    assert once == generate(1, TODAY, customers=40)
    assert once.orders != generate(2, TODAY, customers=40).orders
    assert once.orders != generate(1, TODAY + dt.timedelta(days=1), customers=40).orders


def test_customers_are_people_of_states_that_are_served(business: Business) -> None:
    assert [c.id for c in business.customers] == [f"C-{10001 + n}" for n in range(600)]
    assert len({customer.email for customer in business.customers}) == 600
    assert len({customer.name for customer in business.customers}) > 500
    states = {customer.state for customer in business.customers}
    assert not states & NOT_SERVED
    assert len(states) > 40
    for customer in business.customers:
        assert f", {customer.state} " in customer.address
        assert re.fullmatch(r"\d{3}-555-01\d\d", customer.phone)
        assert (customer.insurance is None) == (customer.insurance_last4 is None)
        if customer.insurance and "Medicaid" in customer.insurance:
            assert customer.insurance == MEDICAID[customer.state]


def test_numbers_are_unique_and_well_formed(business: Business) -> None:
    for records, form in (
        (business.orders, r"FH-\d{7}"),
        (business.prescriptions, r"RX-\d{8}"),
        (business.transfers, r"TR-\d{6}"),
    ):
        numbers = [record.id for record in records]
        assert len(set(numbers)) == len(numbers)
        assert all(re.fullmatch(form, number) for number in numbers)


def test_every_status_is_there(business: Business) -> None:
    assert {order.status for order in business.orders} == set(OrderStatus)
    assert {prescription.status for prescription in business.prescriptions} == set(PrescriptionStatus)
    assert {transfer.stage for transfer in business.transfers} == set(TransferStage)
    assert {transfer.direction for transfer in business.transfers} == {"in", "out"}
    reasons = {order.waiting_for for order in business.orders}
    assert reasons == {None, "insurance", "prescriber", "payment", "stock", "customer"}
    late = [
        o
        for o in business.orders
        if o.promised_on and not o.delivered_on and o.promised_on < TODAY and o.status is OrderStatus.SHIPPED
    ]
    assert late


def test_everyone_has_a_few_records(business: Business) -> None:
    prescriptions = Counter(p.customer_id for p in business.prescriptions)
    assert len(prescriptions) == 600
    assert max(prescriptions.values()) <= 6
    orders = Counter(order.customer_id for order in business.orders)
    assert max(orders.values()) <= 8
    assert 500 < len(orders) < 600
    assert min(order.placed_at for order in business.orders).date() >= TODAY - dt.timedelta(days=426)


def test_orders_keep_to_the_delivery_policy(business: Business) -> None:
    cold_ids = {drug.id for drug in demo_drugs() if drug.refrigerated}
    for order in business.orders:
        assert order.status is order.history[-1].status
        assert [e.at for e in order.history] == sorted(e.at for e in order.history)
        assert order.history[-1].at <= moment(TODAY)
        assert (order.waiting_for is not None) == (order.status is OrderStatus.WAITING)
        assert (order.delivered_on is not None) == (order.status is OrderStatus.DELIVERED)
        shipped = shipped_on(order)
        assert (order.tracking is None) == (shipped is None) == (order.carrier is None)
        if order.carrier and order.tracking:
            assert re.fullmatch(TRACKING[order.carrier], order.tracking)
        if shipped and order.promised_on:
            assert is_business_day(shipped)
            first, last = DAYS[order.speed]
            assert add_business_days(shipped, first) <= order.promised_on <= add_business_days(shipped, last)
        cold = {line.drug_id in cold_ids for line in order.lines}
        if True in cold:
            assert cold == {True}
            assert order.speed == "overnight"
            assert order.delivery_fee_cents == 0
            assert shipped is None or shipped.weekday() <= 3


def test_prices_and_fees(business: Business) -> None:
    plus = {customer.id: customer.plus_member for customer in business.customers}
    for order in business.orders:
        assert order.delivery_fee_cents in (0, {"standard": 0, "expedited": 599, "overnight": 1499}[order.speed])
        if plus[order.customer_id] and order.speed == "expedited":
            assert order.delivery_fee_cents == 0
        for line in order.lines:
            assert line.price_cents >= 0
            assert line.insured_cents >= 0
            assert line.quantity > 0
            assert order.insurance or not line.insured_cents


def test_prescriptions_keep_to_the_refill_policy(business: Business) -> None:
    drugs = demo_drugs().by_id
    for p in business.prescriptions:
        months_6 = drugs[p.drug_id].schedule in ("III", "IV")
        assert (p.expires_on - p.written_on).days in ((181, 182, 183, 184, 180) if months_6 else (365, 366))
        assert p.written_on <= TODAY
        if p.status is not PrescriptionStatus.TRANSFERRED_OUT:
            assert (p.expires_on < TODAY) == (p.status is PrescriptionStatus.EXPIRED)
        if months_6:
            assert p.refills_left <= 5
        if drugs[p.drug_id].schedule:
            assert not p.auto_refill
        if p.next_refill_on:
            assert p.last_filled_on
            assert p.refills_left
            assert p.status is PrescriptionStatus.ACTIVE
            window = {30: 28 if drugs[p.drug_id].schedule else 23, 90: 68}[p.days_supply]
            assert p.next_refill_on == p.last_filled_on + dt.timedelta(days=window)


def test_order_lines_belong_to_their_prescriptions(business: Business) -> None:
    owners = {p.id: (p.customer_id, p.drug_id, p.strength, p.form) for p in business.prescriptions}
    for order in business.orders:
        for line in order.lines:
            assert line.prescription_id
            assert owners[line.prescription_id] == (order.customer_id, line.drug_id, line.strength, line.form)


def test_what_an_order_waits_for_is_out_of_stock(business: Business) -> None:
    levels = {(s.drug_id, s.strength, s.form, s.center): s for s in business.stock}
    waiting = [order for order in business.orders if order.waiting_for == "stock"]
    assert waiting
    for order in waiting:
        for line in order.lines:
            assert levels[line.drug_id, line.strength, line.form, order.center].units == 0
    assert all((level.units == 0) == (level.back_on is not None) for level in business.stock)
    assert {level.center for level in business.stock} == {"Phoenix", "Columbus", "Allentown"}


@settings(max_examples=25, deadline=None)
@given(st.dates(dt.date(2024, 1, 1), dt.date(2032, 12, 31)))
def test_the_demo_customers_show_the_same_on_every_day(today: dt.date) -> None:
    made = generate(20, today, customers=3)
    orders = {order.id: order for order in made.orders}
    assert [customer.name for customer in made.customers] == ["Maria Delgado", "James Okafor", "Linh Tran"]
    metformin = orders["FH-2051846"]
    assert metformin.status is OrderStatus.SHIPPED
    assert metformin.carrier == "UPS"
    assert metformin.history[-1].note == "Left Phoenix, AZ"
    assert metformin.promised_on
    assert metformin.promised_on >= today
    assert orders["FH-2047113"].status is OrderStatus.DELIVERED
    assert (orders["FH-3184410"].status, orders["FH-3184410"].waiting_for) == (OrderStatus.WAITING, "insurance")
    assert orders["FH-3186092"].status is OrderStatus.PREPARING
    late = orders["FH-3180275"]
    assert late.status is OrderStatus.SHIPPED
    assert late.promised_on
    assert add_business_days(late.promised_on, 1) < today
    assert (orders["FH-4109253"].status, orders["FH-4109253"].waiting_for) == (OrderStatus.WAITING, "stock")
    assert orders["FH-4102938"].status is OrderStatus.CANCELLED
    by_drug = {(p.customer_id, p.drug): p for p in made.prescriptions}
    assert by_drug["C-10001", "lisinopril"].refills_left == 2
    assert by_drug["C-10003", "sertraline"].status is PrescriptionStatus.EXPIRED
    assert by_drug["C-10003", "levothyroxine"].refills_left == 0
    assert by_drug["C-10003", "losartan"].auto_refill
    assert made.customers[2].plus_member
    assert made.transfers[0].stage is TransferStage.CONTACTING


def test_the_demo_is_made_once_a_day_and_keeps_off_other_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.account.generate.generate", lambda seed, today: generate(seed, today, customers=5))
    url = f"sqlite:///{tmp_path / 'new' / 'accounts.db'}"
    steps: list[tuple[int, int]] = []
    assert ensure_demo(url, TODAY, lambda done, total: steps.append((done, total)))
    assert steps[-1][0] == steps[-1][1] > 0
    assert not ensure_demo(url, TODAY)
    book = SqlAccountBook(url)
    seq = book.changes(0)[-1].seq
    assert ensure_demo(url, TODAY + dt.timedelta(days=1))
    assert book.changes(seq), "a replaced database goes on with its feed"
    assert book.changes(0)[0].seq > seq
    own = f"sqlite:///{tmp_path / 'own.db'}"
    write(generate(9, TODAY, customers=4), own)
    assert not ensure_demo(own, TODAY)
    assert SqlAccountBook(own).customer_ids() == ["C-10001", "C-10002", "C-10003", "C-10004"]


def test_writing_is_all_or_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'accounts.db'}"
    write(generate(1, TODAY, customers=4), url)
    before = SqlAccountBook(url).account("C-10004")

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(generate(2, TODAY, customers=4), url, stop)
    assert SqlAccountBook(url).account("C-10004") == before
