"""The part of the policy that says when a person is called, who answers when, and what the customer is told."""

from __future__ import annotations

import datetime as dt
import re
import string
from collections.abc import Iterable
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Holiday = Literal["new_years_day", "memorial_day", "independence_day", "labor_day", "thanksgiving", "christmas_day"]
Name = Literal["pharmacist", "care", "billing"]
NAMES: tuple[Name, ...] = ("pharmacist", "care", "billing")
SPAN = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _span(value: object) -> tuple[dt.time, dt.time]:
    """From "08:00-21:00"."""
    if isinstance(value, tuple):
        return value
    found = SPAN.fullmatch(str(value))
    try:
        if found is None:
            raise ValueError
        hour, minute, last_hour, last_minute = map(int, found.groups())
        first, last = dt.time(hour, minute), dt.time(last_hour, last_minute)
    except ValueError:
        raise ValueError(f'{value!r} is no span of hours such as "08:00-21:00"') from None
    if first >= last:
        raise ValueError(f"{value!r} ends before it begins")
    return first, last


Span = Annotated[tuple[dt.time, dt.time], BeforeValidator(_span)]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise ValueError(f"there is no time zone {name!r}") from None
    return name


class Hours(Part):
    """When somebody answers. A day that is not named is closed, and so is each of the holidays in `closed`."""

    zone: Annotated[str, AfterValidator(_known_zone)]
    zone_name: str  # as customers read it
    open: dict[Weekday, Span] = Field(min_length=1)
    closed: tuple[Holiday, ...] = ()


class Department(Part):
    """`label`: as customers read it, within a sentence. `meanwhile`: what they can do while nobody is there."""

    label: str = Field(min_length=3)
    hours: Hours
    meanwhile: str = ""
    intents: tuple[str, ...] = ()  # what it answers; care answers the rest


def _fields(*allowed: str) -> AfterValidator:
    def check(text: str) -> str:
        try:
            named = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
        except ValueError as error:
            raise ValueError(f"{error}; a brace is written twice to stand for itself") from None
        if wrong := named - set(allowed):
            known = ", ".join(f"{{{name}}}" for name in allowed) or "none"
            raise ValueError(f"it names {{{sorted(wrong)[0]}}}; what it may name: {known}")
        return text

    return AfterValidator(check)


Text = Annotated[str, Field(min_length=10), _fields()]
OfDepartment = Annotated[str, Field(min_length=10), _fields("department")]
OfAgent = Annotated[str, Field(min_length=10), _fields("agent", "department")]


class Wording(Part):
    """What customers read. `offer` to `already` are the assistant's own lines; the rest is the conversation's."""

    offer: Text
    called: Text
    failed: Text
    frustrated: Text
    already: Text
    next: OfDepartment
    place: Annotated[str, Field(min_length=10), _fields("department", "place")]
    wait: Annotated[str, Field(min_length=10), _fields("minutes")]
    wait_short: Text
    closed: Annotated[str, Field(min_length=10), _fields("department", "opens")]
    reaches_account: Text
    reaches_page: Text
    held: OfAgent
    joined: OfAgent
    away: OfAgent
    transferred: OfDepartment
    returned: OfAgent
    resolved: OfAgent
    cancelled: Text


class Handing(Part):
    """`patience`: turns that went wrong, because the answer failed or the customer was frustrated, until a person is called."""

    patience: int = Field(ge=1, le=10)
    departments: dict[Name, Department]
    wording: Wording

    @model_validator(mode="after")
    def _whole(self) -> Handing:
        if missing := [name for name in NAMES if name not in self.departments]:
            raise ValueError(f"there is no department {missing[0]!r}")
        claimed = [intent for department in self.departments.values() for intent in department.intents]
        if twice := [intent for intent in claimed if claimed.count(intent) > 1]:
            raise ValueError(f"two departments answer {twice[0]!r}")
        return self

    def department_of(self, intents: Iterable[str]) -> Name:
        """Who answers what a conversation is about: the first of these intents that a department has named decides."""
        for intent in intents:
            for name in NAMES:
                if intent in self.departments[name].intents:
                    return name
        return "care"
