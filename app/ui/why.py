""" "Why this answer?": a quiet line under a reply that opens what was understood, checked and left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import streamlit as st

from app.ui.api_client import ApiClient, ApiError
from app.ui.session import Chat
from app.ui.text import plain

Row = tuple[str, str]


@st.fragment
def disclosure(chat: Chat, client: ApiClient, message_id: str, number: int) -> None:
    """Closed at first. A fragment: opening it asks the API for this one answer and leaves the page as it is."""
    line = st.expander("Why this answer?", key=f"why-{number}", type="compact", on_change="rerun")
    if not line.open:
        return
    if message_id not in chat.whys:
        try:
            chat.whys[message_id] = client.why(message_id)
        except ApiError as error:
            line.html(f'<p class="fh-hint">{plain(error)}</p>')
            return
    line.html(why_html(chat.whys[message_id]))


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
