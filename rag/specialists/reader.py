"""The reader's first head: what is wanted, and whether the articles or the customer's account hold it.

A logistic regression over the encoder's vector and a few lexical signs. The intent `knowledge` stands for every
question that an article answers; the others come from knowledge_base/intents.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from rag.encoder import Vectors

KNOWLEDGE = "knowledge"
OUT_OF_SCOPE = "out_of_scope"
ROUTES = ("knowledge", "account", "chat", "human", "out_of_scope")
SIGNS: tuple[re.Pattern[str], ...] = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(my|mine|our)\b",
        r"\b(fh|rx|tr)[\s#:-]*\d{4,}|\b1z[0-9a-z]{8,}|#\s*\d{4,}",
        r"\b(you|u|people|customers|someone|anyone|everyone)\b",
        r"\bmy (order|package|parcel|delivery|box|shipment|stuff|meds|medicines?|prescriptions?|pills|transfer|refills?)\b",
        r"^(what is|what are|how do|how does|how long|how much|what if|why do|why does|do you|can you|is it|are there)\b",
        r"\b(when|where)('s| is| are| will| does)\b",
        r"\b(have i|did i|am i|do i have|i ordered|i paid|i have left)\b",
        r"\b(policy|process|usually|normally|in general|generally)\b",
        r"\b(if|whenever|once|after|before)\b",
        r"\b(it|that one|this one|the one|other one|first one|second one|those|these|them)\b",
        r"\b(address|going to|go to|sent to|sending (it|them) to|deliver(ed|ing)? to|ship(ped|ping)? to|which house|zip|apartment)\b",
        r"\b(refills?)\b",
        r"\b(expir\w+|run out|runs out|good until|valid)\b",
        r"\b(track\w*|carrier|ups|usps|fedex)\b",
        r"\b(pay|paid|cost|costs|charged?|price|total|bill|copay)\b",
        r"\b(label|directions|instructions|strength|how (do|to) take|mg)\b",
        r"\b(who (wrote|prescribed)|prescriber|doctor|prescribed)\b",
        r"\b(transfer\w*|moved?|moving)\b",
        r"\b(stock|available|back ?order\w*|carry)\b",
        r"\b(insurance|plan|coverage)\b",
        r"\b(auto|automatic\w*)\b",
        r"\b(arriv\w*|get here|come|coming|deliver\w*|when)\b",
        r"\b(what('s| is) in|inside|contains?|which (pills|meds|medicines))\b",
    )
)


class ReaderError(RuntimeError):
    """The trained head is missing or does not fit the encoder; the message says what to run."""


@dataclass(frozen=True)
class Reading:
    """Probabilities of a message's intents, most probable first, and of the five routes."""

    intents: tuple[tuple[str, float], ...]
    routes: dict[str, float]

    @property
    def intent(self) -> str:
        return self.intents[0][0]

    def best_of(self, route_of: dict[str, str], route: str) -> tuple[str, float]:
        """The most probable intent of one route."""
        return next((name, p) for name, p in self.intents if route_of[name] == route)


def features(text: str, vector: Vectors) -> Vectors:
    """What the head reads: the vector and the lexical signs, float32 of shape (dimensions + signs,)."""
    signs = np.array([0.5 if sign.search(text) else 0.0 for sign in SIGNS], dtype=np.float32)
    return np.concatenate([vector, signs])


class Reader:
    """Reads a message's vector. Thread-safe."""

    def __init__(self, folder: Path, encoder_name: str, dimensions: int) -> None:
        path = folder / "intents.safetensors"
        try:
            with safe_open(str(path), framework="np") as file:
                meta = file.metadata() or {}
                self._weights: Vectors = file.get_tensor("weights")
                self._bias: Vectors = file.get_tensor("bias")
        except Exception as error:
            raise ReaderError(f"{path} can't be read; run `pestle train` ({error})") from error
        self.names: list[str] = json.loads(meta.get("names", "[]"))
        self.route_of: dict[str, str] = json.loads(meta.get("routes", "{}"))
        if meta.get("encoder") != encoder_name or self._weights.shape != (len(self.names), dimensions + len(SIGNS)):
            raise ReaderError(
                f"{path} was trained for other signs or another encoder ({meta.get('encoder')}); run `pestle train`"
            )

    def read(self, text: str, vector: Vectors) -> Reading:
        logits = self._weights @ features(text, vector) + self._bias
        odds = np.exp(logits - logits.max())
        shares = odds / odds.sum()
        ranked = sorted(zip(self.names, map(float, shares), strict=True), key=lambda pair: -pair[1])
        routes = dict.fromkeys(ROUTES, 0.0)
        for name, share in ranked:
            routes[self.route_of[name]] += share
        return Reading(tuple(ranked), routes)


def save_head(
    folder: Path, names: list[str], routes: dict[str, str], weights: Vectors, bias: Vectors, encoder_name: str
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    meta = {"names": json.dumps(names), "routes": json.dumps(routes), "encoder": encoder_name}
    tensors = {
        "weights": np.ascontiguousarray(weights, dtype=np.float32),
        "bias": np.ascontiguousarray(bias, dtype=np.float32),
    }
    save_file(tensors, str(folder / "intents.safetensors"), metadata=meta)
