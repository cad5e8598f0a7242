"""The reader: one small model over the window, and many heads over its vector.

The heads read three things side by side: the reader's vector of the window, the plain encoder's vector of the message
(which retrieval needs anyway) and lexical signs. Intents are a softmax, the other heads logistic, all calibrated on rows
that the reader never saw; each head knows from where it is sure, and says so where it isn't.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from rag.encoder import Encoder, Vectors
from rag.specialists.examples import HEADS
from rag.specialists.hidden import Hidden
from rag.specialists.signs import COUNT, signs
from rag.specialists.window import pieces
from rails.judge import Thresholds

ROUTES = ("knowledge", "account", "chat", "human", "out_of_scope")
FILE = "heads.safetensors"
ALSO = 0.2  # share from which a further intent is wanted too


class ReaderError(RuntimeError):
    """The trained heads are missing, damaged or do not fit the encoder or the examples; the message says what to run."""


@dataclass(frozen=True)
class Reading:
    """Calibrated probabilities: of the intents, most probable first, of the five routes, and of each head in `marks`."""

    intents: tuple[tuple[str, float], ...]
    routes: dict[str, float]
    marks: dict[str, float] = field(default_factory=dict)
    sure: bool = True  # of the first intent

    @property
    def intent(self) -> str:
        return self.intents[0][0]

    @property
    def wanted(self) -> tuple[tuple[str, float], ...]:
        """The first intent and every other that the message carries too."""
        return (self.intents[0], *(pair for pair in self.intents[1:4] if pair[1] >= ALSO))

    def best_of(self, route_of: dict[str, str], route: str) -> tuple[str, float]:
        """The most probable intent of one route."""
        return next((name, p) for name, p in self.intents if route_of[name] == route)


@dataclass(frozen=True)
class Heads:
    """The heads' weights over (reader's vector, encoder's vector, signs), with calibration and thresholds.

    `weights`: float32 (intents, inputs), `bias` (intents,), `temperature` divides the logits. `mark_weights` (heads,
    inputs), `mark_bias` (heads,); `slopes` and `offsets` (heads,) are Platt's calibration of their logits. The logits of
    the hidden layers are added to the linear ones before either.
    """

    names: list[str]
    routes: dict[str, str]
    weights: Vectors
    bias: Vectors
    temperature: float
    mark_weights: Vectors
    mark_bias: Vectors
    slopes: Vectors
    offsets: Vectors
    hidden: Hidden  # of the intents
    mark_hidden: Hidden
    bounds: dict[str, Thresholds]
    intent_sure: float
    reader: str
    encoder: str
    examples: str
    of_article: dict[str, str] = field(default_factory=dict)  # the intent of each article
    vote: float = 0.0  # weight of the articles' votes among the general intents

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        meta = {
            "names": self.names, "routes": self.routes, "temperature": self.temperature, "reader": self.reader,
            "encoder": self.encoder, "examples": self.examples, "intent_sure": self.intent_sure, "heads": list(HEADS),
            "of_article": self.of_article, "vote": self.vote,
            "bounds": {name: [b.unsure, b.sure] for name, b in self.bounds.items()},
        }  # fmt: skip
        tensors = {
            "weights": self.weights, "bias": self.bias, "mark_weights": self.mark_weights, "mark_bias": self.mark_bias,
            "slopes": self.slopes, "offsets": self.offsets,
        }  # fmt: skip
        full = {name: np.ascontiguousarray(tensor, dtype=np.float32) for name, tensor in tensors.items()}
        save_file(
            {**full, **self.hidden.tensors("hidden"), **self.mark_hidden.tensors("mark_hidden")},
            str(folder / FILE),
            metadata={"about": json.dumps(meta, sort_keys=True)},  # one entry: several would come in any order
        )

    @classmethod
    def load(cls, folder: Path) -> Heads:
        """Raises ReaderError."""
        path = folder / FILE
        try:
            with safe_open(str(path), framework="np") as file:
                meta = json.loads((file.metadata() or {})["about"])
                tensor = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 -- no mapping
            if meta["heads"] != list(HEADS):
                raise ValueError(f"it has the heads {', '.join(meta['heads'])}")
            heads = cls(
                meta["names"], meta["routes"], tensor["weights"], tensor["bias"], meta["temperature"],
                tensor["mark_weights"], tensor["mark_bias"], tensor["slopes"], tensor["offsets"],
                Hidden.of(tensor, "hidden"), Hidden.of(tensor, "mark_hidden"),
                {name: Thresholds(*pair) for name, pair in meta["bounds"].items()}, meta["intent_sure"], meta["reader"],
                meta["encoder"], meta["examples"], meta["of_article"], meta["vote"],
            )  # fmt: skip
            heads.check()
        except Exception as error:
            raise ReaderError(f"{path} can't be used; run `pestle train` ({type(error).__name__}: {error})") from error
        return heads

    def check(self) -> None:
        """Raises ValueError where shapes, numbers or thresholds make no sense."""
        tensors = (self.weights, self.bias, self.mark_weights, self.mark_bias, self.slopes, self.offsets)
        if not all(np.isfinite(tensor).all() for tensor in tensors):
            raise ValueError("it holds values that are no numbers")
        inputs = self.weights.shape[1]
        shapes = [tensor.shape for tensor in tensors]
        intents, heads = len(self.names), len(HEADS)
        if shapes != [(intents, inputs), (intents,), (heads, inputs), (heads,), (heads,), (heads,)] or not intents:
            raise ValueError("its shapes do not fit each other")
        self.hidden.check(inputs, intents)
        self.mark_hidden.check(inputs, heads)
        if set(self.routes) != set(self.names) or not set(self.routes.values()) <= set(ROUTES):
            raise ValueError("its intents have no routes")
        if set(self.bounds) != set(HEADS) or any(not 0 <= b.unsure <= b.sure <= 1 for b in self.bounds.values()):
            raise ValueError("its thresholds are not between 0 and 1")
        if not set(self.of_article.values()) <= set(self.names) or not 0 <= self.vote <= 20:
            raise ValueError("its articles have unknown intents")
        if not self.temperature > 0 or (self.slopes <= 0).any():
            raise ValueError("its calibration turns scores around")


class Reader:
    """Reads a message with its window. Thread-safe.

    `examples` is the hash of the examples that are there now; heads of other examples are refused (None: not checked).
    """

    def __init__(self, heads: Heads, reader: Encoder, encoder: Encoder, examples: str | None = None) -> None:
        fits = heads.weights.shape[1] == reader.dimensions + encoder.dimensions + COUNT
        if heads.encoder != encoder.name or heads.reader != reader.name or not fits:
            raise ReaderError(
                f"the heads were trained for the encoder {heads.encoder} and the reader {heads.reader}; here are "
                f"{encoder.name} and {reader.name}. Run `pestle train`"
            )
        if examples is not None and heads.examples != examples:
            raise ReaderError("the examples in the knowledge base have changed since the heads were trained; run `pestle train`")
        self._heads, self._reader = heads, reader
        self._all = np.concatenate([heads.weights, heads.mark_weights])
        self._bias = np.concatenate([heads.bias, heads.mark_bias])

    @property
    def route_of(self) -> dict[str, str]:
        return self._heads.routes

    @property
    def bounds(self) -> dict[str, Thresholds]:
        return self._heads.bounds

    @property
    def heads(self) -> Heads:
        return self._heads

    def read(self, turns: Sequence[str], vector: Vectors) -> Reading:
        """`turns` alternate and end with the customer's message; `vector` is the plain encoder's of that message.

        Of a long message every piece is read, and the worst of them counts.
        """
        return self.of_inputs(self.inputs(turns, vector))

    def inputs(self, turns: Sequence[str], vector: Vectors) -> Vectors:
        """What the heads read: float32 of shape (pieces, inputs)."""
        windows = pieces(turns)
        beside = np.concatenate([vector, signs(turns)])
        return np.concatenate([self._reader.encode(windows), np.tile(beside, (len(windows), 1))], axis=1)

    def of_inputs(self, x: Vectors) -> Reading:
        """The reading of one message from its pieces' inputs, float32 of shape (pieces, inputs)."""
        heads = self._heads
        logits = x @ self._all.T + self._bias
        logits += np.concatenate([heads.hidden.logits(x), heads.mark_hidden.logits(x)], axis=1)
        wanted = logits[:, : len(heads.names)].mean(axis=0) / heads.temperature
        odds = np.exp(wanted - wanted.max())
        shares = odds / odds.sum()
        marked = 1 / (1 + np.exp(-(logits[:, len(heads.names) :] * heads.slopes + heads.offsets)))
        order = np.argsort(-shares)
        routes = dict.fromkeys(ROUTES, 0.0)
        for name, share in zip(heads.names, shares, strict=True):
            routes[heads.routes[name]] += float(share)
        return Reading(
            tuple((heads.names[n], float(shares[n])) for n in order),
            routes,
            dict(zip(HEADS, map(float, marked.max(axis=0)), strict=True)),
            bool(shares[order[0]] >= heads.intent_sure),
        )
