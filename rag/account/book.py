"""The account book: what a business knows of its customers, read through one narrow protocol.

Every look-up takes the id of the customer whose token was verified and returns that customer's records only.
Money is in US cents, dates are the calendar dates of the customer's address.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class AccountError(RuntimeError):
    """The account book could not answer; the message says what to do next and names no customer."""


class OrderStatus(StrEnum):
    RECEIVED = "received"
    IN_REVIEW = "in_review"
    WAITING = "waiting"
    PREPARING = "preparing"
    SHIPPED = "shipped"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    RETURNED = "returned"


class PrescriptionStatus(StrEnum):
    IN_REVIEW = "in_review"  # arrived, being checked
    ACTIVE = "active"
    ON_HOLD = "on_hold"
    RENEWAL_REQUESTED = "renewal_requested"  # no refills left, prescriber asked
    EXPIRED = "expired"
    TRANSFERRED_OUT = "transferred_out"


class TransferStage(StrEnum):
    REQUESTED = "requested"
    CONTACTING = "contacting_pharmacy"
    RECEIVED = "received"
    VERIFIED = "verified"
    COMPLETE = "complete"
    DECLINED = "declined"


@dataclass(frozen=True)
class Drug:
    id: str  # "metformin"
    generic: str  # as it is written: "metformin"
    brands: tuple[str, ...]
    drug_class: str  # "biguanide"
    uses: tuple[str, ...]  # plain words: "type 2 diabetes", "blood sugar"
    everyday_names: tuple[str, ...]  # "sugar pill for diabetes", "water pill"
    forms: tuple[str, ...]  # "tablet", "inhaler", "pen"
    strengths: tuple[str, ...]  # "500 mg"
    refrigerated: bool
    schedule: str | None  # "III", "IV", "V" or None
    storage: str  # one plain sentence


@dataclass(frozen=True)
class Customer:
    id: str  # "C-10001"
    name: str
    email: str
    phone: str
    address: str  # one line
    state: str
    time_zone: str  # IANA
    insurance: str | None  # plan's name, "Blue Prairie PPO"
    insurance_last4: str | None
    plus_member: bool


@dataclass(frozen=True)
class Prescription:
    id: str  # "RX-12345678"
    customer_id: str
    drug_id: str
    drug: str  # generic name as written on the label
    strength: str
    form: str
    directions: str
    days_supply: int
    refills_left: int
    written_on: dt.date
    expires_on: dt.date
    last_filled_on: dt.date | None
    next_refill_on: dt.date | None
    prescriber: str
    status: PrescriptionStatus
    auto_refill: bool
    version: int = 1


@dataclass(frozen=True)
class OrderLine:
    prescription_id: str | None
    drug_id: str
    drug: str
    strength: str
    form: str
    quantity: int
    days_supply: int
    price_cents: int  # what the customer pays for the line
    insured_cents: int  # what insurance pays


@dataclass(frozen=True)
class StatusEvent:
    status: OrderStatus
    at: dt.datetime  # aware, UTC
    note: str = ""  # "Left Phoenix, AZ"


@dataclass(frozen=True)
class Order:
    id: str  # "FH-1234567"
    customer_id: str
    placed_at: dt.datetime  # aware, UTC
    status: OrderStatus
    lines: tuple[OrderLine, ...]
    history: tuple[StatusEvent, ...]  # oldest first
    center: str  # "Phoenix"
    speed: str  # "standard", "expedited", "overnight"
    delivery_fee_cents: int
    address: str
    promised_on: dt.date | None
    delivered_on: dt.date | None
    carrier: str | None
    tracking: str | None
    insurance: str | None
    waiting_for: str | None  # "insurance", "prescriber", "payment", "stock", "customer"
    version: int = 1

    @property
    def paid_cents(self) -> int:
        return self.delivery_fee_cents + sum(line.price_cents for line in self.lines)


@dataclass(frozen=True)
class Transfer:
    id: str  # "TR-123456"
    customer_id: str
    direction: str  # "in" or "out"
    drug: str
    other_pharmacy: str
    stage: TransferStage
    requested_on: dt.date
    updated_on: dt.date
    expected_on: dt.date | None
    reason: str | None  # why it was declined
    version: int = 1


@dataclass(frozen=True)
class StockLevel:
    drug_id: str
    drug: str
    strength: str
    form: str
    center: str
    units: int
    back_on: dt.date | None  # back-order date where there are no units


@dataclass(frozen=True)
class Change:
    """One entry of the change feed: a document that must be embedded again, or dropped if its record is gone."""

    seq: int  # grows by every change
    kind: str  # "order" or "prescription"
    id: str
    customer_id: str


@dataclass(frozen=True)
class Account:
    """All that one customer owns, read at once. Orders and transfers newest first."""

    customer: Customer
    orders: tuple[Order, ...] = ()
    prescriptions: tuple[Prescription, ...] = ()
    transfers: tuple[Transfer, ...] = ()


class AccountBook(Protocol):
    """Raises `AccountError` where the business's system can't be reached or answers nonsense."""

    def account(self, customer_id: str) -> Account | None:
        """Everything this customer owns; None when there is no such customer."""
        ...

    def stock(self, drug_id: str) -> list[StockLevel]:
        """Stock of a drug by strength and fulfilment centre; empty when it isn't carried."""
        ...

    def changes(self, after: int, limit: int = 1000) -> list[Change]:
        """Changes of orders and prescriptions with seq > after, oldest first, also those made by other programs."""
        ...

    def records(self, changes: list[Change]) -> list[Order | Prescription]:
        """The present records behind these changes; those deleted since are left out."""
        ...

    def customer_ids(self, limit: int = 100) -> list[str]:
        """The first customers by id, for the demo's sign-in page."""
        ...

    def made_up(self) -> bool:
        """Whether these are certainly the demo's imaginary people: then anybody may sign in as one of them."""
        ...
