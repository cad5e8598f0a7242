"""A new intent from a handful of examples, beside intents that stay as they are.

The new intent gets a row of its own in the linear head and in the hidden layer's output; no other number changes. The row
begins at the prototype of the examples (their mean, in the space in which the known intents' rows are round) and is fitted
on the examples, on variants of them and on the known rows that are most like them, against what the known intents make of
each. Its bias is chosen on kept-back rows, so that the others lose no more than the budget.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from scipy.optimize import minimize
from scipy.special import expit, logsumexp

from rag.encoder import Encoder, Vectors
from rag.learning.base import Base
from rag.learning.cleaning import same_dangers
from rag.learning.variants import mixed, reworded
from rag.specialists.examples import Route, Row
from rag.specialists.hidden import Hidden
from rag.specialists.reader import Heads
from rag.specialists.signs import signs
from rag.specialists.train import READ, inputs
from rag.specialists.window import window
from rails.strict_yaml import FileErrors, read_strict

FEWEST = 5
BUDGET = 0.003  # share of kept-back rows that may go over to the new intent
VECTORS = 2 * READ  # dimensions of both encoders together; the new row has no use for the signs after them
INNER = 1.25  # length of the hidden layer's part beside them
ROUND = 3.0  # ridge, in mean variances, of the space in which the prototype is
START, KEEP = 0.1, 0.1  # how long the prototype's row is at first, and how hard it is held there
SHARPER = 0.6  # of the known intents' logits while the row is fitted
MIXED, SHARE, MUCH = 300, 0.3, 0.55  # variants in the space of vectors
REWORDED = 12  # variants of each example in words
POSITIVE = 100.0  # what all examples weigh together, in known rows
RIVALS = 1500  # known rows that are fitted against
STEPS = 40


class NewIntentError(FileErrors):
    """The file of a new intent can't be used; the message names file, line and mistake."""


class NewIntent(BaseModel):
    """As in knowledge_base/intents, with fewer examples."""

    model_config = ConfigDict(extra="forbid")

    intent: str = Field(pattern=r"^[a-z_]+$")
    route: Route
    description: str = ""
    articles: list[str] = []
    examples: list[Row] = Field(min_length=FEWEST)

    @property
    def turns(self) -> list[tuple[str, ...]]:
        return [(row,) if isinstance(row, str) else tuple(row) for row in self.examples]


NEW = TypeAdapter(NewIntent)


@dataclass(frozen=True)
class Known:
    """The intents that there are, on the rows they were fitted on and on those kept back.

    `x`: float32 (rows, inputs), as `rag.specialists.train.inputs`; `of`: the intent of each row.
    """

    weights: Vectors
    bias: Vectors
    hidden: Hidden
    x: Vectors
    of: Vectors
    kept_x: Vectors
    kept_of: Vectors

    def logits(self, x: Vectors) -> Vectors:
        out: Vectors = (x @ self.weights.T + self.bias + self.hidden.logits(x)).astype(np.float32)
        return out

    @cached_property
    def scale(self) -> float:
        """Brings the hidden units to a length of INNER."""
        return INNER / max(float(np.linalg.norm(self._inner(self.x), axis=1).mean()), 1e-9)

    def features(self, x: Vectors) -> Vectors:
        """What the new row reads: both vectors, and the hidden units."""
        return np.concatenate([x[:, :VECTORS], self.scale * self._inner(x)], axis=1).astype(np.float32)

    def _inner(self, x: Vectors) -> Vectors:
        inner: Vectors = np.maximum(x @ self.hidden.inward.T + self.hidden.inward_bias, 0)
        return inner

    @cached_property
    def seen(self) -> Vectors:
        return self.features(self.x)

    @cached_property
    def spread(self) -> Vectors:
        """How each row differs from the mean of its intent."""
        sums = np.zeros((len(self.weights), self.seen.shape[1]), dtype=np.float32)
        np.add.at(sums, self.of, self.seen)
        means = sums / np.maximum(np.bincount(self.of, minlength=len(sums)), 1)[:, None]
        spread: Vectors = self.seen - means[self.of]
        return spread

    @cached_property
    def middle(self) -> Vectors:
        middle: Vectors = self.seen.mean(axis=0)
        return middle

    @cached_property
    def rounding(self) -> Vectors:
        """The inverse of the intents' common covariance."""
        common = self.spread.T @ self.spread / len(self.spread)
        ridge = ROUND * np.trace(common) / len(common) * np.eye(len(common))
        inverse: Vectors = np.linalg.inv(common + ridge)
        return inverse

    @cached_property
    def made_of(self) -> Vectors:
        against: Vectors = logsumexp(SHARPER * self.logits(self.x), axis=1).astype(np.float32)
        return against

    @cached_property
    def kept(self) -> tuple[Vectors, Vectors]:
        """Features of the kept-back rows, and the highest logit of each."""
        return self.features(self.kept_x), self.logits(self.kept_x).max(axis=1)


