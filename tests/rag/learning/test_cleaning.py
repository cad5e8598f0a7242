from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.settings import Settings
from rag.learning.cleaning import (
    CLUSTER_CAP,
    DANGERS,
    ROUND_CAP,
    STAFF,
    DangerChanged,
    clean,
    danger_digest,
    leaks,
    same_dangers,
)
from rag.specialists.examples import HEADS
from rag.specialists.reader import Heads
from tests.rag.learning.made import example, matched


def test_nobody_counts_much_and_staff_count_more() -> None:
    rows = [example(n, matched(f"refill question {n}"), customer="loud") for n in range(30)]
    rows += [example(100 + n, matched(f"question {n}", f"article-{n}"), customer="broad") for n in range(50)]
    rows += [example(200, matched(), customer="quiet"), example(201, matched(), staff=True)]
    made = clean(rows)
    weights: dict[str | None, float] = defaultdict(float)
    for one in made.kept:
        weights[one.customer] += one.weight
    assert not made.aside
    assert weights["loud"] == pytest.approx(CLUSTER_CAP, abs=0.01)
    assert weights["broad"] == pytest.approx(ROUND_CAP, abs=0.01)
    assert weights["quiet"] == 1.0
    assert weights[None] == STAFF


def test_visitors_together_weigh_no_more_than_those_who_are_known() -> None:
    crowd = [example(n, matched(), customer=f"visitor-{n}") for n in range(40)]
    known = [example(100 + n, matched(), customer=f"c{n}") for n in range(5)]
    by_known = {
        signed: sum(o.weight for o in clean([*crowd, *known]).kept if o.signed_in is signed) for signed in (True, False)
    }
    assert by_known[True] == 5.0
    assert by_known[False] == pytest.approx(5.0, abs=0.01)
    assert sum(one.weight for one in clean(crowd).kept) == pytest.approx(CLUSTER_CAP, abs=0.01)


def test_a_burst_of_new_accounts_waits_for_a_person() -> None:
    burst = [example(n, matched(f"words {n}"), customer=f"n{n}", minutes=n, new=True) for n in range(9)]
    slow = [example(50 + n, matched(article="other"), customer=f"s{n}", new=True) for n in range(9)]
    old = [example(80 + n, matched(article="busy"), customer=f"o{n}", minutes=n) for n in range(20)]
    made = clean([*slow, *burst, *old])
    assert {one.example.id for one in made.aside} == {one.id for one in burst}
    assert made.reasons == {"burst": 9}


def test_a_divided_opinion_waits_and_staff_decide() -> None:
    rows = [example(n, matched(good=n % 2 == 0), customer=f"c{n}") for n in range(8)]
    assert clean(rows).reasons == {"divided": 8}
    judged = clean([*rows, example(99, matched(), staff=True)])
    assert [one.staff for one in judged.kept] == [True]
    mostly = [example(n, matched(good=n > 0), customer=f"c{n}") for n in range(8)]
    assert not clean(mostly).aside
    one_loud = [example(n, matched(good=n > 9), customer=f"c{max(n - 9, 0)}") for n in range(18)]
    assert not clean(one_loud).aside  # nine rows of one customer are one voice


def test_words_of_danger_teach_nothing_but_staffs() -> None:
    rows = [
        example(1, {"turns": ["I took ten pills", "Call 911.", "and now?"], "why": "content"}, "routing"),
        example(2, matched("how do refills work")),
        example(3, matched("ten pills"), staff=True),
    ]
    made = clean(rows, lambda texts: ["pills" in text for text in texts])
    assert [one.example.id for one in made.aside] == [rows[0].id]
    assert made.reasons == {"danger": 1}


def test_order_makes_no_difference() -> None:
    rows = [example(n, matched(f"q {n % 7}", f"a{n % 3}", n % 4 > 0), customer=f"c{n % 11}") for n in range(200)]
    shuffled = rows.copy()
    random.Random(3).shuffle(shuffled)
    one, two = clean(rows), clean(shuffled)
    assert [(o.id, o.weight) for o in one.kept] == [(o.id, o.weight) for o in two.kept]
    assert one.aside == two.aside


def test_nothing_is_cleaned_to_nothing() -> None:
    assert clean([]).kept == ()


@pytest.fixture(scope="module")
def heads() -> Heads:
    return Heads.load(Settings(_env_file=None).knowledge / "trained")


@pytest.mark.parametrize("head", DANGERS)
def test_a_touched_danger_head_is_noticed(heads: Heads, head: str) -> None:
    at = HEADS.index(head)
    for name in ("mark_weights", "mark_bias", "slopes", "offsets"):
        tensor = getattr(heads, name).copy()
        tensor[at] += 1e-3
        with pytest.raises(DangerChanged):
            same_dangers(heads, replace(heads, **{name: tensor}))
    bounds = heads.bounds | {head: replace(heads.bounds[head], sure=0.999)}
    with pytest.raises(DangerChanged):
        same_dangers(heads, replace(heads, bounds=bounds))


def test_what_customers_may_teach_leaves_the_digest_as_it_is(heads: Heads) -> None:
    after = replace(heads, weights=heads.weights + np.float32(0.1), bias=heads.bias * 2, vote=heads.vote / 2)
    tensor = heads.mark_bias.copy()
    tensor[HEADS.index("wants_human")] += 1
    assert danger_digest(replace(after, mark_bias=tensor)) == danger_digest(heads)


def test_planted_strings_are_found_in_any_file(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "rows.jsonl").write_text('{"text": "call HESPERUS Quill"}')
    (tmp_path / "heads.safetensors").write_bytes(b"\x00\x01vale@canary.test\xff")
    assert leaks(tmp_path, ["Hesperus", "vale@canary.test", "nobody"]) == [
        "deep/rows.jsonl: Hesperus",
        "heads.safetensors: vale@canary.test",
    ]
    assert leaks(tmp_path, ["nobody", ""]) == []
