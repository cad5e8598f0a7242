"""The policy: what the rails do and say, read from one file and checked line by line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, model_validator

from rails.handing import Handing
from rails.strict_yaml import FileErrors, read_strict

Action = Literal["emergency", "refuse", "calm", "pharmacist", "person", "explain"]
Head = Literal["emergency", "self_harm", "medical_advice", "injection", "abuse", "wants_human"]
Threshold = Literal["trained"] | Annotated[float, Field(ge=0, le=1)]


class PolicyError(FileErrors):
    """The policy file can't be used; the message names file, line and mistake."""


def _compiled(pattern: object) -> re.Pattern[str]:
    try:
        return re.compile(str(pattern))
    except re.error as error:
        raise ValueError(f"{error.pattern!r} is no regular expression: {error}") from None


Pattern = Annotated[re.Pattern[str], BeforeValidator(_compiled)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Emergency(Part):
    """A case of danger with its fixed text. `patterns` speak by themselves; `cues` choose the case when the head does."""

    category: str
    head: Literal["emergency", "self_harm"]
    patterns: tuple[Pattern, ...] = ()
    cues: tuple[Pattern, ...] = ()
    text: str = Field(min_length=20)


class Rail(Part):
    """What is done about one kind of message.

    `act`: the head's probability from which the rail speaks. `doubt`: the one from which it is in doubt, which changes
    nothing but adds `in_doubt` to the reply, where there is one. `patterns` speak by themselves.
    """

    category: str
    head: Head
    action: Action
    act: Threshold = "trained"
    doubt: Threshold = "trained"
    patterns: tuple[Pattern, ...] = ()
    text: str = ""
    again: str = ""  # said when it happens another time in the same conversation
    in_doubt: str = ""

    @model_validator(mode="after")
    def _says_something(self) -> Rail:
        if self.action in ("refuse", "calm", "pharmacist", "person") and len(self.text) < 20:
            raise ValueError(f"a rail with the action {self.action!r} needs a text of at least 20 characters")
        if isinstance(self.act, float) and isinstance(self.doubt, float) and self.doubt > self.act:
            raise ValueError("doubt must not lie above act")
        return self


class Masks(Part):
    """Which personal data is masked before a message is stored or sent to a model."""

    kinds: tuple[
        Literal["card", "ssn", "email", "phone", "insurance_id", "bank_account", "ip", "passport", "driver_license"], ...
    ]
    keep: tuple[str, ...] = ()  # the business's own addresses and numbers, and those of public services


class Output(Part):
    """What the output rail asks of a sentence in new words."""

    grounded_at: float = Field(ge=0, le=1)  # probability of being supported under which a reworded sentence is dropped


class Wording(Part):
    empty: str
    too_long: str
    unreadable: str
    other_language: str
    greeting: str
    thanks: str
    goodbye: str
    out_of_scope: str
    unknown: str
    unknown_closest: str
    person: str
    sign_in: str
    sign_in_more: str
    account_away: str
    trouble: str


def _one_each(cases: tuple[Emergency, ...]) -> tuple[Emergency, ...]:
    for head in ("emergency", "self_harm"):
        own = [case for case in cases if case.head == head]
        if not own or own[-1].cues:
            raise ValueError(f"the last case of the head {head} must be there and have no cues: it speaks for all the rest")
    return cases


def _every_head(rails: tuple[Rail, ...]) -> tuple[Rail, ...]:
    named = [rail.head for rail in rails]
    if len(set(named)) < len(named):
        raise ValueError("a head stands in two rails")
    if missing := {"emergency", "self_harm", "medical_advice", "injection", "abuse", "wants_human"} - set(named):
        raise ValueError(f"there is no rail for {', '.join(sorted(missing))}")
    if wrong := [r.head for r in rails if (r.head in ("emergency", "self_harm")) != (r.action == "emergency")]:
        raise ValueError(f"{wrong[0]}: the action 'emergency' is for emergency and self_harm, and no other is for them")
    return rails


class Policy(Part):
    version: str
    emergencies: Annotated[tuple[Emergency, ...], AfterValidator(_one_each)]
    rails: Annotated[tuple[Rail, ...], AfterValidator(_every_head)]
    masks: Masks
    output: Output
    links: tuple[str, ...] = ()
    wording: Wording
    handover: Handing

    def rail(self, head: str) -> Rail:
        return next(rail for rail in self.rails if rail.head == head)


POLICY = TypeAdapter(Policy)


def read_policy(path: Path) -> Policy:
    """Raises PolicyError."""
    if not path.exists():
        raise PolicyError([f"{path} is missing; the assistant does not run without a policy"])
    return read_strict(path, POLICY, PolicyError)


def bound(threshold: float | str, trained: Mapping[str, float], head: str) -> float:
    """The threshold in force: the policy's own, or the trained one of the head."""
    return trained[head] if isinstance(threshold, str) else float(threshold)
