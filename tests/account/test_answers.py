"""Account answers: every status is told rightly, and every figure belongs to the customer who asks."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import asdict, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.account.answer import ORDER_INTENTS, PRESCRIPTION_INTENTS, AccountAnswer
from rag.account.book import Account, Order, OrderStatus, StatusEvent
from rag.account.business import Business
from rag.account.documents import STATUS_WORDS
from rag.account.facts import STATUS_LABEL
from rag.encoder import Encoder
from rag.release import Gate
from rag.turn import silent
from rails.output import OutputRail
from rails.policy import read_policy
from tests import made
from tests.account.asking import Desk, said

INTENTS = [
    *ORDER_INTENTS,
    *PRESCRIPTION_INTENTS,
    "order_list",
    "prescription_list",
    "transfer_status",
    "insurance_on_file",
    "stock",
]
RAIL = OutputRail(read_policy(made.ROOT / "guardrails" / "policy.yaml").links)
MARIA, JAMES = "C-10001", "C-10002"


@pytest.fixture(scope="module")
def desk(sixty: Business, encoder: Encoder) -> Desk:
    return Desk.of(sixty, encoder)


def released(answer: AccountAnswer) -> str:
    """The text that the output rail lets out. It lets out all of it: a held-back sentence would be a fault of ours."""
    gate = Gate(RAIL, answer.evidence, silent)
    for draft in answer.sentences:
        if draft.evidence:
            assert gate.offer(draft), gate.released.held_back
        else:
            gate.fixed(draft.text)
    return gate.released.text


# What each status says

SAYS = {
    OrderStatus.RECEIVED: r"We received your order", OrderStatus.IN_REVIEW: r"pharmacist has been reviewing", OrderStatus.WAITING: r"is waiting for",
    OrderStatus.PREPARING: r"being prepared in Phoenix", OrderStatus.SHIPPED: r"left Phoenix", OrderStatus.OUT_FOR_DELIVERY: r"went out for delivery",
    OrderStatus.DELIVERED: r"delivered yesterday", OrderStatus.CANCELLED: r"was cancelled", OrderStatus.RETURNED: r"came back to us",
}  # fmt: skip


def one_order(desk: Desk, status: OrderStatus, **changed: object) -> Account:
    """Maria's metformin order in another state, and no other order."""
    maria = desk.account(MARIA)
    order = next(o for o in maria.orders if o.id == "FH-2051846")
    event = StatusEvent(status, made.NOW - dt.timedelta(days=1), "")
    moving = status in (OrderStatus.SHIPPED, OrderStatus.OUT_FOR_DELIVERY, OrderStatus.DELIVERED, OrderStatus.RETURNED)
    values: dict[str, object] = {
        "status": status, "history": (*order.history[:1], event), "waiting_for": "insurance" if status is OrderStatus.WAITING else None,
        "delivered_on": made.TODAY - dt.timedelta(days=1) if status is OrderStatus.DELIVERED else None,
        "carrier": order.carrier if moving else None, "tracking": order.tracking if moving else None, **changed,
    }  # fmt: skip
    return replace(maria, orders=(replace(order, **values),))  # type: ignore[arg-type]


@pytest.mark.parametrize("status", OrderStatus)
def test_every_status_is_told(desk: Desk, status: OrderStatus) -> None:
    account = one_order(desk, status)
    text = released(desk.answer("order_status", "where is my order", account))
    assert re.search(SAYS[status], text)
    assert "metformin" in text
    assert "FH-2051846" in text
    for other, pattern in SAYS.items():
        assert other is status or not re.search(pattern, text)
    assert ("1Z" in text) == (status in (OrderStatus.SHIPPED, OrderStatus.OUT_FOR_DELIVERY))
    finished = status in (OrderStatus.DELIVERED, OrderStatus.CANCELLED, OrderStatus.RETURNED)
    assert ("November 24" in text) == (not finished and status is not OrderStatus.OUT_FOR_DELIVERY)
    assert "late" not in text


@pytest.mark.parametrize("status", OrderStatus)
@pytest.mark.parametrize("intent", ORDER_INTENTS)
def test_every_question_about_every_status_passes_the_rail(desk: Desk, status: OrderStatus, intent: str) -> None:
    for changed in (
        {},
        {"promised_on": None},
        {"promised_on": made.TODAY},
        {"promised_on": made.TODAY - dt.timedelta(days=4)},
    ):
        account = one_order(desk, status, **changed)
        text = released(desk.answer(intent, "my order", account))
        assert "None" not in text
        assert "  " not in text
        if status not in (OrderStatus.DELIVERED, OrderStatus.CANCELLED, OrderStatus.RETURNED) and changed.get(
            "promised_on"
        ) == made.TODAY - dt.timedelta(days=4):
            assert "late" in text or intent in ("order_price", "delivery_address")


@pytest.mark.parametrize("reason", ["insurance", "prescriber", "payment", "stock", "customer", None])
def test_what_an_order_waits_for(desk: Desk, reason: str | None) -> None:
    text = released(
        desk.answer("order_status", "where is it", one_order(desk, OrderStatus.WAITING, waiting_for=reason))
    )
    words = {
        "insurance": "insurer",
        "prescriber": "prescriber",
        "payment": "payment",
        "stock": "stock",
        "customer": "your answer",
        None: "something",
    }
    assert words[reason] in text


def test_every_status_has_its_words() -> None:
    assert set(STATUS_WORDS) == set(STATUS_LABEL) == set(OrderStatus)


