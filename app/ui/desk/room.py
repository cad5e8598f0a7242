"""One conversation: what it is about, what was said and why, and the reply."""

from __future__ import annotations

import hashlib
from typing import Any

import streamlit as st

from app.ui import browser
from app.ui.answer import chips_html, reply_html, said_html, without_marks
from app.ui.api_client import ApiError
from app.ui.cards import card_html
from app.ui.desk.queue import DEPARTMENTS, reason, waited
from app.ui.desk.state import Desk, attempt, rows
from app.ui.ratings import REASONS as RATINGS
from app.ui.staff_client import StaffClient
from app.ui.text import label, plain, prose
from app.ui.why import unfolded

CODES = {
    "answered": "Answered",
    "fixed": "Fixed",
    "referred": "Referred elsewhere",
    "no_reply": "No reply from the customer",
    "abuse": "Abuse",
    "duplicate": "Duplicate",
}
LONGEST_NOTE = 2000
KEYS = (
    ("1–9", "open"), ("C", "claim"), ("R", "write"), ("E", "edit suggestion"), ("S", "send suggestion"),
    ("Ctrl ↵", "send"), ("V", "resolve"), ("/", "articles"), ("Esc", "leave a field"),
)  # fmt: skip


def draw(desk: Desk, client: StaffClient) -> None:
    if desk.view is None:
        hint = "Fetching the conversation." if desk.conversation_id else "Choose a conversation, or press its number."
        st.html(f'<div class="fh-nobody"><p>{hint}</p>{_keys()}</div>')
        return
    _head(desk, client)
    with st.container(key="said"):
        _summary(desk)
        for message in rows(desk.view, "messages"):
            _message(desk, client, message)
        count = len(rows(desk.view, "messages"))
        room = plain(desk.conversation_id or "")
        st.html(f'<span class="fh-unseen" data-room="{room}" data-length="{count}"></span>')
    with st.container(key="compose"):
        if desk.mine:
            _suggestion(desk, client)
            _reply(desk, client)
        else:
            st.html(f'<p class="fh-hint">{plain(_why_not(desk))}</p>')


def _keys() -> str:
    caps = "".join(f"<li><kbd>{plain(key)}</kbd> {plain(what)}</li>" for key, what in KEYS)
    return f'<ul class="fh-keys" aria-label="Keyboard">{caps}</ul>'


def _name(desk: Desk) -> str:
    customer = (desk.view or {}).get("customer") or {}
    return str(customer.get("name") or "Visitor")


