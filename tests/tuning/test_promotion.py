"""What may serve and what may not, and the way back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.tuning.aside import AsideFile
from app.tuning.candidates import Candidate, CandidateError, Candidates, Compared
from app.tuning.promotion import Promotion, Refused
from app.tuning.serving import ServingError, ServingFile
from rag.learning.cleaning import Aside
from tests import made as product
from tests.rag.learning.made import example, matched
from tests.tuning.made import candidate

LIGHT = """
import sys
from app.cli import app
try:
    app(["rollback"])
except SystemExit as ended:
    assert not ended.code, ended.code
heavy = {"torch", "transformers", "onnxruntime", "sklearn", "chromadb", "numpy.testing", "app.wiring"} & sys.modules.keys()
assert not heavy, heavy
"""


@pytest.fixture
def file(tmp_path: Path) -> ServingFile:
    return ServingFile(tmp_path / "serving.json")


@pytest.fixture
def promotion(tmp_path: Path, file: ServingFile) -> Promotion:
    return Promotion(tmp_path, file.path)


def compared(one: Candidate, *gates: str, **against: str) -> Candidate:
    result = Compared(against=against, gates=gates, gains=(), losses=(), run="r2", before="r1")
    return Candidates(one.folder.parents[1]).mark(one.id, "rejected" if gates else "compared", "", result)


def test_only_what_was_compared_and_made_no_gate_fall_may_serve(tmp_path: Path, promotion: Promotion) -> None:
    one = candidate(tmp_path)
    with pytest.raises(Refused, match=rf"has not been compared .* `pestle candidates {one.id} --compare`"):
        promotion.promote(one.id)
    compared(one, "answers: right: 0.700 of 90, at least 0.9")
    with pytest.raises(Refused, match=r"makes gates fall \(answers: right"):
        promotion.promote(one.id)
    compared(one)
    assert promotion.promote(one.id[:-2]).after.learnt == {"rephrasing": one.id}
    assert Candidates(tmp_path).get(one.id).manifest.state == "promoted"
    assert promotion.promote(one.id).after.learnt == {"rephrasing": one.id}


def test_what_was_compared_with_something_else_is_compared_again(tmp_path: Path, promotion: Promotion) -> None:
    one, two = compared(candidate(tmp_path)), compared(candidate(tmp_path, minute=1))
    promotion.promote(one.id)
    with pytest.raises(Refused, match="something else serves now"):
        promotion.promote(two.id)
    compared(two, rephrasing=one.id)
    promotion.promote(two.id)
    states = {found.id: found.manifest.state for found in Candidates(tmp_path).all()}
    assert states == {one.id: "stopped", two.id: "promoted"}


def test_the_way_back_marks_what_was_left(tmp_path: Path, promotion: Promotion) -> None:
    one = compared(candidate(tmp_path))
    with pytest.raises(ServingError, match="nothing to go back to"):
        promotion.roll_back()
    promotion.promote(one.id)
    done = promotion.roll_back()
    assert (done.before.learnt, done.after.learnt) == ({"rephrasing": one.id}, {})
    with pytest.raises(Refused, match=r"was stopped \(rolled back\)"):
        promotion.promote(one.id)


def test_a_way_back_to_something_damaged_leads_to_what_was_trained(
    tmp_path: Path, promotion: Promotion, file: ServingFile
) -> None:
    one = compared(candidate(tmp_path))
    promotion.promote(one.id)
    two = compared(candidate(tmp_path, minute=1), rephrasing=one.id)
    promotion.promote(two.id)
    (one.folder / "rewrites.json").write_text("[]")
    done = promotion.roll_back()
    assert done.after.learnt == file.read().learnt == {}
    assert [one.id in said for said in done.damaged] == [True]


def test_a_damaged_candidate_is_not_promoted(tmp_path: Path, promotion: Promotion, file: ServingFile) -> None:
    one, two = compared(candidate(tmp_path)), compared(candidate(tmp_path, minute=1))
    promotion.promote(one.id)
    compared(two, rephrasing=one.id)
    (two.folder / "rewrites.json").write_text("[]")
    with pytest.raises(CandidateError, match="is damaged"):
        promotion.promote(two.id)
    assert file.read().learnt == {"rephrasing": one.id}


def test_forgetting_ends_the_service_and_what_waits(tmp_path: Path, promotion: Promotion, file: ServingFile) -> None:
    one = compared(candidate(tmp_path, customers=3))
    two = compared(candidate(tmp_path, "ranking", customers=1, minute=1))
    promotion.promote(one.id)
    compared(two, rephrasing=one.id)
    promotion.promote(two.id)
    rows = [Aside(example(n, matched(), customer=f"c{n}"), "burst") for n in range(3)]
    AsideFile(tmp_path).keep("retrieval", rows)
    assert [found.id for found in promotion.forget("c2")] == [one.id]
    assert file.read().learnt == {"ranking": two.id}
    assert {row["customer"] for row in AsideFile(tmp_path).rows()} == {"c0", "c1"}
    with pytest.raises(Refused, match="was withdrawn"):
        promotion.promote(one.id)
    assert promotion.roll_back().after.learnt == {}
    AsideFile(tmp_path).keep("retrieval", [])
    assert AsideFile(tmp_path).rows() == []


@pytest.mark.slow
def test_rolling_back_loads_no_model(tmp_path: Path, promotion: Promotion, file: ServingFile) -> None:
    promotion.promote(compared(candidate(tmp_path)).id)
    settings = product.Settings(home=tmp_path, encoder=product.encoder_folder(), _env_file=None)  # type: ignore[call-arg]
    ended = subprocess.run(
        [sys.executable, "-c", LIGHT], env=product.environment(settings), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert "Rolled back." in ended.stdout
    assert file.read().learnt == {}
