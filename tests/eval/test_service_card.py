"""The service card says what a run measured, and stays in step with the run that was accepted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.settings import ROOT, Settings
from eval.accepted import BASELINE
from eval.report.stored import read
from eval.service_card import CARD, Measured, NoCompleteRun, accepted, card, figures, last_complete, write
from tests.eval.made_rows import Made, made_run

KNOWLEDGE = ROOT / "knowledge_base"


def measured(home: Path, made: Made) -> Measured:
    run = read(made_run(home, made))
    return Measured(run.info, run.summary)


@pytest.mark.skipif(not BASELINE.exists(), reason="no run has been accepted yet")
def test_the_card_is_in_step_with_the_baseline() -> None:
    kept = accepted()
    assert kept is not None
    assert figures(kept) in CARD.read_text(encoding="utf-8"), "the card is of another run; write it: pestle eval --card"


def test_it_says_what_was_measured(tmp_path: Path) -> None:
    said = card(measured(tmp_path, Made(each=60, failed=120)), KNOWLEDGE)
    assert "**300 of 420 cases right (71.4 %).**" in said
    assert "| fairness | 60 |" in said
    assert "| standard English | 7 |" in said
    assert "- Answers: " in said
    for heading in (
        "it is for",
        "it is not for",
        "Data",
        "Figures",
        "Known limits",
        "How to report a problem",
        "Versions",
    ):
        assert heading in said
    assert "20261125-1010-a1b2" in said


def test_what_was_not_measured_is_said(tmp_path: Path) -> None:
    said = card(measured(tmp_path, Made(each=4, failed=0, suites=("answers",))), KNOWLEDGE)
    assert "### Names, by origin\n\nNot measured in this run." in said
    nothing = figures(measured(tmp_path, Made(each=0, failed=0, id="none")))
    assert "**0 of 0 cases right (no cases).**" in nothing


def test_a_gap_that_is_no_chance_is_a_limit(tmp_path: Path) -> None:
    found = measured(tmp_path, Made(failed=0))
    gap = {"worst": "voice", "value": 0.12, "low": 0.05, "high": 0.2, "p": 0.01, "count": 65}
    made = Measured(found.run, {**found.summary, "gaps": {"dialect": {"right": gap}}})
    assert (
        "- Behind standard English, right answers: voice transcript, by 12.0 points (+5.0 to +20.0, 65 needs)."
        in card(made, KNOWLEDGE)
    )


def test_the_last_complete_run(tmp_path: Path) -> None:
    with pytest.raises(NoCompleteRun, match="pestle eval"):
        last_complete(tmp_path, ["answers"])
    made_run(tmp_path, Made(each=2, failed=0, id="part", suites=("answers",)))
    made_run(tmp_path, Made(each=2, failed=0, id="whole"))
    made_run(tmp_path, Made(each=2, failed=0, id="zz-unfinished", ended=False))
    quick = made_run(tmp_path, Made(each=2, failed=0, id="zz-quick"))
    info = json.loads((quick / "run.json").read_text())
    (quick / "run.json").write_text(json.dumps(info | {"options": {"quick": True}}))
    assert last_complete(tmp_path, ["answers", "access"]).run["id"] == "whole"


def test_it_is_written(tmp_path: Path) -> None:
    target = write(measured(tmp_path, Made()), Settings().knowledge, tmp_path / "card.md")
    assert target.read_text(encoding="utf-8").startswith("# Service card\n")
