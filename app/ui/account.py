"""What a customer finds under their name: their data, what it may be used for, and signing out."""

from __future__ import annotations

import json

import streamlit as st

from app.ui.api_client import ApiClient, ApiError, NotThere
from app.ui.session import Chat, Visitor
from app.ui.text import label, plain

GONE = "Your conversations and everything that was kept with them are deleted."


def account(chat: Chat, client: ApiClient, visitor: Visitor) -> None:
    with st.popover(label(visitor.name, 24), icon=":material/person:", key="account", on_change="rerun") as box:
        st.html(f'<p class="fh-hint">Signed in as <b>{plain(visitor.name)}</b></p>')
        if box.open:
            _data(chat, client)
        st.button(
            "Sign out", key="sign-out", icon=":material/logout:", width="stretch",
            on_click=chat.sign_out, args=("You are signed out.",),
        )  # fmt: skip


def _data(chat: Chat, client: ApiClient) -> None:
    try:
        kept_out = bool(client.choices().get("no_training"))
    except NotThere:
        return  # this server keeps no choices
    except ApiError as error:
        st.html(f'<p class="fh-hint">{plain(error)}</p>')
        return
    st.session_state["no-training"] = kept_out
    st.checkbox(
        "Do not use my conversations for training", key="no-training", on_change=_choose, args=(chat, client),
        help="Your questions are answered just the same.",
    )  # fmt: skip
    st.download_button(
        "Download my data", lambda: _json(client), "my-data.json", "application/json", key="my-data",
        icon=":material/download:", width="stretch", on_click="ignore",
    )  # fmt: skip
    with st.expander("Delete my data", key="delete-data", type="compact"):
        st.html(
            '<p class="fh-hint">All your conversations here, with their ratings and notes, are deleted for good. '
            "Your orders and prescriptions stay with the pharmacy.</p>"
        )
        st.button("Delete everything", key="delete-now", type="primary", on_click=_delete, args=(chat, client))


def _json(client: ApiClient) -> str:
    return json.dumps(client.my_data(), indent=2, ensure_ascii=False)


def _choose(chat: Chat, client: ApiClient) -> None:
    try:
        client.choose(bool(st.session_state["no-training"]))
    except ApiError as error:
        chat.notice = f"{error} Your choice was not saved."


def _delete(chat: Chat, client: ApiClient) -> None:
    try:
        client.delete_my_data()
        chat.start_over(GONE)
    except ApiError as error:
        chat.notice = f"{error} Nothing was deleted; please try again."
