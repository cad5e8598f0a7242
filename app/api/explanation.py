"""Why an answer was given, in plain words, made from the trace of its turn.

Only what is named here leaves the trace: no text, no prompt, no score of a rail, nothing that was held back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field

from app.api.wording import CHECKS, COMPOSERS, INTENTS, RAILS, TAKEN_FOR, WORDS, Word
from rag.turn import Citation, Reply

Likelihood = Literal["very likely", "likely", "possible"]
VERY_LIKELY, LIKELY, POSSIBLE = 0.85, 0.5, 0.1


class Labelled(BaseModel):
    """Something by its name, and by a label for people."""

    name: str
    label: str


class IntentRead(Labelled):
    likelihood: Likelihood
    probability: float = Field(ge=0, le=1)


class Question(BaseModel):
    """One question of the message: what it was taken for, and what it seemed to want, most probable first."""

    taken_for: Labelled
    intents: list[IntentRead]


class Verdict(Labelled):
    """What one rail said about the message; "clear sign" is what it acts on."""

    verdict: Word


class Check(Labelled):
    """A check of the drafted sentences, and how many it held back."""

    count: int


class Source(BaseModel):
    n: int
    title: str
    kind: str


class Versions(BaseModel):
    policy: str | None = None
    knowledge: str | None = None


class Why(BaseModel):
    """Why an answer was given. `questions` is empty where a rail or a fault decided before anything was read."""

    message_id: str
    questions: list[Question]
    acted: Labelled | None = Field(description="What a rail saw, if its text was the answer.")
    rails: list[Verdict] = Field(description="Empty where the answer needed no rail's reading, or none could run.")
    sources: list[Source]
    held_back: int = Field(description="Drafted sentences that were not shown.")
    checks: list[Check] = Field(description="The checks that held them back.")
    composer: Labelled
    versions: Versions


class _Asked(BaseModel):
    where: str
    intents: list[tuple[str, float]] = []


class _Rails(BaseModel):
    acted: str | None = None
    verdicts: list[tuple[str, float, str]] = []


class _HeldBack(BaseModel):
    rail: str


class _Trace(BaseModel):
    """The part of a trace that is explained. Traces of earlier versions lack some of it."""

    asked: list[_Asked] = []
    rails: _Rails = _Rails()
    held_back: list[_HeldBack] = []
    composer: str | None = None
    versions: Versions = Versions()


def explained(data: Mapping[str, Any], reply: Reply) -> Why:
    """The explanation of a reply from its trace's `data`."""
    trace = _Trace.model_validate(data)
    held = Counter(item.rail for item in trace.held_back)
    return Why(
        message_id=reply.message_id,
        questions=[
            Question(taken_for=_named(asked.where, TAKEN_FOR), intents=_intents(asked)) for asked in trace.asked
        ],
        acted=_named(trace.rails.acted, RAILS) if trace.rails.acted else None,
        rails=_verdicts(trace.rails),
        sources=[Source(n=c.n, title=c.title, kind=c.kind) for c in reply.citations],
        held_back=held.total(),
        checks=[Check(**_named(rail, CHECKS).model_dump(), count=n) for rail, n in held.most_common()],
        composer=_named(_composer(trace.composer, reply.citations), COMPOSERS),
        versions=trace.versions,
    )


def _intents(asked: _Asked) -> list[IntentRead]:
    likely = [pair for place, pair in enumerate(asked.intents) if not place or pair[1] >= POSSIBLE]
    return [
        IntentRead(**_named(name, INTENTS).model_dump(), likelihood=_likelihood(p), probability=round(p, 2))
        for name, p in likely
    ]


def _likelihood(p: float) -> Likelihood:
    return "very likely" if p >= VERY_LIKELY else "likely" if p >= LIKELY else "possible"


def _verdicts(rails: _Rails) -> list[Verdict]:
    said = [(category, WORDS[word]) for category, _, word in rails.verdicts if word in WORDS]
    acted = rails.acted if rails.acted != "rail_error" else None
    if acted and all(word != "clear sign" for _, word in said):  # a pattern spoke before the rails were asked
        said.insert(0, (acted, "clear sign"))
    return [Verdict(**_named(category, RAILS).model_dump(), verdict=word) for category, word in said]


def _composer(name: str | None, citations: tuple[Citation, ...]) -> str:
    """Whose words they are. The model's own name stays inside."""
    if name not in (None, "extractive"):
        return "chat_model"
    kinds = {"articles" if citation.kind == "article" else "account" for citation in citations}
    return "both" if len(kinds) == 2 else next(iter(kinds), "wording")


def _named(name: str, labels: Mapping[str, str]) -> Labelled:
    return Labelled(name=name, label=labels.get(name) or name.replace("_", " ").capitalize())
