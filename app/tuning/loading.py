"""From a candidate's folder to parts of a turn: each kind's loader, with what it needs of what was wired without it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from app.settings import Settings
from app.tuning.candidates import CandidateError, Candidates
from rag.account.mentions import MentionReader
from rag.assistant import Assistant
from rag.compose.load_model import load_chat_model
from rag.encoder import Encoder
from rag.ingest import ingest
from rag.learning.cleaning import same_dangers
from rag.learning.examples import Kind
from rag.learning.rewrites import LearntRewrites
from rag.made_of import Parts
from rag.retrieve import Search, Weights
from rag.screen import EvidenceScreen
from rag.serving import ServingSearch
from rag.specialists.reader import Heads, Reader
from rails.live import LivePolicy, LiveRails
from rails.output import OutputRail


def nothing() -> None:
    """There is nothing to close."""


@dataclass(frozen=True)
class Ground:
    """What was wired with nothing learnt; a candidate replaces some of its parts."""

    settings: Settings
    parts: Parts
    encoder: Encoder
    reader: Encoder  # with the trained adapter
    policy: LivePolicy
    rail: Callable[[Callable[[], Search]], OutputRail]  # the output rail for a search


@dataclass
class Loaded:
    """The parts of one candidate, how they follow the articles, and how to close them when nobody has them any more."""

    id: str
    parts: Mapping[str, Any]
    close: Callable[[], None] = nothing
    follow: Callable[[], object] = nothing  # to be called when the articles have changed
    users: int = 0


Loader = Callable[[Path, Ground], Loaded]


def routing(folder: Path, ground: Ground) -> Loaded:
    heads, now = Heads.load(folder), ground.parts.reader.heads
    if heads.examples != now.examples:
        raise CandidateError(f"candidate {folder.name} was made on other examples than those trained now; tune again")
    same_dangers(now, heads)
    reader = Reader(heads, ground.reader, ground.encoder)
    rails = LiveRails(ground.policy, reader.bounds)
    screen = EvidenceScreen(rails.policy, reader, ground.encoder)
    return Loaded(folder.name, {"reader": reader, "rails": rails, "screen": screen})


def retrieval(folder: Path, ground: Ground) -> Loaded:
    """Its own index is brought up to the articles first: only what is new is encoded."""
    settings, encoder = ground.settings, Encoder(folder / "encoder")
    root = folder / "knowledge"

    def follow() -> None:
        ingest(settings.knowledge / "articles", root, encoder, labelled=settings.knowledge / "labelled")

    follow()
    mentions: MentionReader = ground.parts.mentions
    search = ServingSearch(
        root,
        settings.knowledge,
        encoder,
        Weights.read(folder / "retrieval.json"),
        mentions.vocabulary(),
        plain=ground.encoder,
    )
    parts = {"search": search, "rail": ground.rail(search)}
    return Loaded(folder.name, parts, lambda: search().index.close(), follow)


def rephrasing(folder: Path, ground: Ground) -> Loaded:
    return Loaded(folder.name, {"rewrites": LearntRewrites.load(folder, ground.encoder.name)})


def chat(folder: Path, ground: Ground) -> Loaded:
    settings = ground.settings.model_copy(update={"model": str(folder / "model")})
    return Loaded(folder.name, {"composer": load_chat_model(settings)})


LOADERS: dict[Kind, Loader] = {
    "routing": routing,
    "rephrasing": rephrasing,
    "retrieval": retrieval,
    "chat": chat,
}


@dataclass(frozen=True)
class Learnt:
    """An assistant with candidates in it; `learnt`: the id of each kind."""

    assistant: Assistant
    learnt: Mapping[str, str]
    loaded: tuple[Loaded, ...] = ()


@dataclass
class Shelf:
    """Candidates that are loaded, each once, whoever uses it. Thread-safe."""

    ground: Ground
    candidates: Candidates
    loaders: Mapping[Kind, Loader] = field(default_factory=lambda: LOADERS)

    def __post_init__(self) -> None:
        self._there: dict[str, Loaded] = {}
        self._lock = threading.Lock()
        self._loading = threading.Lock()  # takes seconds; who gives back does not wait for it

    def take(self, learnt: Mapping[str, str]) -> Learnt:
        """An assistant with these candidates, every file of which is checked. Raises CandidateError: nothing was taken."""
        taken: list[Loaded] = []
        with self._loading:
            try:
                for candidate_id in learnt.values():
                    taken.append(self._take(candidate_id))
            except Exception:
                for one in taken:
                    self._give(one)
                raise
        fields = {name: part for one in taken for name, part in one.parts.items()}
        assistant = Assistant(replace(self.ground.parts, **fields, learnt=dict(learnt)))
        return Learnt(assistant, dict(learnt), tuple(taken))

    def give_back(self, learnt: Learnt) -> None:
        """Nobody answers with it any more."""
        for one in learnt.loaded:
            self._give(one)

    def _take(self, candidate_id: str) -> Loaded:
        with self._lock:
            if found := self._there.get(candidate_id):
                found.users += 1
                return found
        candidate = self.candidates.get(candidate_id)
        if candidate.manifest.state == "withdrawn":
            raise CandidateError(f"candidate {candidate.id} was withdrawn and can't serve; tune again")
        loader = self.loaders.get(candidate.kind)
        if loader is None:
            raise CandidateError(f"candidate {candidate.id}: this version can't serve {candidate.kind}")
        folder = candidate.check()
        try:
            made = loader(folder, self.ground)
        except (RuntimeError, ValueError, OSError, KeyError) as error:
            raise CandidateError(f"candidate {candidate.id} can't be loaded: {error}") from error
        made.users = 1
        with self._lock:
            self._there[candidate_id] = made
        return made

    def _give(self, one: Loaded) -> None:
        with self._lock:
            one.users -= 1
            over = not one.users
            if over:
                del self._there[one.id]
        if over:
            one.close()
