"""The workshop of a running service: trials on a copy of the index beside the live one, and ingestion."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.learning.workshop import WorkshopBusy
from app.settings import Settings
from app.wiring import Wired, load_drugs, output_rail
from rag.assistant import Assistant
from rag.index import current_generation
from rag.ingest import IngestBusy, ingest
from rag.retrieve import Search, Weights
from rag.serving import ServingSearch
from rag.turn import Message, Reply

PATIENCE_S = 60.0  # that a trial waits for another one's end


class LiveWorkshop:
    """Trials are made one at a time: each holds a second index in memory for as long as it lasts."""

    def __init__(self, settings: Settings, wired: Wired) -> None:
        self._settings, self._wired = settings, wired
        self._one = threading.Lock()

    def encode(self, texts: Sequence[str]) -> Any:
        return self._wired.encoder.encode(texts)

    def search(self, words: str) -> list[str]:
        return [hit.article_id for hit in self._wired.search().find(words).hits]

    def preview(self, path: Path, text: str, question: str) -> tuple[Reply, Reply]:
        message = Message(question)
        before = self._wired.assistant.answer(message).reply
        if not self._one.acquire(timeout=PATIENCE_S):
            raise WorkshopBusy("Another draft is being tried; try again in a minute.")
        try:
            with self._beside(path, text) as search:
                return before, self._assistant(search).answer(message).reply
        finally:
            self._one.release()

    def ingest(self) -> str:
        with _named():
            return ingest(
                self._settings.knowledge / "articles",
                self._settings.home / "knowledge",
                self._wired.encoder,
                self._settings.chroma_url,
                labelled=self._settings.knowledge / "labelled",
            ).version

    @contextmanager
    def _beside(self, path: Path, text: str) -> Iterator[ServingSearch]:
        """The search over a copy of the index with this article in it. Stored vectors are taken over, not made again."""
        home = self._settings.home / "trials"
        home.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="trial-", dir=home))
        try:
            articles, root = folder / "articles", folder / "knowledge"
            shutil.copytree(self._settings.knowledge / "articles", articles)
            (articles / path).parent.mkdir(parents=True, exist_ok=True)
            (articles / path).write_text(text, encoding="utf-8")
            root.mkdir()
            if live := current_generation(self._settings.home / "knowledge"):
                (root / live.name).symlink_to(live.resolve(), target_is_directory=True)
                (root / "current").write_text(live.name, encoding="utf-8")
            with _named():  # in process, also where the live index is on a server
                ingest(articles, root, self._wired.encoder, labelled=self._settings.knowledge / "labelled")
            search = ServingSearch(
                root,
                self._settings.knowledge,
                self._wired.encoder,
                Weights.read(self._settings.knowledge / "trained" / "retrieval.json"),
                self._wired.assistant.made_of.mentions.vocabulary(),
            )
            try:
                yield search
            finally:
                search().index.close()
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _assistant(self, search: Callable[[], Search]) -> Assistant:
        parts = self._wired.assistant.made_of
        drugs = load_drugs(self._settings)
        rail = output_rail(self._settings, parts.rails.policy, parts.masker, drugs, search)
        return Assistant(replace(parts, search=search, rail=rail))


@contextmanager
def _named() -> Iterator[None]:
    try:
        yield
    except IngestBusy:
        raise WorkshopBusy("Another ingestion is running; try again in a minute.") from None
