"""The order card: what it is, where it is, and the way it has come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.ui.text import plain

_STATES = {"done": "done", "current": "now", "todo": "still to come", "problem": "needs attention"}


def card_html(card: Mapping[str, Any]) -> str:
    """An order as HTML. Fields that are missing are left out, so a thin card is still a card."""
    number = plain(card.get("number", ""))
    steps = [step for step in card.get("steps") or () if isinstance(step, Mapping)]
    lines = "".join(f"<li>{plain(line)}</li>" for line in card.get("lines") or ())
    return (
        f'<section class="fh-card" aria-label="{plain(card.get("title") or "Order")} {number}">'
        f'<header><div><h3>{plain(card.get("title") or "Order")}</h3><span class="fh-number">{number}</span></div>'
        f"{_status(card, steps)}</header>"
        + (f'<ul class="fh-lines">{lines}</ul>' if lines else "")
        + (f'<ol class="fh-steps" aria-label="Progress">{"".join(map(_step, steps))}</ol>' if steps else "")
        + _facts(card)
        + "</section>"
    )


def _status(card: Mapping[str, Any], steps: list[Mapping[str, Any]]) -> str:
    text = card.get("status_text") or card.get("status")
    if not text:
        return ""
    states = [step.get("state") for step in steps]
    tone = "problem" if "problem" in states else "done" if states and set(states) == {"done"} else "current"
    return f'<span class="fh-status fh-{tone}">{plain(text)}</span>'


def _step(step: Mapping[str, Any]) -> str:
    state = step.get("state") if step.get("state") in _STATES else "todo"
    current = ' aria-current="step"' if state in ("current", "problem") else ""
    when = step.get("when")
    return (
        f'<li class="fh-{state}"{current}><i aria-hidden="true"></i>'
        f'<span class="fh-step"><b>{plain(step.get("label", ""))}</b>'
        f'<span class="fh-unseen"> ({_STATES[str(state)]})</span>'
        + (f"<small>{plain(when)}</small>" if when else "")
        + "</span></li>"
    )


def _facts(card: Mapping[str, Any]) -> str:
    carrier, tracking = card.get("carrier"), card.get("tracking")
    parcel = " ".join(str(part) for part in (carrier, tracking) if part)
    facts = [("Arrives by", card.get("promised")), ("Tracking", parcel or None), ("Total", card.get("total"))]
    rows = "".join(f"<div><dt>{name}</dt><dd>{plain(value)}</dd></div>" for name, value in facts if value)
    return f'<dl class="fh-facts">{rows}</dl>' if rows else ""
