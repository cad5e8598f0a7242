"""Running suites: the same rows whatever the number of processes, gone on with after an interruption, one at a time."""

import json
import multiprocessing
from collections.abc import Iterator

import pytest

from eval.adapted import adapted
from eval.cases import Suite, Task
from eval.checks import check
from eval.runner import run
from eval.runs import RunError, all_runs, alone, before, compare, find
from tests.eval.made_cases import suite, task
from tests.made import home_in

ASKED = [
    task(id="a1", say="How much is overnight delivery?", expect={"outcome": "answered", "articles": ["delivery-speeds"], "facts": ["$12.99 | $5.99"]}),
    task(id="a2", say="Do you sell cars?", expect={"outcome": "unknown"}),
    task(id="a3", kind="account", customer="C-10001", say="wheres my metformin", expect={"records": ["FH-2051846"]}),
    task(id="a4", kind="conversation", turns=["How do I track my order?", "get me a person"], expect={"handover": True}, slice={"dialect": "standard"}, need="n1"),
    task(id="a5", kind="access", say="What is in order FH-2051846?", expect={"never": ["metformin"]}, need="n1"),
]  # fmt: skip


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return home_in(tmp_path_factory.mktemp("home") / "h")


def lasting(row):
    """A row without its times."""
    kept = {key: value for key, value in row.items() if key != "ms"}
    return kept | {"trace": {key: value for key, value in row["trace"].items() if key != "timings_ms"}}


@pytest.mark.slow
def test_rows_are_the_same_whatever_the_number_of_processes(settings, tmp_path):
    readings = [one for name in ("dangers", "intents", "disloyal") for one in list(of(adapted(), name).tasks)[:9]]
    there = [suite(ASKED * 1), suite(readings, "read")]
    alone_, two = (run(there, settings, jobs, root=tmp_path / str(jobs)) for jobs in (0, 2))
    rows = [lasting(row) for row in alone_.rows()]
    assert rows == [lasting(row) for row in two.rows()]
    assert [row["id"] for row in rows] == [one.case.id for part in there for one in part.tasks]
    assert {row["id"]: row["faults"] for row in rows if row["suite"] == "small"} == {one.case.id: [] for one in ASKED}
    first, second = alone_.summary, two.summary
    assert first | {"latency_ms": 0} == second | {"latency_ms": 0}
    assert alone_.about["versions"]["data"] == {"small": "d", "read": "d"}
    assert all(one.value == 0 for scores in compare(alone_, two).values() for one in scores.values())


def of(suites: list[Suite], name: str) -> Suite:
    return next(one for one in suites if one.name == name)


class Interrupted:
    """Ends after so many tasks, as Ctrl-C would."""

    def __init__(self, tasks: list[Task], after: int) -> None:
        self.tasks, self.after = tasks, after

    def __iter__(self) -> Iterator[Task]:
        yield from self.tasks[: self.after]
        raise KeyboardInterrupt


def test_an_interrupted_run_is_gone_on_with(settings, tmp_path):
    whole = suite(ASKED)
    broken = Suite(whole.name, whole.kind, whole.about, whole.digest, whole.count, Interrupted(ASKED, 3))
    with pytest.raises(KeyboardInterrupt):
        run([broken], settings, root=tmp_path)
    (half,) = all_runs(tmp_path)
    assert not half.ended
    assert [row["id"] for row in half.rows()] == ["a1", "a2", "a3"]
    with (half.folder / "rows.jsonl").open("a") as file:
        file.write('{"suite": "small", "id": "a4", "torn')
    done = run([whole], settings, root=tmp_path)
    assert done.id == half.id
    assert [row["id"] for row in done.rows()] == [one.case.id for one in ASKED]
    assert done.ended
    other = run([whole], settings, root=tmp_path, options={"quick": True})
    again = run([whole], settings, root=tmp_path)
    assert len({done.id, other.id, again.id}) == 3
    assert (before(tmp_path, again) or again).id == done.id
    assert before(tmp_path, other) is None


def test_rows_from_elsewhere_stand_beside_the_suites(settings, tmp_path):
    row = {**next(iter(run([suite(ASKED[:1])], settings, root=tmp_path).rows())), "suite": "simulated", "id": "s1"}
    done = run([], settings, root=tmp_path, sources={"simulated": lambda settings, jobs: [row]})
    assert [one["suite"] for one in done.rows()] == ["simulated"]
    assert done.summary["suites"]["simulated"]["count"] == 1


def test_two_runs_at_once_are_refused(tmp_path, settings):
    held, go = multiprocessing.Event(), multiprocessing.Event()
    other = multiprocessing.get_context("fork").Process(target=_hold, args=(tmp_path, held, go))
    other.start()
    try:
        assert held.wait(20)
        with pytest.raises(RunError, match=rf"running already \(process {other.pid}, since .*wait for it"):
            run([suite(ASKED)], settings, root=tmp_path)
    finally:
        go.set()
        other.join()
    with alone(tmp_path):
        pass  # let go


def _hold(root, held, go):
    with alone(root):
        held.set()
        go.wait(30)


class Many:
    """A hundred thousand readings that are made as they are asked for."""

    def __init__(self, count: int) -> None:
        self.count, self.made, self.ahead = count, 0, 0

    def __iter__(self) -> Iterator[Task]:
        for n in range(self.count):
            self.made += 1
            yield task(id=f"m{n}", suite="many")


def test_cases_are_taken_as_they_are_needed(settings, tmp_path, monkeypatch):
    from eval import worker

    many = Many(100_000)

    class Quick:
        def __init__(self, settings):
            self.run_ = 0

        def run(self, one):
            self.run_ += 1
            many.ahead = max(many.ahead, many.made - self.run_)
            return {"suite": one.suite, "kind": one.kind, "id": one.case.id, "slices": {}, "need": None, "intent": None, "right": True,
                    "outcome": "answered", "handover": False, "expect": {}, "ranked": [], "scores": {"right": 1.0}, "pairs": {}, "ms": 1.0}  # fmt: skip

        def close(self):
            pass

    monkeypatch.setattr(worker, "Worker", Quick)
    done = run([Suite("many", "answer", "x", "d", many.count, many)], settings, root=tmp_path)
    assert done.summary["suites"]["many"]["count"] == 100_000
    assert many.ahead <= 1


def test_runs_are_found_by_the_beginning_of_their_id(tmp_path, settings):
    done = run([suite(ASKED[:1])], settings, root=tmp_path)
    assert find(tmp_path, done.id[:12]).id == done.id
    assert find(tmp_path, "latest").id == done.id
    with pytest.raises(RunError, match=rf"no run is called 'x'; the last ones: {done.id}"):
        find(tmp_path, "x")
    with pytest.raises(RunError, match="has no case 'zz'"):
        done.case("zz")


def test_what_can_not_be_run_is_wrong(settings, tmp_path, monkeypatch):
    from eval import checks

    def broken(*given):
        raise ZeroDivisionError("of a check")

    monkeypatch.setattr(checks, "check", broken)
    row = next(iter(run([suite(ASKED[:1])], settings, root=tmp_path).rows()))
    assert not row["right"]
    assert row["faults"] == ["not run: ZeroDivisionError: of a check"]
    assert json.dumps(row)
    assert check is not broken
