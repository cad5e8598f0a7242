"""Moves of prescriptions from and to other pharmacies, for generated data."""

from __future__ import annotations

import datetime as dt
from random import Random

from rag.account import people
from rag.account.book import PrescriptionStatus, Transfer, TransferStage
from rag.account.bundles import BUNDLES
from rag.account.business_days import add_business_days
from rag.account.drugs import DrugTable
from rag.account.numbers import Numbers
from rag.account.script import Script

OPEN = (TransferStage.REQUESTED, TransferStage.CONTACTING, TransferStage.RECEIVED, TransferStage.VERIFIED)
DECLINED = (
    "The prescription has no refills left at the other pharmacy; a new prescription is needed.",
    "The prescription has expired; a new prescription is needed.",
    "The other pharmacy did not answer after 3 tries over 2 business days.",
    "A controlled prescription can be moved only once and this one was moved before.",
)


def make_transfers(
    rng: Random,
    customer_id: str,
    scripts: list[Script],
    today: dt.date,
    drugs: DrugTable,
    numbers: Numbers,
) -> list[Transfer]:
    """Transfers of one customer in eight, newest first; one moved out marks its prescription."""
    found: list[Transfer] = []
    while len(found) < 2 and rng.random() < 0.13:
        if rng.random() < 0.7:
            found.append(_move_in(rng, customer_id, scripts, today, drugs, numbers))
        elif moved := _movable(scripts, today):
            found.append(_move_out(rng, customer_id, rng.choice(moved), today, numbers))
    return sorted(found, key=lambda transfer: (transfer.requested_on, transfer.id), reverse=True)


def _movable(scripts: list[Script], today: dt.date) -> list[Script]:
    """An order that is being prepared must ship before its prescription can move."""
    quiet = [s for s in scripts if s.fills and (today - s.fills[-1]).days > 15 and not s.waits]
    return [s for s in quiet if s.status is None and s.expires_on > today and s.refills_left]


def _pharmacy(rng: Random) -> str:
    place = rng.choice(people.PLACES)
    return f"{rng.choice(people.OTHER_PHARMACIES)}, {place.city}, {place.state}"


def _move_in(
    rng: Random,
    customer_id: str,
    scripts: list[Script],
    today: dt.date,
    drugs: DrugTable,
    numbers: Numbers,
) -> Transfer:
    stage = rng.choice((*OPEN, TransferStage.COMPLETE, TransferStage.COMPLETE, TransferStage.DECLINED))
    other = rng.choice(rng.choice([b for b in BUNDLES if not b.sex]).picks[0][1].split())
    drug = rng.choice(scripts).drug if stage is TransferStage.COMPLETE else drugs.by_id[other]
    requested, updated = _days(rng, stage, today)
    return Transfer(
        id=numbers.transfer(),
        customer_id=customer_id,
        direction="in",
        drug=drug.generic,
        other_pharmacy=_pharmacy(rng),
        stage=stage,
        requested_on=requested,
        updated_on=updated,
        expected_on=add_business_days(requested, 4) if stage in OPEN else None,
        reason=rng.choice(DECLINED[: 4 if drug.schedule else 3]) if stage is TransferStage.DECLINED else None,
    )


def _days(rng: Random, stage: TransferStage, today: dt.date) -> tuple[dt.date, dt.date]:
    """Requested and last changed: open ones are a few business days old, closed ones up to ten months."""
    if stage in OPEN:
        requested = add_business_days(today, -OPEN.index(stage)) if OPEN.index(stage) else today
        return requested, today if stage is TransferStage.REQUESTED else max(requested, add_business_days(today, -1))
    requested = add_business_days(today - dt.timedelta(days=rng.randint(8, 300)), 0)
    return requested, add_business_days(requested, rng.randint(2, 4))


def _move_out(rng: Random, customer_id: str, script: Script, today: dt.date, numbers: Numbers) -> Transfer:
    stage = rng.choice((TransferStage.REQUESTED, TransferStage.COMPLETE, TransferStage.COMPLETE))
    if stage is TransferStage.COMPLETE:
        script.status = PrescriptionStatus.TRANSFERRED_OUT
        requested = add_business_days(today, -rng.randint(2, 9))
        updated = add_business_days(requested, 1)
    else:
        requested = updated = today
    return Transfer(
        id=numbers.transfer(),
        customer_id=customer_id,
        direction="out",
        drug=script.drug.generic,
        other_pharmacy=_pharmacy(rng),
        stage=stage,
        requested_on=requested,
        updated_on=updated,
        expected_on=add_business_days(requested, 1) if stage is TransferStage.REQUESTED else None,
        reason=None,
    )
