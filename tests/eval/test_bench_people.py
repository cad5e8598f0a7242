"""The bench of many people at once, with few of them for a moment; how fast they were served is not looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.bench_people import people
from eval.crowd import Pace
from tests import made


@pytest.mark.slow
def test_five_customers_and_an_agent(tmp_path: Path) -> None:
    settings = made.home_in(tmp_path / "home")
    before = sorted(path.name for path in settings.home.iterdir())
    failed, to_customer, to_agent, turns, left, twice = people(
        settings, customers=5, agents=1, seconds=3, pace=Pace(think=(0.1, 0.3), type=(0.1, 0.2), person=1.0)
    )
    assert failed.reached, failed
    assert left.reached, left
    assert twice.reached, twice
    assert all(figure.value.endswith(" s") for figure in (to_customer, to_agent, turns))
    assert sorted(path.name for path in settings.home.iterdir()) == before
