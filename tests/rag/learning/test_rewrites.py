from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rag.encoder import Vectors
from rag.learning import rewrites
from rag.learning.base import NothingToLearn
from rag.learning.rephrasing import links, tune
from rag.learning.rewrites import (
    LINKS,
    OFF,
    VECTORS,
    LearntRewrites,
    Link,
    RewritesBroken,
    sense,
    switch,
    write_rewrites,
)
from tests.rag.learning.said_again import FAILED, WORKS, encode, ground, repaired

LATER = "2027-01-01T00:00:00+00:00"
NOW = 1_795_000_000.0  # in November 2026


def link(number: int = 0, failed: str = FAILED) -> Link:
    return Link(f"id{number}", failed, WORKS, "track", 4.0, 4, 0.8, "2026-11-20", LATER)


def unit(x: Vectors) -> Vectors:
    made: Vectors = (x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-9)).astype(np.float32)
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = links(repaired(4), ground())
    folder = tmp_path / "candidates" / "rephrasing-1"
    write_rewrites(folder, made.links, made.vectors, 0.9, "made-up")
    return folder


def load(folder: Path, now: float = NOW) -> LearntRewrites:
    return LearntRewrites.load(folder, "made-up", clock=lambda: now)


def test_a_failed_wording_is_rewritten_and_others_are_not(folder: Path) -> None:
    served = load(folder)
    found = served.of("My box is AWOL!", np.zeros(256, dtype=np.float32))  # the very words need no vector
    assert found
    assert (found.text, found.article) == (WORKS, "track")
    almost = f"{FAILED} box"
    vector = encode([almost])[0]
    assert float(encode([FAILED])[0] @ vector) >= 0.9
    assert served.of(almost, vector) == found
    for other in ("where is my parcel", "my parcel is awol", "hello"):
        assert served.of(other, encode([other])[0]) is None


@pytest.mark.parametrize("turned", ["my box isn't awol", f"{FAILED} not", f"{FAILED} 2"])
def test_another_sense_is_another_question(folder: Path, turned: str) -> None:
    assert load(folder).of(turned, encode([FAILED])[0]) is None


def test_links_end_when_they_are_too_old(folder: Path) -> None:
    ends = load(folder).links[0].expires
    assert load(folder, ends - 1).of(FAILED, encode([FAILED])[0])
    assert load(folder, ends + 1).of(FAILED, encode([FAILED])[0]) is None


def test_a_link_is_switched_off_and_on_again_by_its_id(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rewrites, "LOOK", 0.0)
    served, off = load(folder), folder.parent / OFF
    id = served.links[0].id
    switch(off, id, on=False)
    assert served.of(FAILED, encode([FAILED])[0]) is None
    assert load(folder).of(FAILED, encode([FAILED])[0]) is None
    switch(off, id, on=True)
    assert served.of(FAILED, encode([FAILED])[0])
    off.write_text("{broken", encoding="utf-8")
    assert served.of(FAILED, encode([FAILED])[0]) is None


def test_files_that_were_changed_are_refused(folder: Path) -> None:
    with pytest.raises(RewritesBroken, match="encoder made-up, not another"):
        LearntRewrites.load(folder, "another")
    text, data = (folder / LINKS).read_text(encoding="utf-8"), (folder / VECTORS).read_bytes()
    body = json.loads(text)
    for broken in (
        json.dumps({**body, "links": [{**body["links"][0], "text": "delete my account"}]}),
        json.dumps({**body, "threshold": 0.1}),
        text[: len(text) // 2],
        "[]",
    ):
        (folder / LINKS).write_text(broken, encoding="utf-8")
        with pytest.raises(RewritesBroken, match="pestle tune rephrasing"):
            load(folder)
    (folder / LINKS).write_text(text, encoding="utf-8")
    (folder / VECTORS).write_bytes(data[:-4] + b"\0\0\0\1")
    with pytest.raises(RewritesBroken, match="not the one that was made with it"):
        load(folder)
    (folder / VECTORS).unlink()
    with pytest.raises(RewritesBroken):
        load(folder)


@given(arrays(np.float32, (40, 60), elements=st.floats(-1, 1, width=32)), st.floats(0.3, 0.99), st.integers(0, 39))
def test_the_quick_look_loses_nothing(raw: Vectors, threshold: float, which: int) -> None:
    vectors = unit(raw + np.eye(40, 60, dtype=np.float32) * 0.01)
    served = LearntRewrites([link(n, f"wording {chr(97 + n % 26)}{n}") for n in range(40)], vectors, threshold)
    query = unit(vectors[which] + 0.3 * vectors[(which + 1) % 40])
    likeness = vectors @ query
    near = served.near(query)
    assert {n for n in range(40) if likeness[n] >= threshold + 1e-4} <= set(near)
    assert all(likeness[n] >= threshold - 1e-4 for n in near)


def test_few_of_five_thousand_are_compared_in_full() -> None:
    """Vectors as an encoder makes them: most of their length in few directions."""
    dice = np.random.default_rng(3)
    spread = 1 / np.arange(1, 385) ** 0.7
    vectors = unit(dice.normal(size=(5000, 384)) * spread)
    served = LearntRewrites([link(n, f"wording {n}") for n in range(5000)], vectors, 0.9)
    compared = [len(served.possible(unit(dice.normal(size=384) * spread))) for _ in range(200)]
    assert np.mean(compared) < 50
    assert served.near(vectors[17])[0] == 17


def test_many_threads_read_one(folder: Path) -> None:
    served, vector = load(folder), encode([FAILED])[0]
    wrong: list[int] = []

    def ask() -> None:
        wrong.extend(1 for _ in range(200) if served.of(FAILED, vector) is None)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_sense_holds_figures_and_what_turns_a_question_round() -> None:
    assert sense("Don't cancel order 12, please") == {"don't", "cancel", "12"}
    assert replace(link(), failed="x").expires == pytest.approx(1798761600)


def test_nothing_said_again_is_nothing_to_learn(tmp_path: Path) -> None:
    with pytest.raises(NothingToLearn, match="nobody has said"):
        tune([], None, tmp_path, print)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
