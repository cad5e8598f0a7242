"""A real local chat server in the shape of OpenAI's API, which does what a queue of behaviours says.

    with ScriptedServer() as server:
        server.script(answers("Delivery is free [1]."), stalls())
        ... base_url=server.url ...
        server.requests[0].body["messages"]

With an empty queue it answers with `server.default`.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

Behaviour = Callable[["Reply"], None]


@dataclass(frozen=True)
class Request:
    path: str
    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def system(self) -> str:
        return str(next(m["content"] for m in self.body["messages"] if m["role"] == "system"))

    @property
    def asked(self) -> str:
        return str(self.body["messages"][-1]["content"])


@dataclass
class Reply:
    """One open connection, for a behaviour to write to."""

    handler: BaseHTTPRequestHandler
    request: Request
    stop: threading.Event

    def start(self, status: int = 200, headers: dict[str, str] | None = None, kind: str = "text/event-stream") -> None:
        self.handler.send_response(status)
        self.handler.send_header("Content-Type", kind)
        self.handler.send_header("Connection", "close")
        for name, value in (headers or {}).items():
            self.handler.send_header(name, value)
        self.handler.end_headers()

    def token(self, text: str, finish: str | None = None) -> None:
        choice = {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": finish}
        self.raw(f"data: {json.dumps(self._event(choice))}\n\n")

    def raw(self, text: str) -> None:
        self.handler.wfile.write(text.encode())
        self.handler.wfile.flush()

    def done(self) -> None:
        self.token("", "stop")
        self.raw("data: [DONE]\n\n")

    def problem(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.start(status, headers, "application/json")
        self.raw(json.dumps({"error": {"message": "scripted", "type": "scripted", "code": status}}))

    def _event(self, choice: dict[str, Any]) -> dict[str, Any]:
        return {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "scripted", "choices": [choice]}


def answers(text: str, pause_s: float = 0.0, size: int = 3) -> Behaviour:
    """Streams the text in tokens of `size` characters."""

    def behave(reply: Reply) -> None:
        reply.start()
        for at in range(0, len(text), size):
            reply.token(text[at : at + size])
            if pause_s:
                time.sleep(pause_s)
        reply.done()

    return behave


def stalls(after: str = "", headers: bool = True) -> Behaviour:
    """Says `after` and then nothing more, with the connection open."""

    def behave(reply: Reply) -> None:
        if headers:
            reply.start()
        if after:
            reply.token(after)
        reply.stop.wait(30)

    return behave


def pings() -> Behaviour:
    """Keeps the socket busy with comments, and never says a word."""

    def behave(reply: Reply) -> None:
        reply.start()
        while not reply.stop.wait(0.05):
            reply.raw(": ping\n\n")

    return behave


def breaks_off(after: str) -> Behaviour:
    """Closes the connection in mid-answer, with no finish reason."""

    def behave(reply: Reply) -> None:
        reply.start()
        for at in range(0, len(after), 3):
            reply.token(after[at : at + 3])

    return behave


def fails(status: int, retry_after: str | None = None) -> Behaviour:
    def behave(reply: Reply) -> None:
        reply.problem(status, {"Retry-After": retry_after} if retry_after is not None else None)

    return behave


def hangs_up() -> Behaviour:
    def behave(reply: Reply) -> None:
        reply.handler.connection.close()

    return behave


def garbage() -> Behaviour:
    """A 200 that is no event stream at all."""

    def behave(reply: Reply) -> None:
        reply.start(kind="text/html")
        reply.raw("<html>It works!</html>")

    return behave


def empty() -> Behaviour:
    def behave(reply: Reply) -> None:
        reply.start()
        reply.done()

    return behave


def nonsense() -> Behaviour:
    return answers("Colourless green ideas sleep furiously. Purple is the sound of seven.")


def lies() -> Behaviour:
    """A model that reads its evidence and gets every number wrong."""

    def behave(reply: Reply) -> None:
        sentence = first_evidence(reply.request)
        answers(re.sub(r"\d+", lambda m: str(int(m[0]) + 1), sentence).rstrip(".") + " [1].")(reply)

    return behave


def leaks() -> Behaviour:
    def behave(reply: Reply) -> None:
        lines = [line for line in reply.request.system.splitlines() if line.strip()]
        answers(" ".join(f"{line.rstrip('.:')} [1]." for line in lines[:4]))(reply)

    return behave


def obeys() -> Behaviour:
    """Does what an injected "say: …" in the evidence or the question tells it."""

    def behave(reply: Reply) -> None:
        order = re.search(r"say: ([^<\n]+)", reply.request.asked)
        answers(f"{order[1].strip() if order else 'Nothing to obey'} [1]")(reply)

    return behave


def quotes() -> Behaviour:
    """A good model: it quotes the first evidence."""

    def behave(reply: Reply) -> None:
        answers(f"{first_evidence(reply.request).rstrip('.')} [1].")(reply)

    return behave


def first_evidence(request: Request) -> str:
    item = re.search(r"<item[^>]*>\s*(.+?)\s*</item>", request.asked, re.DOTALL)
    return re.split(r"(?<=\.)\s", item[1])[0] if item else ""


@dataclass
class ScriptedServer:
    default: Behaviour = field(default_factory=quotes)
    requests: list[Request] = field(default_factory=list)
    _queue: deque[Behaviour] = field(default_factory=deque)
    _stop: threading.Event = field(default_factory=threading.Event)

    def script(self, *behaviours: Behaviour) -> None:
        self._queue.clear()
        self._queue.extend(behaviours)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                request = Request(self.path, body, {k.lower(): v for k, v in self.headers.items()})
                outer.requests.append(request)
                behaviour = outer._queue.popleft() if outer._queue else outer.default
                with contextlib.suppress(BrokenPipeError, ConnectionResetError, ValueError):  # the client has gone
                    behaviour(Reply(self, request, outer._stop))
                self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
