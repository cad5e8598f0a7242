"""Passages: articles cut at their headings, and passages cut into sentences and steps that can be quoted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from rag.articles import Article

STEP = re.compile(r"^\s*\d+[.)]\s+(.*)")
BULLET = re.compile(r"^\s*[-*]\s+(.*)")
LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
EMPHASIS = re.compile(r"(\*\*|__|\*|`)(.+?)\1")
ABBREVIATION = re.compile(
    r"\b(?:a\.m|p\.m|U\.S|D\.C|P\.O|e\.g|i\.e|Dr|Mr|Mrs|Ms|St|No|Inc|vs|approx)\.$", re.IGNORECASE
)
BOUNDARY = re.compile(r"(?<=[.!?])[\"”')]*\s+(?=[\"“'(]?[A-Z0-9$])")

PieceKind = Literal["sentence", "step", "bullet"]


@dataclass(frozen=True)
class Piece:
    """The smallest thing that an answer quotes."""

    text: str
    kind: PieceKind


@dataclass(frozen=True)
class Passage:
    """A section of an article; the lead has number 0 and no heading."""

    article_id: str
    number: int
    title: str
    heading: str
    pieces: tuple[Piece, ...]

    @property
    def id(self) -> str:
        return f"{self.article_id}#{self.number}"

    @property
    def text(self) -> str:
        return " ".join(piece.text for piece in self.pieces)

    @property
    def embedded(self) -> str:
        """What is embedded: the title path before the text, so that a section is found under its article's name."""
        path = f"{self.title}. {self.heading}" if self.heading else self.title
        return f"{path}. {self.text}"


def plain(text: str) -> str:
    """Markdown's inline marks taken off."""
    return EMPHASIS.sub(r"\2", LINK.sub(r"\1", text)).strip()


def sentences(text: str) -> list[str]:
    """The sentences of a paragraph."""
    found: list[str] = []
    for part in BOUNDARY.split(" ".join(text.split())):
        if found and ABBREVIATION.search(found[-1]):
            found[-1] = f"{found[-1]} {part}"
        elif part:
            found.append(part)
    return found


def pieces(markdown: str) -> tuple[Piece, ...]:
    """Sentences, numbered steps and bullets of a section, in order."""
    found: list[Piece] = []
    paragraph: list[str] = []

    def close() -> None:
        found.extend(Piece(sentence, "sentence") for sentence in sentences(plain(" ".join(paragraph))))
        paragraph.clear()

    for line in markdown.splitlines():
        if match := STEP.match(line):
            close()
            found.append(Piece(plain(match[1]), "step"))
        elif match := BULLET.match(line):
            close()
            found.append(Piece(plain(match[1]), "bullet"))
        elif not line.strip():
            close()
        elif found and not paragraph and line.startswith("  "):
            found[-1] = Piece(f"{found[-1].text} {plain(line)}", found[-1].kind)
        else:
            paragraph.append(line.strip())
    close()
    return tuple(found)


def passages(article: Article) -> list[Passage]:
    return [
        Passage(article.id, number, article.title, section.heading, pieces(section.text))
        for number, section in enumerate(article.sections)
    ]
