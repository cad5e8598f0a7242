"""Held-out account questions: does the answer state the right facts of the right record, and nothing else?

The check reads the reply's text alone and shares no code with the one that makes answers.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from eval.account_figures import Ground, Known, Record
from eval.account_passages import by_record, own_text
from eval.account_reading import OTHERS, WRONG, leaks, wrongs
from eval.account_wording import missing, names, options
from eval.questions import SUITES, SuiteError
from eval.table import Figure, share
from rag.account.book import AccountBook, Order, Prescription
from rag.account.business import Business
from rag.account.generate import generate
from rag.assistant import Assistant
from rag.turn import Message, PastTurn, Reply

SUITE = SUITES / "account_heldout.yaml"
CUSTOMERS = 400
OF_ORDER = frozenset(
    [
        "status",
        "promised_on",
        "delivered_on",
        "carrier",
        "tracking",
        "paid",
        "placed_on",
        "medicine",
        "address",
        "waiting_for",
        "center",
        "shipped_on",
        "quantity",
        "insurance",
    ]
)
OF_PRESCRIPTION = frozenset(
    [
        "refills_left",
        "expires_on",
        "next_refill_on",
        "directions",
        "strength",
        "prescriber",
        "auto_refill",
        "status",
        "written_on",
        "medicine",
    ]
)
OF_TRANSFER = frozenset(["stage", "other_pharmacy", "expected_on", "reason", "medicine"])


@dataclass(frozen=True)
class Case:
    id: str
    customer: str
    turns: tuple[str, ...]
    records: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    style: str = "plain"
    choose: bool = False
    none: bool = False
    stock: str = ""  # a drug's id
    strength: str = ""


@dataclass(frozen=True)
class Suite:
    seed: int
    today: dt.date
    cases: tuple[Case, ...]


def read_suite(path: Path = SUITE) -> Suite:
    """Raises `SuiteError` naming file and case."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    cases: list[Case] = []
    for n, row in enumerate(data["cases"], 1):
        try:
            cases.append(_case(row))
        except (TypeError, KeyError) as error:
            raise SuiteError(f"{path}: case {n} ({row}) can't be read: {error}") from error
    twice = {case.id for case in cases if sum(case.id == other.id for other in cases) > 1}
    if twice:
        raise SuiteError(f"{path}: used twice: {', '.join(sorted(twice))}")
    return Suite(int(data["seed"]), data["today"], tuple(cases))


def _case(row: dict[str, Any]) -> Case:
    many = {name: tuple(row.get(name, ())) for name in ("turns", "records", "facts")}
    return Case(**{**row, **many})


def faults_of_suite(suite: Suite, business: Business) -> list[str]:
    """What the suite asks for and the data don't hold."""
    ground, faults = Ground(business), []
    for case in suite.cases:
        own = {record.id: record for record in ground.own(case.customer)}
        named = [own[number] for number in case.records if number in own]
        faults += [
            f"{case.id}: {number} is no record of {case.customer}" for number in case.records if number not in own
        ]
        levels = [s for s in business.stock if s.drug_id == case.stock and case.strength in ("", s.strength)]
        if case.stock and not levels:
            faults.append(f"{case.id}: no stock of {case.stock} {case.strength}")
        if "in_stock" in case.facts and any(not level.units for level in levels):
            faults.append(f"{case.id}: {case.stock} is not in stock everywhere")
        if "back_on" in case.facts and not back_dates(case, ground):
            faults.append(f"{case.id}: nothing is awaited")
        if case.choose and not 2 <= len(case.records) <= 6:
            faults.append(f"{case.id}: a choice has 2 to 6 records")
        if not (case.facts or case.choose or case.none) or (case.none and (case.facts or case.records)):
            faults.append(f"{case.id}: needs facts, choose or none, and none stands alone")
        for fact in case.facts:
            if fact in ("in_stock", "back_on", "insurance"):
                continue
            of = [record for record in named if fact in _fields(record)]
            if not of or any(_empty(ground.known(record), fact) for record in of):
                faults.append(f"{case.id}: {fact} is not in {', '.join(case.records) or 'no record'}")
    return faults


def _fields(record: Record) -> frozenset[str]:
    return (
        OF_ORDER if isinstance(record, Order) else OF_PRESCRIPTION if isinstance(record, Prescription) else OF_TRANSFER
    )


def _empty(known: Known, fact: str) -> bool:
    return not known.on(fact) if fact.endswith("_on") else getattr(known.record, fact, True) is None


