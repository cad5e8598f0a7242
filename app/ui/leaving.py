"""Noticing that a customer left right after a reply: told to the API when the tab's session ends or a chat is closed."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

import streamlit as st

from app.ui.api_client import ApiClient, ApiError
from app.ui.connection import pool
from app.ui.session import Chat

_OPEN: Counter[str] = Counter()  # how many tabs show a conversation: a reload opens a second one before the first ends


@dataclass
class Farewell:
    """The last reply that this tab showed, and on whose behalf."""

    conversation_id: str = ""
    message_id: str = ""
    seq: int = 0
    token: str | None = None

    def say(self) -> None:
        """Reports it, unless the conversation went on or is open in another tab."""
        conversation_id, self.conversation_id = self.conversation_id, ""
        if not conversation_id:
            return
        _OPEN[conversation_id] -= 1
        if _OPEN[conversation_id] > 0 or not self.message_id:
            return
        del _OPEN[conversation_id]
        client = ApiClient(pool(), self.token)
        with suppress(ApiError):
            last = client.messages(conversation_id, self.seq)
            if not last or last[-1].get("id") == self.message_id:
                client.sign(self.message_id, "left")


@st.cache_resource(scope="session", on_release=Farewell.say, show_spinner=False)
def _farewell() -> Farewell:
    return Farewell()


def remember(chat: Chat) -> None:
    """Called at the end of each run; a conversation that is no longer shown was left."""
    bye = _farewell()
    if bye.conversation_id != (chat.conversation_id or ""):
        bye.say()
        if chat.conversation_id:
            _OPEN[chat.conversation_id] += 1
    last = chat.messages[-1] if chat.messages else {}
    reply = last.get("reply") or {}
    bye.conversation_id, bye.token = chat.conversation_id or "", chat.visitor.token if chat.visitor else None
    bye.message_id = str(reply.get("message_id") or "") if reply.get("outcome") != "with_agent" else ""
    bye.seq = chat.last_seq
