"""What helps to answer: the customer's records, articles, internal notes, past conversations, the copilot."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import streamlit as st

from app.ui.answer import chips_html, reply_html, waiting_html, without_marks
from app.ui.api_client import ApiError
from app.ui.article import article_html
from app.ui.desk.records import account_html
from app.ui.desk.room import LONGEST_NOTE
from app.ui.desk.state import Desk, attempt, rows
from app.ui.staff_client import StaffClient
from app.ui.text import label, plain, prose

MOST = 8
TABS = ("Customer", "Articles", "Notes", "Past", "Copilot")


@st.fragment
def draw(desk: Desk, client: StaffClient) -> None:
    """A fragment: looking something up leaves the conversation beside it as it is."""
    notes = len(rows(desk.view, "notes"))
    tabs = st.tabs(list(TABS), key="aside-tabs", on_change="rerun")
    customer, articles, noted, past, copilot = tabs
    if customer.open:
        with customer:
            _customer(desk)
    if articles.open:
        with articles:
            _articles(desk, client)
    if noted.open:
        with noted:
            _notes(desk, client)
    if past.open:
        with past:
            _past(desk, client)
    if copilot.open:
        with copilot:
            _copilot(desk, client)
    st.html(f'<span class="fh-unseen" data-notes="{notes}"></span>')


def _customer(desk: Desk) -> None:
    account = (desk.view or {}).get("account")
    if not isinstance(account, dict):
        signed_in = bool((desk.view or {}).get("customer"))
        text = (
            "Orders and prescriptions appear here."
            if desk.view is None
            else "Their records are shown while a person is called or holds the conversation."
            if signed_in
            else "This visitor is not signed in."
        )
        st.html(f'<p class="fh-calm">{text}</p>')
        return
    st.html(account_html(account))


def _articles(desk: Desk, client: StaffClient) -> None:
    words = st.text_input(
        "Search the articles", key="article-words", placeholder="Search the articles", live=True, type="search",
        label_visibility="collapsed",
    )  # fmt: skip
    wanted = str(words or "").strip()
    try:
        if desk.articles is None:
            desk.articles = client.articles()
        found = client.find_articles(wanted) if wanted else []
    except ApiError as error:
        st.html(f'<p class="fh-hint">{plain(error)}</p>')
        return
    if wanted and not found:
        st.html('<p class="fh-calm">No article comes near these words. Ask the copilot instead.</p>')
    for article in found[:MOST]:
        _article(desk, client, article)
    if not wanted:
        st.html(f'<p class="fh-calm">{len(desk.articles)} articles. Type words or a question.</p>')


def _article(desk: Desk, client: StaffClient, article: dict[str, Any]) -> None:
    article_id = str(article.get("id"))
    line = st.expander(label(article.get("title", ""), 90), key=f"article-{article_id}", on_change="rerun")
    if line.open:
        try:
            whole = client.article(article_id)
        except ApiError as error:
            line.html(f'<p class="fh-hint">{plain(error)}</p>')
            return
        link = quote(article_id, safe="")
        line.html(
            article_html(whole)
            + f'<p class="fh-deep"><a href="/?article={link}" target="_blank">Open as a page</a></p>'
        )


def _notes(desk: Desk, client: StaffClient) -> None:
    if desk.view is None or not desk.handover:
        st.html('<p class="fh-calm">Notes on a conversation, for colleagues only.</p>')
        return
    items = "".join(
        f"<li><b>{plain(note.get('author_id', ''))}</b><p>{prose(note.get('text', ''))}</p></li>"
        for note in rows(desk.view, "notes")
    )
    st.html(
        f'<ul class="fh-notes">{items}</ul>'
        if items
        else '<p class="fh-calm">No notes yet. Customers never see them.</p>'
    )
    handover = desk.handover_id
    own = sum(
        bool(desk.who) and note.get("author_id") == (desk.who and desk.who.id) for note in rows(desk.view, "notes")
    )
    key = f"note-{handover}-{own}"  # another box after each note of one's own, so the next begins empty
    with st.form(f"form-{key}", border=False):
        text = st.text_area(
            "A note for colleagues", key=key, max_chars=LONGEST_NOTE, height=90, persist_state="session"
        )
        added = st.form_submit_button("Add note")
    if added and (note := str(text or "").strip()):
        attempt(desk, lambda: client.note(handover, note))
        st.rerun()


def _past(desk: Desk, client: StaffClient) -> None:
    words = st.text_input(
        "Search past conversations", key="past-words", placeholder="Search past conversations", type="search",
        label_visibility="collapsed",
    )  # fmt: skip
    customer = (desk.view or {}).get("customer") or {}
    only = bool(customer) and st.checkbox(f"Only {label(customer.get('name', ''), 40)}", value=True, key="past-only")
    if len(str(words or "").strip()) < 2:
        st.html('<p class="fh-calm">Words that were said, an order number, a name.</p>')
        return
    try:
        found = client.past(str(words).strip(), str(customer.get("id")) if only else None)
    except ApiError as error:
        st.html(f'<p class="fh-hint">{plain(error)}</p>')
        return
    if not found:
        st.html('<p class="fh-calm">Nothing was found.</p>')
    for row in found[: 2 * MOST]:
        conversation = str(row.get("conversation_id"))
        head = f"**{label(row.get('customer_name') or 'Visitor', 40)}** :gray[{label(str(row.get('created_at') or '')[:10])}]"
        if st.button(f"{head}  \n{label(row.get('text') or '', 120)}", key=f"past-{conversation}", width="stretch"):
            desk.open(conversation)
            st.rerun()


def _copilot(desk: Desk, client: StaffClient) -> None:
    st.html('<p class="fh-hint">Ask as a colleague would. Only you see this.</p>')
    with st.form("copilot-form", border=False, clear_on_submit=True):
        text = st.text_input(
            "Ask the copilot", key="copilot-words", placeholder="What is our policy on …", label_visibility="collapsed"
        )
        asked = st.form_submit_button("Ask")
    slot = st.empty()
    if asked and str(text or "").strip():
        slot.html(waiting_html())
        try:
            desk.talk.insert(0, (str(text).strip(), client.copilot(str(text).strip())))
        except ApiError as error:
            slot.html(f'<p class="fh-hint" role="alert">{plain(error)}</p>')
        else:
            slot.empty()
    for place, (question, reply) in enumerate(desk.talk[:MOST]):
        number = len(desk.talk) - place
        st.html(
            f'<div class="fh-copilot"><b>{plain(question)}</b>{reply_html(reply, f"copilot-{number}")}{chips_html(reply)}</div>'
        )
        if desk.mine and reply.get("outcome", "answered") == "answered":
            put = st.button("Put into the reply", key=f"copilot-put-{number}", type="tertiary", icon=":material/edit:")
            if put:
                st.session_state["to-insert"] = without_marks(str(reply.get("text") or ""))
                st.rerun()
