"""What is said about prescriptions, transfers and stock, from typed facts only."""

from __future__ import annotations

import datetime as dt

from rag.account.book import Prescription, PrescriptionStatus, StockLevel, Transfer, TransferStage
from rag.account.facts import Sayer
from rag.account.say import on_day, say_count, say_list


def name(p: Prescription) -> str:
    return f"{p.drug} {p.strength}"


def refills(p: Prescription, sayer: Sayer) -> list[str]:
    left = say_count(p.refills_left, "refill")
    if p.status is PrescriptionStatus.TRANSFERRED_OUT:
        return [f"Your {name(p)} ({p.id}) was transferred to another pharmacy, so its refills are no longer here."]
    if p.status is PrescriptionStatus.EXPIRED or p.expires_on < sayer.today:
        return [
            f"Your {name(p)} has {left} left, but the prescription expired {sayer.on(p.expires_on)} ({p.id}), so a new one is needed."
        ]
    said = [f"Your {name(p)} has {left} left ({p.id})."]
    if p.status is PrescriptionStatus.ON_HOLD:
        return [*said, "The prescription is on hold."]
    if p.status is PrescriptionStatus.IN_REVIEW:
        return [*said, "The prescription is still being checked."]
    if p.status is PrescriptionStatus.RENEWAL_REQUESTED:
        return [*said, "We have asked your prescriber for a renewal."]
    return [*said, *_next(p, sayer)] if p.refills_left else said


def due(p: Prescription, sayer: Sayer) -> list[str]:
    if p.status is not PrescriptionStatus.ACTIVE or p.expires_on < sayer.today or not p.refills_left:
        return state(p, sayer)
    if p.next_refill_on and p.next_refill_on > sayer.today:
        return [
            f"Your {name(p)} can be refilled from {_bare(sayer.on(p.next_refill_on))} ({p.id}).",
            f"It has {say_count(p.refills_left, 'refill')} left.",
        ]
    return [f"Your {name(p)} can be refilled now ({p.id}).", f"It has {say_count(p.refills_left, 'refill')} left."]


def state(p: Prescription, sayer: Sayer) -> list[str]:
    """Whether it is here and usable, and if not, why."""
    if p.status is PrescriptionStatus.EXPIRED or p.expires_on < sayer.today:
        return [f"Your prescription for {name(p)} expired {sayer.on(p.expires_on)} ({p.id}), so a new one is needed."]
    match p.status:
        case PrescriptionStatus.IN_REVIEW:
            return [f"Your prescription for {name(p)} has reached us and is being checked ({p.id})."]
        case PrescriptionStatus.ON_HOLD:
            return [
                f"Your prescription for {name(p)} is here and on hold ({p.id}), with {say_count(p.refills_left, 'refill')} left."
            ]
        case PrescriptionStatus.RENEWAL_REQUESTED:
            return [f"Your {name(p)} has no refills left, and we have asked {p.prescriber} for a renewal ({p.id})."]
        case PrescriptionStatus.TRANSFERRED_OUT:
            return [f"Your prescription for {name(p)} was transferred to another pharmacy ({p.id})."]
    if not p.refills_left:
        return [f"Your prescription for {name(p)} is active, with no refills left ({p.id})."]
    return [
        f"Your prescription for {name(p)} is active, with {say_count(p.refills_left, 'refill')} left ({p.id}).",
        *_next(p, sayer),
    ]


def expiry(p: Prescription, sayer: Sayer) -> list[str]:
    verb = "expired" if p.expires_on < sayer.today else "expires"
    return [
        f"Your prescription for {name(p)} {verb} {sayer.on(p.expires_on)} ({p.id}).",
        *([f"It has {say_count(p.refills_left, 'refill')} left."] if verb == "expires" else []),
    ]


def directions(p: Prescription, sayer: Sayer) -> list[str]:
    """The label, word for word: anything beyond it is for the pharmacist."""
    return [f'The label of your {name(p)} {p.form} says: "{p.directions.rstrip(".")}." ({p.id})']


def prescriber(p: Prescription, sayer: Sayer) -> list[str]:
    return [f"Your prescription for {name(p)} was written by {p.prescriber} {sayer.on(p.written_on)} ({p.id})."]


