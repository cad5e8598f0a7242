"""The real workshop: a draft is tried on a copy of the index beside the live one, and published to it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.learning.live import LiveWorkshop
from app.learning.publishing import publish
from app.learning.shelf import Shelf
from app.settings import Settings
from app.store.database import now
from app.store.drafts import Draft
from app.wiring import Wired, build
from rag.account.memory import MemoryAccountBook
from rag.articles import ArticleErrors
from rag.index import current_generation
from rag.turn import Message
from tests import made

QUESTION = "Do you deliver by drone?"
DRONES = """---
id: drones
title: Delivery by drone
topic: delivery
updated: 2026-11-25
questions:
  - Do you deliver by drone?
  - are you going to start delivering by drone soon
  - drone delivery
  - can a drone bring my parcel
links: []
---
Drones carry parcels of up to 2 pounds in Zorvale since October. All other parcels travel with our carriers.
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home and a knowledge base of the test's own, as large as the real ones."""
    knowledge = tmp_path / "knowledge_base"
    shutil.copytree(made.KNOWLEDGE, knowledge)
    home = tmp_path / "home"
    shutil.copytree(made.knowledge_home() / "knowledge", home / "knowledge")
    return Settings(
        home=home, knowledge=knowledge, encoder=made.encoder_folder(), reader=made.reader_folder(), today=made.TODAY,
        model="", _env_file=None,
    )  # type: ignore[call-arg]  # fmt: skip


@pytest.fixture
def wired(settings: Settings) -> Iterator[Wired]:
    built = build(settings, MemoryAccountBook.of(made.business()))
    yield built
    built.close()


@pytest.mark.slow
def test_a_draft_is_tried_beside_the_live_index_and_then_published(settings: Settings, wired: Wired) -> None:
    workshop, shelf = LiveWorkshop(settings, wired), Shelf(settings.knowledge / "articles")
    live = current_generation(settings.home / "knowledge")
    assert live is not None
    before, after = workshop.preview(Path("delivery/drones.md"), DRONES, QUESTION)
    assert before == wired.assistant.answer(Message(QUESTION)).reply.model_copy(
        update={"message_id": before.message_id, "trace_id": before.trace_id, "handover_id": before.handover_id}
    )
    assert "drones" not in [citation.article_id for citation in before.citations]
    assert after.outcome == "answered"
    assert [citation.article_id for citation in after.citations] == ["drones"]
    assert "Zorvale" in after.text  # a word of the draft's own passes the rail of names
    assert current_generation(settings.home / "knowledge") == live  # nothing of it is served or kept
    assert list((settings.home / "trials").iterdir()) == []
    assert shelf.find("drones") is None

    draft = Draft("d", "drones", None, DRONES, QUESTION, {}, "pia", "open", now(), now())
    version = publish(shelf, workshop, draft, settings.home)
    assert version != live.name
    until = time.monotonic() + 30
    while wired.search().index.version != version and time.monotonic() < until:
        time.sleep(0.2)
    reply = wired.assistant.answer(Message(QUESTION)).reply
    assert [citation.article_id for citation in reply.citations] == ["drones"]


def test_a_draft_that_is_no_article_leaves_nothing(settings: Settings, wired: Wired) -> None:
    workshop = LiveWorkshop(settings, wired)
    with pytest.raises(ArticleErrors):
        workshop.preview(Path("delivery/drones.md"), "nothing", QUESTION)
    assert list((settings.home / "trials").iterdir()) == []
