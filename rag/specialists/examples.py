"""Examples from knowledge_base/intents/*.yaml: what people write when they want a thing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError


class ExamplesError(ValueError):
    """An examples file can't be used; the message names file and place."""


class IntentFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    intent: str = Field(pattern=r"^[a-z_]+$")
    route: str = Field(pattern=r"^(account|chat|human|out_of_scope|knowledge)$")
    description: str = ""
    examples: list[str] = Field(min_length=10)


@dataclass(frozen=True)
class Examples:
    texts: tuple[str, ...]
    labels: tuple[str, ...]
    routes: dict[str, str]  # intent to route


def read_examples(folder: Path) -> Examples:
    """All intents of the folder, in the order of their names. Raises ExamplesError."""
    texts: list[str] = []
    labels: list[str] = []
    routes: dict[str, str] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            file = IntentFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except (ValidationError, yaml.YAMLError) as error:
            raise ExamplesError(f"{path}: {error}") from None
        if file.intent in routes:
            raise ExamplesError(f"{path}: intent {file.intent!r} stands in two files")
        routes[file.intent] = file.route
        texts.extend(file.examples)
        labels.extend([file.intent] * len(file.examples))
    if not routes:
        raise ExamplesError(f"{folder}: there are no intents (*.yaml)")
    return Examples(tuple(texts), tuple(labels), routes)
