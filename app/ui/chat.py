"""The customer's chat page. It holds no logic; the API does."""

from __future__ import annotations

import time
from contextlib import closing
from typing import Any

import streamlit as st

from app.ui import browser, leaving, page, person, session
from app.ui.answer import question_html, said_html
from app.ui.api_client import ApiAway, ApiBroken, ApiClient, ApiError, NotAccepted, NotThere, SignInEnded
from app.ui.connection import pool
from app.ui.session import Chat, Outgoing

GONE = "We couldn't open that conversation, so here is a new one."


def main() -> None:
    page.frame()
    chat = current_chat()
    client = ApiClient(pool(), _token(chat), address=st.context.ip_address)
    if article_id := st.query_params.get("article"):
        page.article_page(article_id, client)
        return
    follow_url(chat)
    problem = load(chat, client)
    page.top_bar(chat, client)
    with st.bottom:
        person.line(chat, client, begin=_begin)
        if chat.draft is not None:
            st.session_state[page.INPUT], chat.draft = chat.draft, None
        hint = "Write to the person who helps you" if chat.with_person else "Type your question"
        st.chat_input(hint, key=page.INPUT, on_submit=lambda: chat.send(st.session_state[page.INPUT]))
        st.html(f'<p class="fh-foot">{page.DISCLAIMER}</p>')
    page.article_dialog(chat, client)
    if problem:
        for out in chat.outbox:
            st.html(question_html(out.text))
        trouble(chat, problem)
    else:
        converse(chat, client)
    leaving.remember(chat)
    with st.container(key="scripts"):
        sent = len(chat.outbox) + sum(message.get("role") == "customer" for message in chat.messages)
        browser.keeps_draft("chat", chat.conversation_id or "new", sent)
        browser.page_script(len(chat.messages))
        if chat.cookie is not None:
            browser.cookie_script(chat.cookie)


def current_chat() -> Chat:
    """This tab's chat; on a fresh load, the visitor comes from the cookie."""
    if "chat" not in st.session_state:
        st.session_state["chat"] = Chat(visitor=session.unpack(st.context.cookies))
    chat: Chat = st.session_state["chat"]
    return chat


def _token(chat: Chat) -> str | None:
    return chat.visitor.token if chat.visitor else None


def follow_url(chat: Chat) -> None:
    """The address decides which conversation is open."""
    if chat.address.moved(chat.conversation_id):
        if chat.address.seen:
            chat.open(chat.address.seen)
        elif not chat.outbox:
            chat.start_over(chat.notice)


def load(chat: Chat, client: ApiClient) -> ApiError | None:
    """Fetches the open conversation once; gives the error back when the API cannot be asked now."""
    if chat.loaded or chat.conversation_id is None:
        return None
    try:
        chat.messages = client.messages(chat.conversation_id)
        chat.person = client.handover(chat.conversation_id)
        chat.loaded, chat.failures = True, 0
    except SignInEnded as error:
        chat.sign_out(str(error))
        st.rerun()
    except (NotThere, NotAccepted):
        chat.start_over(GONE)
        st.rerun()
    except ApiError as error:
        return error
    return None


def converse(chat: Chat, client: ApiClient) -> None:
    above, greeting = st.empty(), st.empty()
    if chat.notice:
        page.notice(chat.notice, above)
    if not chat.messages and not chat.outbox:
        page.welcome(chat, greeting)
        return
    with st.container(key="log"):
        for number, message in enumerate(chat.messages):
            if message.get("role") == "customer":
                st.html(question_html(str(message.get("text", ""))))
                continue
            if message.get("role") in ("agent", "notice"):
                st.html(said_html(message))
                continue
            last = number == len(chat.messages) - 1 and not chat.outbox
            with st.container(key=f"reply-{number}"):
                reply = message.get("reply") or {"text": message.get("text", "")}
                page.draw_reply(chat, client, reply, number, st.empty(), last)
        while chat.outbox:
            if not deliver(chat, client, chat.outbox[0]):
                break


