"""The policy: what the rails do and say, read from one file and checked."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator


class PolicyError(ValueError):
    """The policy file can't be used; the message names file, place and mistake."""


class Emergency(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    category: str
    patterns: tuple[re.Pattern[str], ...] = Field(min_length=1)
    text: str = Field(min_length=20)

    @field_validator("patterns", mode="before")
    @classmethod
    def _compile(cls, patterns: list[str]) -> tuple[re.Pattern[str], ...]:
        try:
            return tuple(re.compile(pattern) for pattern in patterns)
        except re.error as error:
            raise ValueError(f"{error.pattern!r} is no regular expression: {error}") from None


class Wording(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

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


class Policy(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str
    emergencies: tuple[Emergency, ...] = Field(min_length=1)
    links: tuple[str, ...] = ()
    wording: Wording


def read_policy(path: Path) -> Policy:
    """Raises PolicyError."""
    try:
        return Policy.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise PolicyError(f"{path} is missing; the assistant does not run without a policy") from None
    except yaml.YAMLError as error:
        raise PolicyError(f"{path}: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise PolicyError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
