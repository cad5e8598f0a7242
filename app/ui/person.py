"""A person, always within reach: the button, the small form, how it stands, and what the person says, live."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import streamlit as st

from app.ui.api_client import ApiClient, ApiError, NotThere, SignInEnded
from app.ui.session import Chat
from app.ui.text import plain, prose

EVERY_S = 0.7  # between two looks while somebody waits for a person or talks to one
STATUS_EVERY_S = 3.0
LOST_EVERY_S = 2.0
DEPARTMENTS = {
    None: "Whoever can help first",
    "pharmacist": "A pharmacist",
    "care": "Customer care",
    "billing": "Billing and insurance",
}
LONGEST_NOTE = 2000
Begin = Callable[[Chat, ApiClient], str]


def line(chat: Chat, client: ApiClient, begin: Begin) -> None:
    """The line above the input: a button, or how it stands with the person who was asked for."""
    chat.address.timed = chat.person_asked
    # Alone in a container: when the browser drops a fragment's elements between two runs, nothing beside it moves up.
    with st.container(key="person-line"):
        st.fragment(_line, run_every=EVERY_S if chat.person_asked else None)(chat, client, begin)


def look_again(chat: Chat, client: ApiClient) -> None:
    """After a turn that may have called a person: draws the page again when that changed."""
    before = chat.person
    with suppress(ApiError):
        chat.person = client.handover(chat.conversation_id or "")
    if chat.person != before:
        st.rerun()


def _line(chat: Chat, client: ApiClient, begin: Begin) -> None:
    if chat.person_asked:
        _listen(chat, client)
    with st.container(key="person", horizontal=True, vertical_alignment="center", wrap=False, gap="xsmall"):
        if not chat.person_asked:
            st.html(f'<div class="fh-status-line">{_ended(chat.person)}</div>')
            _form(chat, client, begin)
            return
        st.html(status_html(chat.person or {}, chat.lost))
        if not chat.with_person and (chat.person or {}).get("urgency") != "urgent":
            st.button("Cancel", key="no-person", type="tertiary", on_click=_cancel, args=(chat, client))


def _listen(chat: Chat, client: ApiClient) -> None:
    """Fetches what is new, at most as often as the page looks; a change draws the whole page again."""
    now = time.monotonic()
    if now - chat.asked_at < (LOST_EVERY_S if chat.lost else 0.8 * EVERY_S) or chat.conversation_id is None:
        return
    chat.asked_at = now
    try:
        changed = chat.loaded and chat.take(client.messages(chat.conversation_id, chat.last_seq))
        if changed or chat.lost or now - float((chat.person or {}).get("_at", 0.0)) >= STATUS_EVERY_S:
            before = (chat.person or {}).get("state")
            chat.person = (client.handover(chat.conversation_id) or {}) | {"_at": now}
            changed = changed or chat.person.get("state") != before
        chat.lost = False
    except SignInEnded as error:
        chat.sign_out(str(error))
        changed = True
    except NotThere:
        chat.start_over("We couldn't open that conversation any more.")
        changed = True
    except ApiError:
        chat.lost = True
        return
    if changed and not chat.outbox:
        st.rerun()


def status_html(person: dict[str, Any], lost: bool = False) -> str:
    """How it stands, in the API's own words: who is there, or the place in line, the wait and the hours."""
    held, text = person.get("state") == "held", str(person.get("text") or "A person has been asked.")
    name = str(person.get("agent_name") or "")
    end = len(name) if held and name and text.startswith(name) else text.find(". ") + 1 or len(text)
    head, rest = text[:end], "The connection was lost; we are trying to get it back." if lost else text[end:].strip()
    tone = "fh-away" if lost else "fh-held" if held else "fh-queued"
    return (
        f'<div class="fh-status-line {tone}" role="status"><i aria-hidden="true"></i>'
        f"<div><b>{plain(head)}</b> <small>{prose(rest)}</small></div></div>"
    )


def _ended(person: dict[str, Any] | None) -> str:
    state = (person or {}).get("state")
    if state == "resolved":
        return "<small>The conversation with our team has ended. Ask on, or call a person again.</small>"
    if state == "returned":
        return "<small>The assistant answers again.</small>"
    return ""


def _form(chat: Chat, client: ApiClient, begin: Begin) -> None:
    # A popover that starts over under a new key is closed again.
    key = f"person-form-{st.session_state.get('person-forms', 0)}"
    with st.popover("Talk to a person", icon=":material/support_agent:", key=key, type="tertiary"):
        with st.form("ask-person", border=False):
            st.html('<p class="fh-hint"><b>Talk to a person</b><br>They will see this conversation.</p>')
            department = st.selectbox(
                "Who can help?", list(DEPARTMENTS), format_func=lambda d: DEPARTMENTS[d], key="person-department"
            )
            note = st.text_area(
                "Anything to add? (you don't have to)", key="person-note", max_chars=LONGEST_NOTE, height=90
            )
            asked = st.form_submit_button("Ask for a person", type="primary", key="ask-person-now")
        if asked:
            _ask(chat, client, begin, note, department)
        if failed := st.session_state.pop("person-failed", None):
            st.html(f'<p class="fh-hint" role="alert">{plain(failed)}</p>')


def _ask(chat: Chat, client: ApiClient, begin: Begin, note: str, department: str | None) -> None:
    try:
        chat.person = client.ask_person(begin(chat, client), note.strip(), department)
    except SignInEnded as error:
        chat.sign_out(str(error))
    except ApiError as error:
        st.session_state["person-failed"] = f"{error} Please try again; what you wrote is kept."
        st.rerun(scope="fragment")
    for key in ("person-note", "person-department"):
        st.session_state.pop(key, None)
    st.session_state["person-forms"] = st.session_state.get("person-forms", 0) + 1
    st.rerun()


def _cancel(chat: Chat, client: ApiClient) -> None:
    try:
        client.no_person(chat.conversation_id or "")
        chat.person = None
    except ApiError:  # somebody is there already, or the API is away: the line tells how it stands
        chat.asked_at = 0.0
