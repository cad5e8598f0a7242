from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.wiring import Wired, build
from rag.account.memory import MemoryAccountBook
from tests import made


@pytest.fixture(scope="session")
def wired(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wired]:
    """The whole assistant with nothing learnt, on the real articles and sixty generated customers."""
    built = build(made.home_in(tmp_path_factory.mktemp("home")), MemoryAccountBook.of(made.business()))
    yield built
    built.close()
