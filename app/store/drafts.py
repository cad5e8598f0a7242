"""Articles in the making: nothing of them is served before they are published."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from sqlalchemy import Connection, insert, select, update

from app.store.conversations import storable
from app.store.database import Database, now
from app.store.tables import drafts

DraftState = Literal["open", "published", "discarded"]
PAGE = 200


@dataclass(frozen=True)
class Draft:
    """`base`: hash of the article's file that this changes; None: a new article. `source`: where the draft came from."""

    id: str
    article_id: str
    base: str | None
    text: str
    question: str
    source: dict[str, Any]
    author_id: str
    state: DraftState
    created_at: dt.datetime
    changed_at: dt.datetime


class DraftClosed(ValueError):
    """The draft was published or discarded before; `state` says which."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class DraftChanged(ValueError):
    """Somebody saved this draft after it was read."""


class DraftStore:
    """Every method may raise `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def start(
        self, article_id: str, base: str | None, text: str, question: str, source: Mapping[str, Any], author_id: str
    ) -> Draft:
        """A new open draft."""
        with self._db.writing() as db:
            return start(db, article_id, base, text, question, source, author_id)

    def draft(self, draft_id: str) -> Draft | None:
        if not draft_id.isascii() or "\x00" in draft_id:
            return None
        with self._db.reading() as db:
            row = db.execute(select(drafts).where(drafts.c.id == draft_id)).one_or_none()
        return None if row is None else Draft(*row)

    def drafts(self, state: DraftState | None = "open", limit: int = PAGE) -> list[Draft]:
        """Drafts, the last changed first; None: of any state."""
        query = select(drafts).order_by(drafts.c.changed_at.desc(), drafts.c.id).limit(limit)
        if state:
            query = query.where(drafts.c.state == state)
        with self._db.reading() as db:
            return [Draft(*row) for row in db.execute(query)]

    def save(
        self, draft_id: str, text: str, article_id: str, question: str | None = None, seen: dt.datetime | None = None
    ) -> Draft | None:
        """Another text; None where there is no such draft. `seen`: its `changed_at` as the author had read it.

        Raises `DraftClosed`, `DraftChanged`.
        """
        with self._db.writing() as db:
            draft = _open(db, draft_id)
            if draft is None:
                return None
            if seen is not None and seen != draft.changed_at:
                raise DraftChanged(draft_id)
            asked = draft.question if question is None else storable(question)
            change = {"text": storable(text), "article_id": article_id, "question": asked, "changed_at": now()}
            db.execute(update(drafts).where(drafts.c.id == draft_id).values(change))
            return replace(draft, **change)  # type: ignore[arg-type]

    def close(self, draft_id: str, state: Literal["published", "discarded"]) -> Draft | None:
        """Ends a draft; None where there is no such draft. Raises `DraftClosed`."""
        with self._db.writing() as db:
            draft = _open(db, draft_id)
            if draft is None:
                return None
            change = {"state": state, "changed_at": now()}
            db.execute(update(drafts).where(drafts.c.id == draft_id).values(change))
            return replace(draft, **change)  # type: ignore[arg-type]


def start(
    db: Connection,
    article_id: str,
    base: str | None,
    text: str,
    question: str,
    source: Mapping[str, Any],
    author_id: str,
) -> Draft:
    """The same within a transaction that is open already."""
    at = now()
    asked = storable(question)
    draft = Draft(uuid.uuid4().hex, article_id, base, storable(text), asked, dict(source), author_id, "open", at, at)
    db.execute(insert(drafts), asdict(draft))
    return draft


def _open(db: Connection, draft_id: str) -> Draft | None:
    row = db.execute(select(drafts).where(drafts.c.id == draft_id).with_for_update()).one_or_none()
    if row is None:
        return None
    draft = Draft(*row)
    if draft.state != "open":
        raise DraftClosed(draft.state)
    return draft
