"""Replies written once for many, from knowledge_base/canned.yaml; a mistake in it is reported with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter

from rails.strict_yaml import FileErrors, read_strict

FILE = "canned.yaml"


class CannedError(FileErrors):
    """The file can't be used; the message names file, line and mistake."""


class Canned(BaseModel):
    """`department` None: of use to all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z0-9-]{3,40}$")
    title: str = Field(min_length=3, max_length=60)
    text: str = Field(min_length=10, max_length=1000)
    department: Literal["pharmacist", "care", "billing"] | None = None


def _each_once(replies: tuple[Canned, ...]) -> tuple[Canned, ...]:
    ids = [reply.id for reply in replies]
    if twice := [id for id in ids if ids.count(id) > 1]:
        raise ValueError(f"{twice[0]!r} stands there twice")
    return replies


REPLIES = TypeAdapter(Annotated[tuple[Canned, ...], AfterValidator(_each_once)])


def read_canned(knowledge: Path) -> tuple[Canned, ...]:
    """The replies in the file's order; none where there is no file. Raises `CannedError`."""
    path = knowledge / FILE
    return read_strict(path, REPLIES, CannedError) if path.exists() else ()
