"""What stands on the page: header, welcome, replies, articles."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit import net_util

from app.ui.account import account
from app.ui.answer import notice_html, reply_html, waiting_html
from app.ui.api_client import ApiClient, ApiError, NotThere
from app.ui.article import article_html, article_link, related, related_html
from app.ui.cards import card_html
from app.ui.ratings import thumbs
from app.ui.session import Chat, Visitor
from app.ui.text import label, plain
from app.ui.why import disclosure

HERE = Path(__file__).parent
INPUT = "message"  # key of the chat input

VISITOR_QUESTIONS = (
    "How do I move my prescriptions to you?",
    "How fast is delivery, and what does it cost?",
    "Do you take my insurance?",
    "How is medicine that must stay cold shipped?",
    "My parcel arrived damaged. What now?",
)
CUSTOMER_QUESTIONS = (
    "Where is my order?",
    "Which of my prescriptions can I refill?",
    "What did I pay for my last order?",
    "How do I change my delivery address?",
    "How do I reach a pharmacist?",
)
DISCLAIMER = (
    "This assistant is automated and can make mistakes. "
    'A pharmacist is on <a href="tel:1-800-555-0142">1-800-555-0142</a> (press 2) at any hour. '
    'In an emergency, call <a href="tel:911">911</a>.'
)


def frame() -> None:
    # For a page opened under a name it doesn't know, Streamlit would ask a server outside for this machine's address.
    net_util._external_ip = ""
    st.set_page_config(page_title="Fernhollow Pharmacy", page_icon=str(HERE / "leaf.svg"), layout="centered")
    st.html(HERE / "style.css")


def _brand(under: str) -> None:
    st.html(
        '<a class="fh-brand" href="?" aria-label="Fernhollow Pharmacy, start page"><span class="fh-leaf"></span>'
        f"<span><b>Fernhollow Pharmacy</b><small>{under}</small></span></a>"
    )


def top_bar(chat: Chat, client: ApiClient) -> None:
    with st.container(key="topbar", horizontal=True, vertical_alignment="center", wrap=False, gap="xsmall"):
        _brand("Customer assistant")
        if chat.messages or chat.outbox:
            icon = ":material/edit_square:"
            st.button("New chat", key="new-chat", icon=icon, type="tertiary", on_click=chat.start_over)
        if chat.visitor:
            account(chat, client, chat.visitor)
        else:
            _sign_in(chat, client)


def _sign_in(chat: Chat, client: ApiClient) -> None:
    away = False
    if chat.demo is None:
        try:
            chat.demo = client.demo_customers()
        except ApiError:
            away = True
    if chat.demo == []:
        return  # no demo sign-in here
    with st.popover("Sign in", icon=":material/login:", key="sign-in"):
        if away:
            st.html('<p class="fh-hint">Signing in is not possible right now. Please try again in a moment.</p>')
            return
        st.html('<p class="fh-hint">Sign in as one of the demo customers to ask about their orders.</p>')
        for customer in chat.demo or ():
            name, line = str(customer.get("name", "")), str(customer.get("about", ""))
            st.button(
                f"**{label(name)}**" + (f"  \n{label(line, 160)}" if line else ""),
                key=f"customer-{customer.get('id')}", width="stretch",
                on_click=_enter, args=(chat, client, str(customer.get("id")), name),
            )  # fmt: skip


def _enter(chat: Chat, client: ApiClient, customer_id: str, name: str) -> None:
    try:
        chat.sign_in(Visitor(client.demo_token(customer_id), name))
    except ApiError:
        chat.notice = "Signing in did not work just now. Please try again in a moment."


def welcome(chat: Chat, slot: Any) -> None:
    hello = f"Hello, {plain(chat.visitor.name.split()[0])}." if chat.visitor and chat.visitor.name.strip() else "Hello."
    text = (
        "Ask about your orders and prescriptions, or anything about how we work."
        if chat.visitor
        else "Ask anything about how we work. Sign in to ask about your own orders and prescriptions."
    )
    questions = list(CUSTOMER_QUESTIONS if chat.visitor else VISITOR_QUESTIONS)
    if chat.question:
        questions = [chat.question, *(q for q in questions if q != chat.question)][:5]
    with slot.container(key="welcome"):
        st.html(f'<div class="fh-hello"><h1>{hello} How can we help?</h1><p>{text}</p></div>')
        with st.container(key="examples"):
            for i, question in enumerate(questions):
                st.button(label(question), key=f"example-{i}", width="stretch", on_click=chat.send, args=(question,))


def notice(text: str, slot: Any) -> None:
    slot.html(notice_html(text))


def draw_waiting(slot: Any) -> None:
    slot.html(waiting_html())


def draw_live(slot: Any, sentences: list[dict[str, Any]]) -> None:
    slot.html(reply_html({"sentences": sentences}, "live", live=True))


def draw_reply(chat: Chat, client: ApiClient, reply: Mapping[str, Any], number: int, slot: Any, last: bool) -> None:
    """A whole reply: its text goes into `slot`, the rest below it. While a person is there, it has none."""
    if reply.get("outcome") == "with_agent":
        slot.empty()
        return
    slot.html(reply_html(reply, str(number)))
    for card in reply.get("cards") or ():
        if isinstance(card, Mapping):
            st.html(card_html(card))
    _sources(chat, reply, number)
    if message_id := str(reply.get("message_id") or ""):
        if _explains(chat, client):
            disclosure(chat, client, message_id, number)
        thumbs(chat, client, message_id, number)
    suggestions = [str(s) for s in reply.get("suggestions") or () if str(s).strip()]
    below = st.empty()  # an empty slot takes the buttons away at once when the next message is sent
    if last and suggestions:
        with below.container(key=f"suggestions-{number}", horizontal=True, gap="xsmall"):
            for i, text in enumerate(suggestions):
                st.button(
                    label(text), key=f"suggestion-{number}-{i}", on_click=_take, args=(chat, client, text, message_id)
                )


def _take(chat: Chat, client: ApiClient, text: str, message_id: str) -> None:
    chat.send(text)
    if message_id:
        with suppress(ApiError):
            client.sign(message_id, "took_suggestion")


def _explains(chat: Chat, client: ApiClient) -> bool:
    if chat.explains is None:
        try:
            chat.explains = client.explains()
        except ApiError:
            return False  # asked again with the next reply
    return chat.explains


def _sources(chat: Chat, reply: Mapping[str, Any], number: int) -> None:
    citations = [c for c in reply.get("citations") or () if isinstance(c, Mapping)]
    if not citations:
        return
    with st.container(key=f"sources-{number}", horizontal=True, gap="xsmall", vertical_alignment="center"):
        st.html('<span class="fh-sources">Sources</span>', width="content")
        for citation in citations:
            n, title = int(citation.get("n", 0)), citation.get("title", "")
            if citation.get("kind", "article") == "article":
                st.button(
                    f"**{n}** {label(title, 70)}", key=f"cite-{number}-{n}",
                    on_click=_open, args=(chat, str(citation.get("article_id", ""))),
                )  # fmt: skip
            else:
                st.html(f'<span class="fh-record"><b>{n}</b> {plain(title)}</span>', width="content")


def _open(chat: Chat, article_id: str | None) -> None:
    chat.article_id = article_id


def article_dialog(chat: Chat, client: ApiClient) -> None:
    if chat.article_id is None:
        return
    try:
        article = client.article(chat.article_id)
    except ApiError as error:
        article = {"title": "Help article", "body": _sorry(error)}

    @st.dialog(label(article.get("title", "")), width="medium", on_dismiss=lambda: _open(chat, None))
    def show() -> None:
        st.html(article_html(article))
        with st.container(key="related"):
            if related(article):
                st.html('<p class="fh-hint">Related</p>')
            for article_id, title in related(article):
                st.button(
                    label(title), key=f"related-{article_id}", type="tertiary", icon=":material/article:",
                    on_click=_open, args=(chat, article_id),
                )  # fmt: skip
        if article.get("id"):
            link = article_link(article["id"])
            st.link_button("Open as a page", link, icon=":material/open_in_new:", type="tertiary")

    show()


def article_page(article_id: str, client: ApiClient) -> None:
    """The page that `?article=ID` links to."""
    with st.container(key="topbar", horizontal=True, vertical_alignment="center", wrap=False, gap="xsmall"):
        _brand("Help")
        st.button("Ask the assistant", key="to-chat", icon=":material/chat:", on_click=st.query_params.clear)
    try:
        article = client.article(article_id)
    except ApiError as error:
        notice(_sorry(error), st.empty())
        if not isinstance(error, NotThere):
            st.button("Try again", key="again", icon=":material/refresh:")
        return
    st.html(article_html(article, heading=True) + related_html(article))
    st.html(f'<p class="fh-foot">{DISCLAIMER}</p>')


def _sorry(error: ApiError) -> str:
    if isinstance(error, NotThere):
        return "We couldn't find that article. It may have moved; ask the assistant about it."
    return "This article can't be shown right now. Please try again in a moment."
