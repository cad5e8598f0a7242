"""Replies that the assistant drafted for an agent, kept so that an edit of one can be learnt from."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import insert

from app.store.calls import lock, storable
from app.store.database import Database, now
from app.store.tables import suggestions


class SuggestionStore:
    def __init__(self, database: Database) -> None:
        self._db = database

    def add(
        self,
        conversation_id: str,
        question: str,
        text: str,
        citations: list[dict[str, Any]],
        evidence: list[dict[str, Any]],
        versions: dict[str, Any],
    ) -> str:
        """Keeps a draft and gives its id. Raises `UnknownConversation`, `StoreError`."""
        key = uuid.uuid4().hex
        row = {
            "id": key,
            "conversation_id": conversation_id,
            "question": storable(question),
            "text": storable(text),
            "citations": citations,
            "evidence": evidence,
            "versions": versions,
            "created_at": now(),
        }
        with self._db.writing() as db:
            lock(db, conversation_id)
            db.execute(insert(suggestions), row)
        return key
