from __future__ import annotations

from pathlib import Path

import pytest

from rag.learning.examples import ExamplesBroken, digest, example_id, read_examples, write_examples
from tests.rag.learning.made import example, matched


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    made = [
        example(1, matched()),
        example(
            2,
            {"turns": ["hi", "Hello.", "my refill"], "why": "department", "department": "pharmacist"},
            "routing",
            staff=True,
        ),
        example(
            3,
            {"said": ["a", "b"], "articles": [None, "x"], "outcomes": ["unknown", "answered"], "ended": "content"},
            "rephrasing",
        ).weighing(0.5),
    ]
    path = tmp_path / "deep" / "examples.jsonl"
    assert write_examples(path, iter(made)) == 3
    read = list(read_examples(path))
    assert read == made
    assert [one.weight for one in read] == [1.0, 1.0, 0.5]
    assert [one.target for one in read] == ["article refill-timing", "department pharmacist", "article x"]
    assert [one.text for one in read] == ["How long do refills take?", "my refill", "a"]
    assert [one.good for one in read] == [True, True, True]


def test_a_line_that_is_no_example_is_named(tmp_path: Path) -> None:
    path = tmp_path / "examples.jsonl"
    write_examples(path, [example(1, matched())])
    with path.open("a") as file:
        file.write('{"kind": "weather"}\n')
    with pytest.raises(ExamplesBroken, match=r"examples\.jsonl:2: .*weather"):
        list(read_examples(path))


def test_a_digest_knows_rows_and_not_their_order() -> None:
    one, two = example(1, matched()), example(2, matched(good=False))
    assert digest([one, two]) == digest([two, one])
    assert digest([one]) != digest([one, two])
    assert digest([one]) != digest([one.weighing(2.0)])


def test_ids_tell_kinds_and_rows_apart() -> None:
    ids = {
        example_id("routing", ["a"]),
        example_id("chat", ["a"]),
        example_id("routing", ["a"], "2"),
        example_id("routing", ["a", "2"]),
    }
    assert len(ids) >= 3
