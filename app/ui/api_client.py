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
from functools import partial
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
    """`errors` are the fields that the API names, each with "field" and "problem"."""

    def __init__(self, sentence: str, errors: list[dict[str, Any]] | None = None) -> None:
        super().__init__(sentence)
        self.errors = errors or []


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
        self,
        http: httpx.Client,
        token: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
        address: str | None = None,
    ) -> None:
        """`address`: the browser's, so that the API's limits count it and not this server; None: not known."""
        self._http = http
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        if address:
            self._headers["X-Forwarded-For"] = address
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
            return rows_in(self._get("/v1/demo/customers"), "customers")
        except NotThere:
            return []

    def demo_token(self, customer_id: str) -> str:
        return text_in(self._post("/v1/demo/token", {"customer_id": customer_id}), "token")

    def new_conversation(self) -> str:
        return text_in(self._post("/v1/conversations", {}), "conversation_id")

    def messages(self, conversation_id: str, after: int = 0) -> list[dict[str, Any]]:
        """Messages whose seq is larger, oldest first. Raises NotThere when the conversation isn't this visitor's."""
        path = f"/v1/conversations/{path_part(conversation_id)}/messages"
        found: list[dict[str, Any]] = []
        while True:
            last = int(found[-1].get("seq") or 0) if found else after
            page = self._get(f"{path}?after={last}" if last else path)
            rows = rows_in(page, "messages")
            found += rows
            if not rows or not page.get("more"):
                return found

    def handover(self, conversation_id: str) -> dict[str, Any] | None:
        """How it stands with the person who was asked for; None when nobody was."""
        try:
            return whole(self._get(f"/v1/conversations/{path_part(conversation_id)}/handover"))
        except NotThere:
            return None

    def ask_person(self, conversation_id: str, note: str, department: str | None) -> dict[str, Any]:
        """Asks for a person, or finds that one was asked for already; how it stands then."""
        body = {"note": note, "department": department}
        return whole(self._post(f"/v1/conversations/{path_part(conversation_id)}/handover", body))

    def no_person(self, conversation_id: str) -> None:
        """Takes the wish for a person back. Raises NotAccepted when somebody is there already."""
        self._send("DELETE", f"/v1/conversations/{path_part(conversation_id)}/handover")

    def rating(self, message_id: str) -> dict[str, Any] | None:
        try:
            return whole(self._get(f"/v1/messages/{path_part(message_id)}/feedback"))
        except NotThere:
            return None

    def rate(self, message_id: str, rating: str, reasons: list[str], comment: str) -> dict[str, Any]:
        """Rates a reply "up" or "down"; the last rating counts."""
        body = {"rating": rating, "reasons": reasons, "comment": comment}
        return whole(self._post(f"/v1/messages/{path_part(message_id)}/feedback", body))

    def unrate(self, message_id: str) -> None:
        self._send("DELETE", f"/v1/messages/{path_part(message_id)}/feedback")

    def sign(self, message_id: str, kind: str) -> None:
        """Reports what the visitor did after a reply: "took_suggestion" or "left"."""
        self._post(f"/v1/messages/{path_part(message_id)}/signs", {"kind": kind})

    def my_data(self) -> dict[str, Any]:
        """Everything that is kept about the signed-in customer."""
        return whole(self._get("/v1/me/data"))

    def delete_my_data(self) -> None:
        self._send("DELETE", "/v1/me/data")

    def choices(self) -> dict[str, Any]:
        return whole(self._get("/v1/me/choices"))

    def choose(self, no_training: bool) -> None:
        self._send("PUT", "/v1/me/choices", {"no_training": no_training})

    def article(self, article_id: str) -> dict[str, Any]:
        """An article of the knowledge base. Raises NotThere."""
        return whole(self._get(f"/v1/knowledge/articles/{path_part(article_id)}"))

    def explains(self) -> bool:
        """Whether this server tells why an answer was given."""
        found = self._get("/v1/features")
        return isinstance(found, dict) and found.get("explain") is True

    def why(self, message_id: str) -> dict[str, Any]:
        """Why a reply of this visitor's was given. Raises NotThere."""
        return whole(self._get(f"/v1/messages/{path_part(message_id)}/why"))

    def ask(self, conversation_id: str, text: str, key: str) -> Generator[ReplyEvent]:
        """Sends a message and yields its reply as it is released; the last event is `done` with the whole reply.

        A broken connection is tried again with the same Idempotency-Key, so the message counts once.
        """
        for attempt in range(TRIES):
            if attempt:
                self._sleep(0.3 * 3 ** (attempt - 1))
                yield ReplyEvent("restart", {})
            try:
                yield from self._stream(f"/v1/conversations/{path_part(conversation_id)}/messages", text, key)
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
        return self._send("GET", path)

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        return self._send("POST", path, body)

    def _send(self, method: str, path: str, body: dict[str, Any] | None = None, key: str | None = None) -> Any:
        """The decoded answer; None for an answer without a body."""
        return _answer(self._respond(method, path, body, key))

    def _get_text(self, path: str) -> str:
        """An answer that is no JSON."""
        response = self._respond("GET", path)
        if response.status_code >= 400:
            raise _error(response.status_code, _problem(response.text))
        return response.text

    def _respond(
        self, method: str, path: str, body: dict[str, Any] | None = None, key: str | None = None
    ) -> httpx.Response:
        headers = {**self._headers, "Idempotency-Key": key} if key else self._headers
        request = partial(self._http.request, method, path, json=body, headers=headers)
        # A pooled connection may have been closed by a restart of the API: sending twice is harmless here.
        with _readable():
            try:
                return request()
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                return request()


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
    if response.status_code == 204:
        return None
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
    said = problem.get("detail") or problem.get("title") or "That message could not be sent."
    return NotAccepted(str(said), rows_in(problem, "errors"))


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


def rows_in(answer: Any, name: str) -> list[dict[str, Any]]:
    rows = answer.get(name) if isinstance(answer, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def whole(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise ApiBroken
    return answer


def text_in(answer: Any, name: str) -> str:
    value = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(value, str) or not value:
        raise ApiBroken
    return value


def path_part(part: str) -> str:
    return quote(part, safe="")
