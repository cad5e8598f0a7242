"""A real page in a real Chromium, against the fake API or, with PESTLE_TEST_UI_URL, against a running product."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.ui.fake_api import FakeApi, Served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("PESTLE_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@dataclass
class Product:
    """Where the page is, and the fake API behind it; None when it is the real product."""

    url: str
    api: Served | None


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM:
        why = "no Chromium on this machine; install the package chromium or set PESTLE_CHROMIUM"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=15_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def product(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    if url := os.environ.get("PESTLE_TEST_UI_URL"):
        yield Product(url.rstrip("/"), None)
        return
    api = Served(FakeApi(), free_port())
    api.start()
    port = free_port()
    log = tmp_path_factory.mktemp("ui") / "streamlit.log"
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app/ui/main.py"), "--server.port", str(port)]
    flags = ["--server.headless", "true", "--browser.gatherUsageStats", "false"]
    env = {**os.environ, "PESTLE_API_URL": f"http://127.0.0.1:{api.port}"}
    with log.open("w") as out, subprocess.Popen(command + flags, cwd=ROOT, env=env, stdout=out, stderr=out) as page:
        try:
            _wait_until_up(f"http://127.0.0.1:{port}/_stcore/health", page, log)
            yield Product(f"http://127.0.0.1:{port}", api)
        finally:
            page.terminate()
            page.wait(10)
            api.stop()


@pytest.fixture
def api(product: Product) -> Iterator[Served]:
    """The fake API, for tests that need to break it or look behind it; up again afterwards."""
    if product.api is None:
        pytest.skip("needs the fake API; PESTLE_TEST_UI_URL points at a real product")
    yield product.api
    product.api.state.explain = False
    if not product.api.up:
        product.api.start()


@pytest.fixture
def open_page(browser: Browser, product: Product) -> Iterator[Callable[..., Page]]:
    """Opens the page as a new visitor. Any request that leaves the machine fails the test at its end."""
    outside: list[str] = []
    contexts = []

    def opened(path: str = "/", width: int = 1200, height: int = 850, scheme: str = "light") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,  # type: ignore[arg-type]
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("request", lambda r: None if _inside(r.url, product.url) else outside.append(r.url))
        page.goto(product.url + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert outside == []


def _inside(url: str, product_url: str) -> bool:
    return url.startswith((product_url, product_url.replace("http", "ws", 1), "data:", "blob:"))


def _wait_until_up(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(url, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise RuntimeError(f"the page did not start:\n{log.read_text()}")
