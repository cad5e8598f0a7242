"""The page's client: events out of any chunks, one turn however often the connection breaks, errors as sentences."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ui.api_client import (
    TRIES,
    ApiAway,
    ApiBroken,
    ApiClient,
    ApiError,
    NotAccepted,
    NotThere,
    SignInEnded,
    open_http,
)
from app.ui.sse import ServerEvent, server_events

REPLY = {"text": "Standard costs $5.99.", "outcome": "answered", "message_id": "m1"}
STREAM = (
    ": still here\n\n"
    'event: sentence\ndata: {"text": "Für 5 € — naïve\u2028line"}\n\n'
    'id: 7\r\nevent: citation\r\ndata:{"n":\r\ndata: 1}\r\n\r\n'
    "data: unnamed\r\r"
    "retry: 10\nunknown: x\nnonsense\n\n"
    f"event: done\ndata: {json.dumps(REPLY)}\n\n"
    "event: cut\ndata: off"
).encode()
EXPECTED = [
    ServerEvent("sentence", '{"text": "Für 5 € — naïve\u2028line"}'),
    ServerEvent("citation", '{"n":\n1}'),
    ServerEvent("message", "unnamed"),
    ServerEvent("done", json.dumps(REPLY)),
]


def test_events_of_a_whole_stream() -> None:
    assert list(server_events([STREAM])) == EXPECTED
    assert list(server_events([b"\xef\xbb\xbf" + STREAM])) == EXPECTED, "a byte order mark is no part of the stream"


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_events_of_small_chunks(size: int) -> None:
    assert list(server_events(STREAM[i : i + size] for i in range(0, len(STREAM), size))) == EXPECTED


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_events_do_not_depend_on_where_the_chunks_break(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(STREAM)]
    assert list(server_events(STREAM[a:b] for a, b in pairwise(places))) == EXPECTED


def test_an_event_is_given_as_soon_as_it_is_whole() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"event: sentence\ndata: {}\n\n"
        raise AssertionError("the second chunk was asked for before the first event was given")

    assert next(server_events(chunks())) == ServerEvent("sentence", "{}")


class Stream(httpx.SyncByteStream):
    """A body that may break off."""

    def __init__(self, parts: list[bytes], breaks: bool = False) -> None:
        self.parts, self.breaks = parts, breaks

    def __iter__(self) -> Iterator[bytes]:
        yield from self.parts
        if self.breaks:
            raise httpx.ReadError("connection reset")


def event(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


def stream(*parts: bytes, breaks: bool = False) -> httpx.Response:
    return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Stream(list(parts), breaks))


def problem(status: int, detail: str = "Please do it another way.") -> httpx.Response:
    body = {"type": "about:blank", "title": "No", "status": status, "detail": detail}
    return httpx.Response(status, json=body, headers={"content-type": "application/problem+json"})


class Api:
    """Answers with the queued responses (or raises the queued errors) and remembers the requests."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers, self.requests, self.slept = list(answers), list[httpx.Request](), list[float]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def client(self, token: str | None = None) -> ApiClient:
        return ApiClient(open_http("http://api", httpx.MockTransport(self)), token, self.slept.append)


def test_a_reply_arrives_event_by_event() -> None:
    api = Api(stream(event("sentence", {"text": "One."}), event("done", REPLY)))
    events = list(api.client("a.b.c").ask("c 1/x", "Hi", "key-1"))
    assert [e.kind for e in events] == ["sentence", "done"]
    assert events[-1].data == REPLY
    request = api.requests[0]
    assert request.url.raw_path == b"/v1/conversations/c%201%2Fx/messages"
    assert json.loads(request.content) == {"text": "Hi"}
    assert request.headers["accept"] == "text/event-stream"
    assert request.headers["authorization"] == "Bearer a.b.c"
    assert request.headers["idempotency-key"] == "key-1"


