"""The article files as they lie on disk: found by id, hashed, checked as drafts, and written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rag.articles import Article, ArticleErrors, parse_article

ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
NAMED = re.compile(r"^id: *[\"']?([a-z0-9-]{1,64})[\"']? *$", re.MULTILINE)
MISTAKE = re.compile(r"^.*?:(?P<line>\d+): (?:front matter: )?(?P<said>.*)$", re.DOTALL)
FIELD = re.compile(r"^(?P<field>[a-z_]+)(?:\.\d+)?: (?P<said>.*)$", re.DOTALL)
LONGEST_ID = 64
LONGEST = 60_000  # characters of an article's file


@dataclass(frozen=True)
class Source:
    """An article's file: its place below the folder, its text, and the text's hash."""

    path: Path
    text: str

    @property
    def digest(self) -> str:
        return digest(self.text)


@dataclass(frozen=True)
class Fault:
    """What is wrong with a draft: the field of the front matter, or "text" for the rest, and where."""

    field: str
    problem: str


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Shelf:
    """The files below a folder of articles."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, article_id: str) -> Source | None:
        """The file of an article; its name is the id, or else every file is looked at."""
        if not ID.fullmatch(article_id) or len(article_id) > LONGEST_ID:
            return None
        named = sorted(self.folder.rglob(f"{article_id}.md"))
        rest = (path for path in sorted(self.folder.rglob("*.md")) if path not in named)
        line = re.compile(rf"^id: *[\"']?{re.escape(article_id)}[\"']? *$", re.MULTILINE)
        for path in (*named, *rest):
            text = path.read_text(encoding="utf-8", errors="replace")
            if line.search(text.partition("\n---")[0]):
                return Source(path.relative_to(self.folder), text)
        return None

    def check(self, text: str, article_id: str, new: bool) -> tuple[Article | None, list[Fault]]:
        """A draft's text as an article, or what is wrong with it. The id of an article that is there can't change."""
        if len(text) > LONGEST:
            return None, [Fault("text", f"is longer than {LONGEST} characters; split it in two articles")]
        try:
            article = parse_article(text, Path("draft"))
        except ArticleErrors as errors:
            return None, [_fault(mistake) for mistake in errors.mistakes]
        faults = []
        if len(article.id) > LONGEST_ID:
            faults.append(Fault("id", f"is longer than {LONGEST_ID} characters; shorten it"))
        if not new and article.id != article_id:
            faults.append(Fault("id", f"must stay {article_id!r}; open a draft of a new article for another id"))
        if new and self.find(article.id):
            faults.append(Fault("id", f"{article.id!r} is taken; choose another id, or change that article"))
        if not ID.fullmatch(folder_of(article)):
            faults.append(Fault("topic", "use small letters, digits and hyphens, such as 'delivery'"))
        faults += [
            Fault("links", f"there is no article {link!r}")
            for link in article.links
            if link != article.id and not self.find(link)
        ]
        return article, faults

    def id_in(self, text: str) -> str:
        """The id that a draft's text names, or "new-article"."""
        found = NAMED.search(text.partition("\n---")[0])
        return found[1] if found else "new-article"

    def place(self, article: Article) -> Path:
        """Where an article's file lies, or will lie, below the folder."""
        there = self.find(article.id)
        return there.path if there else Path(folder_of(article)) / f"{article.id}.md"

    def write(self, path: Path, text: str) -> None:
        """All of the file or none of it, also when the power fails."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(prefix=".draft-", dir=target.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(beside).chmod(0o644)
            Path(beside).replace(target)
        finally:
            Path(beside).unlink(missing_ok=True)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def folder_of(article: Article) -> str:
    return re.sub(r"[\s_]+", "-", article.topic.strip().lower())


def _fault(mistake: str) -> Fault:
    """`draft:12: questions: Field required` as a field and its problem."""
    found = MISTAKE.match(mistake)
    if found is None:
        return Fault("text", mistake)
    named = FIELD.match(found["said"])
    if named and named["field"] != "article":
        return Fault(named["field"], f"line {found['line']}: {named['said']}")
    return Fault("text", f"line {found['line']}: {found['said']}")
