"""Why an answer was given, in plain words, made from the trace of its turn.

Only what is named here leaves the trace: no text, no prompt, no score of a rail, nothing that was held back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, Field

from rag.turn import Citation, Reply

Likelihood = Literal["very likely", "likely", "possible"]
Word = Literal["no sign", "in doubt", "recognised"]
VERY_LIKELY, LIKELY, POSSIBLE = 0.85, 0.5, 0.1

TAKEN_FOR = {
    "knowledge": "a question that our help articles answer",
    "account": "a question about your own account",
    "both": "a general question that is also about your own account",
    "greeting": "a greeting",
    "thanks": "a word of thanks",
    "goodbye": "a goodbye",
    "person": "a wish to speak to a person",
    "out_of_scope": "something that this assistant is not for",
    "unknown": "a question that none of our articles answers",
}
INTENTS = {"human": "Speak to a person", "out_of_scope": "Something else"}
RAILS = {
    "self_harm": "Thoughts of self-harm",
    "injection": "Changing the assistant's rules",  # "injection" is a way to take a medicine, to a customer
    "abuse": "Abusive words",
    "wants_person": "Wish for a person",
    "rail_error": "A check that could not run",
}
WORDS: dict[str, Word] = {"passes": "no sign", "doubts": "in doubt", "acts": "recognised"}
CHECKS = {
    "cited": "no source was given",
    "markup": "it carried code",
    "links": "it carried a link that is not ours",
    "echo": "it spoke of the assistant's own instructions",
    "figures": "a figure did not stand in the source",
    "support": "the source did not say it",
    "polarity": "the source said the opposite",
    "advice": "it was medical advice",
    "drugs": "it named a medicine that the source does not",
    "personal": "it carried personal data",
    "names": "it carried a person's name",
    "grounded": "the source did not say it",
    "error": "a check could not run",
}
COMPOSERS = {
    "articles": "the articles' own sentences",
    "account": "facts from your own account",
    "both": "the articles' own sentences, and facts from your own account",
    "chat_model": "a chat model, with each sentence checked against its source",
    "wording": "a text that people wrote for this case",
}


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
    """What one rail said about the message; "recognised" is what it acts on."""

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
    acted: Labelled | None = Field(description="What a rail recognised, if a rail gave the answer.")
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
    if rails.acted and all(word != "recognised" for _, word in said):  # a pattern spoke before the rails were asked
        said.insert(0, (rails.acted, "recognised"))
    return [Verdict(**_named(category, RAILS).model_dump(), verdict=word) for category, word in said]


def _composer(name: str | None, citations: tuple[Citation, ...]) -> str:
    """Whose words they are. The model's own name stays inside."""
    if name not in (None, "extractive"):
        return "chat_model"
    kinds = {"articles" if citation.kind == "article" else "account" for citation in citations}
    return "both" if len(kinds) == 2 else next(iter(kinds), "wording")


def _named(name: str, labels: Mapping[str, str]) -> Labelled:
    return Labelled(name=name, label=labels.get(name) or name.replace("_", " ").capitalize())
