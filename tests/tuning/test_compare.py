"""A candidate against what serves: what is better, what is worse, which gates fall for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from app.settings import Settings
from app.tuning.promotion import Promotion, Refused
from app.tuning.serving import ServingFile
from eval import compared as module
from eval.accepted import Accepted
from eval.cases import Suite
from eval.compared import compared, verdict
from eval.gates import FILE, GateFile
from eval.runner import dumped
from eval.runs import Run
from eval.summary import summarise
from tests.eval.test_gates import row
from tests.tuning.made import candidate

GATES: GateFile = FILE.validate_python({"figures": [{"suite": "answers", "metric": "right", "at_least": 0.9}]})
COUNT = 60


def run(folder: Path, wrong: Sequence[int], **about: Any) -> Run:
    """A complete run of sixty cases, right but for these."""
    made = Run(folder)
    made.folder.mkdir(parents=True)
    rows = [row(f"c{n}", n not in wrong) for n in range(COUNT)]
    with (made.folder / "rows.jsonl").open("w") as file:
        file.writelines(f"{dumped(one)}\n" for one in rows)
    made.keep("summary.json", summarise(iter(rows)))
    made.keep("run.json", {"id": made.id, "began": folder.name, "ended": "now", **about})
    return made


def accepted(wrong: Sequence[int] = ()) -> Accepted:
    return Accepted("then", {f"c{n}": float(n not in wrong) for n in range(COUNT)})


def test_what_is_better_beyond_chance_is_a_gain(tmp_path: Path) -> None:
    then, now = run(tmp_path / "r1", range(12)), run(tmp_path / "r2", range(2))
    found = verdict(then, now, {}, GATES, accepted(range(12)))
    ((gain,), losses) = (found.gains, found.losses)
    assert (gain.suite, gain.metric, gain.count, losses, found.gates) == ("answers", "right", COUNT, (), ())
    assert gain.low > 0.05
    assert (found.run, found.before, found.cases) == ("r2", "r1", COUNT)
    assert found.right[0] == pytest.approx(10 / COUNT)


def test_a_gate_that_falls_for_the_candidate_bars_it_and_one_that_falls_anyway_does_not(tmp_path: Path) -> None:
    then, now = run(tmp_path / "r1", range(2)), run(tmp_path / "r2", range(14))
    found = verdict(then, now, {}, GATES, accepted())
    assert [gate.partition(":")[0] for gate in found.gates] == ["answers", "answers", "answers"]
    assert sum("against what serves" in gate for gate in found.gates) == 1
    assert [loss.metric for loss in found.losses] == ["right"]
    anyway = verdict(now, run(tmp_path / "r3", range(13)), {}, GATES, accepted())
    assert (anyway.gates, anyway.told) == ((), ("answers: right", "answers: against the baseline"))


def test_the_same_has_no_difference(tmp_path: Path) -> None:
    found = verdict(run(tmp_path / "r1", [1]), run(tmp_path / "r2", [1]), {}, GATES, accepted([1]))
    assert (found.gains, found.losses, found.gates, found.right[0]) == ((), (), (), 0.0)


def test_each_runs_with_what_it_is_about_and_a_known_run_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = candidate(tmp_path), candidate(tmp_path, "routing", minute=1)
    settings = Settings(home=tmp_path, _env_file=None)  # type: ignore[call-arg]
    ServingFile(settings.serving_file).promote(two)
    ran: list[dict[str, str]] = []

    def versions(settings: Settings, suites: Sequence[Suite]) -> dict[str, Any]:
        return {"learnt": ServingFile(settings.serving_file).read().learnt}

    def runs(suites: Sequence[Suite], settings: Settings, jobs: int, options: dict[str, Any], console: object) -> Run:
        made = versions(settings, suites)
        ran.append(made["learnt"])
        folder = tmp_path / "eval" / f"r{len(ran)}"
        return run(folder, range(20 * ("rephrasing" in made["learnt"])), suites=[], versions=made, options=options)

    monkeypatch.setattr(module, "versions", versions)
    monkeypatch.setattr(module, "read_gates", lambda: GATES)
    monkeypatch.setattr(module, "read_accepted", accepted)
    found = compared(one, settings, suites=[], runs=runs)
    assert ran == [{"routing": two.id}, {"routing": two.id, "rephrasing": one.id}]
    assert found.against == {"routing": two.id}
    assert found.gates
    assert compared(one, settings, suites=[], runs=runs) == found
    assert ran[2:] == []
    assert compared(two, settings, suites=[], runs=runs).against == {}
    assert ran[2:] == [{}]
    assert ServingFile(settings.serving_file).read().learnt == {"routing": two.id}
    with pytest.raises(Refused, match="has not been compared"):
        Promotion(tmp_path, settings.serving_file).promote(one.id)
