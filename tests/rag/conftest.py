from __future__ import annotations

from pathlib import Path

import pytest

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
