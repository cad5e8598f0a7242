"""What simulated customers want, in a file that an evaluator edits: eval/suites/goals.yaml."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from eval.account import OF_ORDER, OF_PRESCRIPTION, OF_TRANSFER
from eval.metrics.text import holds
from eval.questions import SUITES
from rag.articles import Article, read_articles
from rag.specialists.examples import read_intents
from rails.strict_yaml import FileErrors, line_of, read_strict

GOALS = SUITES / "goals.yaml"
Kind = Literal["order", "prescription", "transfer", "customer", "stock"]
Text = Annotated[str, Field(min_length=1)]
Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=60)]
FIELDS: Mapping[Kind, frozenset[str]] = {
    "order": OF_ORDER,
    "prescription": OF_PRESCRIPTION,
    "transfer": OF_TRANSFER,
    "customer": frozenset({"address", "insurance"}),
    "stock": frozenset({"in_stock", "back_on"}),
}
WHERE: Mapping[Kind, frozenset[str]] = {
    "order": frozenset({"any", "open", "under_way", "waiting", "delivered", "single"}),
    "prescription": frozenset({"any", "active", "not_active"}),
    "transfer": frozenset({"any", "open"}),
    "customer": frozenset({"any", "insured"}),
    "stock": frozenset({"in_stock", "out"}),
}
WORDS: Mapping[Kind, frozenset[str]] = {
    "order": frozenset({"medicine", "number"}),
    "prescription": frozenset({"medicine", "number", "strength", "doctor"}),
    "transfer": frozenset({"medicine", "number", "pharmacy"}),
    "customer": frozenset(),
    "stock": frozenset({"medicine", "strength"}),
}
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


class GoalErrors(FileErrors):
    """The goals can't be used; one line a mistake, with file and line."""


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OwnRecord(Part):
    """A record of the customer's own, and what of it must be told. `where`: all of it must hold of the record."""

    record: Kind
    where: list[str] = ["any"]
    fields: list[str] = []
    every: bool = False  # all such records are asked for, not one

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        for name, known, what in ((self.where, WHERE, "where"), (self.fields, FIELDS, "fields")):
            if unknown := [word for word in name if word not in known[self.record]]:
                choice = ", ".join(sorted(known[self.record]))
                raise ValueError(
                    f"{what} of a record of kind {self.record} can't be {unknown[0]!r}; there are {choice}"
                )
        if self.every is bool(self.fields):
            raise ValueError("write fields, or every: true where all such records are to be named")
        if self.every and self.record not in ("order", "prescription"):
            raise ValueError("every: true is for orders and prescriptions")
        return self


class Then(Part):
    """What a curious customer asks once the goal is met; `fields` are of the same record."""

    say: Text
    articles: list[str] = []
    facts: list[Text] = []
    fields: list[str] = []

    @model_validator(mode="after")
    def _can_be_checked(self) -> Self:
        if bool(self.articles) is bool(self.fields):
            raise ValueError("then needs articles or fields, and not both")
        return self


class Goal(Part):
    id: Id
    intent: str
    say: list[Text] = Field(min_length=3)  # the last is the blunt one
    articles: list[str] = []
    facts: list[Text] = []
    account: OwnRecord | None = None
    then: Then | None = None
    person: bool = False

    @model_validator(mode="after")
    def _can_be_checked(self) -> Self:
        if self.account and (self.articles or self.facts):
            raise ValueError("the goal is about an own record, and names articles or facts; keep one of the two")
        if not (self.account or self.articles or self.person):
            raise ValueError("nothing tells when it is met; write articles, account or person: true")
        if self.facts and not self.articles:
            raise ValueError("facts need the articles in which they stand")
        if self.person and (self.facts or self.account or self.then):
            raise ValueError("what only a person can do has no facts, account or then")
        if self.then and self.then.fields and not self.account:
            raise ValueError("then has fields, and the goal has no account")
        if self.then and self.account:
            kind = self.account.record
            if unknown := [name for name in self.then.fields if name not in FIELDS[kind]]:
                raise ValueError(f"then asks for {unknown[0]!r}, which is no field of a record of kind {kind}")
        allowed = WORDS[self.account.record] if self.account else frozenset()
        for text in self.say:
            if unknown := [word for word in _PLACEHOLDER.findall(text) if word not in allowed]:
                raise ValueError(
                    f"{{{unknown[0]}}} can't be filled in here; possible: {', '.join(sorted(allowed)) or 'none'}"
                )
        return self


class GoalFile(Part):
    goals: list[Goal] = Field(min_length=1)


@dataclass(frozen=True)
class Titles:
    """The titles that a customer takes for an answer on a subject: by article, and by intent."""

    by_article: Mapping[str, str]
    by_topic: Mapping[str, frozenset[str]]  # of each article: the titles of its topic
    by_intent: Mapping[str, frozenset[str]]

    def about(self, goal: Goal, articles: list[str]) -> frozenset[str]:
        near = frozenset().union(*(self.by_topic[article] for article in articles))
        return near | (self.by_intent.get(goal.intent, frozenset()) if articles else frozenset())


FILE = TypeAdapter(GoalFile)


def read_goals(knowledge: Path, path: Path = GOALS) -> tuple[list[Goal], Titles]:
    """Raises GoalErrors, and the knowledge base's own errors."""
    goals = read_strict(path, FILE, GoalErrors).goals
    articles = {article.id: article for article in read_articles(knowledge / "articles")}
    intents = read_intents(knowledge / "intents")
    uses = Counter(goal.id for goal in goals)
    mistakes = [
        f"{path}:{line_of(path, ('goals', n))}: {goal.id}: {fault}"
        for n, goal in enumerate(goals)
        for fault in (
            *_faults(goal, articles, frozenset(intents.routes)),
            *(["the id is used twice"] * (uses[goal.id] > 1)),
        )
    ]
    if mistakes:
        raise GoalErrors(mistakes)
    titles = {article.id: article.title for article in articles.values()}
    topics = {a.id: frozenset(b.title for b in articles.values() if b.topic == a.topic) for a in articles.values()}
    by_intent = {
        name: frozenset(
            titles[article] for article, of in intents.of_article.items() if of == name and article in titles
        )
        for name in intents.routes
    }
    return goals, Titles(titles, topics, by_intent)


def _faults(goal: Goal, articles: Mapping[str, Article], intents: frozenset[str]) -> Iterator[str]:
    if goal.intent not in intents:
        yield f"there is no intent {goal.intent!r}; see knowledge_base/intents"
    for part in (goal, goal.then):
        if part is None:
            continue
        if gone := [article for article in part.articles if article not in articles]:
            yield f"there is no article {gone[0]!r}; see knowledge_base/articles"
            continue
        for fact in part.facts:
            if not any(holds(articles[article].body, fact) for article in part.articles):
                yield f"{fact!r} stands in none of the articles {', '.join(part.articles)}"
