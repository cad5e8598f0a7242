"""The outermost ring around the app, plain ASGI: body limit, content type, headers, and the last catch."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import Problem, problem_of

BODY_LIMIT = 101 * 1024  # a message of 100 KiB with the JSON around it
WITH_BODY = {"POST", "PUT", "PATCH", "DELETE"}
ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}


class Gate:
    """Reads a body whole (it is small) before the app sees the request, and lets no exception out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                headers.update(ALWAYS)
                if scope["path"].startswith("/v1"):
                    headers["cache-control"] = "no-store"
            await send(message)

        try:
            if scope["method"] in WITH_BODY:
                body = await _whole_body(scope, receive)
                if body is None:
                    return  # the client left before it had said everything
                receive = _again(body, receive)
            await self._app(scope, receive, sending)
        except ClientDisconnect:
            return
        except Exception as error:
            problem = problem_of(error)
            scope["app"].state.metrics.problem(problem.kind)
            if started:
                return  # half an answer is out; closing the connection is all that is left to say
            await problem.response()(scope, receive, sending)


async def _whole_body(scope: Scope, receive: Receive) -> bytes | None:
    headers = Headers(scope=scope)
    declared = headers.get("content-length", "")
    if declared.isdigit() and int(declared) > BODY_LIMIT:
        raise _too_large()
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > BODY_LIMIT:
            raise _too_large()
        more = message.get("more_body", False)
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if body and kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise Problem("wrong-content-type", "Send the body as JSON, with Content-Type: application/json.")
    return bytes(body)


def _too_large() -> Problem:
    sentence = f"The request is larger than {BODY_LIMIT // 1024} KiB; send a shorter message."
    return Problem("too-large", sentence, headers={"Connection": "close"})


def _again(body: bytes, receive: Receive) -> Receive:
    given = False

    async def replaying() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replaying
