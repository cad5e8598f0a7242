from __future__ import annotations

import datetime as dt
import multiprocessing
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.tuning.candidates import Candidates
from app.tuning.serving import MOST_HISTORY, NOTHING, ServingError, ServingFile, Trial
from tests.tuning.made import candidate

PROMOTE = """
import os, sys
from pathlib import Path
steps, home, name, what = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]
done = 0

def dying(call):
    def step(*args, **named):
        global done
        if done == steps:
            os._exit(9)  # the power is gone: nothing is cleaned up
        done += 1
        return call(*args, **named)
    return step

import pathlib
import app.tuning.candidates
from app.tuning.candidates import Candidates
from app.tuning.serving import ServingFile
one = Candidates(home).get(name)
os.fsync, os.replace, os.open = dying(os.fsync), dying(os.replace), dying(os.open)
pathlib.Path.open, pathlib.Path.unlink = dying(pathlib.Path.open), dying(pathlib.Path.unlink)
file = ServingFile(home / "serving.json")
file.promote(one) if what == "promote" else file.rollback()
"""


@pytest.fixture
def file(tmp_path: Path) -> ServingFile:
    return ServingFile(tmp_path / "serving.json")


def test_promoting_and_the_way_back(tmp_path: Path, file: ServingFile) -> None:
    one, two, three = candidate(tmp_path), candidate(tmp_path, minute=1), candidate(tmp_path, "ranking", minute=2)
    assert file.read() == NOTHING
    file.promote(one)
    file.promote(two)
    file.promote(three)
    assert file.read().learnt == {"rephrasing": two.id, "ranking": three.id}
    before, after = file.rollback()
    assert before.learnt == {"rephrasing": two.id, "ranking": three.id}
    assert after.learnt == {"rephrasing": two.id}
    assert file.rollback()[1].learnt == {"rephrasing": one.id}
    assert file.rollback()[1].learnt == {}
    with pytest.raises(ServingError, match="nothing to go back to"):
        file.rollback()


def test_the_same_again_changes_nothing_and_the_history_ends(tmp_path: Path, file: ServingFile) -> None:
    several = [candidate(tmp_path, minute=n) for n in range(3)]
    first = file.promote(several[0])
    assert file.promote(several[0]) == first
    for n in range(30):
        file.promote(several[n % 3])
    assert len(file.read().history) == MOST_HISTORY


def test_what_is_dropped_never_comes_back(tmp_path: Path, file: ServingFile) -> None:
    one, two = candidate(tmp_path), candidate(tmp_path, minute=1)
    file.promote(one)
    file.promote(two)
    file.try_out(Trial(id=one.id, mode="shadow", since=dt.datetime(2026, 11, 20, tzinfo=dt.UTC)))
    file.drop(one.id)
    serving = file.read()
    assert serving.learnt == {"rephrasing": two.id}
    assert serving.trial is None
    assert file.rollback()[1].learnt == {}
    file.promote(two)
    assert file.drop(two.id).learnt == {}
    with pytest.raises(ServingError, match="nothing to go back to"):  # each step back would change nothing
        file.rollback()


@pytest.mark.parametrize("text", ["", "{", '{"routing": 3}', '{"speech": null}', "[]"])
def test_a_broken_pointer_is_one_sentence(file: ServingFile, text: str) -> None:
    file.path.write_text(text)
    with pytest.raises(ServingError, match=r"serving\.json can't be used"):
        file.read()


@pytest.mark.slow
@pytest.mark.parametrize("what", ["promote", "rollback"])
def test_power_lost_at_any_step_leaves_the_old_or_the_new(tmp_path: Path, file: ServingFile, what: str) -> None:
    """Killed before each call that touches the disk, one after the other, until one run comes through."""
    one, two = candidate(tmp_path), candidate(tmp_path, minute=1)
    file.promote(one)
    old = file.path.read_bytes()
    wanted = {"rephrasing": two.id} if what == "promote" else {}
    seen = []
    for step in range(30):
        file.path.write_bytes(old)
        ended = subprocess.run([sys.executable, "-c", PROMOTE, str(step), str(tmp_path), two.id, what], check=False)
        seen.append(file.read().learnt)
        assert seen[-1] in ({"rephrasing": one.id}, wanted)
        assert Candidates(tmp_path).get(one.id).check()
        if ended.returncode == 0:
            break
        assert ended.returncode == 9
    assert len(seen) > 5
    assert seen[0] == {"rephrasing": one.id}
    assert seen[-1] == wanted
    file.path.write_bytes(old)
    assert file.promote(two).learnt == {"rephrasing": two.id}  # what was left lying about harms nothing


def _promote_often(path: Path, home: Path, ids: list[str]) -> None:
    for n in range(20):
        ServingFile(path).promote(Candidates(home).get(ids[n % len(ids)]))


@pytest.mark.slow
def test_readers_always_find_a_whole_file(tmp_path: Path, file: ServingFile) -> None:
    ids = [candidate(tmp_path, minute=n).id for n in range(3)]
    file.promote(Candidates(tmp_path).get(ids[0]))
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_promote_often, args=(file.path, tmp_path, ids[n:] + ids[:n])) for n in range(2)]
    for writer in writers:
        writer.start()
    reads = 0
    while any(writer.is_alive() for writer in writers):
        assert set(file.read().learnt.values()) <= set(ids)
        reads += 1
        time.sleep(0.001)
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert reads > 10
    assert list(tmp_path.glob(".*.new")) == []