def back_dates(case: Case, ground: Ground) -> set[dt.date]:
    """When what is asked for comes back: for the named order at its centre, else at any centre."""
    orders = [r for r in (ground.records[number] for number in case.records) if isinstance(r, Order)]
    wanted = {
        (x.drug_id, x.strength, x.form, order.center)
        for order in orders
        for x in order.lines
        if x.drug_id == case.stock
    }
    return {
        s.back_on
        for s in ground.business.stock
        if s.back_on
        and s.drug_id == case.stock
        and case.strength in ("", s.strength)
        and (not wanted or (s.drug_id, s.strength, s.form, s.center) in wanted)
    }


_grounds: dict[int, Ground] = {}


def _ground(business: Business) -> Ground:
    ground = _grounds.get(id(business))
    if ground is None or ground.business is not business:
        _grounds.clear()
        ground = _grounds[id(business)] = Ground(business)
    return ground


def check(case: Case, reply: Reply, business: Business) -> list[str]:
    """Faults of the reply to the case's last turn; empty when it is right."""
    ground = _ground(business)
    faults = leaks(case.customer, case.turns, case.none, reply, ground)
    allowed = ("clarify",) if case.choose else ("answered", "clarify") if case.none else ("answered",)
    if reply.outcome not in allowed:
        faults.append(f"outcome: {reply.outcome} in place of {' or '.join(allowed)}")
    named = [ground.records[number] for number in case.records]
    text = own_text(reply)
    apart = {} if case.choose or len(named) < 2 else by_record(named, text, names)
    for fact in case.facts:
        of = [record for record in named if fact in _fields(record)]
        if apart and of:
            for record in of:
                faults += missing(fact, [record], apart[record.id], ground, case.customer, set())
        else:
            faults += missing(fact, of, text, ground, case.customer, back_dates(case, ground))
    if case.choose:
        faults += options(named, reply)
    lists = case.choose or case.none or not named or all(record.id in text for record in named)
    return faults + wrongs(case.customer, named, case.none, lists, case.stock, " ".join(case.turns), reply, ground)


def evaluate(
    assistant_for: Callable[[AccountBook, dt.datetime], Assistant],
    show: Callable[[str], None] | None = None,
    path: Path = SUITE,
) -> list[Figure]:
    """All cases through whole conversations; `show` gets each failed case with its faults."""
    suite = read_suite(path)
    business = generate(suite.seed, suite.today, CUSTOMERS)
    if faults := faults_of_suite(suite, business):
        raise SuiteError(f"{path}: {'; '.join(faults)}")
    now = dt.datetime(suite.today.year, suite.today.month, suite.today.day, 14, tzinfo=dt.UTC)
    assistant = assistant_for(_ground(business).book, now)
    found: dict[str, list[str]] = {}
    for case in suite.cases:
        reply = converse(assistant, case, now)
        found[case.id] = check(case, reply, business)
        if show and found[case.id]:
            show(f"{case.id} {case.customer} {' >> '.join(case.turns)}\n  {reply.outcome}: {reply.text}")
            for fault in found[case.id]:
                show(f"  - {fault}")
    return figures(suite, found)


def converse(assistant: Assistant, case: Case, now: dt.datetime) -> Reply:
    past: list[PastTurn] = []
    for text in case.turns:
        answer = assistant.answer(Message(text, case.customer, tuple(past), now))
        past.append(PastTurn(text, answer.reply.text, answer.focus))
    return answer.reply


def figures(suite: Suite, found: dict[str, list[str]]) -> list[Figure]:
    count, right = len(suite.cases), sum(not faults for faults in found.values())
    wrong = sum(fault.startswith(WRONG) for faults in found.values() for fault in faults)
    others = sum(fault.startswith(OTHERS) for faults in found.values() for fault in faults)
    on = f"{count} held-out conversations"
    styles: dict[str, list[bool]] = defaultdict(list)
    for case in suite.cases:
        styles[case.style].append(not found[case.id])
    by_style = ", ".join(f"{name} {share(sum(hits), len(hits))}" for name, hits in sorted(styles.items()))
    return [
        Figure("account questions with every fact right", share(right, count), "100 %", on, right == count),
        Figure("wrong facts stated", str(wrong), "0", on, not wrong),
        Figure("facts of another customer", str(others), "0", on, not others),
        Figure("account questions right, by style", by_style, "", on),
    ]
