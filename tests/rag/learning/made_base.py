"""A base of a hundred rows and four intents, whose vectors are bags of words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from rag.articles import Article
from rag.encoder import Vectors
from rag.learning.base import Base
from rag.specialists.examples import HEADS
from rag.specialists.hidden import Hidden
from rag.specialists.reader import Heads
from rag.specialists.rows import Learnt, Rows
from rag.specialists.signs import signs
from rag.specialists.train import fit_intents
from rails.judge import Thresholds

SAYS = {
    "delivery_time": ("when", "arrive", "long", "delivery", "days"),
    "return_item": ("return", "send", "back", "refund", "unopened"),
    "pay_card": ("card", "visa", "pay", "payment", "debit"),
    "small_talk": ("hello", "nice", "day", "morning", "weather"),
}
ROUTES = {**dict.fromkeys(SAYS, "knowledge"), "small_talk": "chat"}
DANGER = "overdose"


class Words:
    """An encoder that sees words only: each has a direction of its own."""

    dimensions = 384

    def __init__(self, name: str) -> None:
        self.name = name

    def encode(self, texts: Sequence[str]) -> Vectors:
        out = np.zeros((len(texts), 384), dtype=np.float32)
        for n, text in enumerate(texts):
            for word in text.lower().split():
                dice = np.random.default_rng(list(word.encode()))
                out[n] += dice.normal(size=384).astype(np.float32)
        unit: Vectors = out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
        return unit


class MadeBase(Base):
    """No files are read; a text with DANGER in it is dangerous."""

    @property
    def rows(self) -> Rows:
        return rows()

    @property
    def articles(self) -> list[Article]:
        return []

    def dangerous(self, texts: Sequence[str]) -> list[bool]:
        return [DANGER in text for text in texts]


@cache
def rows() -> Rows:
    made = []
    for intent, words in SAYS.items():
        for a in words:
            for b in words:
                for more in ("please", "can you say"):
                    made.append(Learnt((f"{a} {b} {more}",), ((intent, 1.0),), (float("nan"),) * len(HEADS), "made"))
    return Rows(tuple(made), dict(ROUTES))


@cache
def heads() -> Heads:
    """Intents fitted on the rows; the other heads are numbers that nothing may change."""
    learnt = [row for row in rows().rows if not row.kept_back]
    x = np.concatenate(
        [
            Words("reader").encode([row.turns[-1] for row in learnt]),
            Words("encoder").encode([row.turns[-1] for row in learnt]),
            np.stack([signs(row.turns) for row in learnt]),
        ],
        axis=1,
    )
    part = Rows(tuple(learnt), dict(ROUTES))
    weights, bias, hidden = fit_intents(part.classes(), x, np.ones(len(x)))
    dice, marks, inputs = np.random.default_rng(5), len(HEADS), x.shape[1]
    beside = Hidden(*(dice.normal(size=shape).astype(np.float16).astype(np.float32) for shape in ((8, inputs), (8,), (marks, 8), (marks,))))  # fmt: skip
    return Heads(
        list(ROUTES), dict(ROUTES), weights.astype(np.float32), bias.astype(np.float32), 1.0,
        dice.normal(size=(marks, inputs)).astype(np.float32), dice.normal(size=marks).astype(np.float32),
        np.ones(marks, np.float32), np.zeros(marks, np.float32), hidden, beside,
        {head: Thresholds(0.2, 0.6) for head in HEADS}, 0.6, "reader", "encoder", "made", {"ship": "delivery_time"},
    )  # fmt: skip


def base(**other: Any) -> MadeBase:
    search = SimpleNamespace(mended=str.lower, index=SimpleNamespace(articles={"ship": None, "gift": None}))
    parts = {
        "knowledge": Path("/nowhere"),
        "encoder": Words("encoder"),
        "reader": Words("reader"),
        "heads": heads(),
        "search": search,
    }
    return MadeBase(**{**parts, **other})