def _head(desk: Desk, client: StaffClient) -> None:
    held, item = desk.handover or {}, desk.item
    customer = (desk.view or {}).get("customer") or {}
    state = str(held.get("state") or "")
    about = [
        "not signed in" if not customer else "Plus member" if customer.get("plus_member") else "signed in",
        DEPARTMENTS.get(str(held.get("department")), ""), reason(held), f"waiting {waited(item)}" if state == "waiting" and item else "",
    ]  # fmt: skip
    urgent = '<strong class="fh-urgent-tag">Emergency</strong>' if held.get("urgency") == "urgent" else ""
    with st.container(key="room-head", horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.html(
            f'<div class="fh-who"><h1>{plain(_name(desk))}{urgent}</h1>'
            f"<p>{plain(' · '.join(part for part in about if part))}</p></div>"
        )
        if state == "waiting":
            st.button("Claim `C`", key="claim", type="primary", on_click=_claim, args=(desk, client))
        if desk.mine:
            _transfer(desk, client)
            _give_back(desk, client)
            _resolve(desk, client)


def _claim(desk: Desk, client: StaffClient) -> None:
    handover = desk.handover_id
    if attempt(desk, lambda: client.claim(handover), "It's yours. The assistant is silent now."):
        desk.beat_at = 0.0


def _popover_key(desk: Desk, name: str) -> str:
    """Of the open conversation and its state: after the action, the popover is a new one and closed."""
    return f"{name}-{desk.handover_id}"


def _transfer(desk: Desk, client: StaffClient) -> None:
    handover = desk.handover_id
    others = [d for d in DEPARTMENTS if d != (desk.handover or {}).get("department")]
    with (
        st.popover("Transfer `T`", key=_popover_key(desk, "transfer")),
        st.form(f"transfer-form-{handover}", border=False),
    ):
        department = st.selectbox("To", others, format_func=lambda d: DEPARTMENTS[d], key=f"to-{handover}")
        note = st.text_area(
            "What should they know?", key=f"transfer-note-{handover}", max_chars=LONGEST_NOTE, height=80
        )
        if st.form_submit_button("Transfer", type="primary"):
            attempt(desk, lambda: client.transfer(handover, department, note.strip()), "Passed on.")
            st.rerun()


def _give_back(desk: Desk, client: StaffClient) -> None:
    handover = desk.handover_id
    with st.popover("Hand back `B`", key=_popover_key(desk, "back")), st.form(f"back-form-{handover}", border=False):
        st.html('<p class="fh-hint">The assistant answers again; it knows what was said.</p>')
        note = st.text_area("Note (internal)", key=f"back-note-{handover}", max_chars=LONGEST_NOTE, height=80)
        if st.form_submit_button("Hand back to the assistant", type="primary"):
            attempt(
                desk, lambda: client.give_back(handover, note.strip(), desk.read_seq), "The assistant answers again."
            )
            st.rerun()


def _resolve(desk: Desk, client: StaffClient) -> None:
    handover = desk.handover_id
    with (
        st.popover("Resolve `V`", key=_popover_key(desk, "resolve"), type="primary"),
        st.form(f"resolve-form-{handover}", border=False),
    ):
        code = st.radio("How did it end?", list(CODES), format_func=lambda c: CODES[c], key=f"code-{handover}")
        note = st.text_area("Note (internal)", key=f"resolve-note-{handover}", max_chars=LONGEST_NOTE, height=80)
        if st.form_submit_button("Resolve", type="primary"):
            attempt(desk, lambda: client.resolve(handover, str(code), note.strip(), desk.read_seq), "Resolved.")
            st.rerun()


def _why_not(desk: Desk) -> str:
    held = desk.handover or {}
    match held.get("state"):
        case "waiting":
            return "Claim the conversation to answer. Until then the assistant goes on answering."
        case "held":
            return f"{held.get('agent_name') or 'A colleague'} has this conversation."
        case "resolved":
            return f"Resolved: {CODES.get(str(held.get('code')), 'closed')}."
        case "returned":
            return "Handed back: the assistant answers."
        case "cancelled":
            return "The customer no longer wants a person."
    return "Nobody was called in this conversation."


def _summary(desk: Desk) -> None:
    held = desk.handover or {}
    parts = [("Summary", held.get("summary")), ("The customer's note", held.get("note"))]
    html = "".join(f"<div><dt>{name}</dt><dd>{prose(text)}</dd></div>" for name, text in parts if text)
    if html:
        st.html(f'<dl class="fh-summary" dir="auto">{html}</dl>')


def _message(desk: Desk, client: StaffClient, message: dict[str, Any]) -> None:
    role, text = message.get("role"), str(message.get("text") or "")
    if role == "customer":
        name = _name(desk)
        st.html(
            f'<div class="fh-theirs"><span class="fh-face" aria-hidden="true">{plain(name[:1].upper())}</span>'
            f'<div><b>{plain(name)}</b><div class="fh-bubble" dir="auto">{plain(text)}</div></div></div>'
        )
        return
    if role != "assistant":
        st.html(f'<div class="fh-ours">{said_html(message)}</div>')
        return
    reply = message.get("reply") or {"text": text}
    if reply.get("outcome") == "with_agent":
        return
    message_id = str(message.get("id") or reply.get("message_id"))
    with st.container(key=f"assistant-{message_id}"):
        outcome = str(reply.get("outcome") or "answered")
        st.html(
            f'<div class="fh-machine"><b>Assistant</b> <span class="fh-outcome fh-{plain(outcome)}">{plain(outcome)}</span>'
            f"{_rated(message.get('feedback'))}{_without_alarm(reply)}{chips_html(reply)}</div>"
        )
        for card in reply.get("cards") or ():
            if isinstance(card, dict):
                st.html(card_html(card))
        unfolded(desk.traces, lambda of: _why(client.trace(of)), message_id, f"why-{message_id}")


def _without_alarm(reply: dict[str, Any]) -> str:
    """The reply as it was, without the panel that would call the agent to the phone."""
    return reply_html({**reply, "outcome": "answered"}, f"m{reply.get('message_id')}")


def _rated(feedback: Any) -> str:
    if not isinstance(feedback, dict) or not feedback.get("rating"):
        return ""
    rating = str(feedback["rating"])
    said = [RATINGS.get(rating, {}).get(str(r), str(r)) for r in feedback.get("reasons") or ()]
    told = "; ".join([*said, *([f"“{feedback['comment']}”"] if feedback.get("comment") else [])])
    thumb = "Rated helpful" if rating == "up" else "Rated not helpful"
    return f'<span class="fh-rated">{thumb}{": " if told else ""}{plain(told)}</span>'


def _suggestion(desk: Desk, client: StaffClient) -> None:
    """The assistant's own draft for the customer's last question: to send, to edit or to discard."""
    asked = [int(m.get("seq") or 0) for m in rows(desk.view, "messages") if m.get("role") == "customer"]
    answers = [int(m.get("seq") or 0) for m in rows(desk.view, "messages") if m.get("role") == "agent"]
    key = (desk.conversation_id or "", asked[-1] if asked else 0)
    if not asked or key in desk.discarded or (answers and answers[-1] > asked[-1]):
        return
    handover = desk.handover_id
    if desk.suggestion_for != key:
        try:
            desk.suggestion, desk.suggestion_for = client.suggestion(handover), key
        except ApiError:
            return  # none can be made now; asked again with the next drawing
    found = desk.suggestion or {}
    text = str(found.get("text") or "").strip()
    if not text or desk.editing.get(desk.conversation_id or "") == found.get("suggestion_id"):
        return
    with st.container(key="suggestion"):
        st.html(
            f'<div class="fh-suggested"><b>Suggested reply</b>{reply_html(found, "suggested")}{chips_html(found)}</div>'
        )
        with st.container(key="suggestion-buttons", horizontal=True, gap="xsmall"):
            st.button("Edit `E`", key="edit-suggestion", on_click=_edit, args=(desk, found))
            st.button("Send as it is `S`", key="send-suggestion", on_click=_send_it, args=(desk, client, found))
            st.button(
                "Discard `D`", key="discard-suggestion", type="tertiary", on_click=desk.discarded.add, args=(key,)
            )


def box_key(desk: Desk) -> str:
    return f"reply-{desk.conversation_id}"


def _edit(desk: Desk, found: dict[str, Any]) -> None:
    st.session_state[box_key(desk)] = without_marks(str(found.get("text") or ""))
    desk.editing[desk.conversation_id or ""] = str(found.get("suggestion_id"))


def _send_it(desk: Desk, client: StaffClient, found: dict[str, Any]) -> None:
    _post(desk, client, without_marks(str(found.get("text") or "")), str(found.get("suggestion_id")), 0)


def _reply(desk: Desk, client: StaffClient) -> None:
    said = sum(m.get("role") == "agent" for m in rows(desk.view, "messages"))
    if text := st.session_state.pop("to-insert", None):
        insert_text(desk, text)
    browser.keeps_draft("reply", desk.conversation_id or "", said)
    with st.container(key=f"reply-box-{desk.conversation_id}"):
        st.text_area(
            f"Reply to {_name(desk)}", key=box_key(desk), height=96, placeholder=f"Write to {_name(desk)}",
            label_visibility="collapsed", on_change="ignore", persist_state="session",
        )  # fmt: skip
    with st.container(key="send-row", horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.button("Send `Ctrl ↵`", key="send", type="primary", on_click=_send, args=(desk, client, said))
        _canned(desk, client)


def _send(desk: Desk, client: StaffClient, said: int) -> None:
    text = str(st.session_state.get(box_key(desk)) or "").strip()
    if text and _post(desk, client, text, desk.editing.get(desk.conversation_id or ""), said):
        st.session_state[box_key(desk)] = ""


def _post(desk: Desk, client: StaffClient, text: str, suggestion_id: str | None, said: int) -> bool:
    """`said`: how many messages the person had written when the button was drawn. A click that counts twice, or is
    tried again after a failure, sends the same key and so one message."""
    handover = desk.handover_id
    key = hashlib.sha256(f"{handover} {suggestion_id} {said} {text}".encode()).hexdigest()
    sent = attempt(desk, lambda: client.reply(handover, text, suggestion_id, key))
    if sent:
        desk.editing.pop(desk.conversation_id or "", None)
    return sent


def _canned(desk: Desk, client: StaffClient) -> None:
    if desk.canned is None:
        try:
            desk.canned = client.canned()
        except ApiError:
            return
    department = (desk.handover or {}).get("department")
    fitting = [c for c in desk.canned if c.get("department") in (None, department)]
    uses = st.session_state.get("canned-uses", 0)
    with st.popover("Canned `K`", key=f"canned-{uses}"):
        for canned in fitting:
            st.button(
                f"**{label(canned.get('title', ''), 60)}**  \n{label(canned.get('text', ''), 90)}",
                key=f"canned-{canned.get('id')}", width="stretch", on_click=insert_text, args=(desk, str(canned.get("text", ""))),
            )  # fmt: skip


def insert_text(desk: Desk, text: str) -> None:
    """Adds to what is being written; never replaces it."""
    before = str(st.session_state.get(box_key(desk)) or "").rstrip()
    st.session_state[box_key(desk)] = f"{before}\n\n{text}" if before else text
    st.session_state["canned-uses"] = st.session_state.get("canned-uses", 0) + 1


def _why(trace: dict[str, Any]) -> dict[str, Any]:
    why: dict[str, Any] = trace.get("why") or trace
    return why
