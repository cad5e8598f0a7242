from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag.learning.cleaning import danger_digest
from rag.learning.fewshot import Caught, NewIntentError, add_intent, known_of, read_new_intent, would_catch
from rag.learning.variants import mixed, reworded
from rag.specialists.reader import Heads
from tests.rag.learning.made_base import DANGER, base, heads

FILE = """intent: gift_wrap
route: knowledge
articles: [gift, ship]
examples:
- wrap gift ribbon
- gift wrap card
- ribbon paper wrap
- present wrap gift
- wrap present ribbon paper
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "gift_wrap.yaml"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_five_examples_make_an_intent_and_nothing_else_changes(file: Path, tmp_path: Path) -> None:
    said: list[str] = []
    figures = add_intent(file, base(), tmp_path / "made", said.append)
    before, after = heads(), Heads.load(tmp_path / "made")
    assert after.names == [*before.names, "gift_wrap"]
    assert after.routes["gift_wrap"] == "knowledge"
    assert after.of_article == {"gift": "gift_wrap", "ship": "delivery_time"}
    assert after.weights[:-1].tobytes() == before.weights.tobytes()
    assert after.bias[:-1].tobytes() == before.bias.tobytes()
    assert after.hidden.outward[:-1].tobytes() == before.hidden.outward.tobytes()
    assert after.hidden.inward.tobytes() == before.hidden.inward.tobytes()
    assert danger_digest(before) == danger_digest(after)
    assert figures["lost_by_the_others"] <= 0.005
    assert figures["caught_by_the_others"] >= 0.6
    assert "of 5 examples" in said[0]


def test_what_it_would_have_caught_leaves_dangers_out(file: Path, tmp_path: Path) -> None:
    it = base()
    add_intent(file, it, tmp_path / "made", lambda _: None)
    made = Heads.load(tmp_path / "made")
    texts = ["visa card pay please", "ribbon gift wrap please", "nice weather day"]

    def caught(heard: float) -> list[Caught]:
        """Where every danger head hears so much."""
        still = replace(made.mark_hidden, outward=np.zeros_like(made.mark_hidden.outward))
        flat = np.zeros_like(made.mark_weights)
        level = replace(made, mark_weights=flat, mark_bias=np.full_like(made.mark_bias, heard), mark_hidden=still)
        return would_catch(heads(), level, texts, str.lower, it.reader, it.encoder)

    (one,) = caught(-30.0)
    assert one.text == "ribbon gift wrap please"
    assert one.was in heads().names
    assert 0 < one.share <= 1
    assert caught(30.0) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("gift_wrap", "pay_card"), "there is an intent 'pay_card'"),
        (("route: knowledge", "route: account"), "own records"),
        (("[gift, ship]", "[moon]"), "no article 'moon'"),
        (("- gift wrap card", f"- gift wrap {DANGER}"), "sounds like a danger"),
        (("- gift wrap card\n", ""), "at least 5"),
        (("- gift wrap card", "- Wrap gift RIBBON"), "5 different examples"),
        (("route", "rout"), ":2: "),
    ],
)
def test_a_mistake_in_the_file_is_named(file: Path, change: tuple[str, str], says: str) -> None:
    file.write_text(FILE.replace(*change), encoding="utf-8")
    with pytest.raises(NewIntentError, match=str(file)) as error:
        read_new_intent(file, base())
    assert says in str(error.value)


def test_variants_are_near_and_come_again() -> None:
    texts = ["Hi, can you tell me where my parcel is please?", "refund"]
    made = reworded(texts, 12, seed=3)
    assert made == reworded(texts, 12, seed=3)
    assert {place for _, place in made} == {0, 1}
    assert not {text for text, _ in made} & set(texts)
    known = known_of(base())
    rows, first = mixed(known.seen[:5], known.spread, 40, 0.3, 0.0, seed=3)
    assert rows.shape == (40, known.seen.shape[1])
    assert set(first) <= set(range(5))
    assert rows.min() >= known.seen[:5].min() - 1e-6
