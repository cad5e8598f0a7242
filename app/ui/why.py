""" "Why this answer?": a quiet line under a reply that opens what was understood, checked and left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import streamlit as st

from app.ui.api_client import ApiClient, ApiError
from app.ui.session import Chat
from app.ui.text import plain

Row = tuple[str, str]


def disclosure(chat: Chat, client: ApiClient, message_id: str, number: int) -> None:
    """Why the customer's assistant answered as it did."""
    unfolded(chat.whys, client.why, message_id, f"why-{number}")


@st.fragment
def unfolded(kept: dict[str, Any], ask: Callable[[str], dict[str, Any]], message_id: str, key: str) -> None:
    """Closed at first. A fragment: opening it asks the API for this one answer and leaves the page as it is.

    `kept` holds what was asked before, by message.
    """
    line = st.expander("Why this answer?", key=key, type="compact", on_change="rerun")
    if not line.open:
        return
    if message_id not in kept:
        try:
            kept[message_id] = ask(message_id)
        except ApiError as error:
            line.html(f'<p class="fh-hint">{plain(error)}</p>')
            return
    line.html(why_html(kept[message_id]))


def why_html(why: Mapping[str, Any]) -> str:
    """The explanation as a list of terms. Parts that are missing are left out."""
    rows = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in _rows(why) if value)
    return f'<dl class="fh-why" dir="auto">{rows}</dl>'


def _rows(why: Mapping[str, Any]) -> Iterable[Row]:
    acted = _dict(why.get("acted"))
    questions = _dicts(why.get("questions"))
    for place, question in enumerate(questions, 1):
        which = f"Question {place}" if len(questions) > 1 else "Taken for"
        intents = map(_intent, _dicts(question.get("intents")))
        yield which, _label(question.get("taken_for")) + _list(intents, "fh-detail")
    yield "Reason", _label(acted)
    yield "Sources", _list(plain(source.get("title", "")) for source in _dicts(why.get("sources")))
    yield "Worded with", _label(why.get("composer"))
    yield "Left out", _left_out(why)
    yield "Safety checks", _list(map(_verdict, _dicts(why.get("rails"))), "fh-verdicts")
    versions = _dict(why.get("versions"))
    named = (("policy", versions.get("policy")), ("knowledge", versions.get("knowledge")))
    yield "Versions", ", ".join(f"{name} <code>{plain(value)}</code>" for name, value in named if value)


def _intent(intent: Mapping[str, Any]) -> str:
    p = intent.get("probability")
    share = "" if not isinstance(p, int | float) else " (over 99%)" if p > 0.99 else f" ({p:.0%})"
    return f"{_label(intent)}: {plain(intent.get('likelihood', ''))}{share}"


def _verdict(verdict: Mapping[str, Any]) -> str:
    word = str(verdict.get("verdict", ""))
    return f"{_label(verdict)}: {plain(word) if word == 'no sign' else f'<b>{plain(word)}</b>'}"


def _left_out(why: Mapping[str, Any]) -> str:
    count = why.get("held_back")
    if not isinstance(count, int):
        return ""
    if not count:
        return "nothing"
    checks = (f"{plain(check.get('count', ''))} because {_label(check)}" for check in _dicts(why.get("checks")))
    return f"{count} drafted sentence{'' if count == 1 else 's'}" + _list(checks, "fh-detail")


def _list(items: Iterable[str], style: str = "fh-plain") -> str:
    rows = "".join(f"<li>{item}</li>" for item in items)
    return f'<ul class="{style}">{rows}</ul>' if rows else ""


def _label(named: Any) -> str:
    return plain(_dict(named).get("label", ""))


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _dicts(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value or () if isinstance(item, Mapping)]
