"""A hidden layer beside the linear heads: signs that mean something only together.

It is fitted by itself, and its logits are added to those of the linear heads, which are steadier where rows are few.
Kept in half precision, so that heads and adapter stay small.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rag.encoder import Vectors

if TYPE_CHECKING:
    import torch

WIDTH = 192
DROPPED = 0.35  # share of inputs and of hidden units that a step does without
EPOCHS, BATCH = 12, 256
RATE, DECAY = 4e-3, 1e-2
LEAST_SPREAD = 0.02  # of an input: a sign that no row has must not count a hundredfold when it comes


@dataclass(frozen=True)
class Hidden:
    """`inward` (width, inputs) and `outward` (outputs, width) with their biases, float16."""

    inward: Vectors
    inward_bias: Vectors
    outward: Vectors
    outward_bias: Vectors

    def logits(self, x: Vectors) -> Vectors:
        """Float32 (rows, outputs) of float32 (rows, inputs)."""
        inner = np.maximum(x @ self.inward.T + self.inward_bias, 0)
        out: Vectors = inner @ self.outward.T + self.outward_bias
        return out

    def tensors(self, name: str) -> dict[str, Vectors]:
        """As they are kept."""
        return {
            f"{name}.inward": self.inward.astype(np.float16), f"{name}.inward_bias": self.inward_bias.astype(np.float16),
            f"{name}.outward": self.outward.astype(np.float16), f"{name}.outward_bias": self.outward_bias.astype(np.float16),
        }  # fmt: skip

    @classmethod
    def of(cls, tensors: dict[str, Vectors], name: str) -> Hidden:
        parts = ("inward", "inward_bias", "outward", "outward_bias")
        return cls(*(tensors[f"{name}.{part}"].astype(np.float32) for part in parts))

    def check(self, inputs: int, outputs: int) -> None:
        """Raises ValueError where it does not fit, or holds what is no number."""
        width = len(self.inward_bias)
        shapes = [t.shape for t in (self.inward, self.inward_bias, self.outward, self.outward_bias)]
        if shapes != [(width, inputs), (width,), (outputs, width), (outputs,)]:
            raise ValueError("the hidden layer does not fit the heads")
        if not all(np.isfinite(t).all() for t in (self.inward, self.inward_bias, self.outward, self.outward_bias)):
            raise ValueError("the hidden layer holds values that are no numbers")


def fit_hidden(
    x: Vectors, outputs: int, loss: Callable[[torch.Tensor, Vectors], torch.Tensor], seed: int
) -> Hidden:
    """A layer fitted to `loss`, which gets the logits of some rows and their places in `x`. One thread: the same each time."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        torch.manual_seed(seed)
        dice = np.random.default_rng(seed)
        middle, spread = x.mean(axis=0), np.maximum(x.std(axis=0), LEAST_SPREAD)
        rows = torch.tensor((x - middle) / spread, dtype=torch.float32)
        inward, outward = torch.nn.Linear(x.shape[1], WIDTH), torch.nn.Linear(WIDTH, outputs)
        drop = torch.nn.Dropout(DROPPED)
        net = torch.nn.Sequential(drop, inward, torch.nn.ReLU(), drop, outward)
        optimizer = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY)
        steps = EPOCHS * -(-len(x) // BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
        for _ in range(EPOCHS):
            order = dice.permutation(len(x))
            for at in range(0, len(x), BATCH):
                some = order[at : at + BATCH]
                optimizer.zero_grad(set_to_none=True)
                loss(net(rows[some]), some).backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
        weights = inward.weight.detach().numpy() / spread  # the scaling goes into the weights
        bias = inward.bias.detach().numpy() - weights @ middle
        parts = (weights, bias, outward.weight.detach().numpy(), outward.bias.detach().numpy())
        kept = (part.astype(np.float16).astype(np.float32) for part in parts)
        return Hidden(*kept)
    finally:
        torch.set_num_threads(threads)
