"""Nothing leaves the machine by default: the product's main paths, with every attempt to reach outside recorded and refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests import made

GUARD = """
import socket, sys
LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")
tried = []

def outside(address):
    return isinstance(address, tuple) and not str(address[0]).startswith(LOOPBACK)

def watch(event, args):  # an audit hook sees what any library does through Python's sockets, and can't be taken off
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg") and outside(args[1]):
        tried.append((event, args[1]))
        raise OSError("outside addresses are blocked")
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr") and args[0] not in (None, "", b""):
        name = args[0].decode() if isinstance(args[0], bytes) else str(args[0])
        if not name.startswith(LOOPBACK) and name != "::":
            tried.append((event, name))
            raise OSError("outside names are blocked")

sys.addaudithook(watch)
try:
    socket.create_connection(("192.0.2.1", 80), 1)
except OSError:
    pass
assert len(tried) == 1, "the guard does not guard"
tried.clear()
"""

PATHS = """
import asyncio, datetime, os, pathlib, sys, threading
from tests import made
from app.settings import Settings
from app.wiring import build, load_encoder
from rag.ingest import ingest
from rag.turn import Message

home = pathlib.Path(sys.argv[1])
settings = Settings()
wired = build(settings)
for text, customer in (("How do I reset my password?", None), ("Where is my order?", "C-10002"), ("I took too many pills", None), ("", None)):
    assert wired.assistant.answer(Message(text, customer)).reply.text
wired.documents.sync(wired.book)
done = ingest(made.write_small(home / "articles"), home / "other", load_encoder(settings))
assert done.changed

from starlette.testclient import TestClient
from app.api.main import create_app
wired.close()
with TestClient(create_app(settings)) as client:
    key = client.post("/v1/conversations").json()["conversation_id"]
    reply = client.post(f"/v1/conversations/{key}/messages", json={"text": "How do I reset my password?"}).json()
    assert reply["outcome"] == "answered", reply
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json", "/v1/demo/customers"):
        assert client.get(path).status_code == 200, path

from guardrails import Guard
from rails.output import OutputRail
assert OutputRail().check("It is free.", ["It is free."]).ok

from langchain_core.runnables import RunnableLambda
assert (RunnableLambda(lambda x: x + 1) | RunnableLambda(lambda x: x * 2)).invoke(1) == 4

import streamlit
from streamlit.testing.v1 import AppTest
AppTest.from_string("import streamlit as st; st.write('hello')").run()
import streamlit.web.bootstrap

for thread in threading.enumerate():  # telemetry likes to wait a moment
    if thread is not threading.current_thread() and not thread.daemon:
        thread.join(3)
import time
time.sleep(1)
import atexit
atexit._run_exitfuncs()
print("tried:", tried)
assert tried == [], tried
"""


def test_the_main_paths_reach_nothing_outside(tmp_path: Path) -> None:
    """Even where the machine's environment asks LangSmith to trace: customers' messages are nobody else's."""
    settings = made.home_in(tmp_path / "home")
    asked = {"LANGSMITH_TRACING": "true", "LANGCHAIN_TRACING_V2": "true", "LANGSMITH_API_KEY": "lsv2_made_up"}
    environment = made.environment(settings, STREAMLIT_BROWSER_GATHER_USAGE_STATS="false", **asked)
    for name in (
        "HF_HUB_OFFLINE",
        "TRANSFORMERS_OFFLINE",
        "ANONYMIZED_TELEMETRY",
        "DO_NOT_TRACK",
        "http_proxy",
        "https_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
    ):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-c", GUARD + PATHS, str(tmp_path)],
        cwd=made.ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert "tried: []" in done.stdout
