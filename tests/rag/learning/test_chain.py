from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.learning.chain import Chain


def test_chances_worked_by_hand() -> None:
    """Of four who say A, three go on to B and one to C. Of four at B two are content (0), one goes back to A, one is
    lost. Of two at C one is content (1), one is lost.

    a = 3/4 b + 1/4 c, b = 1/2 + 1/4 a, c = 0 for end 0: a = 3/8 + 3/16 a = 6/13, b = 8/13.
    For end 1: c = 1/2, a = 3/4 b + 1/8, b = 1/4 a: a = 2/13.
    """
    chain = Chain(3, 2, {(0, 1): 3, (0, 2): 1, (1, 0): 1}, {(1, 0): 2, (2, 1): 1}, {1: 1, 2: 1})
    assert chain.from_(0) == pytest.approx([6 / 13, 2 / 13])
    assert chain.from_(1) == pytest.approx([8 / 13, 1 / 26])
    assert chain.from_(2) == pytest.approx([0.0, 0.5])
    assert chain.visits(np.array([1.0, 0, 0])) == pytest.approx([16 / 13, 12 / 13, 4 / 13])


def test_doubt_is_one_more_who_was_lost() -> None:
    """Three of three went from A to B and were content: 3/4 at each step."""
    chain = Chain(2, 1, {(0, 1): 3}, {(1, 0): 3}, {}, doubt=1.0)
    assert chain.from_(0) == pytest.approx([9 / 16])
    assert chain.after(0) == pytest.approx([0, 3 / 4])
    assert chain.ends(chain.after(0)) == pytest.approx([9 / 16])


def test_who_gives_up_says_nothing_about_other_wordings_and_who_is_content_speaks_for_this_one() -> None:
    gave_up = Chain(2, 2, {(0, 1): 3}, {(1, 1): 3}, {0: 90})
    assert gave_up.after(0) == pytest.approx([0, 1])
    content = Chain(2, 2, {(0, 1): 3}, {(0, 0): 9, (1, 1): 3}, {})
    assert content.after(0) == pytest.approx([0, 1 / 4])
    assert content.at_once(0) == pytest.approx(3 / 4)


@given(st.data())
def test_chances_are_chances(data: st.DataObject) -> None:
    size, ends = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 3))
    weight = st.floats(0, 50)
    moves = {(a, b): data.draw(weight) for a in range(size) for b in range(size) if a != b}
    content = {(a, j): data.draw(weight) for a in range(size) for j in range(ends)}
    chain = Chain(size, ends, moves, content, {a: data.draw(weight) for a in range(size)}, doubt=1.0)
    for place in range(size):
        found = chain.from_(place)
        assert (found >= 0).all()
        assert found.sum() <= 1 + 1e-9
        after = chain.after(place)
        assert (after >= 0).all()
        assert after.sum() + chain.at_once(place) <= 1 + 1e-9