def auto_refill(p: Prescription, sayer: Sayer) -> list[str]:
    said = [f"Auto-refill is {'on' if p.auto_refill else 'off'} for your {name(p)} ({p.id})."]
    return [*said, *_next(p, sayer)] if p.auto_refill else said


def brief(p: Prescription, sayer: Sayer) -> str:
    if p.status is PrescriptionStatus.EXPIRED or p.expires_on < sayer.today:
        return f"{_capital(name(p))}, expired {sayer.on(p.expires_on)} ({p.id})"
    what = {
        PrescriptionStatus.IN_REVIEW: "being checked",
        PrescriptionStatus.ON_HOLD: "on hold",
        PrescriptionStatus.RENEWAL_REQUESTED: "renewal requested",
        PrescriptionStatus.TRANSFERRED_OUT: "transferred out",
    }.get(p.status)
    return f"{_capital(name(p))}, {what or say_count(p.refills_left, 'refill') + ' left'} ({p.id})"


STAGES = {
    TransferStage.REQUESTED: "has been requested, and we have not reached the other pharmacy yet",
    TransferStage.CONTACTING: "is at the stage Contacting pharmacy",
    TransferStage.RECEIVED: "has been received and is being checked",
    TransferStage.VERIFIED: "has been received and verified",
    TransferStage.COMPLETE: "is complete",
    TransferStage.DECLINED: "was declined",
}


def transfer(t: Transfer, sayer: Sayer) -> list[str]:
    way = f"from {t.other_pharmacy}" if t.direction == "in" else f"to {t.other_pharmacy}"
    stage = STAGES[t.stage]
    if t.direction == "out" and t.stage is TransferStage.CONTACTING:
        stage = "is being sent to the other pharmacy"
    said = [f"The transfer of your {t.drug} {way} {stage}, since {_bare(sayer.on(t.updated_on))} ({t.id})."]
    if t.stage is TransferStage.DECLINED and t.reason:
        said.append(f"The reason on record: {t.reason.rstrip('.')}.")
    elif t.expected_on and t.stage not in (TransferStage.COMPLETE, TransferStage.DECLINED):
        if t.expected_on < sayer.today:
            said.append(f"It was expected to be complete {sayer.on(t.expected_on)}, so it is late.")
        else:
            said.append(f"It should be complete {sayer.on(t.expected_on)}.")
    return said


def transfer_brief(t: Transfer, sayer: Sayer) -> str:
    way = f"from {t.other_pharmacy}" if t.direction == "in" else f"to {t.other_pharmacy}"
    return f"{_capital(t.drug)} {way}, {t.stage.value.replace('_', ' ')} since {_bare(sayer.on(t.updated_on))} ({t.id})"


def stock(levels: list[StockLevel], today: dt.date) -> list[str]:
    """By strength: in stock anywhere, or when it is back."""
    said = []
    strengths = list(dict.fromkeys((level.drug, level.strength, level.form) for level in levels))
    here = [
        f"{strength} {form}"
        for drug, strength, form in strengths
        if any(level.units for level in levels if (level.strength, level.form) == (strength, form))
    ]
    if here:
        said.append(f"{_capital(levels[0].drug)} {say_list(here)} {'is' if len(here) == 1 else 'are'} in stock now.")
    for drug, strength, form in strengths:
        same = [level for level in levels if (level.strength, level.form) == (strength, form)]
        if not any(level.units for level in same):
            back = min((level.back_on for level in same if level.back_on), default=None)
            said.append(
                f"{_capital(drug)} {strength} {form} is out of stock, and we expect it back {on_day(back, today)}."
                if back
                else f"{_capital(drug)} {strength} {form} is out of stock, and there is no date for it yet."
            )
    return said


def _next(p: Prescription, sayer: Sayer) -> list[str]:
    if not p.next_refill_on or p.status is not PrescriptionStatus.ACTIVE:
        return []
    if p.next_refill_on > sayer.today:
        return [f"It can be refilled from {_bare(sayer.on(p.next_refill_on))}."]
    return ["It can be refilled now."]


def _bare(said: str) -> str:
    return said.removeprefix("on ")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