@dataclass(frozen=True)
class NewRow:
    """`weights` over the inputs, `outward` over the hidden units, and the bias."""

    weights: Vectors
    outward: Vectors
    bias: float

    def logits(self, x: Vectors, hidden: Hidden) -> Vectors:
        inner = np.maximum(x @ hidden.inward.T + hidden.inward_bias, 0)
        out: Vectors = x @ self.weights + inner @ self.outward + self.bias
        return out


def fit_row(
    known: Known, x: Vectors, more: Vectors, of: Sequence[int] | Vectors, seed: int = 7, budget: float = BUDGET
) -> NewRow:
    """The row of a new intent. `x`: inputs of its examples; `more`: of variants in words, and `of` which example each is."""
    own, worded = (
        known.features(x),
        known.features(more) if len(more) else np.zeros((0, known.seen.shape[1]), np.float32),
    )
    blends, first = mixed(own, known.spread, MIXED, SHARE, MUCH * 2**0.5, seed)
    rivals = np.argsort(-(known.seen[:, :VECTORS] @ own[:, :VECTORS].T).max(axis=1), kind="stable")[:RIVALS]
    rows = np.concatenate([own, worded, blends, known.seen[rivals]])
    theirs = logsumexp(SHARPER * known.logits(x), axis=1).astype(
        np.float32
    )  # a variant is as much another's as its example
    against = np.concatenate([theirs, theirs[np.asarray(of, dtype=int)], theirs[first], known.made_of[rivals]])
    side = np.concatenate([np.ones(len(rows) - len(rivals)), -np.ones(len(rivals))]).astype(np.float32)
    varied = len(worded) + len(blends)
    weight = np.concatenate([
        np.full(len(own), 0.5 * POSITIVE / len(own)), np.full(varied, 0.5 * POSITIVE / varied), np.ones(len(rivals))
    ]).astype(np.float32)  # fmt: skip
    start = (START * known.rounding @ (own.mean(axis=0) - known.middle)).astype(np.float32)

    def loss(row: Vectors) -> tuple[float, Vectors]:
        now = row.astype(np.float32)
        ahead = side * (rows @ now[:-1] + now[-1] - against)
        pull, moved = -(weight * side * expit(-ahead)), now[:-1] - start
        total = float((weight * np.logaddexp(0, -ahead)).sum() + 0.5 * KEEP * (moved @ moved))
        return total, np.concatenate([rows.T @ pull + KEEP * moved, [pull.sum()]]).astype(np.float64)

    found = (
        minimize(loss, np.concatenate([start, [0.0]]), jac=True, method="L-BFGS-B", options={"maxiter": STEPS}).x
        / SHARPER
    )
    weights = np.zeros(known.weights.shape[1], dtype=np.float32)
    weights[:VECTORS] = found[:VECTORS]
    outward = (found[VECTORS:-1] * known.scale).astype(np.float16).astype(np.float32)  # as it is kept
    return _within(known, NewRow(weights, outward, 0.0), budget)


def _within(known: Known, row: NewRow, budget: float) -> NewRow:
    """With the highest bias at which no more kept-back rows than the budget go over."""
    ahead = np.sort(row.logits(known.kept_x, known.hidden) - known.kept[1])[::-1]
    return replace(row, bias=-float(np.nextafter(ahead[int(budget * len(ahead))], np.float32(np.inf))))


def known_of(base: Base) -> Known:
    """The intents that serve, on their rows."""
    rows, heads = base.rows, base.heads
    x = inputs(rows, base.reader, base.encoder, base.search.mended, base.cache)
    classes = rows.classes()
    place = [heads.names.index(name) for name in rows.intents]
    of = np.array(place)[classes.argmax(axis=1)]
    labelled = classes.max(axis=1) > 0
    kept = np.array([row.kept_back and not row.added for row in rows.rows]) & labelled
    learnt = np.array([not row.kept_back for row in rows.rows]) & labelled
    return Known(heads.weights, heads.bias, heads.hidden, x[learnt], of[learnt], x[kept], of[kept])


