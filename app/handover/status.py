"""What a customer is told of a hand-over: who comes, when, and how the answer reaches them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from app.handover.hours import is_open, opens_at, said
from app.store.records import StoredHandover
from rails.handing import Department, Handing


@dataclass(frozen=True)
class Status:
    """`place`: 1 is next. `wait_minutes` None: not known. `opens_at` None: open now, or never."""

    place: int | None
    wait_minutes: int | None
    open_now: bool
    opens_at: dt.datetime | None
    text: str


def status(
    found: StoredHandover, handing: Handing, place: int | None, wait: int | None, signed_in: bool, now: dt.datetime
) -> Status:
    department = handing.departments[found.department]
    open_now = is_open(department.hours, now)
    opening = None if open_now else opens_at(department.hours, now)
    wait = wait if open_now and found.state == "waiting" else None
    text = _text(found, handing, department, place, wait, opening if not open_now else None, signed_in, now)
    return Status(place, wait, open_now, opening, text)


def notice(name: str, handing: Handing, department: str, agent: str | None = None) -> str:
    """A line that the conversation itself says of a change."""
    label = handing.departments[department].label  # type: ignore[index]
    text: str = getattr(handing.wording, name)
    return text.format(department=label, agent=agent or label)


def _text(
    found: StoredHandover,
    handing: Handing,
    department: Department,
    place: int | None,
    wait: int | None,
    opening: dt.datetime | None,
    signed_in: bool,
    now: dt.datetime,
) -> str:
    wording = handing.wording
    reaches = wording.reaches_account if signed_in else wording.reaches_page
    match found.state:
        case "held":
            return f"{notice('held', handing, found.department, found.agent_name)} {reaches}"
        case "waiting" if opening is not None:
            opens = said(department.hours, opening, now)
            label = department.label
            return _joined(wording.closed.format(department=label, opens=opens), department.meanwhile, reaches)
        case "waiting":
            line = wording.next if place in (1, None) else wording.place
            waited = "" if wait is None else wording.wait_short if wait <= 1 else wording.wait.format(minutes=wait)
            return _joined(line.format(department=department.label, place=place), waited, reaches)
        case "cancelled":
            return wording.cancelled
        case _:
            return notice(found.state, handing, found.department, found.agent_name)


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)
