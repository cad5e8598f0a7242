"""Evidence in, sentences out: what every composer shares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

SourceKind = Literal["article", "order", "prescription", "transfer", "stock", "account"]


@dataclass(frozen=True)
class Evidence:
    """Something that this customer may be told, with where it stands."""

    id: str  # "track-order#1", "FH-1234567"
    source_id: str  # what is cited: "track-order", "FH-1234567"
    title: str
    url: str
    text: str
    kind: SourceKind = "article"


@dataclass(frozen=True)
class DraftSentence:
    """A sentence on its way to the output rails, with the ids of the evidence it claims."""

    text: str
    evidence: tuple[str, ...]
    kind: Literal["sentence", "step", "bullet"] = "sentence"


@dataclass(frozen=True)
class Brief:
    """What a composer is asked to do. `history` is (customer, assistant) pairs, oldest first."""

    question: str
    evidence: tuple[Evidence, ...]
    history: tuple[tuple[str, str], ...] = ()
    words: int = 120


class ModelFailed(RuntimeError):
    """A chat model gave no usable answer in time; `reason` goes into the trace."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Composer(Protocol):
    name: str

    def sentences(self, brief: Brief) -> Iterator[DraftSentence]:
        """Sentences as they are ready. Raises ModelFailed, also after some sentences."""
        ...
