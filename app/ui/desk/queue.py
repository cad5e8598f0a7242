"""Who waits: emergencies first, then by waiting time. Each entry has a number to open it by."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.ui.desk.state import Desk, rows
from app.ui.text import label

DEPARTMENTS = {"pharmacist": "Pharmacist", "care": "Care", "billing": "Billing"}
REASONS = {
    "button": "asked for a person",
    "wants_person": "asked for a person",
    "self_harm": "thoughts of self-harm",
    "overdose": "overdose",
    "child_poisoning": "child poisoning",
    "allergic_reaction": "allergic reaction",
    "emergency": "medical emergency",
    "medical_emergency": "medical emergency",
    "medical_advice": "wants medical advice",
    "no_evidence": "no answer found",
    "frustration": "getting frustrated",
    "repeated_failure": "the assistant failed twice",
    "held_back": "no answer that holds",
    "account_away": "account details are away",
    "abuse": "abusive words",
}
NUMBERED = 9


def draw(desk: Desk) -> None:
    chosen = _departments()
    waiting = [item for item in rows(desk.queue, "waiting") if item.get("department") in chosen or not chosen]
    held = rows(desk.queue, "held")
    mine = [item for item in held if desk.who and item.get("agent_id") == desk.who.id]
    groups = (
        ("Emergencies", "urgent", [item for item in waiting if item.get("urgency") == "urgent"]),
        ("Yours", "mine", mine),
        ("Waiting", "waiting", [item for item in waiting if item.get("urgency") != "urgent"]),
        ("With colleagues", "other", [item for item in held if item not in mine]),
    )
    number = 0
    for title, kind, items in groups:
        if not items:
            continue
        st.html(f'<h2 class="fh-group fh-group-{kind}">{title} <span>{len(items)}</span></h2>')
        for item in items:
            number += 1
            _entry(desk, item, kind, number)
    if not number:
        st.html('<p class="fh-calm">Nobody is waiting.<br>New conversations appear here by themselves.</p>')


def _departments() -> list[str]:
    found = st.pills(
        "Departments", list(DEPARTMENTS), selection_mode="multi", format_func=lambda d: DEPARTMENTS[d],
        key="departments", label_visibility="collapsed", persist_state="session",
    )  # fmt: skip
    return list(found or ())


def _entry(desk: Desk, item: dict[str, Any], kind: str, number: int) -> None:
    key = str(item.get("conversation_id"))
    is_open = key == desk.conversation_id
    keycap = f"`{number}` " if number <= NUMBERED else ""
    about = [DEPARTMENTS.get(str(item.get("department")), str(item.get("department") or "")), reason(item)]
    if kind == "other":
        about[1:] = [f"with {item.get('agent_name') or 'a colleague'}"]
    unread = item.get("unread") if kind == "mine" and not is_open else 0
    text = "  \n".join(
        (
            f"{keycap}**{label(item.get('customer_name') or 'Visitor', 32)}** :gray[{waited(item)}]"
            + (f" **·{int(unread)} new**" if isinstance(unread, int) and unread else ""),
            label(" · ".join(part for part in about if part), 60),
            label(item.get("last_text") or item.get("summary") or "", 84),
        )
    )
    st.button(
        text, key=f"q-{kind}-{number}-{key}" if number <= NUMBERED else f"q-{kind}-x-{key}", width="stretch",
        type="primary" if is_open else "secondary", on_click=desk.open, args=(key,),
    )  # fmt: skip


def reason(item: dict[str, Any]) -> str:
    name = str(item.get("reason") or "")
    return REASONS.get(name, name.replace("_", " "))


def waited(item: dict[str, Any]) -> str:
    seconds = item.get("waiting_s")
    if not isinstance(seconds, int | float):
        return ""
    minutes = int(seconds // 60)
    return "now" if minutes < 1 else f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
