"""Gates hold or fall by name; nothing to go by is never a pass."""

import json

import pytest

from eval.accepted import Accepted, accept, read_accepted
from eval.gates import FILE, GateErrors, judge, missing_suites, read_gates
from eval.runs import Run
from eval.summary import summarise


def row(case, right=True, suite="answers", **more):
    plain = {"suite": suite, "kind": "answer", "id": case, "slices": {}, "need": None, "intent": None, "right": right,
             "outcome": "answered", "handover": False, "expect": {}, "ranked": [], "scores": {"right": float(right)}, "pairs": {}, "ms": 9.0}  # fmt: skip
    return plain | more


def gates(**parts):
    return FILE.validate_python({"figures": [{"suite": "answers", "metric": "right", "at_least": 0.9}], **parts})


def verdicts(rows, file, right=None, quick=False):
    accepted = None if right is None else Accepted("then", right)
    return {v.name: v for v in judge(file, rows, summarise(rows), accepted, quick)}


def test_a_figure_holds_or_falls():
    rows = [row(f"c{n}", n < 8) for n in range(10)]
    found = verdicts(rows, gates(), {r["id"]: float(r["right"]) for r in rows})
    assert found["answers: right"].held is False
    assert found["answers: right"].says == "0.800 of 10, at least 0.9"
    assert found["answers: against the baseline"].held
    looser = gates(figures=[{"suite": "answers", "metric": "right", "at_least": 0.9, "quick": 0.8}])
    assert verdicts(rows, looser, {"c1": 1.0}, quick=True)["answers: right"].held
    assert "answers: right" not in verdicts(rows, gates(figures=[{"suite": "answers", "metric": "right", "at_least": 0.9, "quick": "off"}]), {"c1": 1.0}, quick=True)  # fmt: skip


def test_a_metric_without_cases_is_no_pass():
    file = gates(
        figures=[{"suite": "answers", "metric": "facts", "at_least": 0}, {"slice": "dialect=indian", "metric": "right", "at_least": 0}],
        gaps=[{"slice": "dialect", "suites": "ans", "metric": "right", "at_most": 1}],
    )  # fmt: skip
    found = verdicts([row("c1")], file, {"c1": 1.0})
    names = ("answers: facts", "dialect=indian: right", "worst dialect: right")
    assert [(found[name].held, found[name].says) for name in names] == [(None, "no cases")] * 3
    (missing,) = missing_suites(gates(), {"suites": {"tone": {}}})
    assert missing.held is None
    assert verdicts([], gates(), {"c1": 1.0})["baseline"].held is None


def test_without_an_accepted_run_nothing_passes():
    assert verdicts([row("c1")], gates())["baseline"].held is None
    assert verdicts([row("c1")], gates(), {"other": 1.0})["baseline"].held is None


def test_the_gap_of_a_slice_is_measured_need_by_need():
    rows = [
        row(f"{name}{n}", not (name == "indian" and n < 3), "fairness_a", slices={"dialect": name}, need=f"n{n}")
        for name in ("standard", "indian", "terse") for n in range(10)
    ]  # fmt: skip
    file = gates(gaps=[{"slice": "dialect", "suites": "fairness", "metric": "right", "at_most": 0.04}])
    found = verdicts(rows, file, {r["id"]: float(r["right"]) for r in rows})
    assert found["worst dialect: right"].held is False
    assert "indian is +0.300 behind over 10 needs" in found["worst dialect: right"].says
    assert "answers: right" not in found


def test_a_suite_that_is_worse_than_the_baseline_falls_and_chance_does_not():
    then = {f"c{n}": 1.0 for n in range(100)}
    worse = [row(f"c{n}", n >= 10) for n in range(100)]
    chance = [row(f"c{n}", n >= 2) for n in range(100)]
    assert verdicts(worse, gates(), then)["answers: against the baseline"].held is False
    assert verdicts(chance, gates(), then)["answers: against the baseline"].held


def test_an_article_or_intent_that_got_lost_is_named():
    rows = [row(f"c{n}", n >= 3, expect={"articles": ["track-order" if n < 3 else "other"]}) for n in range(300)]
    rows += [row(f"i{n}", n >= 3, "intents", intent="payment" if n < 4 else "stock") for n in range(300)]
    found = verdicts(rows, gates(), {r["id"]: 1.0 for r in rows})
    assert found["article track-order"].held is False
    assert found["article track-order"].says == "0% right, 100% in the baseline, 3 cases"
    assert found["intent payment in intents"].held is False
    assert found["answers: against the baseline"].held


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("figures:\n- {suite: a, metric: right}\n", ":2: figures: Value error, a figure needs suite or slice"),
        ("figures:\n- {suite: a, metric: right, at_least: 1, at_most: 1}\n", ":2:"),
        ("figures:\n- {suite: a, metric: right, atleast: 1}\n", "atleast"),
        ("figures: []\n", ":1:"),
    ],
)
def test_a_mistake_in_the_gates_is_told_with_its_line(tmp_path, text, said):
    path = tmp_path / "gates.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(GateErrors) as caught:
        read_gates(path)
    assert said in str(caught.value)


def test_our_gates_name_suites_and_metrics_that_there_are():
    from eval.adapted import adapted
    from eval.cases import suite_files

    there = {suite.name for suite in adapted()} | {path.stem for path in suite_files()} | {"simulated"}
    assert {gate.suite for gate in read_gates().figures if gate.suite} <= there


def test_an_accepted_run_is_kept_and_read(tmp_path):
    rows = [row("c1"), row("c2", False)]
    run = Run(tmp_path)
    run.keep("run.json", {"id": "r1", "began": "b", "ended": "e", "suites": ["answers"], "versions": {"code": "x"}})
    run.keep("summary.json", summarise(rows))
    (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(r)}\n" for r in rows), encoding="utf-8")
    accept(run, tmp_path / "kept.json")
    assert read_accepted(tmp_path / "kept.json") == Accepted("r1", {"c1": 1.0, "c2": 0.0})
    assert read_accepted(tmp_path / "none.json") is None
