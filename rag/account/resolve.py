"""Which of the customer's own records a message means.

Numbers first, then medicine names, then states and days, then what was just spoken of, then likeness to the order-status
documents, then what is open. Whatever is returned belongs to the account that was passed in.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from zoneinfo import ZoneInfo

import numpy as np

from rag.account.book import Account, Order, OrderStatus, Prescription, PrescriptionStatus, Transfer, TransferStage
from rag.account.drugs import DrugTable
from rag.account.mentions import Mentions
from rag.encoder import Vectors
from rag.turn import Focus

Record = Order | Prescription | Transfer
T = TypeVar("T", Order, Prescription, Transfer)

OPEN = {
    OrderStatus.RECEIVED,
    OrderStatus.IN_REVIEW,
    OrderStatus.WAITING,
    OrderStatus.PREPARING,
    OrderStatus.SHIPPED,
    OrderStatus.OUT_FOR_DELIVERY,
}
MOVING = {OrderStatus.SHIPPED, OrderStatus.OUT_FOR_DELIVERY}
LIKE = 0.34  # least likeness of a vague description to a document
AHEAD = 0.05  # and how far it must be ahead of the next medicine's


@dataclass(frozen=True)
class Resolved:
    """The records meant. `missing` holds numbers and medicines that this account has nothing under."""

    records: tuple[Record, ...]
    how: str
    missing: tuple[str, ...] = ()
    vague: bool = field(default=False)  # nothing in the message picked them; they are simply what there is


@dataclass(frozen=True)
class Pointer:
    """A message as far as it points at records: its mentions, its vector, the conversation's focus."""

    mentions: Mentions
    vector: Vectors
    focus: Focus
    now: dt.datetime
    document_vectors: Callable[[], dict[str, Vectors]]


def local_day(moment: dt.datetime, account: Account) -> dt.date:
    return moment.astimezone(ZoneInfo(account.customer.time_zone)).date()


def is_late(order: Order, today: dt.date) -> bool:
    return order.status in OPEN and order.promised_on is not None and order.promised_on < today


def orders_meant(account: Account, pointer: Pointer, drugs: DrugTable) -> Resolved:
    mentions = pointer.mentions
    today = local_day(pointer.now, account)
    by_id = {order.id: order for order in account.orders}
    if numbered := _numbered(by_id, mentions, {o.tracking.upper(): o for o in account.orders if o.tracking}):
        return numbered
    if pointed := _pointed(by_id, pointer):
        return pointed
    pool = list(account.orders)
    how = []
    if mentions.drugs:
        with_drug = [o for o in pool if any(line.drug_id in mentions.drugs for line in o.lines)]
        if with_drug:
            pool, how = with_drug, ["medicine"]
        elif not mentions.named and (
            like := _like(pool, pointer, lambda order: {line.drug_id for line in order.lines})
        ):
            pool, how = like, ["likeness"]
        elif mentions.named or mentions.words:
            return Resolved((), "medicine", missing=_named(mentions, drugs))
    if mentions.forms and not mentions.drugs:
        formed = [o for o in pool if any(form in line.form for line in o.lines for form in mentions.forms)]
        if formed:
            pool, how = formed, ["form"]
    narrowed = _by_state(pool, mentions, today, drugs)
    if narrowed is not None:
        pool, how = narrowed, [*how, "state"]
    if (
        "delivered" in mentions.states
        and mentions.newest is False
        and not mentions.days
        and pool
        and pool[0].status is OrderStatus.DELIVERED
    ):
        pool = pool[:1] if mentions.drugs or len(pool) == 1 else pool
    if mentions.days:
        dated = [o for o in pool if mentions.days.holds(local_day(o.placed_at, account))] or [
            o for o in pool if mentions.days.holds(o.delivered_on) or mentions.days.holds(o.promised_on)
        ]
        if dated or not how:
            pool, how = dated, [*how, "day"]
    if mentions.previous and pool:
        place = next((n for n, order in enumerate(pool) if order.id in pointer.focus.items), 0)
        if place + 1 < len(pool):
            return Resolved((pool[place + 1],), "previous")
    if mentions.newest and pool:
        return Resolved((pool[0],), "newest")
    if how:
        listed = [order for order in pool if order.id in pointer.focus.listed]
        chosen = listed or (pool if "day" in how else _open_first(pool))
        return Resolved(tuple(chosen), "+".join(how))
    if mentions.pronoun and (spoken := _spoken(by_id, pointer)):
        return spoken
    if like := _like(pool, pointer, lambda order: {line.drug_id for line in order.lines}):
        return Resolved(tuple(_open_first(like)), "likeness")
    if spoken := _spoken(by_id, pointer):
        return spoken
    return Resolved(tuple(_open_first(pool)), "open", vague=True)


