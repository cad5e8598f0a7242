"""The grounded check: how probably a sentence is supported by the texts that it cites, for sentences in new words.

The other checks look for one fault each; this one weighs many small signs at once: which words stand in the evidence, how
close together and in which order, which are missing and how rare they are, names, figures, denials, claims stronger than
the evidence's, and, where an encoder is at hand, how near the meaning is. The model is small and made of plain arrays; it
is fitted on the knowledge base's own articles (rag/specialists/grounded_train.py). Measured in eval/grounded.py.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import Stemmer  # type: ignore[import-not-found, import-untyped, unused-ignore]
from numpy.typing import NDArray
from rapidfuzz.distance import LCSseq
from safetensors import safe_open
from safetensors.numpy import save_file

from rails.checks import Check, SamePolarity
from rails.engine import register_validator
from rails.figures import ONES, stands
from rails.reading import NEGATORS, SENTENCE_END, STOPWORDS, Reading

Embed = Callable[[Sequence[str]], NDArray[Any]]  # texts to unit vectors, float of shape (texts, dimensions)

# Each feature with the sign of its influence: more of it means more support (1) or less (-1). Lengths are left out: what a
# model learns from them is how long the sentences of whoever wrote the examples are.
LEXICAL = {
    "support": 1, "rare_support": 1, "sentence": 1, "neighbours": 1, "soft": 1, "missing": -1, "run": 1, "order": 1,
    "bigrams": 1, "letters": 1, "names": 1, "missing_names": -1, "figures": 1, "turned": -1, "new_denial": -1,
    "stronger": -1, "unhedged": -1,
}  # fmt: skip
SIMILAR = {"best": 1, "pair": 1, "whole": 1, "weakest": 1, "clauses": 1}
WORD = re.compile(r"[^\W_]+(?:['.,:/-][^\W_]+)*")
CLAUSE = re.compile(
    r"[,;:()]|\b(?:and|but|or|because|which|who|where|when|while|after|before|with|in|by|for)\b", re.IGNORECASE
)
ABSOLUTE = frozenset(("all", "always", "any", "anyone", "anywhere", "at once", "automatically", "every", "everyone", "must",
                      "never", "nobody", "only", "none", "guaranteed", "required", "immediately", "free"))  # fmt: skip
HEDGE = frozenset(("about", "can", "could", "may", "might", "mostly", "most", "often", "some", "sometimes", "usually",
                   "unless", "if", "until", "many", "up"))  # fmt: skip
NUMERALS = {word: str(number) for number, word in enumerate(ONES)}
LETTERS = 4
FILE = "grounded.safetensors"  # its name in the folder of what was trained
RAREST = 6.0  # the weight of a stem in no article, as the logarithm of their number over that of those with it

_stemmer = Stemmer.Stemmer("english")


class GroundedError(RuntimeError):
    """The trained weights are missing or damaged; the message says what to run."""


def _stem(word: str) -> str:
    return str(_stemmer.stemWord(word.removesuffix("'s")))


class Text:
    """A text as it is compared: its sentences, words in order, pairs of words and runs of letters."""

    def __init__(self, text: str) -> None:
        self.text = text.replace("’", "'")

    @cached_property
    def sentences(self) -> list[str]:
        return [part.strip() for part in SENTENCE_END.split(self.text) if WORD.search(part)]

    @cached_property
    def words(self) -> list[list[str]]:
        """Of each sentence, lower case, in order, small numbers in digits."""
        return [[NUMERALS.get(word, word) for word in WORD.findall(part.lower())] for part in self.sentences]

    @cached_property
    def stems(self) -> list[frozenset[str]]:
        """Of each sentence: its content words, stemmed."""
        return [frozenset(_stem(word) for word in words if word not in STOPWORDS) for words in self.words]

    @cached_property
    def all_stems(self) -> frozenset[str]:
        return frozenset[str]().union(*self.stems)

    @cached_property
    def beginnings(self) -> frozenset[str]:
        """How its words begin: "pharmacist" speaks of a "pharmacy" too."""
        return frozenset(stem[:5] for stem in self.all_stems)

    @cached_property
    def names(self) -> frozenset[str]:
        """Content words with a capital that don't begin a sentence, stemmed."""
        found = (word for sentence in self.sentences for word in WORD.findall(sentence)[1:] if word[0].isupper())
        return frozenset(_stem(word.lower()) for word in found if word.lower() not in STOPWORDS)

    @cached_property
    def line(self) -> str:
        """All its words, one space before and after each; sentences are kept apart."""
        return "".join(f" {' '.join(words)} ." for words in self.words)

    @cached_property
    def bigrams(self) -> frozenset[tuple[str, str]]:
        return frozenset(pair for words in self.words for pair in pairwise(words))

    @cached_property
    def letters(self) -> frozenset[str]:
        return frozenset(gram for words in self.words for gram in _grams(words))

    @cached_property
    def denies(self) -> bool:
        return any(word in NEGATORS or word.endswith("n't") for words in self.words for word in words)


def _grams(words: Sequence[str]) -> Iterator[str]:
    line = " ".join(words)
    return (line[at : at + LETTERS] for at in range(max(1, len(line) - LETTERS + 1)))


