"""Knowledge gaps: questions without a good answer, gathered by meaning and named by the most typical one."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.store.missed import Missed, MissKind

Encode = Callable[[Sequence[str]], Any]  # texts to unit vectors, of shape (texts, dimensions)

HORIZON = 182  # days that are gathered, whatever is shown, so that a gap stays the same gap
APART = 0.55  # mean cosine distance of two groups from which on they are two gaps
MOST_TEXTS = 1_500  # different questions that are gathered; the newest
MOST_KEPT = 20_000  # vectors that are remembered
MOST_GAPS = 100
EXAMPLES = 8
WEEK = dt.timedelta(days=7)


@dataclass(frozen=True)
class Gap:
    """`trend`: how often it was asked in each week of the period, the newest last. `newest`: when it was last asked."""

    id: str
    question: str
    count: int
    trend: tuple[int, ...]
    examples: tuple[str, ...]
    kind: MissKind
    newest: dt.datetime


class GapFinder:
    """Thread-safe; texts that were encoded before are remembered. `clean` takes personal data out of a question."""

    def __init__(self, encode: Encode, clean: Callable[[str], str] = str) -> None:
        self._encode, self._clean = encode, clean
        self._vectors: dict[str, Any] = {}
        self._cleaned: dict[str, str] = {}
        self._lock = threading.Lock()

    def find(self, missed: Sequence[Missed], days: int, now: dt.datetime) -> list[Gap]:
        """The gaps of the last `days`, the most asked first. `missed` should reach back HORIZON days, newest first."""
        with self._lock:
            by_text: dict[str, list[Missed]] = {}
            for one in missed:
                text = self._clean_text(one.question)
                if text in by_text or len(by_text) < MOST_TEXTS:
                    by_text.setdefault(text, []).append(one)
            if not by_text:
                return []
            texts = sorted(by_text)
            vectors = self._encoded(texts)
        found = []
        for group in groups(vectors):
            members = [(texts[n], by_text[texts[n]]) for n in group]
            if gap := _gap(members, vectors[group], days, now):
                found.append(gap)
        return sorted(found, key=lambda gap: (-gap.count, gap.id))[:MOST_GAPS]

    def _clean_text(self, question: str) -> str:
        if question not in self._cleaned:
            if len(self._cleaned) > MOST_KEPT:
                self._cleaned.clear()
            self._cleaned[question] = " ".join(self._clean(question).split())[:300]
        return self._cleaned[question]

    def _encoded(self, texts: Sequence[str]) -> Any:
        if len(self._vectors) > MOST_KEPT:
            self._vectors.clear()
        fresh = [text for text in texts if text not in self._vectors]
        if fresh:
            self._vectors.update(zip(fresh, self._encode(fresh), strict=True))
        return np.stack([self._vectors[text] for text in texts])


def groups(vectors: Any) -> list[list[int]]:
    """The rows that belong together; `vectors` are unit vectors of shape (n, dimensions)."""
    if len(vectors) == 1:
        return [[0]]
    from sklearn.cluster import AgglomerativeClustering

    made = AgglomerativeClustering(n_clusters=None, metric="cosine", linkage="average", distance_threshold=APART)
    labels = made.fit_predict(vectors)
    return [np.flatnonzero(labels == label).tolist() for label in range(labels.max() + 1)]


def _gap(members: Sequence[tuple[str, list[Missed]]], vectors: Any, days: int, now: dt.datetime) -> Gap | None:
    """The gap of one group; None where nobody asked for it in the period."""
    since = now - dt.timedelta(days=days)
    inside = [[one for one in asked if one.at > since] for _, asked in members]
    counts = np.array([len(asked) for asked in inside])
    if not counts.any():
        return None
    typical = vectors @ (vectors * counts[:, None]).sum(axis=0)  # likeness to all that was asked, as often as it was
    order = np.argsort(-np.where(counts > 0, typical, -np.inf), kind="stable")
    every = [one for asked in inside for one in asked]
    weeks = -(-days // 7)
    trend = [0] * weeks
    for one in every:
        trend[weeks - 1 - min(max(int((now - one.at) / WEEK), 0), weeks - 1)] += 1
    text, first = min(
        ((text, one) for text, asked in members for one in asked), key=lambda m: (m[1].at, m[1].message_id)
    )
    return Gap(
        id=hashlib.sha256(f"{_folded(text)} {first.at.date()}".encode()).hexdigest()[:16],
        question=members[order[0]][0],
        count=len(every),
        trend=tuple(trend),
        examples=tuple(members[n][0] for n in order[:EXAMPLES] if counts[n]),
        kind=Counter(one.kind for one in every).most_common(1)[0][0],
        newest=max(one.at for one in every),
    )


def _folded(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))
