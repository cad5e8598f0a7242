from __future__ import annotations

import pytest

from rag.account.business import Business
from rag.encoder import Encoder
from tests import made


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    return made.encoder()


@pytest.fixture(scope="session")
def sixty() -> Business:
    """Sixty customers of seed 3 on November 20, 2026."""
    return made.business()