def prescriptions_meant(account: Account, pointer: Pointer, drugs: DrugTable) -> Resolved:
    mentions = pointer.mentions
    by_id = {p.id: p for p in account.prescriptions}
    if numbered := _numbered(by_id, mentions, {}):
        return numbered
    if pointed := _pointed(by_id, pointer):
        return pointed
    if mentions.drugs:
        found = [p for p in account.prescriptions if p.drug_id in mentions.drugs]
        if found:
            return Resolved(tuple(_usable_first(found)), "medicine")
        if not mentions.named and (like := _like(list(account.prescriptions), pointer, lambda p: {p.drug_id})):
            return Resolved(tuple(_usable_first(like)), "likeness")
        if mentions.named or mentions.words:
            return Resolved((), "medicine", missing=_named(mentions, drugs))
    if formed := [p for p in account.prescriptions if any(form in p.form for form in mentions.forms)]:
        return Resolved(tuple(_usable_first(formed)), "form")
    if "cold" in mentions.states:
        cold = [p for p in account.prescriptions if (d := drugs.by_id.get(p.drug_id)) and d.refrigerated]
        return Resolved(tuple(cold), "state")
    if mentions.pronoun and (spoken := _spoken(by_id, pointer)):
        return spoken
    if like := _like(list(account.prescriptions), pointer, lambda p: {p.drug_id}):
        return Resolved(tuple(_usable_first(like)), "likeness")
    if spoken := _spoken(by_id, pointer):
        return spoken
    return Resolved(account.prescriptions, "all", vague=True)


def transfers_meant(account: Account, pointer: Pointer, drugs: DrugTable) -> Resolved:
    mentions = pointer.mentions
    by_id = {t.id: t for t in account.transfers}
    if numbered := _numbered(by_id, mentions, {}):
        return numbered
    if pointed := _pointed(by_id, pointer):
        return pointed
    names = {drugs.by_id[d].generic.lower() for d in mentions.drugs if d in drugs.by_id}
    if names and (
        found := [t for t in account.transfers if any(n in t.drug.lower() or t.drug.lower() in n for n in names)]
    ):
        return Resolved(tuple(found), "medicine")
    if mentions.named:
        return Resolved((), "medicine", missing=tuple(drugs.by_id[d].generic for d in mentions.drugs[:1]))
    if spoken := _spoken(by_id, pointer):
        return spoken
    live = [t for t in account.transfers if t.stage not in (TransferStage.COMPLETE, TransferStage.DECLINED)]
    return Resolved(tuple(live or account.transfers[:1]), "open", vague=True)


def _named(mentions: Mentions, drugs: DrugTable) -> tuple[str, ...]:
    """How a medicine that isn't here is spoken of: by its generic name, or by the customer's word for its kind."""
    return (drugs.by_id[mentions.drugs[0]].generic if mentions.named else mentions.words[0],)


