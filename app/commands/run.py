"""`pestle run`: set up what is missing, then serve the API and the web pages until Ctrl-C."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from types import FrameType
from typing import NoReturn

import httpx
import typer
from rich.console import Console

from app.prepared import is_prepared
from app.settings import ROOT, Settings

READY_WITHIN = 60.0  # seconds
GRACE = 8.0


def run() -> None:
    """Set up what is missing, then serve until Ctrl-C."""
    settings, console = Settings(), Console(highlight=False, soft_wrap=True)
    for port, name in ((settings.api_port, "PESTLE_API_PORT"), (settings.ui_port, "PESTLE_UI_PORT")):
        if _busy(settings.api_host, port):
            _stop(console, f"Port {port} is in use; stop the program that uses it, or set {name} to a free port.")
    if not is_prepared(settings):
        try:
            made = subprocess.run([sys.executable, "-m", "app.cli", "setup"], check=False)
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        if made.returncode:
            raise typer.Exit(made.returncode)
    serve(settings, console)


def serve(settings: Settings, console: Console) -> None:
    """Both servers as child processes; when one ends, or on Ctrl-C, the other ends too."""
    stopping = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    api = f"http://{settings.api_host}:{settings.api_port}"
    children = [
        _start(
            [
                sys.executable,
                "-m",
                "uvicorn",
                "--factory",
                "app.api.main:create_app",
                "--host",
                settings.api_host,
                "--port",
                str(settings.api_port),
                "--no-access-log",
                "--log-level",
                "warning",
            ],
            {},
        ),
        _start(
            [
                sys.executable,
                "-m",
                "streamlit",
                "run",
                str(ROOT / "app" / "ui" / "main.py"),
                "--server.address",
                settings.api_host,
                "--server.port",
                str(settings.ui_port),
                "--server.headless",
                "true",
                "--browser.gatherUsageStats",
                "false",
                "--client.toolbarMode",
                "minimal",
                "--server.fileWatcherType",
                "none",
                "--logger.level",
                "warning",
            ],
            {"PESTLE_API_URL": api},
        ),
    ]
    try:
        ready = _wait_until_ready(api, children, lambda: stopping)
        if ready:
            _welcome(settings, console, api)
        elif not stopping and all(child.poll() is None for child in children):
            console.print(
                f"The API is not ready after {READY_WITHIN:.0f} s; it is still starting, or this machine is very busy."
            )
        while not stopping and all(child.poll() is None for child in children):
            time.sleep(0.1)
        failed = not stopping
    finally:
        _end(children)
    if failed:
        _stop(console, "A server ended by itself; its last lines above say why.")
    console.print("Stopped.")


def _start(command: list[str], extra: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, env={**os.environ, **extra}, start_new_session=True, stdin=subprocess.DEVNULL)


def _wait_until_ready(api: str, children: list[subprocess.Popen[bytes]], stopping: object) -> bool:
    assert callable(stopping)
    until = time.monotonic() + READY_WITHIN
    while time.monotonic() < until and not stopping() and all(child.poll() is None for child in children):
        try:
            if httpx.get(f"{api}/readyz", timeout=1.0, trust_env=False).status_code == 200:
                return True
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    return False


def _welcome(settings: Settings, console: Console, api: str) -> None:
    console.print(
        f"\nChat  http://{settings.api_host}:{settings.ui_port}\nDesk  http://{settings.api_host}:{settings.ui_port}/desk"
        f"\nAPI   {api}  (its description: {api}/openapi.json)"
    )
    if settings.demo:
        try:
            found = httpx.get(f"{api}/v1/demo/customers", timeout=5.0, trust_env=False).json()["customers"]
        except (httpx.HTTPError, KeyError, ValueError):
            found = []
        for customer in found:
            console.print(f"Demo  {customer['id']}  {customer['name']}: {customer['about']}")
    console.print("Ctrl-C ends both.")


def _end(children: list[subprocess.Popen[bytes]]) -> None:
    for child in children:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
    until = time.monotonic() + GRACE
    for child in children:
        try:
            child.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _busy(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def _stop(console: Console, sentence: str) -> NoReturn:
    console.print(sentence)
    raise typer.Exit(1)