_texts: WeakKeyDictionary[Reading, Text] = WeakKeyDictionary()  # gone with its Reading, so that an account's is not kept


def text_of(reading: Reading) -> Text:
    known = _texts.get(reading)
    if known is None:
        known = _texts[reading] = Text(reading.text)
    return known


def lexical(sentence: Reading, evidence: Sequence[Reading], rarity: Mapping[str, float]) -> list[float]:
    """The features in LEXICAL, in order. `rarity` weighs a stem."""
    ours, theirs = text_of(sentence), [text_of(text) for text in evidence]
    stems, words = ours.all_stems, [word for part in ours.words for word in part]
    known = frozenset[str]().union(*(text.all_stems for text in theirs))
    missing = stems - known
    count = max(1, len(stems))
    weights = {stem: rarity.get(stem, RAREST) for stem in stems}
    beginnings = frozenset[str]().union(*(text.beginnings for text in theirs))
    shares = [(len(stems & unit), text, at) for text in theirs for at, unit in enumerate(text.stems)]
    best, home, place = max(shares, key=lambda share: share[0], default=(0, Text(""), 0))
    near = home.words[place] if home.words else []
    neighbours = max((len(stems & (a | b)) for text in theirs for a, b in pairwise(text.stems)), default=0)
    pairs = [pair for part in ours.words for pair in pairwise(part)]
    letters = [gram for part in ours.words for gram in _grams(part)]
    figures = frozenset(figure for text in evidence for figure in text.figures) if sentence.figures else frozenset()
    said = frozenset(words)
    return [
        1 - len(missing) / count,
        1 - sum(weights[stem] for stem in missing) / max(sum(weights.values()), 1e-9),
        best / count,
        max(best, neighbours) / count,
        1 - sum(stem[:5] not in beginnings for stem in missing) / count,
        math.log1p(len(missing)),
        max((_run(part, text.line) for part in ours.words for text in theirs), default=0) / max(1, len(words)),
        LCSseq.similarity(words, near) / max(1, len(words)),
        sum(any(pair in text.bigrams for text in theirs) for pair in pairs) / max(1, len(pairs)),
        sum(any(gram in text.letters for text in theirs) for gram in letters) / max(1, len(letters)),
        len(ours.names & known) / len(ours.names) if ours.names else 1.0,
        math.log1p(len(ours.names - known)),
        sum(stands(figure, figures) for figure in sentence.figures) / len(sentence.figures) if sentence.figures else 1.0,
        float(_POLARITY.fault(sentence, evidence, False) is not None),
        float(ours.denies and not any(text.denies for text in theirs)),
        float(len((said & ABSOLUTE).difference(near))),
        float(len((HEDGE & frozenset(near)) - said)),
    ]


_POLARITY = SamePolarity()


def _run(words: Sequence[str], line: str) -> int:
    """The longest run of these words that stands in the line as it is."""
    best = 0
    for at in range(len(words)):
        while at + best < len(words) and f" {' '.join(words[at : at + best + 1])} " in line:
            best += 1
    return best


@dataclass(frozen=True)
class Similarity:
    """Cosines: of the sentence to the nearest sentence of the evidence, to the nearest two neighbours, to the nearest
    text as a whole; and of its clauses to their nearest sentences, the weakest and the mean."""

    best: float
    pair: float
    whole: float
    weakest: float
    clauses: float


class Likeness:
    """Measures Similarity with an encoder. Vectors of evidence are kept as long as its Reading is."""

    def __init__(self, embed: Embed) -> None:
        self._embed = embed
        self._vectors: WeakKeyDictionary[Reading, tuple[NDArray[Any], ...]] = WeakKeyDictionary()

    def __call__(self, sentence: Reading, evidence: Sequence[Reading]) -> Similarity:
        known = [self._of(text) for text in evidence if text_of(text).sentences]
        if not known:
            return Similarity(0.0, 0.0, 0.0, 0.0, 0.0)
        clauses = [part for part in CLAUSE.split(sentence.text) if _says_something(part)] or [sentence.text]
        vectors = self._embed([sentence.text, *clauses])
        singles, pairs, wholes = (np.concatenate([part[n] for part in known]) for n in range(3))
        parts = (vectors[1:] @ singles.T).max(axis=1)
        best, pair, whole = (float((level @ vectors[0]).max()) for level in (singles, pairs, wholes))
        return Similarity(best, pair, whole, float(parts.min()), float(parts.mean()))

    def _of(self, text: Reading) -> tuple[NDArray[Any], ...]:
        known = self._vectors.get(text)
        if known is None:
            single = text_of(text).sentences
            pairs = [f"{one} {other}" for one, other in pairwise(single)] or single
            vectors = self._embed([*single, *pairs, " ".join(single)])
            known = vectors[: len(single)], vectors[len(single) : -1], vectors[-1:]
            self._vectors[text] = known
        return known


def _says_something(part: str) -> bool:
    return sum(word not in STOPWORDS for word in WORD.findall(part.lower())) > 1