def _numbered(by_id: dict[str, T], mentions: Mentions, by_tracking: dict[str, T]) -> Resolved | None:
    """Records under the numbers typed. A number that isn't this customer's is missing, whether or not it exists."""
    if not mentions.numbers and not mentions.tracking:
        return None
    digits = {number.split("-")[-1]: record for number, record in by_id.items()}
    found = [digits[n] for n in mentions.numbers if n in digits] + [
        by_tracking[t] for t in mentions.tracking if t in by_tracking
    ]
    missing = [n for n in mentions.numbers if n not in digits] + [t for t in mentions.tracking if t not in by_tracking]
    return Resolved(tuple(found), "number", missing=tuple(missing))


def _pointed(by_id: dict[str, T], pointer: Pointer) -> Resolved | None:
    """ "The second one", "the other one": a place among what was offered or spoken of."""
    focus, mentions = pointer.focus, pointer.mentions
    listed = [by_id[number] for number in focus.listed if number in by_id]
    if mentions.ordinal and listed and (mentions.ordinal == -1 or mentions.ordinal <= len(listed)):
        return Resolved((listed[mentions.ordinal - 1 if mentions.ordinal > 0 else -1],), "place")
    if mentions.other:
        others = [record for record in listed if record.id not in focus.items]
        if not others and focus.items:
            others = [record for record in _default(by_id) if record.id not in focus.items]
        if others:
            return Resolved(tuple(others), "other")
    return None


def _default(by_id: dict[str, T]) -> list[T]:
    records = list(by_id.values())
    usable = [r for r in records if not isinstance(r, Order) or r.status in OPEN]
    return usable or records[:2]


def _spoken(by_id: dict[str, T], pointer: Pointer) -> Resolved | None:
    spoken = tuple(by_id[number] for number in pointer.focus.items if number in by_id)
    return Resolved(spoken, "spoken of") if spoken else None


def _by_state(orders: list[Order], mentions: Mentions, today: dt.date, drugs: DrugTable) -> list[Order] | None:
    tests: dict[str, Callable[[Order], bool]] = {
        "late": lambda o: is_late(o, today),
        "shipped": lambda o: o.status in MOVING,
        "delivered": lambda o: o.status is OrderStatus.DELIVERED,
        "waiting": lambda o: o.status is OrderStatus.WAITING,
        "cancelled": lambda o: o.status is OrderStatus.CANCELLED,
        "preparing": lambda o: o.status is OrderStatus.PREPARING,
        "returned": lambda o: o.status is OrderStatus.RETURNED,
        "cold": lambda o: any((d := drugs.by_id.get(line.drug_id)) is not None and d.refrigerated for line in o.lines),
    }
    if "cold" in mentions.states:
        return [order for order in orders if tests["cold"](order)]
    for state in mentions.states:
        if state in tests and (found := [order for order in orders if tests[state](order)]):
            return found
    return None


def _open_first(orders: Sequence[Order]) -> list[Order]:
    """Orders still under way; when there are none, the newest."""
    live = [order for order in orders if order.status in OPEN]
    return live or list(orders[:1])


def _usable_first(prescriptions: Sequence[Prescription]) -> list[Prescription]:
    """Without those that are over, where another is left."""
    over = (PrescriptionStatus.TRANSFERRED_OUT, PrescriptionStatus.EXPIRED)
    return [p for p in prescriptions if p.status not in over] or list(prescriptions)


def _like(records: list[T], pointer: Pointer, medicines: Callable[[T], set[str]]) -> list[T]:
    """Records whose document is like the message, if one medicine stands out."""
    if not records:
        return []
    vectors = pointer.document_vectors()
    scored = sorted(
        ((float(np.dot(vectors[r.id], pointer.vector)), r) for r in records if r.id in vectors), key=lambda p: -p[0]
    )
    if not scored or scored[0][0] < LIKE:
        return []
    best = medicines(scored[0][1])
    rest = [score for score, record in scored if not medicines(record) & best]
    if rest and scored[0][0] - rest[0] < AHEAD:
        return []
    return [record for _, record in scored if medicines(record) & best]
