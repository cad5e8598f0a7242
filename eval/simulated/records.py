"""Whose record a goal is about: customers of the demo business who have such a record, and what they call it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from eval.account_figures import Ground, Record
from eval.simulated.goals import OwnRecord
from rag.account.book import Order, OrderStatus, Prescription, PrescriptionStatus, Transfer, TransferStage
from rag.account.generate import demo_drugs

ENDED = {OrderStatus.DELIVERED, OrderStatus.CANCELLED, OrderStatus.RETURNED}
UNDER_WAY = {OrderStatus.SHIPPED, OrderStatus.OUT_FOR_DELIVERY}
MOST = 6  # records that are asked for together


@dataclass(frozen=True)
class Target:
    """What the customer has in mind. `words` fill the wordings; `names`: what a reply would call it."""

    customer: str
    records: tuple[Record, ...] = ()
    drug: str = ""  # id, where stock is asked for
    strength: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()

    @property
    def number(self) -> str:
        return self.records[0].id if self.records else ""


def targets(own: OwnRecord, ground: Ground) -> list[Target]:
    """All that the business holds of this kind, at most one a customer; always in the same order."""
    if own.record == "stock":
        return list(_stock(own, ground))
    found = []
    for customer in sorted(ground.zones):
        account = ground.account(customer)
        if own.record == "customer":
            if "insured" not in own.where or account.customer.insurance:
                found.append(Target(customer, names=("Your account",)))
            continue
        all_of: Mapping[str, tuple[Record, ...]] = {
            "order": account.orders, "prescription": account.prescriptions, "transfer": account.transfers,
        }  # fmt: skip
        fitting = tuple(record for record in all_of[own.record] if _fits(record, own, ground))
        if own.every and 2 <= len(fitting) <= MOST:
            found.append(Target(customer, fitting, names=tuple(record.id for record in fitting)))
        elif fitting and not own.every:
            found.append(_of_record(customer, fitting[0]))
    return found


def _fits(record: Record, own: OwnRecord, ground: Ground) -> bool:
    known = ground.known(record)
    for name in own.fields:
        empty = not known.on(name) if name.endswith("_on") else getattr(record, name, True) in (None, "")
        if empty:
            return False
    return all(_is(record, word) for word in own.where)


def _is(record: Record, word: str) -> bool:
    if word == "any":
        return True
    if isinstance(record, Order):
        of_order = {
            "open": record.status not in ENDED,
            "under_way": record.status in UNDER_WAY,
            "waiting": record.status is OrderStatus.WAITING,
            "delivered": record.status is OrderStatus.DELIVERED,
            "single": len(record.lines) == 1,
        }
        return of_order[word]
    if isinstance(record, Prescription):
        return (record.status is PrescriptionStatus.ACTIVE) is (word == "active")
    return record.stage not in (TransferStage.COMPLETE, TransferStage.DECLINED)


def _of_record(customer: str, record: Record) -> Target:
    line = record.lines[0] if isinstance(record, Order) else record
    words = {"number": record.id, "medicine": line.drug}
    if isinstance(record, Prescription):
        words |= {"strength": record.strength, "doctor": record.prescriber.split()[-1]}
    if isinstance(record, Transfer):
        words["pharmacy"] = record.other_pharmacy.split(",")[0]
    drugs = [x.drug for x in record.lines] if isinstance(record, Order) else [record.drug]
    return Target(customer, (record,), words=words, names=(record.id, *drugs))


def _stock(own: OwnRecord, ground: Ground) -> Iterator[Target]:
    """Medicines that are there, or missing, at every center; each asked for by another customer."""
    customers = sorted(ground.zones)
    units: dict[tuple[str, str, str], list[int]] = {}
    for level in ground.business.stock:
        units.setdefault((level.drug_id, level.drug, level.strength), []).append(level.units)
    whole: dict[str, list[int]] = {}
    for (drug_id, _, _), held in units.items():
        whole.setdefault(drug_id, []).extend(held)
    for n, ((drug_id, drug, strength), held) in enumerate(sorted(units.items())):
        if all(whole[drug_id]) if "in_stock" in own.where else not any(held):
            words = {"medicine": drug, "strength": strength}
            names = (drug, *demo_drugs().by_id[drug_id].brands)
            yield Target(customers[n * 7 % len(customers)], drug=drug_id, strength=strength, words=words, names=names)
