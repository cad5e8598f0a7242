from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.learning.examples import Example
from rag.learning.rephrasing import Found, links
from rag.learning.rewrites import link_id
from tests.rag.learning.said_again import FAILED, OTHER, WORKS, chain, ground, repaired

LINK = link_id(FAILED, "track")


def made(examples: list[Example], **more: object) -> dict[str, tuple[str, str]]:
    return {link.failed: (link.text, link.article) for link in links(examples, ground(**more)).links}  # type: ignore[arg-type]


def test_what_customers_say_next_and_are_content_with_becomes_a_link() -> None:
    """Four of four went on and were content: (4 / 5)² with one more in doubt at each step."""
    found = links(repaired(4), ground())
    (link,) = found.links
    assert (link.failed, link.text, link.article, link.customers) == (FAILED, WORKS, "track", 4)
    assert link.strength == pytest.approx(16 / 25)
    assert link.support == pytest.approx(4, abs=0.01)
    assert link.id == LINK
    assert found.vectors.shape == (1, 256)


def test_the_chain_joins_what_different_customers_did() -> None:
    """Nobody who began with FAILED was seen to be content in the same conversation; others were, with WORKS."""
    left = [chain(n, FAILED, WORKS, ended="open") for n in range(8)]
    content = [chain(50 + n, WORKS) for n in range(8)]
    assert made([*left, *content]) == {FAILED: (WORKS, "track")}
    assert made(left) == {}


@pytest.mark.parametrize(
    "examples",
    [
        repaired(2),
        [chain(n, FAILED, WORKS, customer=f"c{n % 2}") for n in range(40)],  # two who do it again and again
        [chain(n, FAILED, WORKS, customer=f"visitor-{n}") for n in range(40)],  # who can be anybody
        [chain(0, FAILED, WORKS), *(chain(n, FAILED, WORKS, customer=f"visitor-{n}") for n in range(1, 40))],
    ],
)
def test_few_customers_make_no_link(examples: list[Example]) -> None:
    assert made(examples) == {}


def test_a_wording_that_many_are_content_with_is_left_alone() -> None:
    assert made([*repaired(6), *(chain(50 + n, FAILED, article="returns") for n in range(6))]) == {}


def test_opinions_that_differ_make_no_link() -> None:
    assert made([*repaired(5), *(chain(50 + n, FAILED, OTHER, article="delete-account") for n in range(5))]) == {}


def test_who_gives_up_takes_nothing_from_the_link() -> None:
    assert LINK in {one.id for one in links([*repaired(4), *(chain(50 + n, FAILED, ended="failed") for n in range(40))], ground()).links}  # fmt: skip


def test_a_wording_after_which_people_give_up_is_no_target() -> None:
    assert made([*repaired(4), *(chain(50 + n, FAILED, WORKS, ended="failed") for n in range(8))]) == {}


def test_answers_from_the_account_alone_are_never_a_target() -> None:
    assert made([chain(n, FAILED, WORKS, article=None) for n in range(6)]) == {}
    assert made([chain(n, FAILED, WORKS, outcome="unknown") for n in range(6)]) == {}


@pytest.mark.parametrize("said", [("my overdose box is awol", WORKS), (FAILED, "track my overdose parcel")])
def test_danger_is_refused_on_either_side(said: tuple[str, str]) -> None:
    seen = {said[0]: ["track"]}
    examples = [chain(n, *said, WORKS) for n in range(6)]
    found = links(examples, ground(seen=seen))
    assert not any("overdose" in link.failed + link.text for link in found.links)
    assert found.refused["danger"] == 1


def test_search_must_see_the_article_and_answer_with_it() -> None:
    unseen = ground(seen={FAILED: ["returns", "opening-hours"]})
    found = links([chain(n, FAILED, OTHER, article="delete-account") for n in range(6)], unseen)
    assert found.refused["search does not bear it out"] == 1
    assert not found.links
    wrong = [chain(n, FAILED, "it is lost", article="track") for n in range(6)]  # nothing is found for that
    assert made(wrong) == {}


def test_a_known_question_is_not_led_to_another_article() -> None:
    known = "where is a parcel"
    seen = {known: ["track", "delete-account"]}
    found = links([chain(n, known, OTHER, article="delete-account") for n in range(9)], ground(seen=seen))
    assert found.refused["known question of another article"] == 1
    assert not found.links


