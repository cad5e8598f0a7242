"""How many requests a minute: of one signed-in person, and from one address. In process; several processes count apart."""

from __future__ import annotations

import ipaddress
import math
import re
import time
from collections.abc import Callable, Hashable

from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.problems import Problem
from app.settings import Settings
from app.tokens import Identity

EXEMPT = {"/healthz", "/readyz", "/metrics"}
MOST_KEYS = 50_000
WINDOW_S = 60.0
URGENT = 30  # messages of danger that a conversation may send a minute beyond the limits
ASKING = re.compile(r"/v1/conversations/[^/]+/messages")


class Bucket:
    """A bucket of `per_minute` tokens for each key, filled evenly. For one event loop. 0: no limit."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic, most: int = MOST_KEYS) -> None:
        self._every = WINDOW_S / per_minute if per_minute else 0.0
        self._clock = clock
        self._most = most
        self._full_at: dict[Hashable, float] = {}  # when the key's bucket is full again; least recently used first

    def __len__(self) -> int:
        return len(self._full_at)

    def wait(self, key: Hashable) -> float:
        """Takes a token: 0.0; or takes none and gives the seconds until there is one."""
        if not self._every:
            return 0.0
        now = self._clock()
        full_at = max(self._full_at.pop(key, now), now)
        short = full_at + self._every - now - WINDOW_S
        refused = short > 1e-9
        self._full_at[key] = full_at if refused else full_at + self._every
        if len(self._full_at) > self._most:
            self._full_at.pop(next(iter(self._full_at)))
        return short if refused else 0.0


class Limits:
    """Both limits, as the settings give them. Each check raises a 429 `Problem` that says when to come again."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._identities = Bucket(settings.rate_identity, clock)
        self._addresses = Bucket(settings.rate_address, clock)
        self._urgent = Bucket(URGENT, clock)

    def identity(self, who: Identity) -> None:
        _refuse(self._identities.wait((who.role, who.id)))

    def address(self, host: str) -> None:
        if key := counted(host):
            _refuse(self._addresses.wait(key))

    def urgent(self, conversation_id: str) -> None:
        _refuse(self._urgent.wait(conversation_id))


class ByAddress:
    """ASGI: counts each request by its address before anything else is done for it."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in EXEMPT and scope.get("client"):
            try:
                self._limits.address(scope["client"][0])
            except Problem as refusal:
                refuse_later(scope, refusal)
        await self._app(scope, receive, send)


def refuse_later(scope: Scope, refusal: Problem) -> None:
    """Raises the refusal, but for a message to the assistant: that is refused when it is known to show no danger."""
    if scope["method"] != "POST" or not ASKING.fullmatch(scope["path"]):
        raise refusal
    scope.setdefault("state", {})["refusal"] = refusal


def counted(host: str) -> str | None:
    """What an address is counted under: IPv6 by its /64, which one household has whole. None: not counted.

    This machine's own addresses are not: the pages' server asks from there for everybody, and names the browser's
    address in X-Forwarded-For, which the HTTP server has put in its place by now.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:  # a unix socket has none
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return None if address.is_loopback else str(ipaddress.ip_network((int(address), 64), strict=False))
        address = address.ipv4_mapped
    return None if address.is_loopback else str(address)


def _refuse(wait_s: float) -> None:
    if wait_s:
        seconds = max(1, math.ceil(wait_s))
        sentence = f"That was very many requests in a short time; please go on in {seconds} seconds."
        raise Problem("rate-limited", sentence, headers={"Retry-After": str(seconds)})
