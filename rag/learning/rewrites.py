"""Rewrites as they are served: a message that is nearly a wording known to fail is searched for in the words that worked.

Nearly: the same words, or a likeness of the plain encoder above the threshold that was chosen when the links were made,
with the same numbers and no other "not". A link can be switched off by its id, at once and for good; it ends by itself
when nobody has confirmed it for long.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from rag.encoder import Vectors
from rag.learning.seams import Rewrite

log = logging.getLogger("pestle")

LINKS, VECTORS, OFF = "rewrites.json", "rewrites.safetensors", "rewrites-off.json"
FORMAT = 1
SHORT = 48  # directions in which vectors are compared first
LOOK = 1.0  # seconds between two looks at what was switched off
WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
TURNING = frozenset(  # words that turn a question round, though hardly its vector
    ("not", "no", "never", "without", "none", "nor", "cannot", "stop", "cancel", "undo", "remove", "off", "away", "out",
     "into", "back", "before", "after", "instead")
)  # fmt: skip


class RewritesBroken(RuntimeError):
    """The files of rewrites are missing, changed or of another encoder; the message says what to run."""


@dataclass(frozen=True)
class Link:
    """A failed wording with the one that worked. `support`: customers behind it, each at most 1, older ones less."""

    id: str
    failed: str
    text: str
    article: str
    support: float
    customers: int
    strength: float  # 0 to 1: of those who said it again, the share that the chain brings to this article
    at: str  # ISO date of the newest of them
    until: str  # ISO time at which it will be too old

    @property
    def expires(self) -> float:
        """Seconds of the epoch."""
        return dt.datetime.fromisoformat(self.until).timestamp()


def plain(text: str) -> str:
    """A wording without its marks and capitals."""
    return " ".join(WORD.findall(text.lower()))


def sense(text: str) -> frozenset[str]:
    """What two wordings must have in common to be the same: figures, and words that turn a question round."""
    words = WORD.findall(text.lower())
    return frozenset(w for w in words if w in TURNING or w.endswith("n't") or any(c.isdigit() for c in w))


def link_id(failed: str, article: str) -> str:
    """The same for the same wording and article, whichever round finds them."""
    return hashlib.sha256(f"{plain(failed)}\0{article}".encode()).hexdigest()[:12]


def write_rewrites(folder: Path, links: Sequence[Link], vectors: Vectors, threshold: float, encoder: str) -> None:
    """`vectors`: of the failed wordings, float32 of shape (links, dimensions)."""
    folder.mkdir(parents=True, exist_ok=True)
    data = save_tensors({"failed": np.ascontiguousarray(vectors, dtype=np.float32)})
    (folder / VECTORS).write_bytes(data)
    body: dict[str, Any] = {
        "format": FORMAT, "encoder": encoder, "threshold": round(threshold, 4),
        "vectors": hashlib.sha256(data).hexdigest(), "links": [asdict(link) for link in links],
    }  # fmt: skip
    text = json.dumps({**body, "digest": _digest(body)}, indent=1, ensure_ascii=False)
    (folder / LINKS).write_text(f"{text}\n", encoding="utf-8")


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class LearntRewrites:
    """Links in service. Thread-safe: nothing of it changes but the list of what is off, which is replaced whole.

    `off`: the file of switched-off ids. `clock` gives seconds of the epoch.
    """

    def __init__(
        self,
        links: Sequence[Link],
        vectors: Vectors,
        threshold: float,
        off: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.links, self.threshold = tuple(links), threshold
        self._vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        self._place = {plain(link.failed): n for n, link in enumerate(links)}
        self._sense = [sense(link.failed) for link in links]
        self._ends = [link.expires for link in links]
        self._off, self._clock = off, clock
        self._looked, self._refused = -np.inf, frozenset[str]()
        dimensions = self._vectors.shape[1]
        _, basis = np.linalg.eigh((self._vectors.T @ self._vectors).astype(np.float64))
        self._basis = basis[:, -min(SHORT, dimensions) :].astype(np.float32)
        self._short = np.ascontiguousarray(self._vectors @ self._basis)
        self._rest = np.sqrt(np.maximum(1.0 - (self._short**2).sum(axis=1), 0.0)).astype(np.float32)

    @classmethod
    def load(
        cls, folder: Path, encoder: str, off: Path | None = None, clock: Callable[[], float] = time.time
    ) -> LearntRewrites:
        """Raises RewritesBroken. What is switched off stands beside the candidates, for all of them, unless named."""
        path = folder / LINKS
        try:
            body = json.loads(path.read_text(encoding="utf-8"))
            data = (folder / VECTORS).read_bytes()
            digest = body.pop("digest")
            if body["format"] != FORMAT or digest != _digest(body):
                raise ValueError("it was changed after it was made")
            if hashlib.sha256(data).hexdigest() != body["vectors"]:
                raise ValueError(f"{VECTORS} is not the one that was made with it")
            if body["encoder"] != encoder:
                raise ValueError(f"it was made with the encoder {body['encoder']}, not {encoder}")
            links = [Link(**link) for link in body["links"]]
            vectors = load_tensors(data)["failed"]
            if len(vectors) != len(links) or not links or not np.isfinite(vectors).all():
                raise ValueError("its vectors do not fit its links")
            return cls(links, vectors, float(body["threshold"]), off or folder.parent / OFF, clock)
        except Exception as error:
            raise RewritesBroken(f"{path} can't be used; run `pestle tune rephrasing` ({error})") from error

    def of(self, mended: str, vector: Vectors) -> Rewrite | None:
        """What to search for in place of a message, or None."""
        place = self._place.get(plain(mended))
        for n in (place,) if place is not None else self.near(vector):
            link = self.links[n]
            if self._sense[n] == sense(mended) and self._ends[n] > self._clock() and self._wanted(link.id):
                return Rewrite(link.id, link.text, link.article)
        return None

    def near(self, vector: Vectors) -> list[int]:
        """Places of the links above the threshold, likest first."""
        at = self.possible(vector)
        likeness = self._vectors[at] @ vector
        order = np.argsort(-likeness, kind="stable")
        return [int(at[n]) for n in order if likeness[n] >= self.threshold]

    def possible(self, vector: Vectors) -> Vectors:
        """Places of the links that may be above it; no other can be.

        x·y is at most the product in the first directions plus that of what is left of both lengths (Cauchy, Schwarz).
        """
        short = vector @ self._basis
        rest = np.sqrt(max(0.0, 1.0 - float(short @ short)))
        most: Vectors = self._short @ short + self._rest * np.float32(rest)
        return np.flatnonzero(most >= self.threshold - 1e-5)

    def _wanted(self, id: str) -> bool:
        """Whether it is not switched off. Where the list can't be read, everything is."""
        now = time.monotonic()
        if self._off is not None and now - self._looked >= LOOK:
            try:
                self._refused = switched_off(self._off)
            except RewritesBroken:
                log.exception("no wording is rewritten")
                self._refused = frozenset(link.id for link in self.links)
            self._looked = now
        return id not in self._refused


def switched_off(path: Path) -> frozenset[str]:
    """Ids that nobody wants. Raises RewritesBroken: a list that can't be read must not switch anything on again."""
    try:
        return frozenset(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return frozenset()
    except (OSError, ValueError, TypeError) as error:
        raise RewritesBroken(f"{path} must hold a list of links' ids; mend it or delete it ({error})") from error


def switch(path: Path, id: str, on: bool) -> None:
    """Switches a link off, or on again, for every candidate beside the file; it isn't learnt again while it is off."""
    ids = switched_off(path) - {id} if on else switched_off(path) | {id}
    beside = path.with_name(f".{path.name}.new")
    path.parent.mkdir(parents=True, exist_ok=True)
    beside.write_text(json.dumps(sorted(ids)), encoding="utf-8")
    beside.replace(path)
