"""Routing: what people corrected of the reading of messages, learnt by the intents and by nothing else.

The intents' heads are fitted again on the rows of the knowledge base with the corrected messages beside them, each at its
weight; the heads for dangers, tone and scope are taken over number by number. Kept-back rows judge: those of the base tell
what is lost, a part of the corrected messages, which is not learnt from, what is gained.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import yaml

from rag.encoder import Vectors
from rag.learning.base import Base, NothingToLearn
from rag.learning.cleaning import same_dangers
from rag.learning.examples import Example
from rag.learning.fewshot import read_inputs
from rag.learning.rewrites import plain
from rag.specialists.reader import Heads
from rag.specialists.rows import Rows
from rag.specialists.train import ARTICLES, fit_intents, fit_temperature, inputs, softmax, sure_from
from rag.words import STOPWORDS, TOKEN, stems

EXAMPLES = "examples.yaml"
KEPT_BACK = 4  # one corrected wording in so many is not learnt
JUDGED = 8  # corrected wordings from which some are kept back
LOUDNESS = (1.0, 3.0, 10.0)  # what a corrected message may weigh beside a row of the base; the best one is taken
WRONG = 0.3  # weight of a message of which only the wrong intent is known
CONTENT = 0.5  # and of one whose reading a customer was content with
COSTS = 0.005  # share of the base's kept-back rows that may be lost
CUSTOMERS_TEACH = ("knowledge", "account", "chat")  # routes; who would have no answer given to others is staff
TOGETHER = 2  # content words under which a follow-up can't be read alone
SHARED = 3  # people who must have written a word that is none of ours before it stands in an artefact


@dataclass(frozen=True)
class Corrected:
    """One wording, with what it is wanted to be read as: shares of intents that sum to 1."""

    text: str
    shares: Mapping[str, float]
    weight: float
    ids: tuple[str, ...]

    @property
    def kept_back(self) -> bool:
        return int(hashlib.sha256(plain(self.text).encode()).hexdigest(), 16) % KEPT_BACK == 0


@dataclass(frozen=True)
class Judged:
    """Accuracy of the intents (0 to 1) on kept-back rows of the base, and on the corrected messages that were not learnt."""

    base: float
    corrected: float


def tune(
    examples: Sequence[Example], base: Base, folder: Path, say: Callable[[str], None], seed: int = 7
) -> dict[str, float]:
    """Writes heads.safetensors and examples.yaml. `examples` are cleaned. Raises NothingToLearn."""
    rows, heads = base.rows, base.heads
    if rows.intents != heads.names:
        raise NothingToLearn(
            "the heads that serve have other intents than knowledge_base/intents; run `pestle train` first"
        )
    corrected = wanted(examples, base)
    if not corrected:
        raise NothingToLearn(
            "no message is known to have been read wrongly; agents' departments and corrections would tell"
        )
    say(f"{len(corrected)} corrected wordings beside {len(rows.rows)} rows of the knowledge base")
    x = inputs(rows, base.reader, base.encoder, base.search.mended, base.cache)
    theirs = read_inputs([(one.text,) for one in corrected], base)
    back = (
        np.array([one.kept_back for one in corrected]) if len(corrected) >= JUDGED else np.zeros(len(corrected), bool)
    )
    if back.all():
        back[:] = False
    before = judge(heads, rows, x, corrected, theirs, back)
    tried: list[tuple[Judged, float, Heads]] = []
    for loudness in LOUDNESS:
        made = fit(heads, rows, x, corrected, theirs, ~back, loudness)
        tried.append((judge(made, rows, x, corrected, theirs, back), loudness, made))
        say(
            f"at weight {loudness:g}: {_says('the base', before.base, tried[-1][0].base)}, {_says('corrected messages', before.corrected, tried[-1][0].corrected)}"
        )
    fine = [one for one in tried if one[0].base >= before.base - COSTS]
    if not fine:
        raise NothingToLearn(
            f"learning these {len(corrected)} wordings would cost the other messages more than {100 * COSTS} points; look at them first"
        )
    after, loudness, made = max(fine, key=lambda one: (one[0].corrected, one[0].base))
    same_dangers(heads, made)
    made.save(folder)
    same_dangers(heads, Heads.load(folder))
    _write(folder / EXAMPLES, corrected, ~back, examples, base)
    return {
        "corrected": len(corrected), "kept_back": float(back.sum()), "weight": loudness,
        "base_before": before.base, "base_after": after.base,
        "corrected_before": before.corrected, "corrected_after": after.corrected,
    }  # fmt: skip


def wanted(examples: Sequence[Example], base: Base) -> list[Corrected]:
    """The wordings that may be learnt, in a fixed order; one on which people differ shares itself among what they want."""
    heads = base.heads
    by_text: dict[str, list[tuple[Example, str, str | None]]] = defaultdict(list)
    for one in sorted((one for one in examples if one.kind == "routing"), key=lambda one: (one.at, one.id)):
        turns = one.data["turns"]
        text = str(turns[-1])
        if not plain(text) or (len(turns) > 1 and len(stems(text)) < TOGETHER):
            continue
        intent = one.data.get("intent") or heads.of_article.get(one.data.get("article") or "")
        was = one.data.get("was")
        if intent in heads.names and (one.staff or heads.routes[str(intent)] in CUSTOMERS_TEACH):
            by_text[plain(text)].append((one, text, intent))
        elif intent is None and was in heads.names and one.data.get("why") != "content":
            by_text[plain(text)].append((one, text, None))
    texts = [some[0][1] for some in by_text.values()]
    dangers = base.dangerous(texts) if texts else []
    safe = [some for some, danger in zip(by_text.values(), dangers, strict=True) if not danger]
    if not safe:
        return []
    now = softmax(_logits(heads, read_inputs([(some[0][1],) for some in safe], base)) / heads.temperature)
    return [_corrected(some, shares, heads.names) for some, shares in zip(safe, now, strict=True)]


def _corrected(some: Sequence[tuple[Example, str, str | None]], now: Vectors, names: Sequence[str]) -> Corrected:
    """`now`: what the wording is read as by the heads that serve. Where only the wrong intent is known, the rest of that."""
    total, weight = np.zeros(len(names)), 0.0
    for one, _, intent in some:
        if intent is not None:
            much = one.weight * (CONTENT if one.data.get("why") == "content" else 1.0)
            share = np.eye(1, len(names), names.index(intent))[0]
        else:
            much, share = one.weight * WRONG, now.copy()
            share[names.index(one.data["was"])] = 0.0
            share /= max(float(share.sum()), 1e-9)
        total += much * share
        weight += much
    total = np.where(total >= 0.02 * total.sum(), total, 0.0)
    found = {name: float(much / total.sum()) for name, much in zip(names, total, strict=True) if much}
    return Corrected(some[0][1], found, weight, tuple(one.id for one, _, _ in some))


def fit(
    heads: Heads,
    rows: Rows,
    x: Vectors,
    corrected: Sequence[Corrected],
    theirs: Vectors,
    learnt: Vectors,
    loudness: float,
) -> Heads:
    """The heads with the intents fitted again; their temperature and threshold too, on the base's kept-back rows."""
    at = np.array([not row.kept_back for row in rows.rows])
    classes, more = rows.classes(), _classes(corrected, heads.names)
    surely = np.array([ARTICLES if row.source == "articles" else 1.0 for row in rows.rows])
    loud = loudness * np.array([one.weight for one in corrected])
    weights, bias, hidden = fit_intents(
        np.concatenate([classes[at], more[learnt]]),
        np.concatenate([x[at], theirs[learnt]]),
        np.concatenate([surely[at], loud[learnt]]),
    )
    made = replace(heads, weights=weights.astype(np.float32), bias=bias.astype(np.float32), hidden=hidden)
    kept = _kept(rows)
    logits = _logits(made, x[kept])
    temperature = fit_temperature(logits, classes[kept])
    return replace(made, temperature=temperature, intent_sure=sure_from(softmax(logits / temperature), classes[kept]))


