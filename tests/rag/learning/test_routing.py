from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from rag.learning.base import NothingToLearn
from rag.learning.cleaning import danger_digest
from rag.learning.examples import Example
from rag.learning.routing import EXAMPLES, tune, wanted
from rag.specialists.reader import Heads, Reader
from tests.rag.learning.made import example
from tests.rag.learning.made_base import DANGER, base, heads

MARKS = ("mark_weights", "mark_bias", "slopes", "offsets")


def routed(
    number: int, text: str, intent: str | None = None, customer: str = "", staff: bool = False, **more: Any
) -> Example:
    data = {"turns": [text], "why": "corrected", "intent": intent, **more}
    return example(number, data, "routing", customer or f"c{number}", staff=staff)


def first(made: Heads, text: str) -> str:
    it = base()
    reader = Reader(made, it.reader, it.encoder)
    return reader.read((text,), it.encoder.encode([text.lower()])[0]).intent


def test_corrected_messages_are_learnt_and_danger_heads_are_not_touched(tmp_path: Path) -> None:
    """A word that the base does not know, in messages that people gave to an intent, carries it from then on."""
    before = heads()
    rows = [routed(n, f"gadget {word} question", "pay_card") for n, word in enumerate("abcdefghijklmnop")]
    figures = tune(rows, base(), tmp_path, lambda _: None)
    after = Heads.load(tmp_path)
    assert first(before, "gadget") != "pay_card"
    assert first(after, "gadget") == "pay_card"
    assert figures["corrected_after"] > figures["corrected_before"]
    assert figures["base_after"] >= figures["base_before"] - 0.005
    assert figures["kept_back"] > 0
    assert danger_digest(before) == danger_digest(after)
    for name in MARKS:
        assert getattr(before, name).tobytes() == getattr(after, name).tobytes()
    for part in ("inward", "inward_bias", "outward", "outward_bias"):
        assert getattr(before.mark_hidden, part).tobytes() == getattr(after.mark_hidden, part).tobytes()
    assert before.bounds == after.bounds


def test_what_is_learnt_can_be_traced_and_names_nobody(tmp_path: Path) -> None:
    rows = [routed(n, "gadget question", "return_item") for n in range(4)]
    rows.append(routed(9, "gadget question of zebedee", "return_item"))
    tune(rows, base(), tmp_path, lambda _: None)
    kept = yaml.safe_load((tmp_path / EXAMPLES).read_text(encoding="utf-8"))
    assert {id for row in kept for id in row["examples"]} == {one.id for one in rows}
    assert [row.get("text") for row in kept] == ["gadget question", None]


def test_the_same_examples_give_the_same_heads(tmp_path: Path) -> None:
    rows = [routed(n, f"gadget {n}", "return_item") for n in range(5)]
    tune(rows, base(), tmp_path / "a", lambda _: None)
    tune(rows[::-1], base(), tmp_path / "b", lambda _: None)
    assert (tmp_path / "a" / "heads.safetensors").read_bytes() == (tmp_path / "b" / "heads.safetensors").read_bytes()


def test_what_may_be_wanted() -> None:
    article = routed(1, "gadget ship", article="ship")
    wrong = routed(2, "visa card pay", was="pay_card", why="not_what_i_asked")
    danger = routed(3, f"{DANGER} gadget", "return_item", staff=True)
    unknown = routed(4, "gadget moon", "no_such_intent")
    short = replace(routed(5, "x", "pay_card"), data={"turns": ["hi", "hello", "and then?"], "intent": "pay_card"})
    found = {one.text: one for one in wanted([article, wrong, danger, unknown, short], base())}
    assert found.keys() == {"gadget ship", "visa card pay"}
    assert found["gadget ship"].shares == {"delivery_time": 1.0}
    assert "pay_card" not in found["visa card pay"].shares
    assert sum(found["visa card pay"].shares.values()) == pytest.approx(1.0)


def test_people_who_differ_share_and_only_staff_may_send_everybody_away() -> None:
    rows = [routed(n, "Gadget?", "return_item") for n in range(3)] + [routed(9, "gadget", "pay_card")]
    (one,) = wanted(rows, base())
    assert one.shares == pytest.approx({"return_item": 0.75, "pay_card": 0.25})
    closed = base(heads=replace(heads(), routes={**heads().routes, "pay_card": "human"}))
    (one,) = wanted(rows, closed)
    assert one.shares == {"return_item": 1.0}
    (one,) = wanted([replace(rows[-1], staff=True, customer=None)], closed)
    assert one.shares == {"pay_card": 1.0}


def test_nothing_to_learn_says_why(tmp_path: Path) -> None:
    with pytest.raises(NothingToLearn, match="no message is known"):
        tune([], base(), tmp_path, lambda _: None)
    other = base(heads=replace(heads(), names=[*heads().names[:-1], "other"]))
    with pytest.raises(NothingToLearn, match="pestle train"):
        tune([routed(1, "gadget", "pay_card")], other, tmp_path, lambda _: None)
    assert not list(tmp_path.iterdir())


def test_what_would_cost_the_others_too_much_is_not_learnt(tmp_path: Path) -> None:
    """Every known wording of one intent, said to be another by many."""
    texts = [row.turns[-1] for row in base().rows.rows if row.shares[0][0] == "pay_card"]
    rows = [replace(routed(n, text, "return_item"), weight=50.0) for n, text in enumerate(texts)]
    with pytest.raises(NothingToLearn, match="would cost"):
        tune(rows, base(), tmp_path, lambda _: None)
    assert np.isfinite(heads().weights).all()
