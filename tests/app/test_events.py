"""Server-sent events, against a real server on loopback."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.settings import Settings
from rag.turn import Citation
from tests.fakes import ScriptedAssistant, scripted

STREAM = {"Accept": "text/event-stream"}


def events(lines: Iterator[str]) -> Iterator[tuple[str, Any, str | None]]:
    """(event, data, id) of each event as it comes; comments are given as ("comment", text, None)."""
    name, data, id = "message", None, None
    for line in lines:
        if line.startswith(":"):
            yield "comment", line[1:], None
        elif line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            data = json.loads(line[6:])
        elif line.startswith("id: "):
            id = line[4:]
        elif not line and data is not None:
            yield name, data, id
            name, data, id = "message", None, None


def begin(client: httpx.Client) -> str:
    return f"/v1/conversations/{client.post('/v1/conversations').json()['conversation_id']}"


def test_sentences_come_before_the_reply_is_done(live: httpx.Client, assistant: ScriptedAssistant) -> None:
    source = Citation(n=1, article_id="a-one", title="T\u2028\u0085\r\n\n: x", url="?article=a-one")
    planned = scripted("First. Second. Third", citations=[source], suggestions=["Next?"])
    assistant.answers.append(planned)
    assistant.delay = 0.3
    with live.stream("POST", begin(live) + "/messages", json={"text": "hi"}, headers=STREAM) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        arrived = [(time.monotonic(), *event) for event in events(answer.iter_lines())]
    assert [name for _, name, _, _ in arrived] == ["sentence"] * 3 + ["citation", "suggestion", "done"]
    assert arrived[0][2] == {"text": "First.", "citations": [1]}
    assert arrived[3][2]["title"] == source.title
    assert arrived[4][2] == {"text": "Next?"}
    assert arrived[5][2] == planned.reply.model_dump(mode="json")
    assert arrived[5][0] - arrived[0][0] > 0.4


def test_a_repeated_key_streams_the_same_reply(live: httpx.Client, assistant: ScriptedAssistant) -> None:
    assistant.answers.append(scripted("First. Second", suggestions=["Next?"]))
    path, headers = begin(live) + "/messages", STREAM | {"Idempotency-Key": "k"}
    first, again = (live.post(path, json={"text": "hi"}, headers=headers).text for _ in range(2))
    assert first == again
    assert len(assistant.asked) == 1


def test_trouble_after_the_first_sentence_is_an_event(live: httpx.Client, assistant: ScriptedAssistant) -> None:
    assistant.trouble = RuntimeError("secret")
    path = begin(live) + "/messages"
    answer = live.post(path, json={"text": "hi"}, headers=STREAM)
    found = list(events(iter(answer.text.split("\n"))))
    assert [name for name, _, _ in found] == ["sentence", "error"]
    assert found[1][1]["status"] == 500
    assert "secret" not in answer.text
    assert live.get(path).json()["messages"] == []


def test_a_long_wait_is_kept_alive(
    live: httpx.Client, assistant: ScriptedAssistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.api.events.KEEP_ALIVE_S", 0.1)
    assistant.delay = 0.35
    answer = live.post(begin(live) + "/messages", json={"text": "hi"}, headers=STREAM)
    names = [name for name, _, _ in events(iter(answer.text.split("\n")))]
    assert names.count("comment") >= 2
    assert names[-1] == "done"


def test_new_messages_are_followed(live: httpx.Client) -> None:
    path = begin(live)
    live.post(path + "/messages", json={"text": "before"})
    with live.stream("GET", path + "/events") as answer:
        following = events(answer.iter_lines())
        with httpx.Client(base_url=live.base_url, trust_env=False) as other:
            other.post(path + "/messages", json={"text": "now"})
        said, replied = next(following), next(following)
    assert (said[0], said[1]["text"], said[2]) == ("message", "now", "3")
    assert (replied[1]["role"], replied[2]) == ("assistant", "4")
    for where in ({"headers": {"Last-Event-ID": "3"}}, {"params": {"after": 3}}):
        with live.stream("GET", path + "/events", **where) as answer:  # type: ignore[arg-type]
            assert next(events(answer.iter_lines()))[2] == "4"


def test_following_ends_with_the_token(
    live: httpx.Client, app: FastAPI, monkeypatch: pytest.MonkeyPatch, bearer: Callable[..., dict[str, str]]
) -> None:
    me = bearer(customer="C-10001")
    key = live.post("/v1/conversations", headers=me).json()["conversation_id"]
    services = app.state.services
    verified = services.tokens.verify

    def soon(token: str) -> Any:
        who = verified(token)
        return type(who)(who.role, who.id, time.time() + 0.2)

    monkeypatch.setattr(services.tokens, "verify", soon)
    began = time.monotonic()
    assert live.get(f"/v1/conversations/{key}/events", headers=me).status_code == 200
    assert time.monotonic() - began < 5


def test_ctrl_c_ends_open_streams_at_once(settings: Settings) -> None:
    script = (
        "import sys, uvicorn; from pathlib import Path; from app.api.main import create_app;"
        "from app.settings import Settings; from tests.fakes import ScriptedAssistant;"
        "uvicorn.run(create_app(Settings(home=Path(sys.argv[1]), _env_file=None), ScriptedAssistant()), port=0)"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", script, str(settings.home)],
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONPATH": "."},
    )
    assert server.stderr is not None
    try:
        address = next(found[0] for line in server.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        client = httpx.Client(base_url=address, trust_env=False)
        with client, client.stream("GET", begin(client) + "/events") as answer:
            lines = answer.iter_lines()
            assert next(lines).startswith("retry")
            server.send_signal(signal.SIGINT)
            began = time.monotonic()
            list(lines)
        said = server.stderr.read()
        server.wait(10)
        assert time.monotonic() - began < 8
        assert "Traceback" not in said
        assert "shutdown complete" in said
    finally:
        server.kill()
        server.wait()
