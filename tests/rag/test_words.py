"""Words: spelling is mended towards this business, common English and numbers are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.words import Speller, read_shorthand, stems
from tests import made


@pytest.fixture(scope="module")
def speller() -> Speller:
    words = [
        "prescription",
        "insurance",
        "metformin",
        "delivery",
        "password",
        "refund",
        "pharmacist",
        "Fernhollow",
        "copay",
        "parcel",
    ]
    return Speller(words, {"rx": "prescription", "u": "you", "pls": "please"})


@pytest.mark.parametrize(("typed", "meant"), [
    ("perscription", "prescription"), ("presciption", "prescription"), ("insurence", "insurance"), ("metfromin", "metformin"),
    ("delivry", "delivery"), ("pasword", "password"), ("Fernholow", "fernhollow"), ("rx", "prescription"), ("can u help pls", "can you help please"),
])  # fmt: skip
def test_misspelt_words_are_mended(speller: Speller, typed: str, meant: str) -> None:
    assert speller.mend(typed) == meant


@pytest.mark.parametrize(
    "text",
    [
        "where is my order",
        "fh-2051846",
        "$5.99 and 3-5 days",
        "1zs3bhnh7346832207",
        "the red house is large",
        "a.b@c.example",
        "???",
        "",
        "don't",
    ],
)
def test_what_is_right_stays(speller: Speller, text: str) -> None:
    assert speller.mend(text) == text


def test_mending_twice_changes_nothing_more(speller: Speller) -> None:
    for text in ("perscription refil for my insurence", "hwo do i", "xqzzkvy"):
        once = speller.mend(text)
        assert speller.mend(once) == once


def test_how_much_of_a_message_is_english(speller: Speller) -> None:
    assert speller.known_share("where is my prescription") == 1.0
    assert speller.known_share("dónde está pedido quiero saber cuándo llega") < 0.5
    assert speller.known_share("12 34") == 0.0
    assert speller.known_share("") == 0.0


def test_the_real_shorthand_can_be_read() -> None:
    shorthand = read_shorthand(made.KNOWLEDGE / "shorthand.yaml")
    assert shorthand
    assert all(word == word.lower() and meaning == meaning.lower() for word, meaning in shorthand.items())


def test_an_empty_shorthand_file(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("")
    assert read_shorthand(tmp_path / "s.yaml") == {}


def test_stems() -> None:
    assert stems("Where are my deliveries?") == stems("delivery") == ["deliveri"]
    assert stems("returning returned returns") == ["return"] * 3
    assert stems("it is the of and") == []
    assert stems("") == []