def test_age_takes_weight_and_ends_a_link() -> None:
    young, old = repaired(4, days=0.0), repaired(4, days=56.0)
    now = chain(99, "the one")
    assert links([*young, now], ground()).links[0].support == pytest.approx(4, abs=0.01)
    faded = links([*repaired(8, days=28.0), now], ground()).links[0]
    assert faded.support == pytest.approx(4, abs=0.01)
    assert faded.customers == 8
    assert not links([*old, now], ground()).links


def test_new_customers_overrule_old_ones() -> None:
    seen = {FAILED: ["track", "delete-account"]}
    old = [chain(n, FAILED, OTHER, article="delete-account", days=112) for n in range(12)]
    assert made([*old, *(chain(50 + n, FAILED, WORKS) for n in range(5))], seen=seen) == {FAILED: (WORKS, "track")}


def test_what_is_switched_off_is_not_learnt_again() -> None:
    found = links(repaired(6), ground(off=frozenset({LINK})))
    assert not found.links
    assert found.refused == {"switched off": 1}


def test_nobodys_own_words_come_into_a_link() -> None:
    canary = [chain(n, f"{FAILED} zx{n}canary", WORKS) for n in range(3)]
    found = links([*canary, *repaired(5)], ground())
    assert [link.failed for link in found.links] == [FAILED]
    alone = [chain(n, FAILED, "track my parcel zebra7", customer=f"c{n}") for n in range(2)]
    assert not any("zebra" in link.text for link in links([*alone, *repaired(5)], ground()).links)


def test_a_hostile_tenth_gains_nothing() -> None:
    """Forty honest customers and four who want FAILED to lead elsewhere, with all their strength."""
    seen = {FAILED: ["track", "delete-account"]}
    hostile = [chain(500 + n, FAILED, OTHER, customer=f"h{n % 4}", article="delete-account") for n in range(400)]
    assert made([*repaired(40), *hostile], seen=seen) == {FAILED: (WORKS, "track")}
    praise = [chain(900 + n, FAILED, customer=f"h{n % 4}", article="returns") for n in range(400)]  # all is well here
    assert made([*repaired(40), *hostile, *praise], seen=seen) == {FAILED: (WORKS, "track")}


def test_hostile_customers_cant_spoil_a_wording_that_works() -> None:
    """WORKS answers most of those who use it; a tenth pretend that only OTHER helped."""
    honest = [chain(n, WORKS) for n in range(40)]
    hostile = [chain(500 + n, WORKS, OTHER, customer=f"h{n % 4}", article="delete-account") for n in range(400)]
    assert made([*honest, *hostile], seen={WORKS: ["track", "delete-account"]}) == {}


def test_wordings_that_turn_a_question_round_are_not_joined() -> None:
    rows = [chain(n, "do not track my one lost box", WORKS) for n in range(4)]
    rows += [chain(50 + n, "do track my one lost box", OTHER, article="delete-account") for n in range(4)]
    seen = {"do not track my one lost box": ["track"], "do track my one lost box": ["delete-account"]}
    assert made(rows, seen=seen) == {
        "do not track my one lost box": (WORKS, "track"),
        "do track my one lost box": (OTHER, "delete-account"),
    }


@settings(max_examples=30, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(0, 30))
def test_every_link_is_borne_out_and_order_changes_nothing(dice: random.Random, count: int) -> None:
    texts = [FAILED, WORKS, OTHER, "it is lost", "track my parcel", "help the box"]
    rows = [
        chain(
            n,
            *dice.choices(texts, k=dice.randint(1, 4)),
            customer=f"c{dice.randint(0, 9)}",
            ended=dice.choice(["content", "failed", "open"]),
            article=dice.choice(["track", "delete-account", None]),
            days=dice.uniform(0, 90),
        )
        for n in range(count)
    ] + repaired(5)
    first = _plain(links(rows, ground()))
    dice.shuffle(rows)
    assert _plain(links(rows, ground())) == first
    held = ground()
    for link in links(rows, held).links:
        assert link.customers >= 3
        assert 0.5 <= link.strength <= 1
        assert link.support >= 1.5
        assert held.found(link.text) == ([link.article], True)


def _plain(found: Found) -> list[object]:
    return [replace(link, support=round(link.support, 2), strength=round(link.strength, 3)) for link in found.links]
