"""A real page in a real Chromium, against the fake API or, with PESTLE_TEST_UI_URL, against a running product."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.chromium import PATIENCE_MS
from tests.ui.fake_api import FakeApi, Served
from tests.ui.pages import free_port, served_pages

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@dataclass
class Product:
    """Where the page is, and the fake API behind it; None when it is the real product."""

    url: str
    api: Served | None


@pytest.fixture(scope="module")
def product(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    if url := os.environ.get("PESTLE_TEST_UI_URL"):
        yield Product(url.rstrip("/"), None)
        return
    api = Served(FakeApi(), free_port())
    api.start()
    log = tmp_path_factory.mktemp("ui") / "streamlit.log"
    with served_pages(f"http://127.0.0.1:{api.port}", log) as url:
        yield Product(url, api)
    api.stop()


@pytest.fixture
def api(product: Product) -> Iterator[Served]:
    """The fake API, for tests that need to break it or look behind it; up again afterwards."""
    if product.api is None:
        pytest.skip("needs the fake API; PESTLE_TEST_UI_URL points at a real product")
    yield product.api
    product.api.state.explain, product.api.state.delay_s = False, FakeApi.delay_s
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
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", lambda r: None if _inside(r.url, product.url) else outside.append(r.url))
        page.goto(product.url + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert outside == []


def _inside(url: str, product_url: str) -> bool:
    return url.startswith((product_url, product_url.replace("http", "ws", 1), "data:", "blob:"))
