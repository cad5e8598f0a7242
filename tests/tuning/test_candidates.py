from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.tuning.candidates import CandidateError, Candidates
from rag.learning.cleaning import leaks
from tests.tuning.made import candidate


def test_a_candidate_is_found_with_its_trail_and_without_texts(tmp_path: Path) -> None:
    made = candidate(tmp_path, customers=3)
    found = Candidates(tmp_path).get(made.id)
    assert found == made
    assert found.check() == found.folder
    assert found.customers() == {"c0", "c1", "c2"}
    assert found.manifest.examples.count == 3
    rows = [json.loads(line) for line in (found.folder / "rows.jsonl").read_text().splitlines()]
    assert [row["source"] for row in rows] == [["rating:m0"], ["rating:m1"], ["rating:m2"]]
    assert leaks(found.folder, ["How long do refills take"]) == []


@pytest.mark.parametrize("change", ["changed", "gone", "more", "trail"])
def test_a_damaged_candidate_is_refused(tmp_path: Path, change: str) -> None:
    made = candidate(tmp_path, files={"encoder/model.onnx": b"x" * 2000})
    path = made.folder / "encoder" / "model.onnx"
    if change == "changed":
        path.write_bytes(b"x" * 1999 + b"y")
    elif change == "gone":
        path.unlink()
    elif change == "trail":
        (made.folder / "rows.jsonl").write_text("")
    else:
        (made.folder / "more.py").write_text("")
    with pytest.raises(CandidateError, match=r"is damaged: .*; tune rephrasing again"):
        Candidates(tmp_path).get(made.id).check()


def test_its_own_index_may_follow_the_articles(tmp_path: Path) -> None:
    made = candidate(tmp_path, "retrieval", {"retrieval.json": b"{}", "knowledge/current": b"g1"})
    (made.folder / "knowledge" / "current").write_text("g2")
    assert Candidates(tmp_path).get(made.id).check()


def test_a_broken_manifest_is_told_and_harms_nobody_else(tmp_path: Path) -> None:
    one, two = candidate(tmp_path), candidate(tmp_path, minute=1)
    (one.folder / "manifest.json").write_text("{")
    store = Candidates(tmp_path)
    assert [found.id for found in store.all()] == [two.id]
    assert [one.id in said for said in store.broken()] == [True]
    with pytest.raises(CandidateError, match="delete its folder"):
        store.get(one.id)


@pytest.mark.parametrize("name", ["", "nobody", "../candidates", "rephrasing"])
def test_names_that_name_none_or_several(tmp_path: Path, name: str) -> None:
    candidate(tmp_path)
    candidate(tmp_path, minute=1)
    with pytest.raises(CandidateError, match="called"):
        Candidates(tmp_path).get(name)


def test_states_and_forgetting(tmp_path: Path) -> None:
    one, two = candidate(tmp_path, customers=2), candidate(tmp_path, customers=5, minute=1)
    store = Candidates(tmp_path)
    assert store.mark(one.id, "rejected", "too slow").manifest.why == "too slow"
    assert [found.id for found in store.forget("c4")] == [two.id]
    assert store.forget("c4") == []
    assert store.get(two.id).manifest.state == "withdrawn"
    assert store.get(one.id).manifest.state == "rejected"
    with pytest.raises(CandidateError, match="was withdrawn"):
        store.mark(two.id, "promoted")


def test_an_ended_tuning_goes_on_and_another_begins_anew(tmp_path: Path) -> None:
    store = Candidates(tmp_path)
    folder = store.begin("ranking", "abc")
    (folder / "work").mkdir()
    (folder / "work" / "state").write_text("half")
    assert (store.begin("ranking", "abc") / "work" / "state").read_text() == "half"
    assert not (store.begin("ranking", "other") / "work").exists()
    assert not folder.exists()
    assert store.all() == []
