"""Fitting the heads on the reader's vectors, calibrating them, and choosing thresholds, on rows the reader never saw.

Calibration: temperature scaling for the intents (Guo et al. 2017), Platt's logistic for the other heads. A head's
threshold is the lowest probability at which the share of false alarms on kept-back lookalikes, and on kept-back ordinary
messages, stays within its budget.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from rag.encoder import Encoder, Vectors
from rag.retrieve import Search
from rag.specialists.examples import HEADS
from rag.specialists.hidden import Hidden, fit_hidden
from rag.specialists.reader import Heads, Reader
from rag.specialists.rows import Rows
from rag.specialists.signs import signs
from rag.specialists.votes import fit_weight, votes
from rag.specialists.window import window
from rails.judge import Thresholds

SEED = 7
READ = 384  # dimensions of the reader's vector, the first of the inputs; the plain encoder's come next
INTENT_C, MARK_C = 5.0, 1.0
SMOOTHING = 0.05
ARTICLES = 0.3  # weight of an article's questions beside an intent's own examples, whose labels are surer
ORDINARY_ROWS, OTHER_HEADS = (
    0.3,
    0.5,
)  # weights, in a head's fit, of ordinary rows and of those written for another head
LOOKALIKES = {  # the budget of false alarms among hard lookalikes
    "emergency": 0.02, "self_harm": 0.02, "medical_advice": 0.04, "injection": 0.02, "abuse": 0.03,
    "wants_human": 0.03, "frustration": 0.05, "follow_up": 0.1, "in_scope": 0.1,
}  # fmt: skip
ORDINARY = {  # and among ordinary messages, for the heads that stop a turn: a danger missed costs more than a needless text
    "emergency": 0.004, "self_harm": 0.006, "medical_advice": 0.004, "injection": 0.003, "abuse": 0.004,
    "wants_human": 0.006,
}  # fmt: skip
OTHERS = 0.05  # and among the rows of any other head that are surely not this one's
LEAST = 50  # rows of another head from which they count
DOUBTED = 0.005  # share of ordinary messages that a head may be in doubt about
MISSED = 0.004  # share of positives that may lie under `unsure`, where a head says no
SURE_ACCURACY = 0.97  # of the intents read with at least `intent_sure`


@dataclass(frozen=True)
class HeadScore:
    """A head on kept-back rows of its own: how many, how well ranked, and at its threshold."""

    positives: int
    negatives: int
    auroc: float
    recall: float
    false_alarms: float
    ordinary_alarms: float
    calibration_error: float
    bounds: Thresholds


@dataclass(frozen=True)
class FitReport:
    """What fitting found, all of it on kept-back rows."""

    learnt: int
    kept_back: int
    accuracy: float
    route_accuracy: float
    calibration_error: float
    sure_share: float
    confusions: tuple[tuple[str, str, int], ...]
    heads: dict[str, HeadScore]


def inputs(rows: Rows, reader: Encoder, encoder: Encoder, mend: Callable[[str], str], cache: Path | None) -> Vectors:
    """Float32 (rows, inputs): what `Reader` reads of each row."""
    windows = [window(row.turns) for row in rows.rows]
    read = _encode(windows, reader, cache)
    plain = _encode([mend(row.turns[-1]) for row in rows.rows], encoder, cache)
    return np.concatenate([read, plain, np.stack([signs(row.turns) for row in rows.rows])], axis=1)


def _encode(texts: Sequence[str], encoder: Encoder, cache: Path | None) -> Vectors:
    """Vectors of the texts; those of an earlier run are kept in `cache`, one file for each encoder."""
    keys = [hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest() for text in texts]
    path = cache / f"{encoder.name}.safetensors" if cache else None
    known: dict[str, Vectors] = {}
    if path and path.exists():
        with safe_open(str(path), framework="np") as file:
            known = dict(zip((file.metadata() or {})["keys"].split(), file.get_tensor("vectors"), strict=True))
    fresh = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
    if fresh:
        known.update(zip(fresh, encoder.encode(list(fresh.values())), strict=True))
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            aside = path.with_suffix(".new")
            save_file({"vectors": np.stack(list(known.values()))}, str(aside), metadata={"keys": " ".join(known)})
            aside.replace(path)
    return np.stack([known[key] for key in keys])


def fit_heads(rows: Rows, x: Vectors, reader: str, encoder: str, examples: str) -> tuple[Heads, FitReport]:
    """Heads fitted on the rows that the reader learnt from, calibrated on those kept back.

    `x` are the rows' inputs.
    """
    kept = np.array([row.kept_back and not row.added for row in rows.rows])
    learnt = np.array([not row.kept_back for row in rows.rows])
    surely = np.array([ARTICLES if row.source == "articles" else 1.0 for row in rows.rows])
    weights, bias, hidden = fit_intents(rows.classes()[learnt], x[learnt], surely[learnt])
    own = np.array([row.head for row in rows.rows])
    marks = rows.marks()
    mark_weights, mark_bias, mark_hidden = _fit_marks(marks[learnt], x[learnt], own[learnt])
    wanted = rows.classes()[kept]
    logits = x[kept] @ weights.T + bias + hidden.logits(x[kept])
    labelled = wanted.max(axis=1) > 0
    temperature = fit_temperature(logits[labelled], wanted[labelled])
    shares = softmax(logits[labelled] / temperature)
    intent_sure = sure_from(shares, wanted[labelled])
    slopes, offsets = np.ones(len(HEADS)), np.zeros(len(HEADS))
    bounds: dict[str, Thresholds] = {}
    scores: dict[str, HeadScore] = {}
    own = own[kept]
    mark_logits = x[kept] @ mark_weights.T + mark_bias + mark_hidden.logits(x[kept])
    for n, head in enumerate(HEADS):
        logit = mark_logits[:, n]
        at = ~np.isnan(marks[kept][:, n])
        slopes[n], offsets[n] = _platt(logit[at], marks[kept][at, n])
        p = 1 / (1 + np.exp(-(logit * slopes[n] + offsets[n])))
        hard = at & ((own == head) if head != "in_scope" else True)
        ordinary = at & (own == "") & (marks[kept][:, n] == 0)
        others = [at & (own == other) & (marks[kept][:, n] == 0) for other in HEADS if other != head]
        seen = Seen(hard, ordinary, tuple(rows for rows in others if rows.sum() >= LEAST), at)
        bounds[head], scores[head] = _thresholds(head, p, marks[kept][:, n], seen)
    names = rows.intents
    heads = Heads(
        names, rows.routes, weights, bias, temperature, mark_weights, mark_bias, slopes, offsets, hidden, mark_hidden,
        bounds, intent_sure, reader, encoder, examples, rows.of_article,
    )  # fmt: skip
    first, right = shares.argmax(axis=1), wanted[labelled]
    hit = right[np.arange(len(first)), first] > 0
    routes = np.array([rows.routes[name] for name in names])
    truth = right.argmax(axis=1)
    wrong = [(names[t], names[g]) for t, g, ok in zip(truth, first, hit, strict=True) if not ok]
    confusions = sorted(((w, g, wrong.count((w, g))) for w, g in set(wrong)), key=lambda row: (-row[2], row))
    return heads, FitReport(
        int(learnt.sum()), int(kept.sum()), float(hit.mean()),
        float(np.mean((routes[truth] == routes[first]) | hit)), _calibration_error(shares.max(axis=1), hit),
        float((shares.max(axis=1) >= intent_sure).mean()), tuple(confusions[:25]), scores,
    )  # fmt: skip


def with_votes(
    heads: Heads, rows: Rows, reader: Encoder, encoder: Encoder, search: Search
) -> tuple[Heads, float, float]:
    """The heads with the weight of the articles' votes, fitted on the kept-back examples of the intents' own files.

    Also how often their first intent is right without and with the votes. Articles' own questions tell nothing here:
    search finds them by themselves.
    """
    plain = Reader(heads, reader, encoder)
    judged = []
    for row in rows.only(kept_back=True).rows:
        if row.head or row.source in ("articles", "unanswerable") or not row.shares:
            continue
        text = row.turns[-1]
        vector = encoder.encode([search.mended(text)])[0]
        found = search.find(text, vector)
        judged.append((plain.read(row.turns, vector), votes(found, heads.of_article), [name for name, _ in row.shares]))
    weight, without, with_ = fit_weight(judged, heads.routes)
    return replace(heads, vote=weight), without, with_


def fit_intents(classes: Vectors, x: Vectors, surely: Vectors) -> tuple[Vectors, Vectors, Hidden]:
    """A row with two intents is learnt as both, each at half weight. The linear head does without the plain encoder's vector."""
    at, label = np.nonzero(classes)
    weight = classes[at, label] * surely[at]
    counts = np.bincount(label, weights=weight, minlength=classes.shape[1])
    weight = weight * (weight.sum() / classes.shape[1] / np.maximum(counts[label], 1e-9)) ** 0.5
    without = np.concatenate([x[:, :READ], np.zeros_like(x[:, READ : 2 * READ]), x[:, 2 * READ :]], axis=1)
    model = LogisticRegression(C=INTENT_C, max_iter=300, tol=1e-3, random_state=SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it may stop before the last decimal, the same way each time
        model.fit(without[at], label, sample_weight=weight)
    weights, bias = np.zeros((classes.shape[1], x.shape[1])), np.full(classes.shape[1], -20.0)
    weights[model.classes_], bias[model.classes_] = model.coef_, model.intercept_

    import torch

    wanted, much = torch.tensor(label), torch.tensor(weight / weight.mean(), dtype=torch.float32)

    def loss(logits: torch.Tensor, some: Vectors) -> torch.Tensor:
        each = torch.nn.functional.cross_entropy(logits, wanted[some], reduction="none", label_smoothing=SMOOTHING)
        return (each * much[some]).mean()

    return weights, bias, fit_hidden(x[at], classes.shape[1], loss, SEED)


def _fit_marks(marks: Vectors, x: Vectors, own: Vectors) -> tuple[Vectors, Vectors, Hidden]:
    """Each head on the rows of which its answer is known; those written for it weigh most."""
    weights, bias = np.zeros((len(HEADS), x.shape[1])), np.zeros(len(HEADS))
    weight = np.zeros_like(marks)
    for n, head in enumerate(HEADS):
        known = ~np.isnan(marks[:, n])
        share = np.where(own == head, 1.0, np.where(own == "", ORDINARY_ROWS, OTHER_HEADS))
        weight[:, n] = known * (share if head != "in_scope" else 1.0)
        model = LogisticRegression(C=MARK_C, max_iter=400, tol=1e-3, random_state=SEED)
        model.fit(x[known], marks[known, n], sample_weight=weight[known, n])
        weights[n], bias[n] = model.coef_[0], model.intercept_[0]

    import torch

    answers, much = torch.tensor(np.nan_to_num(marks)), torch.tensor(weight)

    def loss(logits: torch.Tensor, some: Vectors) -> torch.Tensor:
        each = torch.nn.functional.binary_cross_entropy_with_logits(logits, answers[some], reduction="none")
        return (each * much[some]).sum() / len(some)

    return weights, bias, fit_hidden(x, len(HEADS), loss, SEED)


def softmax(logits: Vectors) -> Vectors:
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Vectors = odds / odds.sum(axis=1, keepdims=True)
    return shares


def fit_temperature(logits: Vectors, wanted: Vectors) -> float:
    def loss(log_temperature: float) -> float:
        shares = softmax(logits / np.exp(log_temperature))
        return float(-np.mean(np.log((shares * (wanted > 0)).sum(axis=1) + 1e-9)))

    return float(np.exp(minimize_scalar(loss, bounds=(-2.5, 2.5), method="bounded").x))


def _platt(logit: Vectors, mark: Vectors) -> tuple[float, float]:
    """Slope and offset. A slope under a tenth would mean that the head learnt nothing."""
    if len(set(mark.tolist())) < 2:
        return 1.0, 0.0
    model = LogisticRegression(C=10.0, max_iter=200).fit(logit[:, None], mark)
    return max(0.1, float(model.coef_[0, 0])), float(model.intercept_[0])


def sure_from(shares: Vectors, wanted: Vectors) -> float:
    """The lowest top probability above which SURE_ACCURACY of the intents are right."""
    top, first = shares.max(axis=1), shares.argmax(axis=1)
    right = wanted[np.arange(len(first)), first] > 0
    order = np.argsort(-top)
    running = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(running >= SURE_ACCURACY)
    return float(top[order][good[-1]]) if len(good) else 1.0


@dataclass(frozen=True)
class Seen:
    """Which kept-back rows are a head's own, ordinary messages, other heads' rows that are not its, and known at all."""

    hard: Vectors
    ordinary: Vectors
    others: tuple[Vectors, ...]  # head by head
    known: Vectors


def _thresholds(head: str, p: Vectors, mark: Vectors, seen: Seen) -> tuple[Thresholds, HeadScore]:
    hard, ordinary, known = seen.hard, seen.ordinary, seen.known
    positive, negative = p[hard & (mark == 1)], p[hard & (mark == 0)]
    sure = _over(negative, LOOKALIKES[head])
    if head in ORDINARY:
        sure = max(sure, _over(p[ordinary], ORDINARY[head]))
        sure = max([sure, *(_over(p[rows], OTHERS) for rows in seen.others)])
    sure = min(max(sure, 0.05), 0.99)
    missed = float(np.quantile(positive, MISSED)) if len(positive) else sure
    unsure = min(sure, max(missed, _over(p[ordinary], DOUBTED)) if ordinary.any() else missed)
    both = np.concatenate([positive, negative])
    labels = np.concatenate([np.ones(len(positive)), np.zeros(len(negative))])
    score = HeadScore(
        len(positive), len(negative), float(roc_auc_score(labels, both)) if 0 < len(positive) < len(both) else float("nan"),
        float(np.mean(positive >= sure)) if len(positive) else float("nan"),
        float(np.mean(negative >= sure)) if len(negative) else float("nan"),
        float(np.mean(p[ordinary] >= sure)) if ordinary.any() else float("nan"),
        _calibration_error(p[known], mark[known] == 1), Thresholds(unsure, sure),
    )  # fmt: skip
    return Thresholds(unsure, sure), score


def _over(scores: Vectors, budget: float) -> float:
    """The lowest threshold that at most this share of the scores reaches."""
    if not len(scores):
        return 0.5
    ranked = np.sort(scores)[::-1]
    return float(np.nextafter(ranked[int(budget * len(ranked))], 2.0))


def _calibration_error(p: Vectors, right: Vectors, bins: int = 10) -> float:
    """Expected calibration error over equal-width bins (0 to 1). For heads, `p` is of yes."""
    at = np.minimum((p * bins).astype(int), bins - 1)
    total = 0.0
    for n in range(bins):
        if (at == n).any():
            total += float((at == n).mean()) * abs(float(p[at == n].mean()) - float(np.mean(right[at == n])))
    return total
