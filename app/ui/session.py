"""Who is on the page and what has been said: kept in the session, and found again after a reload."""

from __future__ import annotations

import base64
import binascii
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.ui.address import Address

COOKIE = "pestle_session"
COOKIE_SECONDS = 12 * 3600  # the token inside may end sooner; the API decides
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Visitor:
    """A signed-in customer. The name is for the greeting only; who they are stands in the token."""

    token: str
    name: str


@dataclass(frozen=True)
class Outgoing:
    """A message that the API hasn't acknowledged yet. Its key stays the same over every retry."""

    text: str
    key: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass
class Chat:
    """Everything that one browser tab knows."""

    visitor: Visitor | None = None
    conversation_id: str | None = None
    address: Address = field(default_factory=Address)
    loaded: bool = True  # False: the conversation's messages are still to be fetched
    messages: list[dict[str, Any]] = field(default_factory=list)
    outbox: list[Outgoing] = field(default_factory=list)
    notice: str | None = None
    cookie: str | None = None  # what the browser's cookie has to become; "" removes it
    draft: str | None = None  # text to put back into the input
    article_id: str | None = None  # open in the dialog
    failures: int = 0  # in a row
    failed_at: float = 0.0
    question: str | None = None  # asked before signing in, offered again after it
    demo: list[dict[str, Any]] | None = None
    explains: bool | None = None  # None: the API hasn't said yet whether it tells why
    whys: dict[str, dict[str, Any]] = field(default_factory=dict)  # by message id, as they were opened
    person: dict[str, Any] | None = None  # how it stands with the person who was asked for
    asked_at: float = 0.0  # when the API was last asked for what is new
    lost: bool = False  # the API did not answer then
    ratings: dict[str, dict[str, Any] | None] = field(default_factory=dict)  # by message id; None: not rated

    def send(self, text: str) -> None:
        if text.strip():
            self.outbox.append(Outgoing(text))
            self.notice, self.article_id = None, None

    @property
    def last_seq(self) -> int:
        return max((int(m.get("seq") or 0) for m in self.messages), default=0)

    @property
    def person_asked(self) -> bool:
        """Somebody waits for a person, or talks to one."""
        return bool(self.person) and (self.person or {}).get("state") in ("waiting", "held")

    @property
    def with_person(self) -> bool:
        return bool(self.person) and (self.person or {}).get("state") == "held"

    def take(self, rows: list[dict[str, Any]]) -> bool:
        """Adds what is new, in the order of the conversation; True when the page has something more to show.

        A turn of this page stands here already, without its seq: it is recognised and kept in its place.
        """
        more = False
        for row in rows:
            known = next((m for m in self.messages if _same(m, row)), None)
            if known is None:
                self.messages.append(row)
                more = True
            else:
                known.update(row)
        self.messages.sort(key=lambda m: int(m.get("seq") or 1 << 31))
        return more

    def discard(self) -> None:
        """Drops the message that could not be sent."""
        del self.outbox[:1]

    def start_over(self, notice: str | None = None) -> None:
        """An empty page with at most one sentence on it. The visitor stays signed in."""
        self.conversation_id, self.loaded = None, True
        self.messages, self.outbox, self.whys, self.ratings = [], [], {}, {}
        self.person, self.lost = None, False
        self.failures, self.article_id, self.question, self.draft = 0, None, None, None
        self.notice = notice

    def sign_in(self, visitor: Visitor) -> None:
        asked = [str(m.get("text", "")) for m in self.messages if m.get("role") == "customer"]
        self.start_over()
        self.visitor, self.cookie = visitor, pack(visitor)
        self.question = asked[-1] if asked else None

    def sign_out(self, notice: str) -> None:
        self.start_over(notice)
        self.visitor, self.cookie = None, ""

    def open(self, conversation_id: str) -> None:
        self.start_over()
        self.conversation_id, self.loaded = conversation_id, False


def _same(mine: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    if mine.get("seq"):
        return mine.get("seq") == row.get("seq")
    if mine.get("role") != row.get("role"):
        return False
    if mine.get("role") == "assistant":
        return bool(row.get("id")) and (mine.get("reply") or {}).get("message_id") == row.get("id")
    return mine.get("text") == row.get("text")


def pack(visitor: Visitor) -> str:
    """A visitor as a cookie value: letters, digits, "-" and "_" only, so it needs no quoting anywhere."""
    data = json.dumps([visitor.token, visitor.name]).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unpack(cookies: Mapping[str, str], cookie: str = COOKIE) -> Visitor | None:
    """The visitor of the cookie, if it reads as one. Whether the token holds is for the API to say."""
    value = cookies.get(cookie, "")
    try:
        token, name = json.loads(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))
    except (ValueError, TypeError, binascii.Error):
        return None
    if not isinstance(token, str) or not isinstance(name, str) or not _TOKEN.fullmatch(token):
        return None
    return Visitor(token, name)
