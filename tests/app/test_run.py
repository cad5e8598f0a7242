"""`pestle run`: both servers come up, answer, and end together; what is in the way is one sentence."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from app.settings import Settings
from tests import made

START_WITHIN = 120.0  # seconds, on a busy machine; how fast it is `pestle bench serving` measures
END_WITHIN = 10.0


def free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return made.home_in(tmp_path_factory.mktemp("home"))


def start(settings: Settings, log: Path, api: int, ui: int, **more: str) -> subprocess.Popen[bytes]:
    environment = made.environment(settings, PESTLE_API_PORT=str(api), PESTLE_UI_PORT=str(ui), COLUMNS="500", **more)
    with log.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-c", "from app.cli import main; main()", "run"],
            cwd=made.ROOT,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def descendants(pid: int) -> set[int]:
    """The process's children and theirs, from /proc."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            rest = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if rest[0] != "Z":
            parents[int(path.parent.name)] = int(rest[1])
    found: set[int] = set()
    while more := {child for child, parent in parents.items() if parent in {pid, *found}} - found:
        found |= more
    return found


def servers(process: subprocess.Popen[bytes]) -> list[int]:
    lines = {pid: Path(f"/proc/{pid}/cmdline") for pid in descendants(process.pid)}
    return [
        pid
        for pid, line in lines.items()
        if line.exists() and re.search(rb"uvicorn.*create_app|streamlit\0run", line.read_bytes())
    ]


@contextmanager
def running(
    settings: Settings, log: Path, up: Callable[[subprocess.Popen[bytes]], bool]
) -> Iterator[tuple[subprocess.Popen[bytes], str, str]]:
    """`pestle run` as soon as it is `up`; at the end nothing of it is left, whatever the test found."""
    api, ui = free_ports()
    process = start(settings, log, api, ui)
    try:
        until = time.monotonic() + START_WITHIN
        while not up(process):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        yield process, f"http://127.0.0.1:{api}", f"http://127.0.0.1:{ui}"
    finally:
        left = descendants(process.pid)
        if process.poll() is None:
            process.kill()
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait(20)


def test_it_serves_and_ends(prepared: Settings, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with (
        running(prepared, log, lambda _: "Ctrl-C ends both" in log.read_text()) as (process, api, ui),
        httpx.Client(trust_env=False, timeout=30) as client,
    ):
        said = log.read_text()
        assert api in said
        assert ui in said
        assert len(re.findall(r"C-1000[123]", said)) == 3, "the three demo customers"

        assert client.get(f"{api}/readyz").status_code == 200
        conversation = client.post(f"{api}/v1/conversations").json()["conversation_id"]
        reply = client.post(
            f"{api}/v1/conversations/{conversation}/messages", json={"text": "How do I reset my password?"}
        ).json()
        assert reply["outcome"] == "answered"
        assert reply["citations"][0]["article_id"] == "reset-password"
        page = client.get(ui)
        assert page.status_code == 200
        assert "text/html" in page.headers["content-type"]

        children = descendants(process.pid)
        assert len(children) >= 2
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(END_WITHIN) == 0
        assert time.monotonic() - began < END_WITHIN
        assert not [
            pid
            for pid in children
            if Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        said = log.read_text()
        assert said.rstrip().endswith("Stopped.")
        assert "Traceback" not in said
        for address in (api, ui):
            with pytest.raises(httpx.TransportError):
                client.get(address)


def test_when_one_server_dies_the_other_ends_too(prepared: Settings, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running(prepared, log, lambda process: len(servers(process)) == 2) as (process, _, _):
        children = descendants(process.pid)
        uvicorn = next(pid for pid in servers(process) if b"uvicorn" in Path(f"/proc/{pid}/cmdline").read_bytes())
        os.kill(uvicorn, signal.SIGKILL)
        assert process.wait(END_WITHIN + 5) == 1
        assert not [
            pid
            for pid in children
            if Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        assert "Traceback" not in log.read_text()


def refused(settings: Settings, log: Path, api: int, ui: int, **more: str) -> str:
    process = start(settings, log, api, ui, **more)
    try:
        assert process.wait(60) == 1
    finally:
        if process.poll() is None:
            process.kill()
    said = log.read_text().strip()
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize("busy", ["PESTLE_API_PORT", "PESTLE_UI_PORT"])
def test_a_busy_port_is_named(prepared: Settings, tmp_path: Path, busy: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port, (other, _) = taken.getsockname()[1], free_ports()
        api, ui = (port, other) if busy == "PESTLE_API_PORT" else (other, port)
        said = refused(prepared, tmp_path / "log", api, ui)
    assert len(said.splitlines()) == 1
    assert str(port) in said
    assert busy in said


def test_a_home_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("I am a file")
    said = refused(Settings(home=tmp_path / "home", _env_file=None), tmp_path / "log", *free_ports())  # type: ignore[call-arg]
    assert len(said.splitlines()) == 1
    assert "PESTLE_HOME" in said


def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    said = refused(Settings(home=Path("/proc/pestle"), _env_file=None), tmp_path / "log", *free_ports())  # type: ignore[call-arg]
    assert len(said.splitlines()) == 1
    assert "PESTLE_HOME" in said


def test_a_full_disk(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full to stand for a full disk")
    home = tmp_path / "home"
    home.mkdir()
    (home / ".writable").symlink_to("/dev/full")
    said = refused(Settings(home=home, _env_file=None), tmp_path / "log", *free_ports())  # type: ignore[call-arg]
    assert len(said.splitlines()) == 1
    assert "free" in said
