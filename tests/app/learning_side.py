"""What the tests of the learning side share: a knowledge base of one's own, a workshop without models, corrections."""

from __future__ import annotations

import hashlib
import re
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import func, insert, select

from app.api.services import Services
from app.learning.workshop import WorkshopBusy
from app.settings import ROOT, Settings
from app.store.database import now
from app.store.tables import messages
from rag.articles import read_articles
from rag.turn import Reply
from rag.words import stems
from tests import made
from tests.fakes import scripted

VERSIONS = {"policy": "p1", "knowledge": "k1", "encoder": "e1", "reader": "r1", "composer": "extractive"}


def settings_in(folder: Path) -> Settings:
    """Settings with seven articles that may be written to."""
    knowledge = folder / "knowledge_base"
    made.write_small(knowledge / "articles")
    for name in ("drugs.yaml", "shorthand.yaml", "canned.yaml"):
        if (ROOT / "knowledge_base" / name).exists():
            shutil.copy(ROOT / "knowledge_base" / name, knowledge / name)
    return Settings(home=folder / "home", knowledge=knowledge, _env_file=None)  # type: ignore[call-arg]


class WordWorkshop:
    """A workshop whose vectors are bags of words, whose trial answers with the draft's text. `busy`: it refuses."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.busy, self.ingested, self.encoded = folder, False, 0, 0

    def encode(self, texts: Sequence[str]) -> Any:
        vectors = np.full((len(texts), 256), 1e-6)
        for n, text in enumerate(texts):
            for word in stems(text):
                vectors[n, int(hashlib.md5(word.encode()).hexdigest(), 16) % 256] += 1
        self.encoded += len(texts)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def search(self, words: str) -> Sequence[str]:
        return ()

    def preview(self, path: Path, text: str, question: str) -> tuple[Reply, Reply]:
        if self.busy:
            raise WorkshopBusy("Busy; try again in a minute.")
        return scripted("I don't know.", outcome="unknown").reply, scripted(f"{question} {text[-40:]}").reply

    def ingest(self) -> str:
        if self.busy:
            raise WorkshopBusy("Busy; try again in a minute.")
        read_articles(self._folder)
        self.ingested += 1
        return f"k{self.ingested}"


def turn(served: Services, key: str, text: str, answer: Any = None, **reply: Any) -> str:
    """Records a turn without HTTP; gives the answer's id."""
    answer = answer or scripted("I don't know that.", **reply)
    answer.trace.setdefault("versions", VERSIONS)
    served.store.record(key, text, answer)
    return str(answer.reply.message_id)


def correct(served: Services, key: str, text: str, **told: Any) -> str:
    """An agent's message with its correction, as the desk keeps it; gives the correction's id."""
    with served.database.writing() as db:
        last = db.execute(select(func.max(messages.c.seq)).where(messages.c.conversation_id == key)).scalar() or 0
        row = {"id": uuid.uuid4().hex, "conversation_id": key, "seq": last + 1, "role": "agent", "author": "Mara Quist"}
        db.execute(insert(messages), row | {"text": text, "created_at": now()})
        usual = {
            "kind": "answered",
            "question": "Where is my late parcel?",
            "context": [],
            "evidence": [],
            "rejected": "I don't know that.",
            "agent_id": "mara",
            "versions": VERSIONS,
        }
        return served.corrections.note(db, conversation_id=key, message_id=str(row["id"]), chosen=text, **usual | told)


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)
