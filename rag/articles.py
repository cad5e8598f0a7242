"""Articles: Markdown with YAML front matter, read strictly.

`read_articles(folder)` gives every article or raises `ArticleErrors`, which names file and line of each mistake,
so that nothing is ingested from a folder with a mistake in it.
"""

from __future__ import annotations

import datetime as dt
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C one is ten times faster, where it was built
HEADING = re.compile(r"^(#{1,3}) +(.+?) *$")


class ArticleErrors(ValueError):
    """One line a mistake: `file:line: what is wrong`."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class FrontMatter(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)
    title: str = Field(min_length=3, max_length=120)
    topic: str = Field(min_length=2, max_length=40)
    updated: dt.date
    questions: list[str] = Field(min_length=4)
    next_steps: list[str] = Field(default_factory=list, max_length=6)
    links: list[str] = Field(default_factory=list)


@dataclass(frozen=True)
class Section:
    """A part of an article under one heading; the lead has an empty heading."""

    heading: str
    text: str


@dataclass(frozen=True)
class Article:
    id: str
    title: str
    topic: str
    updated: dt.date
    questions: tuple[str, ...]
    next_steps: tuple[str, ...]
    links: tuple[str, ...]
    body: str
    path: Path

    @property
    def sections(self) -> tuple[Section, ...]:
        found: list[Section] = []
        heading, lines = "", list[str]()
        for line in self.body.splitlines():
            if match := HEADING.match(line):
                found.append(Section(heading, "\n".join(lines).strip()))
                heading, lines = match[2], []
            else:
                lines.append(line)
        found.append(Section(heading, "\n".join(lines).strip()))
        return tuple(section for section in found if section.text)


def parse_article(text: str, path: Path) -> Article:
    """One article from its source text. Raises `ArticleErrors`."""
    lines = text.splitlines()
    if not lines or lines[0].strip() != "---":
        raise ArticleErrors([f"{path}:1: front matter is missing; the first line must be ---"])
    end = next((n for n, line in enumerate(lines[1:], 1) if line.strip() == "---"), None)
    if end is None:
        raise ArticleErrors([f"{path}:1: front matter is never closed; add a line with ---"])
    source = "\n".join(lines[1:end])
    try:
        data = yaml.load(source, Loader=Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 1
        problem = getattr(error, "problem", None) or "not valid YAML"
        raise ArticleErrors([f"{path}:{line}: front matter: {problem}"]) from None
    except ValueError as error:  # a date that there is not: YAML makes dates itself
        node = yaml.compose(source, Loader=Loader)
        raise ArticleErrors([f"{path}:{_line_of(node, ('updated',)) + 2}: front matter: {error}"]) from None
    if not isinstance(data, dict):
        raise ArticleErrors([f"{path}:2: front matter must be keys and values"])
    try:
        front = FrontMatter.model_validate(data)
    except ValidationError as error:
        node = yaml.compose(source, Loader=Loader)
        raise ArticleErrors(
            [
                f"{path}:{_line_of(node, item['loc']) + 2}: {'.'.join(map(str, item['loc']))}: {item['msg']}"
                for item in error.errors()
            ]
        ) from None
    body = "\n".join(lines[end + 1 :]).strip()
    if not body:
        raise ArticleErrors([f"{path}:{end + 1}: the article has no text"])
    return Article(
        id=front.id,
        title=front.title,
        topic=front.topic,
        updated=front.updated,
        questions=tuple(front.questions),
        next_steps=tuple(front.next_steps),
        links=tuple(front.links),
        body=body,
        path=path,
    )


def read_articles(folder: Path) -> list[Article]:
    """All articles below `folder`, ordered by id. Raises `ArticleErrors` with every mistake in the folder."""
    articles: dict[str, Article] = {}
    mistakes: list[str] = []
    for path in sorted(folder.rglob("*.md")):
        try:
            article = parse_article(path.read_text(encoding="utf-8"), path)
        except ArticleErrors as error:
            mistakes.extend(error.mistakes)
        except UnicodeDecodeError:
            mistakes.append(f"{path}:1: not UTF-8 text")
        else:
            if other := articles.get(article.id):
                mistakes.append(f"{path}:2: id {article.id!r} is taken already by {other.path}")
            else:
                articles[article.id] = article
    for article in articles.values():
        mistakes.extend(
            f"{article.path}:1: links: there is no article {link!r}" for link in article.links if link not in articles
        )
    if not articles and not mistakes:
        mistakes.append(f"{folder}:1: there are no articles (*.md) in this folder")
    if mistakes:
        raise ArticleErrors(mistakes)
    return [articles[key] for key in sorted(articles)]


def _line_of(node: yaml.Node | None, loc: tuple[int | str, ...]) -> int:
    """The zero-based line of a key path within the composed YAML, or of the nearest parent that is there."""
    line = 0
    for key in loc:
        if isinstance(node, yaml.MappingNode):
            pair = next((pair for pair in node.value if pair[0].value == key), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            node = node.value[key]
            line = node.start_mark.line
        else:
            break
    return line


if __name__ == "__main__":
    try:
        print(f"{len(read_articles(Path(sys.argv[1])))} articles, no mistakes")
    except ArticleErrors as error:
        sys.exit(str(error))