@dataclass(frozen=True)
class Trees:
    """Boosted trees as arrays of shape (trees, nodes): a node's feature and threshold, where to go, what a leaf adds.

    A leaf leads to itself. `depth` steps from node 0 reach every leaf; the sum of the leaves and `base` is the logit.
    """

    feature: NDArray[Any]
    threshold: NDArray[Any]
    left: NDArray[Any]
    right: NDArray[Any]
    value: NDArray[Any]
    base: float
    depth: int

    def logit(self, x: Sequence[float] | NDArray[Any]) -> float:
        values, rows = np.asarray(x, dtype=np.float32), np.arange(len(self.feature))
        node = np.zeros(len(rows), dtype=np.int64)
        for _ in range(self.depth):
            goes_left = values[self.feature[rows, node]] <= self.threshold[rows, node]
            node = np.where(goes_left, self.left[rows, node], self.right[rows, node])
        return float(self.value[rows, node].sum()) + self.base

    def check(self, inputs: int) -> None:
        """Raises ValueError where the arrays do not fit each other or the features."""
        arrays = (self.feature, self.threshold, self.left, self.right, self.value)
        if len({array.shape for array in arrays}) > 1 or self.feature.ndim != 2 or not self.feature.size:
            raise ValueError("its arrays do not fit each other")
        nodes = self.feature.shape[1]
        if any((array < 0).any() or (array >= nodes).any() for array in (self.left, self.right)):
            raise ValueError("its trees lead nowhere")
        if (self.feature < 0).any() or (self.feature >= inputs).any() or not 0 < self.depth <= nodes:
            raise ValueError("it was trained on other features")
        if not (np.isfinite(self.threshold).all() and np.isfinite(self.value).all() and math.isfinite(self.base)):
            raise ValueError("it holds values that are no numbers")


class Grounded:
    """How probably a sentence is supported by the texts it cites. Thread-safe.

    One model reads the lexical features alone, another one the similarities too. `rarity` weighs stems of the articles.
    """

    def __init__(self, words: Trees, meaning: Trees, rarity: Mapping[str, float]) -> None:
        words.check(len(LEXICAL))
        meaning.check(len(LEXICAL) + len(SIMILAR))
        self._words, self._meaning, self._rarity = words, meaning, dict(rarity)

    def probability(
        self, sentence: Reading, evidence: Sequence[Reading], similarity: Similarity | None = None
    ) -> float:
        """0 to 1, for sentences such as a composer writes, most of which are supported."""
        features = lexical(sentence, evidence, self._rarity)
        if similarity is None:
            return _sigmoid(self._words.logit(features))
        return _sigmoid(self._meaning.logit([*features, *astuple(similarity)]))

    def save(self, path: Path) -> None:
        stems = sorted(self._rarity)
        tensors: dict[str, NDArray[Any]] = {"rarity": np.array([self._rarity[s] for s in stems], dtype=np.float32)}
        card: dict[str, Any] = {"features": [*LEXICAL, *SIMILAR], "stems": stems}
        for name, trees in (("words", self._words), ("meaning", self._meaning)):
            card[name] = [trees.base, trees.depth]
            for part in ("feature", "left", "right"):
                tensors[f"{name}.{part}"] = np.ascontiguousarray(getattr(trees, part), dtype=np.int32)
            for part in ("threshold", "value"):
                tensors[f"{name}.{part}"] = np.ascontiguousarray(getattr(trees, part), dtype=np.float32)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, str(path), metadata={"card": json.dumps(card)})  # one entry: the order of several is random

    @classmethod
    def load(cls, path: Path) -> Grounded:
        """Raises GroundedError."""
        try:
            with safe_open(str(path), framework="np") as file:
                card = json.loads((file.metadata() or {})["card"])
                tensor = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 -- no mapping
            if card["features"] != [*LEXICAL, *SIMILAR]:
                raise ValueError("it was trained on other features")
            words, meaning = (
                Trees(
                    *(tensor[f"{name}.{part}"] for part in ("feature", "threshold", "left", "right", "value")),
                    *card[name],
                )
                for name in ("words", "meaning")
            )
            rarity = dict(zip(card["stems"], map(float, tensor["rarity"]), strict=True))
            return cls(words, meaning, rarity)
        except Exception as error:
            raise GroundedError(f"{path} can't be used; run `pestle train` ({type(error).__name__}: {error})") from error


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, logit))))


@register_validator(name="pestle/grounded", data_type="string")
class GroundedEnough(Check):
    """A sentence in new words is supported with at least this probability. The model isn't asked about a quotation."""

    def __init__(self, grounded: Grounded, at: float = 0.5, embed: Embed | None = None) -> None:
        super().__init__()
        self._grounded, self._at = grounded, at
        self._likeness = Likeness(embed) if embed else None

    def fault(self, sentence: Reading, evidence: Sequence[Reading], literal: bool) -> str | None:
        if literal:
            return None
        similarity = self._likeness(sentence, evidence) if self._likeness else None
        probability = self._grounded.probability(sentence, evidence, similarity)
        return None if probability >= self._at else f"is supported with a probability of only {probability:.0%}"