def add_intent(file: Path, base: Base, folder: Path, say: Callable[[str], None], seed: int = 7) -> dict[str, float]:
    """Writes heads.safetensors with the new intent of this file, and gives what it costs and catches on kept-back rows.

    Raises NewIntentError.
    """
    new = read_new_intent(file, base)
    known = known_of(base)
    x = read_inputs(new.turns, base)
    texts = [turns[-1] for turns in new.turns]
    worded = reworded(texts, REWORDED, seed)
    more = read_inputs([(*new.turns[place][:-1], text) for text, place in worded], base)
    of = np.array([place for _, place in worded])
    row = fit_row(known, x, more, of, seed)
    heads = with_row(base.heads, new, row, known)
    same_dangers(base.heads, heads)
    heads.save(folder)
    caught = 0
    for left in range(len(x)):  # each example by the others
        others, variants = np.delete(np.arange(len(x)), left), of != left
        place = np.cumsum(np.arange(len(x)) != left) - 1
        part = fit_row(known, x[others], more[variants], place[of[variants]], seed)
        caught += bool(part.logits(x[left : left + 1], known.hidden)[0] > known.logits(x[left : left + 1]).max())
    before = known.logits(known.kept_x).argmax(axis=1) == known.kept_of
    gone = row.logits(known.kept_x, known.hidden) > known.kept[1]
    figures = {
        "examples": len(x), "caught_by_the_others": caught / len(x), "accuracy_of_the_others": float(before.mean()),
        "lost_by_the_others": float((before & gone).mean()),
    }  # fmt: skip
    say(
        f"{new.intent}: {caught} of {len(x)} examples are caught by the others; the other intents lose "
        f"{100 * figures['lost_by_the_others']:.2f} points of {100 * figures['accuracy_of_the_others']:.1f} % on {len(before)} kept-back rows"
    )
    return figures


def with_row(heads: Heads, new: NewIntent, row: NewRow, known: Known) -> Heads:
    """The heads with one more intent; nothing else of them is another. Articles that have an intent keep it."""
    hidden = Hidden(
        heads.hidden.inward, heads.hidden.inward_bias, np.vstack([heads.hidden.outward, row.outward]),
        np.append(heads.hidden.outward_bias, np.float32(0)),
    )  # fmt: skip
    return replace(
        heads,
        names=[*heads.names, new.intent],
        routes={**heads.routes, new.intent: new.route},
        weights=np.vstack([heads.weights, row.weights]),
        bias=np.append(heads.bias, np.float32(row.bias)),
        hidden=hidden,
        of_article={**dict.fromkeys(new.articles, new.intent), **heads.of_article},
    )


def read_inputs(turns: Sequence[tuple[str, ...]], base: Base) -> Vectors:
    """Inputs of these messages, each with the turns before it: float32 (messages, inputs)."""
    read = base.reader.encode([window(one) for one in turns])
    beside = base.encoder.encode([base.search.mended(one[-1]) for one in turns])
    return np.concatenate([read, beside, np.stack([signs(one) for one in turns])], axis=1).astype(np.float32)


def read_new_intent(path: Path, base: Base) -> NewIntent:
    """Raises NewIntentError."""
    new = read_strict(path, NEW, NewIntentError)
    if new.intent in base.heads.names:
        raise NewIntentError(
            [f"{path}: there is an intent {new.intent!r}; add its examples there, and run `pestle train`"]
        )
    if new.route == "account":
        raise NewIntentError(
            [f"{path}: an intent about customers' own records needs its wording first, see CONTRIBUTING.md"]
        )
    if stray := [id for id in new.articles if id not in base.search.index.articles]:
        raise NewIntentError([f"{path}: there is no article {stray[0]!r}"])
    texts = [one[-1] for one in new.turns]
    if len({text.lower() for text in texts}) < FEWEST:
        raise NewIntentError([f"{path}: at least {FEWEST} different examples are needed"])
    if heard := [text for text, danger in zip(texts, base.dangerous(texts), strict=True) if danger]:
        raise NewIntentError(
            [f"{path}: {heard[0]!r} sounds like a danger, which comes before any intent; leave it out"]
        )
    return new


@dataclass(frozen=True)
class Caught:
    """A message that the new intent would have caught, what it was read as, and the probability."""

    text: str
    was: str
    share: float


def would_catch(before: Heads, after: Heads, texts: Sequence[str], mended: Callable[[str], str], reader: Encoder, encoder: Encoder) -> list[Caught]:  # fmt: skip
    """Which of these messages the last intent of `after` is first for, surest first. What a danger head doubts is left out."""
    from rag.learning.cleaning import DANGERS
    from rag.specialists.reader import Reader

    old, new, name = Reader(before, reader, encoder), Reader(after, reader, encoder), after.names[-1]
    found = []
    vectors = encoder.encode([mended(text) for text in texts]) if texts else ()
    for text, vector in zip(texts, vectors, strict=True):
        x = new.inputs((text,), vector)
        reading = new.of_inputs(x)
        if reading.intent == name and all(reading.marks[head] < after.bounds[head].unsure for head in DANGERS):
            found.append(Caught(text, old.of_inputs(x).intent, reading.intents[0][1]))
    return sorted(found, key=lambda one: (-one.share, one.text))
