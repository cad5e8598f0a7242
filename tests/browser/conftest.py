"""The customer's page and the staff's in browsers of their own, over the real API with a scripted assistant."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.api.main import create_app
from app.settings import Settings
from tests.app.learning_side import WordWorkshop, settings_in
from tests.chromium import CHROMIUM, FLAGS, PATIENCE_MS
from tests.fakes import BookInMemory, ScriptedAssistant
from tests.served import served
from tests.ui.pages import served_pages

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@dataclass
class Shop:
    """The whole product on loopback ports; `assistant` answers what it is told to."""

    url: str
    settings: Settings
    assistant: ScriptedAssistant


@pytest.fixture
def shop(browser: Browser, tmp_path: Path) -> Iterator[Shop]:
    settings, assistant = settings_in(tmp_path), ScriptedAssistant()
    workshop = WordWorkshop(settings.knowledge / "articles")
    app = create_app(settings, assistant, book=BookInMemory("C-10001", "C-10002"), workshop=workshop)
    with served(app) as api, served_pages(api, tmp_path / "streamlit.log") as url:
        yield Shop(url, settings, assistant)


@pytest.fixture
def person(browser: Browser, shop: Shop) -> Iterator[Callable[..., Page]]:
    """A page in a browser of somebody's own: nothing is shared between two of them but the product."""
    others = []

    def opened(path: str = "/", width: int = 1280, height: int = 860) -> Page:
        own = browser.browser_type.launch(executable_path=CHROMIUM, args=FLAGS)
        others.append(own)
        page = own.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(PATIENCE_MS)
        page.goto(shop.url + path)
        return page

    yield opened
    for own in others:
        own.close()