def judge(
    heads: Heads, rows: Rows, x: Vectors, corrected: Sequence[Corrected], theirs: Vectors, back: Vectors
) -> Judged:
    kept = _kept(rows)
    return Judged(
        _accuracy(_logits(heads, x[kept]), rows.classes()[kept]),
        _accuracy(_logits(heads, theirs[back]), _classes(corrected, heads.names)[back]) if back.any() else float("nan"),
    )


def _kept(rows: Rows) -> Vectors:
    return np.array([row.kept_back and not row.added and bool(row.shares) for row in rows.rows])


def _logits(heads: Heads, x: Vectors) -> Vectors:
    out: Vectors = x @ heads.weights.T + heads.bias + heads.hidden.logits(x)
    return out


def _classes(corrected: Sequence[Corrected], names: Sequence[str]) -> Vectors:
    out = np.zeros((len(corrected), len(names)), dtype=np.float32)
    for n, one in enumerate(corrected):
        for name, share in one.shares.items():
            out[n, names.index(name)] = share
    return out


def _accuracy(logits: Vectors, wanted: Vectors) -> float:
    """Share of the rows whose first intent is one of those that are wanted most."""
    first = wanted[np.arange(len(logits)), logits.argmax(axis=1)]
    return float(np.mean(first >= wanted.max(axis=1) - 1e-6))


def _says(what: str, before: float, after: float) -> str:
    return (
        f"{what}: none kept back"
        if np.isnan(before)
        else f"{what} {100 * before:.1f} % before, {100 * after:.1f} % after"
    )


def _write(
    path: Path, corrected: Sequence[Corrected], learnt: Vectors, examples: Sequence[Example], base: Base
) -> None:
    """What was learnt, as rows of an intent's file; a wording with a word that hardly anybody writes is left out of it."""
    words = {
        word
        for article in base.articles
        for text in (article.body, *article.questions)
        for word in TOKEN.findall(text.lower())
    }
    people: dict[str, set[str]] = defaultdict(set)
    for one in examples:
        for word in TOKEN.findall(one.text.lower()):
            people[word].add(one.customer or one.id)
    rows = []
    for item, was_learnt in zip(corrected, learnt, strict=True):
        common = all(
            word in words or word in STOPWORDS or len(people[word]) >= SHARED
            for word in TOKEN.findall(item.text.lower())
        )
        row = {
            "intents": {name: round(share, 3) for name, share in item.shares.items()},
            "weight": round(item.weight, 3),
        }
        rows.append(
            {**({"text": item.text} if common else {}), **row, "learnt": bool(was_learnt), "examples": list(item.ids)}
        )
    path.write_text(yaml.safe_dump(rows, sort_keys=False, allow_unicode=True), encoding="utf-8")
