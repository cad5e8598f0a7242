"""Thumbs under a reply, with reasons and a comment. A fragment: rating leaves the rest of the page as it is."""

from __future__ import annotations

import streamlit as st

from app.ui.api_client import ApiClient, ApiError
from app.ui.session import Chat
from app.ui.text import plain

THUMBS = {"up": 1, "down": 0}
REASONS = {
    "down": {
        "wrong": "It's wrong",
        "not_what_i_asked": "Not what I asked",
        "incomplete": "Something is missing",
        "too_long": "Too long",
        "hard_to_understand": "Hard to understand",
        "outdated": "Out of date",
        "unfriendly": "Unfriendly",
        "other": "Something else",
    },
    "up": {"clear": "Clear", "quick": "Quick", "complete": "Complete"},
}
LONGEST_COMMENT = 2000


@st.fragment
def thumbs(chat: Chat, client: ApiClient, message_id: str, number: int) -> None:
    if message_id not in chat.ratings:
        try:
            chat.ratings[message_id] = client.rating(message_id)
        except ApiError:
            return  # asked again when the page is drawn again
    rated = chat.ratings[message_id]
    key = f"thumb-{message_id}"
    st.session_state.setdefault(key, THUMBS.get(str((rated or {}).get("rating"))))
    with st.container(key=f"rate-{number}", horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.html('<span class="fh-sources">Was this helpful?</span>', width="content")
        st.feedback("thumbs", key=key, on_change=_rated, args=(chat, client, message_id, key))
        if failed := st.session_state.pop(f"failed-{message_id}", None):
            st.html(f'<span class="fh-sources" role="alert">{plain(failed)}</span>', width="content")
        elif rated:
            _more(chat, client, message_id, rated)


def _more(chat: Chat, client: ApiClient, message_id: str, rated: dict[str, object]) -> None:
    rating = str(rated.get("rating"))
    reasons = REASONS.get(rating, {})
    said = [str(r) for r in _list(rated.get("reasons")) if r in reasons]
    told = bool(said or rated.get("comment"))
    count = st.session_state.get(f"told-{message_id}", 0)
    box = st.popover(
        "Thank you" if told else "Tell us why",
        key=f"tell-{message_id}-{count}",
        type="tertiary",
        icon=":material/check:" if told else ":material/edit:",
    )
    end = f"{message_id}-{rating}-{count}"
    with box, st.form(f"form-{end}", border=False):
        question = "What was good about it?" if rating == "up" else "What was wrong with it?"
        st.pills(
            question, list(reasons), default=said, selection_mode="multi", key=f"reasons-{end}",
            format_func=lambda r: reasons.get(r, str(r)),
        )  # fmt: skip
        st.text_area(
            "In your own words (you don't have to)", value=str(rated.get("comment") or ""), height=80,
            key=f"comment-{end}", max_chars=LONGEST_COMMENT,
        )  # fmt: skip
        st.form_submit_button(
            "Save", type="primary", key=f"save-{end}", on_click=_told, args=(chat, client, message_id, rating, count)
        )


def _rated(chat: Chat, client: ApiClient, message_id: str, key: str) -> None:
    chosen = {1: "up", 0: "down"}.get(st.session_state[key])
    try:
        if chosen is None:
            client.unrate(message_id)
            chat.ratings[message_id] = None
        else:
            chat.ratings[message_id] = client.rate(message_id, chosen, [], "")
    except ApiError as error:
        _failed(chat, message_id, error)
        del st.session_state[key]


def _told(chat: Chat, client: ApiClient, message_id: str, rating: str, count: int) -> None:
    reasons = st.session_state[f"reasons-{message_id}-{rating}-{count}"]
    comment = st.session_state[f"comment-{message_id}-{rating}-{count}"]
    try:
        chat.ratings[message_id] = client.rate(message_id, rating, list(reasons), comment.strip())
        st.session_state[f"told-{message_id}"] = count + 1
    except ApiError as error:
        _failed(chat, message_id, error)


def _failed(chat: Chat, message_id: str, error: ApiError) -> None:
    st.session_state[f"failed-{message_id}"] = f"{error} Your rating was not saved."


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []
