"""The specialists: examples with mistakes, windows, artefacts that are missing, damaged or of something else."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.encoder import Vectors
from rag.specialists.examples import HEADS, ExamplesError, read_heads, read_intents
from rag.specialists.grams import SIZE, grams
from rag.specialists.hidden import Hidden, fit_hidden
from rag.specialists.reader import FILE, Heads, Reader, ReaderError
from rag.specialists.rows import examples_digest
from rag.specialists.signs import COUNT, signs
from rag.specialists.window import LONG, pieces, window
from rails.judge import Thresholds
from tests import made

TRAINED = made.KNOWLEDGE / "trained"


class Flat:
    """An encoder of two dimensions whose vector can be worked out in the head: vowels and other letters."""

    def __init__(self, name: str = "flat") -> None:
        self.name, self.dimensions = name, 2

    def encode(self, texts: list[str]) -> Vectors:
        vowels = [sum(letter in "aeiou" for letter in text) for text in texts]
        raw = np.array([[v + 1, len(text) - v + 1] for v, text in zip(vowels, texts, strict=True)], dtype=np.float32)
        unit: Vectors = raw / np.linalg.norm(raw, axis=1, keepdims=True)
        return unit


def flat_layer(inputs: int, outputs: int) -> Hidden:
    """A hidden layer that says nothing."""
    return Hidden(*(np.zeros(shape, dtype=np.float32) for shape in ((3, inputs), (3,), (outputs, 3), (outputs,))))


def heads(**changed: object) -> Heads:
    width = 4 + COUNT
    values: dict[str, object] = {
        "names": ["greeting", "order_status"], "routes": {"greeting": "chat", "order_status": "account"},
        "weights": np.zeros((2, width), dtype=np.float32), "bias": np.array([0.0, 1.0], dtype=np.float32), "temperature": 1.0,
        "mark_weights": np.zeros((len(HEADS), width), dtype=np.float32), "mark_bias": np.zeros(len(HEADS), dtype=np.float32),
        "slopes": np.ones(len(HEADS), dtype=np.float32), "offsets": np.zeros(len(HEADS), dtype=np.float32),
        "hidden": flat_layer(width, 2), "mark_hidden": flat_layer(width, len(HEADS)),
        "bounds": {head: Thresholds(0.2, 0.8) for head in HEADS}, "intent_sure": 0.6, "reader": "flat", "encoder": "flat", "examples": "abc",
    }  # fmt: skip
    return Heads(**{**values, **changed})  # type: ignore[arg-type]


INTENT = "intent: {name}\nroute: account\nexamples:\n{rows}"


def rows(count: int) -> str:
    return "".join(f'  - "message number {n} of a kind"\n' for n in range(count))


@pytest.mark.parametrize(("text", "says"), [
    (INTENT.format(name="mine", rows=rows(2)), r"mine\.yaml:\d+: examples: .*at least 10"),
    (INTENT.format(name="Mine!", rows=rows(12)), r"mine\.yaml:1: intent"), (INTENT.format(name="mine", rows=rows(12)) + "  - []\n", r"mine\.yaml:16: "),
    (INTENT.format(name="mine", rows=rows(12)) + '  - ["one", "two"]\n', "examples"), ("intent: mine\nroute: nowhere\nexamples:\n" + rows(12), r"mine\.yaml:2: route"),
    ("", r"mine\.yaml"), ("intent: [", r"mine\.yaml:\d"), (INTENT.format(name="mine", rows=rows(12)) + "extra: 1\n", r"mine\.yaml:16: extra"),
])  # fmt: skip
def test_an_intent_with_a_mistake_is_named_by_its_line(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ExamplesError, match=says):
        read_intents(tmp_path)


def test_no_examples_no_training(tmp_path: Path) -> None:
    with pytest.raises(ExamplesError, match="no examples"):
        read_intents(tmp_path)


def test_a_head_needs_both_sides(tmp_path: Path) -> None:
    rows = "".join(f'    - "row {n}"\n' for n in range(12))
    (tmp_path / "abuse.yaml").write_text(f'head: abuse\nbatch: "x"\npositive:\n  one:\n{rows}negative:\n  two:\n    - "only this"\n')
    with pytest.raises(ExamplesError, match="1 negative rows"):
        read_heads(tmp_path)


def test_the_same_intent_twice(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(INTENT.format(name="mine", rows=rows(12)))
    with pytest.raises(ExamplesError, match=r"b\.yaml:1: .*two files"):
        read_intents(tmp_path)


def test_what_ships_is_enough_and_varied() -> None:
    """The counts that the project promises, of the examples as they stand."""
    intents = read_intents(made.KNOWLEDGE / "intents")
    counts = dict.fromkeys(intents.routes, 0)
    for _, name in intents.rows:
        counts[name] += 1
    assert len(counts) >= 35
    assert min(counts.values()) >= 80, min(counts, key=lambda name: counts[name])
    marked = read_heads(made.KNOWLEDGE / "dangers")
    for head in ("emergency", "self_harm", "medical_advice", "injection", "abuse"):
        for positive in (True, False):
            own = [m.example for m in marked if m.head == head and m.positive == positive]
            assert len(own) >= 800, (head, positive)
            talks = sum(len(example.turns) > 1 for example in own)  # a fifth; general prompts are mostly single messages
            assert talks >= max(160, 0.15 * len(own))
            assert len({example.family for example in own}) >= 30


def test_the_window_holds_what_was_said_before() -> None:
    assert window(("hello",)) == "hello"
    read = window(("my son got into the cabinet", "Did he swallow any?", "yes, all of them"))
    assert read == "my son got into the cabinet [SEP] Did he swallow any? [SEP] yes, all of them"
    assert "[SEP]" not in window(("where [SEP] is [cls] it",))


def test_every_piece_of_a_long_message_is_read() -> None:
    words = [f"w{n}" for n in range(5 * LONG)]
    parts = pieces((" ".join(words),))
    assert len(parts) > 4
    assert {word for part in parts for word in part.split()} == set(words)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.text(), min_size=1, max_size=7).filter(lambda turns: len(turns) % 2 == 1))
def test_any_conversation_can_be_read(turns: list[str]) -> None:
    assert all(isinstance(part, str) for part in pieces(turns))
    assert signs(turns).shape == (COUNT,)
    assert np.isfinite(signs(turns)).all()
    assert grams(turns[-1]).shape == (SIZE,)


def test_a_reading_is_made_of_probabilities() -> None:
    reading = Reader(heads(), Flat(), Flat()).read(("where is it",), Flat().encode(["where is it"])[0])  # type: ignore[arg-type]
    assert reading.intent == "order_status"
    assert sum(p for _, p in reading.intents) == pytest.approx(1)
    assert reading.routes["account"] == pytest.approx(reading.intents[0][1])
    assert set(reading.marks) == set(HEADS)
    assert reading.sure


def test_the_worst_piece_of_a_message_counts() -> None:
    weights = np.zeros((len(HEADS), 4 + COUNT), dtype=np.float32)
    weights[0, 0] = 30.0  # an emergency is what has many vowels
    reader = Reader(heads(mark_weights=weights, mark_bias=np.full(len(HEADS), -20.0, dtype=np.float32)), Flat(), Flat())  # type: ignore[arg-type]
    dry = " ".join(f"tsk{n}" for n in range(80))
    calm, long = dry, f"{dry} " + "aeiou " * LONG
    vector = Flat().encode(["x"])[0]
    assert reader.read((calm,), vector).marks["emergency"] < 0.5 < reader.read((long,), vector).marks["emergency"]


def test_the_hidden_layer_has_its_say() -> None:
    layer = flat_layer(4 + COUNT, 2)
    layer.outward_bias[0] = 9.0  # for a greeting, against the linear head's order
    reading = Reader(heads(hidden=layer), Flat(), Flat()).read(("where is it",), Flat().encode(["where is it"])[0])  # type: ignore[arg-type]
    assert reading.intent == "greeting"


def test_a_hidden_layer_learns_what_signs_say_together_and_the_same_each_time() -> None:
    import torch

    dice = np.random.default_rng(1)
    x = dice.integers(0, 2, (600, 2)).astype(np.float32)
    odd = torch.tensor((x.sum(axis=1) == 1).astype(np.float32))

    def loss(logits: torch.Tensor, some: Vectors) -> torch.Tensor:
        return torch.nn.functional.binary_cross_entropy_with_logits(logits[:, 0], odd[some])

    layer = fit_hidden(np.tile(x, (20, 4)), 1, lambda logits, some: loss(logits, some % 600), 3)
    assert np.mean((layer.logits(np.tile(x, (1, 4)))[:, 0] > 0) == odd.numpy()) > 0.95
    again = fit_hidden(np.tile(x, (20, 4)), 1, lambda logits, some: loss(logits, some % 600), 3)
    assert all((a == b).all() for a, b in zip(layer.tensors("a").values(), again.tensors("a").values(), strict=True))


def test_artefacts_come_back_as_they_were_written(tmp_path: Path) -> None:
    heads().save(tmp_path)
    first = (tmp_path / FILE).read_bytes()
    again = Heads.load(tmp_path)
    again.save(tmp_path)
    assert (tmp_path / FILE).read_bytes() == first
    assert again.bounds == heads().bounds


@pytest.mark.parametrize("changed", [
    {"bounds": {head: Thresholds(0.9, 0.1) for head in HEADS}}, {"bounds": {"emergency": Thresholds(0.1, 0.2)}}, {"weights": np.zeros((3, 4 + COUNT), dtype=np.float32)},
    {"bias": np.array([np.nan, 0], dtype=np.float32)}, {"routes": {"greeting": "chat"}}, {"temperature": 0.0}, {"slopes": -np.ones(len(HEADS), dtype=np.float32)}, {"hidden": flat_layer(4 + COUNT, 5)}, {"mark_hidden": flat_layer(3, len(HEADS))},
    {"hidden": replace(flat_layer(4 + COUNT, 2), outward_bias=np.array([np.inf, 0], dtype=np.float32))},
])  # fmt: skip
def test_heads_that_make_no_sense_are_refused(tmp_path: Path, changed: dict[str, object]) -> None:
    heads(**changed).save(tmp_path)
    with pytest.raises(ReaderError, match="pestle train"):
        Heads.load(tmp_path)


def test_missing_and_damaged_artefacts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="pestle train"):
        Heads.load(tmp_path)
    heads().save(tmp_path)
    whole = (tmp_path / FILE).read_bytes()
    for damaged in (whole[:-40], whole[:10], b"", whole[:-8] + b"\xff" * 8, b"\x80\x04K\x01."):
        (tmp_path / FILE).write_bytes(damaged)
        with pytest.raises(ReaderError, match="pestle train"):
            Heads.load(tmp_path)


@pytest.mark.parametrize(("reader", "encoder", "examples", "says"), [
    ("flat", "other", "abc", "other"), ("older", "flat", "abc", "older"), ("flat", "flat", "abd", "examples"),
])  # fmt: skip
def test_heads_of_another_encoder_reader_or_examples_are_refused(reader: str, encoder: str, examples: str, says: str) -> None:
    with pytest.raises(ReaderError, match=says) as caught:
        Reader(heads(), Flat(reader), Flat(encoder), examples)  # type: ignore[arg-type]
    assert "pestle train" in str(caught.value)


def test_what_ships_fits_together() -> None:
    shipped = Heads.load(TRAINED)
    assert shipped.examples == examples_digest(made.KNOWLEDGE)
    Reader(shipped, made.reader(), made.encoder(), examples_digest(made.KNOWLEDGE))
    files = [path for path in TRAINED.rglob("*.safetensors") if "grounded" not in path.name]
    assert sum(path.stat().st_size for path in files) < 3 * 2**20
    card = (TRAINED / "card.md").read_text(encoding="utf-8")
    assert shipped.reader in card
    assert shipped.examples in card


def test_a_changed_example_is_noticed(tmp_path: Path) -> None:
    for name in ("intents", "dangers", "conversation"):
        shutil.copytree(made.KNOWLEDGE / name, tmp_path / name)
    assert examples_digest(tmp_path) == examples_digest(made.KNOWLEDGE)
    path = tmp_path / "intents" / "greeting.yaml"
    path.write_text(path.read_text(encoding="utf-8") + '  - "hello once more"\n', encoding="utf-8")
    assert examples_digest(tmp_path) != examples_digest(made.KNOWLEDGE)
