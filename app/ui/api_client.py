"""The page's only way to the product: the HTTP API, with errors that a customer can read.

ApiError
├── ApiAway        nobody answers, or the API asks to try again later: keep the message and retry
├── ApiBroken      the API answered, but failed: the customer may retry
├── SignInEnded    the token is expired or not accepted
├── NotThere       no such conversation or article for this visitor
└── NotAccepted    the API refused the request and says why
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from app.ui.sse import EVENT_STREAM, server_events

# The API sends a comment every 10 s while a turn runs, so a longer silence is a broken connection.
TIMEOUT = httpx.Timeout(10.0, connect=3.0, read=25.0)
TRIES = 3


class ApiError(Exception):
    """`str(error)` is a sentence for the customer."""


class ApiAway(ApiError):
    def __init__(self) -> None:
        super().__init__("We can't reach the assistant right now.")


class ApiBroken(ApiError):
    def __init__(self) -> None:
        super().__init__("Something went wrong on our side.")


class SignInEnded(ApiError):
    def __init__(self) -> None:
        super().__init__("Your sign-in has ended. Please sign in again.")


class NotThere(ApiError):
    def __init__(self) -> None:
        super().__init__("We couldn't find that.")


class NotAccepted(ApiError):
    pass


@dataclass(frozen=True)
class ReplyEvent:
    """A part of a reply. `restart` means: the connection broke, forget the parts so far, it starts over."""

    kind: str  # sentence, citation, suggestion, handover, restart, done
    data: dict[str, Any]


class ApiClient:
    """Calls the API for one visitor. Cheap to make; the connection pool is shared by whoever passes `http`.

    Every method raises an ApiError and nothing else.
    """

    def __init__(
        self, http: httpx.Client, token: str | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._sleep = sleep

    def is_up(self) -> bool:
        """True when the API is ready for messages. Never raises."""
        try:
            return self._http.get("/readyz", timeout=2.0).status_code == 200
        except httpx.HTTPError:
            return False

    def demo_customers(self) -> list[dict[str, Any]]:
        """The demo customers, or an empty list where demo sign-in is turned off."""
        try:
            return _rows(self._get("/v1/demo/customers"), "customers")
        except NotThere:
            return []

    def demo_token(self, customer_id: str) -> str:
        return _said(self._post("/v1/demo/token", {"customer_id": customer_id}), "token")

    def new_conversation(self) -> str:
        return _said(self._post("/v1/conversations", {}), "conversation_id")

    def messages(self, conversation_id: str) -> list[dict[str, Any]]:
        """All messages of a conversation, oldest first. Raises NotThere when it isn't this visitor's."""
        path = f"/v1/conversations/{_path(conversation_id)}/messages"
        found: list[dict[str, Any]] = []
        while True:
            page = self._get(f"{path}?after={found[-1].get('seq', 0)}" if found else path)
            rows = _rows(page, "messages")
            found += rows
            if not rows or not page.get("more"):
                return found

    def article(self, article_id: str) -> dict[str, Any]:
        """An article of the knowledge base. Raises NotThere."""
        found = self._get(f"/v1/knowledge/articles/{_path(article_id)}")
        if not isinstance(found, dict):
            raise ApiBroken
        return found

    def explains(self) -> bool:
        """Whether this server tells why an answer was given."""
        found = self._get("/v1/features")
        return isinstance(found, dict) and found.get("explain") is True

    def why(self, message_id: str) -> dict[str, Any]:
        """Why a reply of this visitor's was given. Raises NotThere."""
        found = self._get(f"/v1/messages/{_path(message_id)}/why")
        if not isinstance(found, dict):
            raise ApiBroken
        return found

    def ask(self, conversation_id: str, text: str, key: str) -> Generator[ReplyEvent]:
        """Sends a message and yields its reply as it is released; the last event is `done` with the whole reply.

        A broken connection is tried again with the same Idempotency-Key, so the message counts once.
        """
        for attempt in range(TRIES):
            if attempt:
                self._sleep(0.3 * 3 ** (attempt - 1))
                yield ReplyEvent("restart", {})
            try:
                yield from self._stream(f"/v1/conversations/{_path(conversation_id)}/messages", text, key)
            except httpx.TransportError:
                continue
            return
        raise ApiAway

    def _stream(self, path: str, text: str, key: str) -> Iterator[ReplyEvent]:
        headers = {**self._headers, "Accept": EVENT_STREAM, "Idempotency-Key": key}
        with self._http.stream("POST", path, json={"text": text}, headers=headers) as response:
            if response.status_code >= 400:
                response.read()
                raise _error(response.status_code, _problem(response.text))
            if not response.headers.get("content-type", "").startswith(EVENT_STREAM):
                response.read()
                yield ReplyEvent("done", _object(response.text))
                return
            for event in server_events(response.iter_bytes()):
                data = _object(event.data)
                if event.name == "error":
                    raise _error(int(data.get("status") or 500), data)
                yield ReplyEvent(event.name, data)
                if event.name == "done":
                    return
        raise httpx.RemoteProtocolError("the stream ended before the reply was whole")

    def _get(self, path: str) -> Any:
        # A pooled connection may have been closed by a restart of the API: reading twice is harmless.
        with _readable():
            try:
                response = self._http.get(path, headers=self._headers)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                response = self._http.get(path, headers=self._headers)
        return _answer(response)

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        with _readable():
            try:
                response = self._http.post(path, json=body, headers=self._headers)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                response = self._http.post(path, json=body, headers=self._headers)
        return _answer(response)


def open_http(base_url: str, transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """The connection pool to the API. Proxies of the environment are left out: the API is next door."""
    return httpx.Client(base_url=base_url, timeout=TIMEOUT, transport=transport, trust_env=False)


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError as error:
        raise ApiAway from error


def _answer(response: httpx.Response) -> Any:
    if response.status_code >= 400:
        raise _error(response.status_code, _problem(response.text))
    try:
        return response.json()
    except ValueError as error:
        raise ApiBroken from error


def _error(status: int, problem: dict[str, Any]) -> ApiError:
    if status == 401:
        return SignInEnded()
    if status in (403, 404):
        return NotThere()
    if status in (429, 502, 503, 504):
        return ApiAway()
    if status >= 500:
        return ApiBroken()
    return NotAccepted(str(problem.get("detail") or problem.get("title") or "That message could not be sent."))


def _problem(text: str) -> dict[str, Any]:
    try:
        return _object(text)
    except ApiBroken:
        return {}


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ApiBroken from error
    if not isinstance(value, dict):
        raise ApiBroken
    return value


def _rows(answer: Any, name: str) -> list[dict[str, Any]]:
    rows = answer.get(name) if isinstance(answer, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _said(answer: Any, name: str) -> str:
    value = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(value, str) or not value:
        raise ApiBroken
    return value


def _path(part: str) -> str:
    return quote(part, safe="")
