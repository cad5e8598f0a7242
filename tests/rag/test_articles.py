"""Articles are read strictly: each mistake is named with its file and line, and one mistake stops them all."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from rag.articles import ArticleErrors, parse_article, read_articles
from tests import made

GOOD = """---
id: good-one
title: A good article
topic: orders
updated: 2026-11-01
questions:
  - one
  - two
  - three
  - four
next_steps: [What now?]
links: []
---
The answer comes first.

## More

1. Do this.
2. Then that.
"""


def mistakes(text: str) -> list[str]:
    with pytest.raises(ArticleErrors) as caught:
        parse_article(text, Path("kb/x.md"))
    assert str(caught.value) == "\n".join(caught.value.mistakes)
    return caught.value.mistakes


def test_a_good_article() -> None:
    article = parse_article(GOOD, Path("kb/x.md"))
    assert (article.id, article.title, article.topic, article.updated) == (
        "good-one",
        "A good article",
        "orders",
        dt.date(2026, 11, 1),
    )
    assert article.questions == ("one", "two", "three", "four")
    assert article.next_steps == ("What now?",)
    assert [(section.heading, section.text) for section in article.sections] == [
        ("", "The answer comes first."),
        ("More", "1. Do this.\n2. Then that."),
    ]


def test_windows_line_ends_and_rules_in_the_text() -> None:
    article = parse_article(GOOD.replace("\n", "\r\n") + "\r\n---\r\nafter a rule", Path("x.md"))
    assert article.id == "good-one"
    assert "after a rule" in article.body


@pytest.mark.parametrize(("old", "new", "line", "says"), [
    ("---\nid", "id", 1, "front matter is missing"),
    ("links: []\n---\n", "links: []\n", 1, "never closed"),
    ("title: A good article", "title: [never closed", 4, "front matter"),
    ("title: A good article", "title: 'never closed", 12, "front matter"),
    ("title: A good article", "title: a: b", 3, "front matter"),
    ("id: good-one\n", "", 2, "id: Field required"),
    ("id: good-one", "id: Not A Slug", 2, "id: "),
    ("id: good-one", "id: ../../etc", 2, "id: "),
    ("id: good-one", "id: 17", 2, "id: "),
    ("title: A good article", "title: A", 3, "title: "),
    ("updated: 2026-11-01", "updated: last week", 5, "updated: "),
    ("updated: 2026-11-01", "updated: 2026-13-41", 5, "month"),
    ("  - four\n", "", 6, "questions: "),
    ("  - three", "  - [3]", 9, "questions.2"),
    ("topic: orders", "topic: orders\nauthor: me", 5, "author: "),
    ("next_steps: [What now?]", "next_steps: 5", 11, "next_steps: "),
    ("The answer comes first.\n\n## More\n\n1. Do this.\n2. Then that.\n", "\n", 13, "no text"),
])  # fmt: skip
def test_each_mistake_has_its_line(old: str, new: str, line: int, says: str) -> None:
    assert old in GOOD
    found = mistakes(GOOD.replace(old, new))
    assert found[0].startswith(f"kb/x.md:{line}: "), found
    assert says in found[0]


def test_several_mistakes_are_told_at_once() -> None:
    found = mistakes(GOOD.replace("id: good-one", "id: Bad Id").replace("updated: 2026-11-01", "updated: soon"))
    assert [row.split(": ")[0] for row in found] == ["kb/x.md:2", "kb/x.md:5"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "---",
        "---\n---\n",
        "---\n- a list\n---\ntext",
        "---\njust words\n---\ntext",
        "no front matter at all",
        "---\n!!python/object/apply:os.system ['true']\n---\nx",
    ],
)
def test_what_is_no_article(text: str) -> None:
    assert mistakes(text)[0].startswith("kb/x.md:")


def test_a_folder_with_every_kind_of_mistake(tmp_path: Path) -> None:
    folder = made.write_small(tmp_path / "articles")
    (folder / "deep").mkdir()
    made.write_article(folder / "deep", "cold-box")
    made.write_article(folder, "linked", links="pay-card, no-such-article")
    (folder / "binary.md").write_bytes(b"\xff\xfe\x00text")
    (folder / "open.md").write_text("---\nid: open\n")
    (folder / "notes.txt").write_text("not an article, and not read")
    with pytest.raises(ArticleErrors) as caught:
        read_articles(folder)
    said = str(caught.value)
    assert f"{folder / 'deep' / 'cold-box.md'}:2: id 'cold-box' is taken already by {folder / 'cold-box.md'}" in said
    assert f"{folder / 'linked.md'}:1: links: there is no article 'no-such-article'" in said
    assert f"{folder / 'binary.md'}:1: not UTF-8 text" in said
    assert f"{folder / 'open.md'}:1: " in said
    assert len(caught.value.mistakes) == 4


def test_an_empty_folder_is_a_mistake(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(ArticleErrors, match="no articles"):
            read_articles(folder)


def test_articles_come_in_the_order_of_their_ids(tmp_path: Path) -> None:
    found = [article.id for article in read_articles(made.write_small(tmp_path / "articles"))]
    assert found == sorted(made.SMALL)