def deliver(chat: Chat, client: ApiClient, out: Outgoing) -> bool:
    """Sends one message and shows its reply as it comes. False: it stays in the outbox, and the page says so.

    Whatever interrupts this run (a click, a reload of the script), the next one sends the message again with the
    same key, and the API answers with the same reply.
    """
    st.html(question_html(out.text))
    number = len(chat.messages) + 1
    fresh = chat.conversation_id is None
    with st.container(key=f"reply-{number}"):
        slot = st.empty()
        page.draw_waiting(slot)
        try:
            if chat.conversation_id is None:
                _begin(chat, client)
            assert chat.conversation_id
            reply = stream(client, chat.conversation_id, out, slot)
        except NotThere:
            if fresh:
                return _failed(chat, ApiBroken(), slot)
            waiting = [Outgoing(o.text) for o in chat.outbox]
            chat.start_over("That conversation has ended, so this is a new one.")
            chat.outbox = waiting
            st.rerun()
        except (SignInEnded, NotAccepted) as error:
            _put_back(chat, error, out)
            st.rerun()
        except ApiError as error:
            return _failed(chat, error, slot)
        chat.messages.append({"role": "customer", "text": out.text})
        if reply.get("outcome") != "with_agent":
            chat.messages.append({"role": "assistant", "reply": reply})
        chat.outbox.remove(out)
        chat.failures = 0
        chat.ratings.setdefault(str(reply.get("message_id")), None)
        page.draw_reply(chat, client, reply, number, slot, last=not chat.outbox)
    if reply.get("handover_id") or reply.get("outcome") == "with_agent" or chat.person_asked:
        person.look_again(chat, client)
    return True


def _begin(chat: Chat, client: ApiClient) -> str:
    """The open conversation, begun now where there is none yet. Raises ApiError."""
    if chat.conversation_id is None:
        chat.conversation_id = client.new_conversation()
        chat.address.show(chat.conversation_id)
    return chat.conversation_id


def stream(client: ApiClient, conversation_id: str, out: Outgoing, slot: Any) -> dict[str, Any]:
    sentences: list[dict[str, Any]] = []
    with closing(client.ask(conversation_id, out.text, out.key)) as events:
        for event in events:
            if event.kind == "done":
                return event.data
            if event.kind == "restart":
                sentences.clear()
                page.draw_waiting(slot)
            elif event.kind == "sentence":
                sentences.append(event.data)
                page.draw_live(slot, sentences)
    raise ApiBroken


def _put_back(chat: Chat, error: ApiError, out: Outgoing) -> None:
    """The message returns to the input, and one sentence says why."""
    if isinstance(error, SignInEnded):
        chat.sign_out(str(error))
    else:
        chat.outbox.remove(out)
        chat.notice = str(error)
    chat.draft = out.text


def _failed(chat: Chat, error: ApiError, slot: Any) -> bool:
    slot.empty()
    for later in chat.outbox[1:]:
        st.html(question_html(later.text))
    trouble(chat, error)
    return False


def trouble(chat: Chat, error: ApiError) -> None:
    """One sentence and a way on; when the API is only away, the page comes back by itself."""
    chat.failures += 1
    chat.failed_at = time.monotonic()
    away = isinstance(error, ApiAway)
    kept = " Your message is kept" if chat.outbox else " Your conversation is kept"
    then = " and we'll go on as soon as it's back." if away else "; please try again."
    with st.container(key="trouble"):
        page.notice(str(error) + kept + then, st.empty())
        with st.container(key="trouble-buttons", horizontal=True, gap="xsmall"):
            st.button("Try again", key="retry", icon=":material/refresh:")
            if chat.outbox:
                st.button("Discard message", key="discard", type="tertiary", on_click=chat.discard)
        if away:
            watch(chat)


@st.fragment(run_every=1.5)
def watch(chat: Chat) -> None:
    """Asks whether the API is back, less and less often while sending keeps failing."""
    st.html('<span class="fh-unseen"></span>')
    pause = min(1.0 * 2 ** (chat.failures - 1), 30.0)
    if time.monotonic() - chat.failed_at < pause:
        return
    if ApiClient(pool()).is_up():
        st.rerun()