def test_every_generated_record_is_told_and_passes_the_rail(desk: Desk) -> None:
    """All orders, prescriptions and transfers of twelve customers, each by its number, for each thing that can be asked."""
    for customer in desk.business.customers[:12]:
        account = desk.account(customer.id)
        for order in account.orders[:5]:
            for intent in ORDER_INTENTS:
                assert order.id in released(desk.answer(intent, order.id, account))
        for prescription in account.prescriptions[:5]:
            for intent in PRESCRIPTION_INTENTS:
                assert prescription.id in released(desk.answer(intent, prescription.id, account))
        for transfer in account.transfers:
            assert transfer.id in released(desk.answer("transfer_status", transfer.id, account))


# What isn't there


@pytest.mark.parametrize("intent", INTENTS)
@pytest.mark.parametrize("text", ["where is {}", "{}", "tell me about number {} please"])
def test_anothers_number_reads_like_no_number(desk: Desk, intent: str, text: str) -> None:
    for theirs, nobodys in (("FH-2051846", "FH-9000000"), ("RX-10482231", "RX-90000000"), ("2051846", "9000000")):
        james = desk.account(JAMES)
        one, other = (desk.answer(intent, text.format(number), james) for number in (theirs, nobodys))
        assert said(one).replace(theirs, "#") == said(other).replace(nobodys, "#")
        assert [e.id for e in one.evidence] == [e.id for e in other.evidence]
        assert (one.items, one.listed, one.outcome, one.suggestions) == (
            other.items,
            other.listed,
            other.outcome,
            other.suggestions,
        )


def test_a_medicine_that_one_does_not_have(desk: Desk) -> None:
    answer = desk.answer("order_status", "where is my sertraline", desk.account(MARIA))
    assert "can't find an order for sertraline" in said(answer)
    assert answer.outcome == "clarify"


@pytest.mark.parametrize("intent", INTENTS)
def test_an_empty_account(desk: Desk, intent: str) -> None:
    empty = Account(desk.account(MARIA).customer)
    text = released(desk.answer(intent, "what do I have", empty))
    assert text
    assert not re.search(r"\b(FH|RX|TR)-\d", text)


# Every figure is one's own

FIGURE = re.compile(r"\$[\d,]+\.\d\d|\b(?:FH|RX|TR)-\d+|\b1Z\w+|\b\d{9,22}\b")
DAY = re.compile(
    r"\b(January|February|March|April|May|June|July|August|September|October|November|December) (\d{1,2})(?:, (\d{4}))?"
)
TEXTS = [
    "where is it",
    "my orders",
    "the late one",
    "the second one",
    "last order",
    "how much",
    "from last week",
    "the one in the fridge",
    "blood pressure",
    "FH-2051846",
    "RX-10482231",
    "when",
    "",
]


def own_figures(account: Account) -> set[str]:
    """Everything of the account that is a number or a price, in all the ways it may be summed up."""
    money = set()
    for order in account.orders:
        cents = [line.price_cents for line in order.lines] + [line.insured_cents for line in order.lines]
        cents += [order.delivery_fee_cents, order.paid_cents, sum(line.insured_cents for line in order.lines)]
        money |= {f"${c / 100:,.2f}" for c in cents}
    records = [*account.orders, *account.prescriptions, *account.transfers]
    return money | {r.id for r in records} | {o.tracking for o in account.orders if o.tracking}


def own_days(account: Account) -> set[tuple[int, int]]:
    days = {(made.TODAY + dt.timedelta(days=1)).timetuple()[1:3]}
    for found in re.findall(r"\d{4}-\d\d-\d\d", json.dumps(asdict(account), default=str)):
        day = dt.date.fromisoformat(found)
        days |= {
            (d.month, d.day) for d in (day, day - dt.timedelta(days=1))
        }  # a moment in UTC may be the day before at home
    return days


MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    number=st.integers(0, made.CUSTOMERS - 1),
    intent=st.sampled_from([i for i in INTENTS if i != "stock"]),
    text=st.sampled_from(TEXTS),
    stranger=st.integers(0, made.CUSTOMERS - 1),
)
def test_every_figure_is_the_customers_own(desk: Desk, number: int, intent: str, text: str, stranger: int) -> None:
    account = desk.account(desk.business.customers[number].id)
    other = desk.account(desk.business.customers[stranger].id)
    if other.orders and text == "where is it":
        text = f"where is {other.orders[0].id}"
    answer = desk.answer(intent, text, account)
    told = released(answer)
    figures, days = own_figures(account), own_days(account)
    medicines = {line.drug_id for order in account.orders for line in order.lines} | {
        p.drug_id for p in account.prescriptions
    }
    days |= {
        (level.back_on.month, level.back_on.day)
        for level in desk.business.stock
        if level.back_on and level.drug_id in medicines
    }
    for figure in FIGURE.findall(told):
        assert figure in figures, told
    for month, day, _ in DAY.findall(told):
        assert (MONTHS.index(month) + 1, int(day)) in days, told
    own = {r.id for r in (*account.orders, *account.prescriptions, *account.transfers)}
    assert {*answer.items, *answer.listed} <= own
    assert {e.id for e in answer.evidence} <= {*own, "account", *(f"stock:{drug}" for drug in medicines)}
    assert {card["number"] for card in answer.cards} <= own
    if number != stranger:
        assert other.customer.name not in told


def test_stock_tells_when_it_is_back(desk: Desk) -> None:
    levels = [level for level in desk.business.stock if level.back_on]
    for level in levels[:10]:
        text = released(desk.answer("stock", f"is {level.drug} in stock", desk.account(MARIA)))
        assert level.drug.lower() in text.lower()
        assert "stock" in text


def test_an_order_type_is_not_mutated(desk: Desk) -> None:
    order: Order = desk.account(MARIA).orders[0]
    before = asdict(order)
    desk.answer("order_status", "where is it", desk.account(MARIA))
    assert asdict(order) == before
