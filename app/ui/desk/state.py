"""Everything that one browser tab of the staff knows."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from app.ui import session
from app.ui.address import Address
from app.ui.api_client import ApiAway, ApiError, NotThere, SignInEnded
from app.ui.connection import pool
from app.ui.desk.feed import Feed
from app.ui.session import Visitor
from app.ui.staff_client import StaffClient

COOKIE = "pestle_staff"
BEAT_S = 20.0
SHOWN_OF_ITEM = ("state", "agent_id", "department", "urgency", "note", "notes", "last_text")


@dataclass(frozen=True)
class Staff:
    """Who is signed in. Role and name are read from the token for show only: the API decides what it allows."""

    token: str
    id: str
    name: str
    role: str

    @property
    def serves(self) -> bool:
        """Answers customers at the desk."""
        return self.role in ("agent", "pharmacist", "admin")

    @property
    def reviews(self) -> bool:
        return self.role in ("pharmacist", "admin")

    @property
    def evaluates(self) -> bool:
        return self.role in ("evaluator", "admin")


@dataclass
class Desk:
    who: Staff | None = None
    cookie: str | None = None  # what the browser's cookie has to become; "" removes it
    feed: Feed | None = None
    inline: bool = False  # the whole page is being drawn, not only what looks for news
    drawn: tuple[Any, ...] = ()  # the news that the page shows; empty on pages that show none
    queue: dict[str, Any] = field(default_factory=dict)
    queue_seen: tuple[int, int] = (-1, -1)
    queue_at: float = 0.0
    beat_at: float = 0.0
    lost: bool = False
    conversation_id: str | None = None
    address: Address = field(default_factory=lambda: Address(timed=True))
    view: dict[str, Any] | None = None
    view_seen: tuple[Any, ...] = ()
    read: tuple[str | None, int] = (None, 0)  # conversation, and seq of the last message that the page showed
    notice: str | None = None  # one sentence on what went wrong
    done: str | None = None  # or went well
    title: str = ""  # of the page that is open
    suggestion: dict[str, Any] | None = None
    suggestion_for: tuple[str, int] | None = None  # conversation and seq of what it answers
    discarded: set[tuple[str, int]] = field(default_factory=set)
    editing: dict[str, str] = field(default_factory=dict)  # conversation: the suggestion in its reply box
    traces: dict[str, dict[str, Any]] = field(default_factory=dict)
    canned: list[dict[str, Any]] | None = None
    articles: list[dict[str, Any]] | None = None
    talk: list[tuple[str, dict[str, Any]]] = field(default_factory=list)  # with the copilot: question, reply

    def sign_in(self, token: str) -> bool:
        """False: that is no token."""
        who = staff_of(token)
        if who:
            self.__init__()  # type: ignore[misc]  # nothing of whoever was here before
            self.who, self.cookie = who, session.pack(Visitor(token, who.name))
        return who is not None

    def sign_out(self, notice: str | None = None) -> None:
        self.__init__()  # type: ignore[misc]
        self.cookie, self.notice = "", notice

    def open(self, conversation_id: str | None) -> None:
        if conversation_id != self.conversation_id:
            self.conversation_id, self.view, self.suggestion = conversation_id, None, None
            self.notice = self.done = None

    @property
    def item(self) -> dict[str, Any]:
        """The open conversation as it stands in the queue; empty when it isn't there."""
        items = rows(self.queue, "waiting") + rows(self.queue, "held")
        return next((item for item in items if item.get("conversation_id") == self.conversation_id), {})

    @property
    def last_seq(self) -> int:
        return max((int(message.get("seq") or 0) for message in rows(self.view, "messages")), default=0)

    @property
    def read_seq(self) -> int | None:
        """The last message that the agent had on the page when they pressed a button; None: nothing was drawn yet.

        By the time a press is heard, the view may hold more than that.
        """
        conversation_id, seq = self.read
        return seq if conversation_id == self.conversation_id else None

    @property
    def view_news(self) -> tuple[Any, ...]:
        """Changes with whatever may have changed the open conversation."""
        said = self.feed.heard(self.conversation_id) if self.feed else ()
        return (*said, *(self.item.get(name) for name in SHOWN_OF_ITEM))

    @property
    def news(self) -> tuple[Any, ...]:
        """Changes with whatever the desk shows."""
        return (self.lost, self.queue.get("version"), self.queue_at, self.conversation_id, *self.view_news)

    @property
    def handover(self) -> dict[str, Any] | None:
        return (self.view or {}).get("handover")

    @property
    def handover_id(self) -> str:
        return str((self.handover or {}).get("id") or "")

    @property
    def mine(self) -> bool:
        """Whether the open conversation is held by this agent."""
        held = self.handover or {}
        return bool(self.who) and held.get("state") == "held" and held.get("agent_id") == (self.who and self.who.id)


def current() -> Desk:
    if "desk" not in st.session_state:
        desk = st.session_state["desk"] = Desk()
        if visitor := session.unpack(st.context.cookies, COOKIE):
            desk.who = staff_of(visitor.token)
    desk = st.session_state["desk"]
    assert isinstance(desk, Desk)
    return desk


def client_of(desk: Desk) -> StaffClient:
    return StaffClient(pool(), desk.who.token if desk.who else None, address=st.context.ip_address)


def staff_of(token: str) -> Staff | None:
    """The claims of a token, unverified."""
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return Staff(token, str(claims["sub"]), str(claims.get("name") or claims["sub"]), str(claims["role"]))
    except (ValueError, KeyError, IndexError, TypeError):
        return None


def attempt(desk: Desk, action: Callable[[], Any], done: str | None = None) -> bool:
    """Does something for the agent. When it fails, one sentence says so, and nothing that was typed is lost."""
    desk.notice = desk.done = None
    try:
        action()
    except SignInEnded as error:
        desk.sign_out(str(error))
    except ApiAway as error:
        desk.notice = f"{error} Nothing you typed is lost; please try again in a moment."
    except NotThere:
        desk.notice = "That isn't there any more, or it needs another role."
    except ApiError as error:
        desk.notice = str(error)
    else:
        desk.done = done
        return True
    finally:
        desk.queue_seen, desk.view_seen = (-1, -1), ()
    return False


def rows(value: Mapping[str, Any] | None, name: str) -> list[dict[str, Any]]:
    found = (value or {}).get(name)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
