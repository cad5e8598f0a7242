"""From a draft to a served article: checked, written whole, ingested; refused when the article changed meanwhile."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.learning.shelf import Fault, Shelf
from app.learning.workshop import Workshop
from app.store.drafts import Draft
from rag.articles import Article, ArticleErrors


class Faulty(ValueError):
    """The draft is no article yet."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.problem}" for fault in faults))
        self.faults = faults


class ArticleChanged(ValueError):
    """The article's file is another than the one that this draft was begun from."""


class OthersFaulty(ValueError):
    """The draft is fine, but the folder can't be ingested because of a mistake in another file."""


def checked(shelf: Shelf, draft: Draft) -> Article:
    """The draft as an article. Raises `Faulty`."""
    article, faults = shelf.check(draft.text, draft.article_id, new=draft.base is None and not _written(shelf, draft))
    if article is None or faults:
        raise Faulty(faults)
    return article


def publish(shelf: Shelf, workshop: Workshop, draft: Draft, home: Path) -> str:
    """Writes and ingests; gives the knowledge's version. A second try after a crash goes on where the first one ended.

    Raises `Faulty`, `ArticleChanged`, `OthersFaulty`, `WorkshopBusy`, OSError.
    """
    with _alone(home / "publish.lock"):
        article = checked(shelf, draft)
        path, there = shelf.place(article), shelf.find(article.id)
        if there is None or there.text != draft.text:
            if draft.base != (there.digest if there else None):
                raise ArticleChanged(article.id)
            shelf.write(path, draft.text)
        try:
            return workshop.ingest()
        except ArticleErrors as errors:
            if there:
                shelf.write(path, there.text)
            else:
                (shelf.folder / path).unlink(missing_ok=True)
            raise OthersFaulty(str(errors)) from None


def _written(shelf: Shelf, draft: Draft) -> bool:
    """Whether this very text lies there already: an earlier try got so far."""
    there = shelf.find(draft.article_id)
    return there is not None and there.text == draft.text


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
