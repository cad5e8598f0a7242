from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.wiring import Wired, build
from rag.account.memory import MemoryAccountBook
from rag.assistant import Assistant
from rag.encoder import Encoder
from tests import made


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return made.encoder()


@pytest.fixture
def articles(tmp_path: Path) -> Path:
    """A folder of seven articles, for the test alone."""
    return made.write_small(tmp_path / "articles")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "knowledge"


@pytest.fixture(scope="session")
def wired(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wired]:
    """The whole assistant as the product wires it, on the real articles and sixty generated customers."""
    settings = made.home_in(tmp_path_factory.mktemp("home"))
    built = build(settings, MemoryAccountBook.of(made.business()))
    yield built
    built.close()


@pytest.fixture(scope="session")
def assistant(wired: Wired) -> Assistant:
    return wired.assistant
