"""Labelled questions: what customers asked, and which article answers it (or that none does)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml


class LabelError(ValueError):
    """A labelled file has a mistake; the message names the file and the row."""


@dataclass(frozen=True)
class Labelled:
    question: str
    articles: tuple[str, ...]  # right ones, best first; empty when no article answers
    style: str = "plain"


def read_labelled(path: Path, known: set[str]) -> list[Labelled]:
    """Rows of a YAML list of {question, articles, style}, or of the files questions*.yaml of a folder. Raises LabelError."""
    if path.is_dir():
        return [row for file in sorted(path.glob("questions*.yaml")) for row in read_labelled(file, known)]
    if not path.exists():
        return []
    rows = yaml.safe_load(path.read_text(encoding="utf-8"))
    found = []
    for n, row in enumerate(rows or [], 1):
        if not isinstance(row, dict) or not isinstance(row.get("question"), str):
            raise LabelError(f"{path}: row {n} needs a question")
        articles = tuple(row.get("articles") or ())
        if stray := [article for article in articles if article not in known]:
            raise LabelError(f"{path}: row {n} names {stray[0]!r}, which is no article")
        found.append(Labelled(row["question"], articles, row.get("style", "near" if row.get("near") else "plain")))
    return found
