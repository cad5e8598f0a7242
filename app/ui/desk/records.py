"""A customer's prescriptions and transfers as cards; orders are drawn as the customer sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from app.ui.cards import card_html
from app.ui.desk.state import rows
from app.ui.text import day, plain


def account_html(account: Mapping[str, Any]) -> str:
    parts = (
        ("Orders", map(card_html, rows(account, "orders"))),
        ("Prescriptions", map(_prescription, rows(account, "prescriptions"))),
        ("Transfers", map(_transfer, rows(account, "transfers"))),
    )
    about = _facts((("Insurance", account.get("insurance")), ("Address", account.get("address"))))
    return (f'<div class="fh-card fh-about">{about}</div>' if about else "") + "".join(_part(*part) for part in parts)


def _part(title: str, cards: Iterable[str]) -> str:
    found = list(cards)
    if not found:
        return ""
    return f'<section class="fh-records"><h2>{title} <span>{len(found)}</span></h2>{"".join(found)}</section>'


def _prescription(one: Mapping[str, Any]) -> str:
    name = " ".join(str(one[part]) for part in ("drug", "strength", "form") if one.get(part))
    refills = one.get("refills_left")
    facts = (
        ("Refills left", None if refills is None else str(refills)), ("Next refill", _day(one.get("next_refill_on"))),
        ("Last filled", _day(one.get("last_filled_on"))), ("Expires", _day(one.get("expires_on"))),
        ("Prescriber", one.get("prescriber")), ("Auto refill", "on" if one.get("auto_refill") else None),
    )  # fmt: skip
    return _card(name or "Prescription", one, str(one.get("status") or ""), str(one.get("directions") or ""), facts)


def _transfer(one: Mapping[str, Any]) -> str:
    way = "Out to" if one.get("direction") == "out" else "In from"
    facts = (
        ("Asked for", _day(one.get("requested_on"))), ("Expected", _day(one.get("expected_on"))),
        ("Declined because", one.get("reason")),
    )  # fmt: skip
    said = f"{way} {one['other_pharmacy']}" if one.get("other_pharmacy") else ""
    return _card(str(one.get("drug") or "Transfer"), one, str(one.get("stage") or ""), said, facts)


def _card(title: str, one: Mapping[str, Any], status: str, text: str, facts: Iterable[tuple[str, object]]) -> str:
    number = plain(one.get("number", ""))
    state = f'<span class="fh-status">{plain(status.replace("_", " "))}</span>' if status else ""
    return (
        f'<section class="fh-card" aria-label="{plain(title)} {number}"><header><div><h3>{plain(title)}</h3>'
        f'<span class="fh-number">{number}</span></div>{state}</header>'
        + (f'<ul class="fh-lines"><li>{plain(text)}</li></ul>' if text else "")
        + _facts(facts)
        + "</section>"
    )


def _facts(facts: Iterable[tuple[str, object]]) -> str:
    shown = "".join(f"<div><dt>{name}</dt><dd>{plain(value)}</dd></div>" for name, value in facts if value)
    return f'<dl class="fh-facts">{shown}</dl>' if shown else ""


def _day(value: object) -> str | None:
    return day(value) if value else None