@pytest.mark.parametrize(
    "first",
    [
        lambda: stream(event("sentence", {"text": "One."}), breaks=True),
        lambda: stream(event("sentence", {"text": "One."})),  # ends politely, but without `done`
        lambda: httpx.ConnectError("refused"),
        lambda: httpx.ReadTimeout("silence"),
        lambda: httpx.RemoteProtocolError("closed"),
    ],
)
def test_a_broken_connection_is_tried_again_with_the_same_key(first: Callable[[], httpx.Response | Exception]) -> None:
    api = Api(first(), stream(event("sentence", {"text": "One."}), event("done", REPLY)))
    events = list(api.client().ask("c1", "Hi", "key-1"))
    assert [e.kind for e in events if e.kind != "sentence"] == ["restart", "done"]
    assert [r.headers["idempotency-key"] for r in api.requests] == ["key-1", "key-1"]
    assert len(api.slept) == 1


def test_after_some_tries_the_api_is_away() -> None:
    api = Api(*[httpx.ConnectError("refused")] * TRIES)
    with pytest.raises(ApiAway, match="can't reach the assistant"):
        list(api.client().ask("c1", "Hi", "key-1"))
    assert len(api.requests) == TRIES
    assert api.slept == sorted(api.slept)


def test_a_plain_json_answer_will_do() -> None:
    api = Api(httpx.Response(200, json=REPLY))
    assert [(e.kind, e.data) for e in api.client().ask("c1", "Hi", "k")] == [("done", REPLY)]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, SignInEnded),
        (403, NotThere),
        (404, NotThere),
        (409, NotAccepted),
        (413, NotAccepted),
        (422, NotAccepted),
        (429, ApiAway),
        (500, ApiBroken),
        (503, ApiAway),
    ],
)
def test_problem_answers_become_sentences(status: int, error: type[ApiError]) -> None:
    for call in (
        lambda c: list(c.ask("c1", "Hi", "k")),
        lambda c: c.messages("c1"),
        lambda c: c.new_conversation(),
        lambda c: c.article("a"),
    ):
        with pytest.raises(error) as raised:
            call(Api(problem(status)).client())
        assert str(raised.value).endswith(".")
        assert (str(raised.value) == "Please do it another way.") == (error is NotAccepted)


def test_an_error_inside_the_stream_is_not_tried_again() -> None:
    api = Api(stream(event("sentence", {"text": "One."}), event("error", {"status": 500, "detail": "x"})))
    with pytest.raises(ApiBroken):
        list(api.client().ask("c1", "Hi", "k"))
    assert len(api.requests) == 1


@pytest.mark.parametrize("body", [b"<html>proxy</html>", b"[1]", b"\xff\xfe", b""])
def test_an_answer_that_is_no_json_is_the_servers_fault(body: bytes) -> None:
    with pytest.raises(ApiBroken):
        Api(httpx.Response(200, content=body)).client().new_conversation()
    with pytest.raises(ApiBroken):
        list(Api(httpx.Response(200, content=body)).client().ask("c1", "Hi", "k"))
    with pytest.raises(ApiBroken):
        list(Api(stream(b"event: sentence\ndata: " + (body or b"nothing") + b"\n\n")).client().ask("c1", "Hi", "k"))


def test_long_conversations_are_read_page_by_page() -> None:
    one, two = {"seq": 1, "text": "a"}, {"seq": 2, "text": "b"}
    api = Api(
        httpx.Response(200, json={"messages": [one], "more": True}),
        httpx.Response(200, json={"messages": [two], "more": False}),
    )
    assert api.client().messages("c1") == [one, two]
    assert api.requests[1].url.query == b"after=1"


def test_a_stale_pooled_connection_is_tried_once_more() -> None:
    api = Api(httpx.RemoteProtocolError("closed"), httpx.Response(201, json={"conversation_id": "c9"}))
    assert api.client().new_conversation() == "c9"


def test_no_demo_sign_in_is_an_empty_list() -> None:
    assert Api(problem(404)).client().demo_customers() == []


def test_is_up_never_raises() -> None:
    assert Api(httpx.Response(200, json={})).client().is_up()
    assert not Api(problem(503)).client().is_up()
    assert not Api(httpx.ConnectError("refused")).client().is_up()
