"""The pages' own server, as `pestle run` starts it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextmanager
def served_pages(api_url: str, log: Path) -> Iterator[str]:
    """The address of the pages, over the API at `api_url`."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app/ui/main.py"), "--server.port", str(port)]
    flags = ["--server.headless", "true", "--browser.gatherUsageStats", "false"]
    env = {**os.environ, "PESTLE_API_URL": api_url}
    with log.open("w") as out, subprocess.Popen(command + flags, cwd=ROOT, env=env, stdout=out, stderr=out) as page:
        try:
            _wait_until_up(f"http://127.0.0.1:{port}/_stcore/health", page, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            page.terminate()
            page.wait(10)


def _wait_until_up(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(url, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise RuntimeError(f"the page did not start:\n{log.read_text()}")
