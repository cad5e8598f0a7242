"""One Chromium for all tests of a file: while playwright is up, the thread has a running loop that no other test should find."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

PATIENCE_MS = 30_000
CHROMIUM = os.environ.get("PESTLE_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-background-networking"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM:
        why = "no Chromium on this machine; install the package chromium or set PESTLE_CHROMIUM"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def until_seen(act: Callable[[], object], seen: Locator, times: int = 4) -> None:
    """Does something that may be done twice, until its effect is seen: a page that is just being drawn again loses a key."""
    from playwright.sync_api import TimeoutError, expect

    for _ in range(times - 1):
        act()
        try:
            seen.first.wait_for(state="visible", timeout=PATIENCE_MS / 4)
        except TimeoutError:
            continue
        return
    act()
    expect(seen.first).to_be_visible()
