"""A customer's account as the desk shows it: what there is, in the words that the customer sees too."""

from __future__ import annotations

import datetime as dt
from typing import Any

from pydantic import BaseModel

from rag.account.book import Account, Prescription, Transfer
from rag.account.facts import Sayer, order_card


class PrescriptionView(BaseModel):
    number: str
    drug: str
    strength: str
    form: str
    directions: str
    status: str
    refills_left: int
    last_filled_on: dt.date | None
    next_refill_on: dt.date | None
    expires_on: dt.date
    prescriber: str
    auto_refill: bool


class TransferView(BaseModel):
    number: str
    drug: str
    direction: str
    other_pharmacy: str
    stage: str
    requested_on: dt.date
    expected_on: dt.date | None
    reason: str | None


class AccountView(BaseModel):
    """`orders` as in a reply's `cards`, newest first."""

    orders: list[dict[str, Any]]
    prescriptions: list[PrescriptionView]
    transfers: list[TransferView]
    insurance: str | None
    address: str


def account_view(account: Account, at: dt.datetime) -> AccountView:
    sayer = Sayer(account, at)
    return AccountView(
        orders=[order_card(order, sayer) for order in account.orders],
        prescriptions=[_prescription(one) for one in account.prescriptions],
        transfers=[_transfer(one) for one in account.transfers],
        insurance=account.customer.insurance,
        address=account.customer.address,
    )


def _prescription(one: Prescription) -> PrescriptionView:
    return PrescriptionView(
        number=one.id,
        drug=one.drug,
        strength=one.strength,
        form=one.form,
        directions=one.directions,
        status=one.status.value,
        refills_left=one.refills_left,
        last_filled_on=one.last_filled_on,
        next_refill_on=one.next_refill_on,
        expires_on=one.expires_on,
        prescriber=one.prescriber,
        auto_refill=one.auto_refill,
    )


def _transfer(one: Transfer) -> TransferView:
    return TransferView(
        number=one.id,
        drug=one.drug,
        direction=one.direction,
        other_pharmacy=one.other_pharmacy,
        stage=one.stage.value,
        requested_on=one.requested_on,
        expected_on=one.expected_on,
        reason=one.reason,
    )
