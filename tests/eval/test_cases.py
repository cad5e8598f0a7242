"""Case files are read strictly: each mistake with file and line, and nothing is run from a file with one."""

import json

import jsonschema
import pytest
import yaml

from eval.cases import FILE, SCHEMA, CaseErrors, chosen, read_suites, schema, suite_files, tasks_of
from eval.questions import SUITES
from eval.quick import quick
from rails.strict_yaml import Loader
from tests.eval.made_cases import KNOWN, suite, task, written


@pytest.mark.parametrize(
    ("case", "line", "said"),
    [
        ("- {id: a, say: hi, expect: {outcom: answered}}", 5, "outcom"),
        ("- {id: a, say: hi, expect: {outcome: answerd}}", 5, "outcome"),
        ("- id: a\n  say: hi\n  expect:\n    articles: [gone]", 5, "no article 'gone'"),
        ("- {id: a, say: hi, customer: C-99999, expect: {outcome: answered}}", 5, "no customer 'C-99999'"),
        ("- {id: a, say: hi, customer: C-10001, expect: {records: [FH-0000000]}}", 5, "no record 'FH-0000000'"),
        ("- {id: a, say: hi, customer: C-10001, expect: {records: [FH-3184410]}}", 5, "not a record of C-10001"),
        ("- {id: a, say: hi, intent: none_such, expect: {outcome: answered}}", 5, "no intent 'none_such'"),
        ("- {id: a, say: hi, expect: {facts: ['$5.99'], never: ['$5.99']}}", 5, "must appear and must never appear"),
        ("- {id: a, say: hi, expect: {facts: ['two | 2  days'], never: [2 Days]}}", 5, "must never appear"),
        ("- {id: a, say: hi, expect: {outcome: unknown, articles: [track-order]}}", 5, "take one of the two out"),
        ("- {id: a, say: hi, expect: {outcome: handover, handover: false}}", 5, "can't be false"),
        ("- {id: a, say: hi, expect: {handover: true, actions: []}}", 5, "do not allow handover"),
        ("- {id: a, say: hi, expect: {records: [FH-3184410]}}", 5, "name the customer"),
        ("- {id: a, say: hi}", 5, "expects nothing"),
        ("- {id: a, say: hi, expect: {}}", 5, "expects nothing"),
        ("- {id: a, say: hi, turns: [ho], expect: {outcome: answered}}", 5, "not both"),
        ("- {id: a, expect: {outcome: answered}}", 5, "say or turns"),
        ("- {id: a, turns: [{say: hi, expect: {outcome: answered}}], expect: {outcome: answered}}", 5, "keep one"),
        ("- {id: a, say: hi, expect: {facts: [5.99]}}", 5, "string"),
        ("- {id: a, say: hi, expect: {outcome: answered}}\n- {id: a, say: ho, expect: {outcome: answered}}", 6, "used already"),
        ("- {id: a, say: 'hi, expect: {}}", None, ""),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_file_and_line(tmp_path, case, line, said):
    path = written(tmp_path, case + "\n")
    with pytest.raises(CaseErrors) as caught:
        read_suites(KNOWN, tmp_path)
    assert str(caught.value).startswith(f"{path}:{line or ''}")
    assert said in str(caught.value)


def test_ids_are_unique_over_all_files(tmp_path):
    written(tmp_path, "- {id: a, say: hi, expect: {outcome: answered}}\n", "one.yaml")
    written(tmp_path, "- {id: a, say: hi, expect: {outcome: answered}}\n", "two.yaml")
    with pytest.raises(CaseErrors, match=r"two.yaml:5: id 'a' is used already, in one.yaml \(case 1\)"):
        read_suites(KNOWN, tmp_path)


def test_mistakes_of_all_files_are_told_at_once(tmp_path):
    written(tmp_path, "- {id: a, say: hi}\n", "one.yaml")
    written(tmp_path, "- {id: b, say: hi}\n", "two.yaml")
    with pytest.raises(CaseErrors) as caught:
        read_suites(KNOWN, tmp_path)
    assert len(caught.value.mistakes) == 2


def test_a_case_of_several_turns(tmp_path):
    written(
        tmp_path,
        "- id: a\n  turns: [hi, {say: ho, expect: {outcome: clarify}}, hey]\n  expect: {articles: [track-order]}\n",
    )
    (found,) = read_suites(KNOWN, tmp_path)
    (one,) = found.tasks
    assert one.case.said == ("hi", "ho", "hey")
    assert [place for place, _ in one.case.expected] == [1, 2]
    assert one.case.final is not None
    assert one.case.final.articles == ["track-order"]
    assert (one.today.isoformat(), one.seed) == ("2026-11-20", 11)


def test_suites_are_chosen_by_name_or_its_beginning():
    there = [suite([], name) for name in ("fairness_a", "fairness_b", "tone")]
    assert [one.name for one in chosen(there, ["fairness"])] == ["fairness_a", "fairness_b"]
    assert chosen(there, []) == there
    with pytest.raises(ValueError, match="no suite 'fair'; there are fairness_a, fairness_b, tone"):
        chosen(there, ["fair"])


def test_the_schema_is_in_step():
    assert SCHEMA.read_text(encoding="utf-8") == schema(), "run `python -m eval.cases`"


@pytest.mark.parametrize("path", suite_files(), ids=lambda path: path.name)
def test_our_suites_fit_the_schema(path):
    data = json.loads(json.dumps(yaml.load(path.read_text(encoding="utf-8"), Loader), default=str))
    jsonschema.validate(data, json.loads(schema()))


def test_our_suites_can_be_read():
    from app.settings import Settings
    from eval.known import Known

    suites = read_suites(Known.of(Settings().knowledge), SUITES)
    assert all(suite.count for suite in suites)


def test_the_quick_part_is_fixed_and_keeps_needs_whole():
    tasks = [task(id=f"c{n}", need=f"n{n // 4}") for n in range(200)]
    (part,) = quick([suite(tasks)])
    assert 50 <= part.count <= 54
    kept = {one.case.id for one in part.tasks}
    for need in {one.case.need for one in part.tasks}:
        assert {one.case.id for one in tasks if one.case.need == need} <= kept
    (more,) = quick([suite([*tasks, *(task(id=f"d{n}", need=f"m{n}") for n in range(4))])])
    assert len(kept & {one.case.id for one in more.tasks}) >= 45


def test_tasks_of_a_file_take_its_day_and_seed():
    file = FILE.validate_python(
        {"suite": "s", "kind": "answer", "about": "x", "seed": 3, "cases": [{"id": "a", "say": "hi", "expect": {"outcome": "answered"}}]}
    )  # fmt: skip
    assert tasks_of(file)[0].seed == 3
