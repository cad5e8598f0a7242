"""The search that serves: it follows the pointer to the current generation while turns go on."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

from rag.encoder import Encoder
from rag.index import current_generation, open_index
from rag.retrieve import Search, Weights
from rag.words import Speller, read_shorthand

log = logging.getLogger("pestle")

LOOK = 1.0  # seconds between two looks at the pointer


class ServingSearch:
    """Call it for the present search. A new generation is opened beside the old one and then takes its place.

    `plain`: the encoder of the messages' vectors, where it is not the one of the index.
    """

    def __init__(
        self,
        root: Path,
        knowledge: Path,
        encoder: Encoder,
        weights: Weights,
        names: list[str],
        chroma_url: str = "",
        plain: Encoder | None = None,
    ) -> None:
        self._root, self._knowledge, self._encoder, self._weights = root, knowledge, encoder, weights
        self._names, self._chroma_url, self._plain = names, chroma_url, plain
        self._looked = time.monotonic()
        self._opening = threading.Lock()
        self._search = self._open()

    def __call__(self) -> Search:
        now = time.monotonic()
        if now - self._looked > LOOK:
            self._looked = now
            serving = current_generation(self._root)
            if serving and serving.name != self._search.index.version and self._opening.acquire(blocking=False):
                threading.Thread(target=self._switch, daemon=True, name="open-index").start()
        return self._search

    def _switch(self) -> None:
        try:
            self._search = self._open()
            log.info("now serving knowledge %s", self._search.index.version)
        except Exception:
            log.exception("the new generation can't be opened; the one before goes on serving")
        finally:
            self._opening.release()

    def _open(self) -> Search:
        index = open_index(self._root, self._encoder, self._chroma_url)
        words = (
            word for a in index.articles.values() for text in (a.title, *a.questions, a.body) for word in text.split()
        )
        speller = Speller([*words, *self._names], read_shorthand(self._knowledge / "shorthand.yaml"))
        return Search(index, self._encoder, speller, self._weights, self._plain)
