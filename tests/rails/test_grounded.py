"""The grounded check: what the evidence says in other words is likelier than what it doesn't say."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from rails.checks import DrugsStand
from rails.grounded import (
    LEXICAL,
    SIMILAR,
    Grounded,
    GroundedEnough,
    GroundedError,
    Likeness,
    Similarity,
    Text,
    Trees,
    lexical,
    text_of,
)
from rails.output import OutputRail
from rails.reading import Reading

TRAINED = Path(__file__).resolve().parents[2] / "knowledge_base" / "trained" / "grounded.safetensors"
COLD = (
    "Medicines that need a fridge always travel overnight in an insulated box with gel packs, at no extra cost. "
    "Refrigerated boxes ship Monday to Thursday only and keep their temperature for 48 hours. "
    "An indicator card inside the box shows whether the medicine stayed cold."
)
TRUE = [
    "Refrigerated boxes ship only from Monday to Thursday.",
    "Medicines that need a fridge travel overnight in an insulated box and don't cost extra.",
    "The box keeps its temperature for 48 hours.",
    "Inside the box there is an indicator card that shows if the medicine stayed cold.",
]
FALSE = [
    "Refrigerated boxes ship Monday to Thursday and our courier unpacks them in your kitchen.",
    "Members in Alaska can collect medicines at any airport in an insulated box.",
    "Refrigerated boxes ship Monday to Friday only and keep their temperature for 72 hours.",
    "An indicator card is sold by Maersk Line and shows the altitude of the medicine.",
]


def stump(inputs: int = len(LEXICAL), feature: int = 0) -> Trees:
    """One tree: -2 up to a half of this feature, 2 above."""
    return Trees(
        np.array([[feature, 0, 0]]), np.array([[0.5, 0, 0]]), np.array([[1, 1, 2]]), np.array([[2, 1, 2]]),
        np.array([[0.0, -2, 2]]), 0.0, 1,
    )  # fmt: skip


def small() -> Grounded:
    """Asks about support alone without similarity, and about the nearest sentence alone with it."""
    return Grounded(stump(), stump(feature=len(LEXICAL)), {"box": 1.0})


def letters(texts: Sequence[str]) -> NDArray[Any]:
    """Vectors that count letters: near where the same letters are."""
    counts = np.array([[text.lower().count(chr(97 + n)) + 0.01 for n in range(26)] for text in texts])
    unit: NDArray[Any] = counts / np.linalg.norm(counts, axis=1, keepdims=True)
    return unit


@pytest.fixture(scope="module")
def trained() -> Grounded:
    return Grounded.load(TRAINED)


def features(sentence: str, evidence: str) -> dict[str, float]:
    return dict(zip(LEXICAL, lexical(Reading(sentence), [Reading(evidence)], {}), strict=True))


def test_a_quotation_has_every_sign_of_support() -> None:
    found = features("Refrigerated boxes ship Monday to Thursday only and keep their temperature for 48 hours.", COLD)
    for name, sign in LEXICAL.items():
        assert found[name] == (1 if sign > 0 else 0), name


@pytest.mark.parametrize(
    ("sentence", "feature"),
    [
        ("Refrigerated boxes ship with Maersk on Thursday.", "missing_names"),
        ("Refrigerated boxes keep their temperature for 72 hours.", "missing"),
        ("Refrigerated boxes do not ship Monday to Thursday.", "turned"),
        ("All refrigerated boxes ship Monday to Thursday only.", "stronger"),
    ],
)
def test_what_speaks_against_support_is_seen(sentence: str, feature: str) -> None:
    assert features(sentence, COLD)[feature] > features("Refrigerated boxes ship Monday to Thursday only.", COLD)[feature]


def test_small_numbers_are_one_word_in_both_spellings() -> None:
    assert features("It takes two days.", "It takes 2 days.")["support"] == 1


@pytest.mark.parametrize("evidence", ["", " ", "...", "\n\n"])
@pytest.mark.parametrize("sentence", ["", "Yes.", "The box is cold, and warm."])
def test_empty_texts_have_features(sentence: str, evidence: str) -> None:
    texts = [Reading(evidence)]
    assert np.isfinite(lexical(Reading(sentence), texts, {})).all()
    assert Likeness(letters)(Reading(sentence), texts) == Similarity(0, 0, 0, 0, 0)
    assert 0 <= small().probability(Reading(sentence), texts) <= 1
    assert 0 <= small().probability(Reading(sentence), []) <= 1


def test_similarity_is_of_the_nearest_sentence() -> None:
    sentence = "An indicator card inside the box shows whether the medicine stayed cold."
    similar = Likeness(letters)(Reading(sentence), [Reading("Zzz zz."), Reading(COLD)])
    assert similar.best == pytest.approx(1)
    assert similar.weakest <= similar.clauses <= similar.best + 1e-6


def test_vectors_of_evidence_are_made_once_and_kept_only_as_long_as_its_reading() -> None:
    seen: list[str] = []

    def embed(texts: Sequence[str]) -> NDArray[Any]:
        seen.extend(texts)
        return letters(texts)

    likeness, evidence = Likeness(embed), Reading(COLD)
    likeness(Reading("The box is cold."), [evidence])
    first = len(seen)
    likeness(Reading("The box is warm."), [evidence])
    assert len(seen) - first < 4
    assert len(likeness._vectors) == 1
    text_of(evidence)
    del evidence
    gc.collect()
    assert len(likeness._vectors) == 0


def test_a_model_is_written_and_read_back_the_same(tmp_path: Path, trained: Grounded) -> None:
    trained.save(tmp_path / "grounded.safetensors")
    again = Grounded.load(tmp_path / "grounded.safetensors")
    for sentence in TRUE + FALSE:
        both = [model.probability(Reading(sentence), [Reading(COLD)]) for model in (trained, again)]
        assert both[0] == both[1]


def test_missing_and_damaged_weights_say_what_to_run(tmp_path: Path) -> None:
    path = tmp_path / "grounded.safetensors"
    with pytest.raises(GroundedError, match="pestle train"):
        Grounded.load(path)
    small().save(path)
    save_file(load_file(path), path)  # without what it was trained on
    with pytest.raises(GroundedError, match="pestle train"):
        Grounded.load(path)


@pytest.mark.parametrize("feature", [-1, len(LEXICAL)])
def test_trees_over_other_features_are_refused(feature: int) -> None:
    with pytest.raises(ValueError, match="other features"):
        Grounded(stump(feature=feature), stump(feature=len(SIMILAR)), {})


def test_true_sentences_are_likelier_than_false_ones(trained: Grounded) -> None:
    true, false = ([trained.probability(Reading(s), [Reading(COLD)]) for s in part] for part in (TRUE, FALSE))
    assert min(true) > max(false)
    assert min(true) > 0.5


def test_more_support_never_makes_it_less_likely(trained: Grounded) -> None:
    """The trees are monotone: evidence that holds the sentence itself too makes it likelier, or changes nothing."""
    for sentence in TRUE + FALSE:
        without = trained.probability(Reading(sentence), [Reading(COLD)])
        assert trained.probability(Reading(sentence), [Reading(f"{COLD} {sentence}")]) >= without


def test_a_quotation_is_released_without_asking_the_model() -> None:
    class Never(Grounded):
        def __init__(self) -> None: ...

        def probability(self, *_: object, **__: object) -> float:
            raise AssertionError("asked")

    check = GroundedEnough(Never(), 1.0, letters)
    literal = "The box keeps its temperature for 48 hours."
    assert check.validate(literal, {"evidence": [f"Yes. {literal}"]}).outcome == "pass"
    assert OutputRail(grounded=Never(), grounded_at=1.0).check(literal, [literal]).ok


def test_the_rail_holds_what_is_under_the_threshold() -> None:
    sentence = "Refrigerated boxes ship only Monday to Thursday."
    assert OutputRail(grounded=small(), grounded_at=0.8).check(sentence, [COLD]).ok
    verdict = OutputRail(grounded=small(), grounded_at=0.9).check(sentence, [COLD])
    assert (verdict.ok, verdict.rail) == (False, "grounded")
    assert OutputRail(grounded=small(), grounded_at=0.8, embed=letters).check(sentence, [COLD]).ok


def test_an_encoder_that_fails_holds_the_sentence() -> None:
    def fail(texts: Sequence[str]) -> NDArray[Any]:
        raise RuntimeError

    verdict = OutputRail(grounded=small(), embed=fail).check("Refrigerated boxes ship only Monday to Thursday.", [COLD])
    assert (verdict.ok, verdict.rail) == (False, "error")


DRUGS = ("metformin", "Glucophage", "lisinopril", "lisinopril and hydrochlorothiazide", "insulin glargine", "Adipex-P")
ORDER = "Order FH-1234567: metformin 500 mg, 90 tablets, and Adipex-P, 30 tablets. It left Phoenix on Tuesday."


@pytest.mark.parametrize("sentence", ["Your metformin left Phoenix.", "90 tablets of Metformin.", "Adipex-P left Phoenix."])
def test_a_medicine_of_the_evidence_may_be_named(sentence: str) -> None:
    assert DrugsStand(DRUGS).fault(Reading(sentence), [Reading(ORDER)], False) is None


@pytest.mark.parametrize(
    "sentence",
    ["Your lisinopril left Phoenix.", "Your Glucophage left Phoenix on Tuesday.", "Your metformin and insulin glargine left."],
)
def test_another_medicine_may_not(sentence: str) -> None:
    assert DrugsStand(DRUGS).fault(Reading(sentence), [Reading(ORDER)], False)
    assert DrugsStand().fault(Reading(sentence), [Reading(ORDER)], False) is None
    assert not OutputRail(drugs=DRUGS).check(sentence, [ORDER]).ok


def test_a_combination_does_not_vouch_for_its_part() -> None:
    evidence = [Reading("Order: lisinopril and hydrochlorothiazide, 30 tablets.")]
    assert DrugsStand(DRUGS).fault(Reading("Your lisinopril left."), evidence, False)


@pytest.mark.parametrize(("said", "ok"), [("Apt 4B", True), ("apartment 4b", True), ("Apt 4C", False), ("unit 5B", False)])
def test_another_apartment_is_a_wrong_figure(said: str, ok: bool) -> None:
    verdict = OutputRail().check(f"The parcel goes to 12 Elm Street, {said}.", ["It goes to 12 Elm Street, Apt 4B, Ogden."])
    assert verdict.ok is ok, verdict


def test_a_text_of_many_words_is_read_in_bounded_time() -> None:
    started = time.process_time()
    for piece in ("word ", "a-", "1.", "It's ", "and, ", "x"):
        small().probability(Reading(piece * 2000), [Reading(piece * 2000)])
    assert time.process_time() - started < 20


def test_a_text_knows_its_names() -> None:
    assert Text("The Fernhollow app runs on Android. It is free.").names == {"fernhollow", "android"}
