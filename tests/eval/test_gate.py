"""The quick part of all suites through the gates: what `pestle eval --quick --gate` does."""

import os

import pytest

from eval.accepted import read_accepted
from eval.adapted import adapted
from eval.cases import read_suites
from eval.gates import judge, read_gates
from eval.known import Known
from eval.quick import quick
from eval.runner import run
from tests.made import KNOWLEDGE, home_in

JOBS = min(2, os.cpu_count() or 1)


@pytest.mark.slow
def test_the_gates_hold(tmp_path):
    settings = home_in(tmp_path / "home")
    suites = quick([*read_suites(Known.of(KNOWLEDGE)), *adapted()])
    assert all(suite.count for suite in suites)
    done = run(suites, settings, JOBS, {"quick": True})
    verdicts = judge(read_gates(), done.rows(), done.summary, read_accepted(), quick=True)
    fell = [f"{verdict.name} ({verdict.says})" for verdict in verdicts if not verdict.held]
    assert not fell, "\n".join(["these gates fell:", *fell])
