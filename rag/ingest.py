"""Ingestion: articles become a new generation of the index, built beside the one that serves, then switched in.

Only texts that are new are encoded; whatever is gone from the folder is absent from the new generation. A run that is
killed leaves a folder without a manifest, which the next run sweeps away. The switch is one atomic rename.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from rag.articles import read_articles
from rag.encoder import Encoder, Vectors
from rag.index import Entry, collection_name, current_generation, entries, text_hash
from rag.labelled import read_labelled
from rag.passages import passages
from rag.vectors import collection, open_chroma

Progress = Callable[[str, int, int], None]  # what, done, of how many
BATCH = 64
LINGER = 30.0  # seconds that a replaced generation stays for those who are still reading it


class IngestBusy(RuntimeError):
    """Another ingestion holds the lock."""


@dataclass(frozen=True)
class Ingested:
    version: str
    articles: int
    entries: int
    encoded: int  # texts that had to be encoded anew
    changed: bool  # False: everything was as before, nothing was built


def quiet(what: str, done: int, total: int) -> None:
    """The progress of whoever doesn't watch."""


def ingest(
    folder: Path,
    root: Path,
    encoder: Encoder,
    chroma_url: str = "",
    force: bool = False,
    progress: Progress = quiet,
    labelled: Path | None = None,
) -> Ingested:
    """Index the articles below `folder` into `root`, with the questions that people gave to them in `labelled`.

    Raises ArticleErrors or LabelError (nothing is changed then) and IngestBusy.
    """
    root.mkdir(parents=True, exist_ok=True)
    with _alone(root):
        articles = read_articles(folder)
        given: dict[str, list[str]] = {}
        for row in read_labelled(labelled, {a.id for a in articles}) if labelled else ():
            given.setdefault(row.articles[0], []).append(row.question)
        wanted = [entry for article in articles for entry in entries(article, given.get(article.id, ()))]
        texts = [piece.text for article in articles for part in passages(article) for piece in part.pieces]
        hashes = dict.fromkeys(text_hash(text) for text in (*(entry.text for entry in wanted), *texts))
        sources = [
            {"path": str(a.path.relative_to(folder)), "text": a.path.read_text(encoding="utf-8")} for a in articles
        ]
        content = hashlib.sha256(json.dumps([encoder.name, sources, given]).encode()).hexdigest()
        serving = current_generation(root)
        if serving and not force and _manifest(serving)["content_hash"] == content:
            return Ingested(serving.name, len(articles), len(wanted), 0, changed=False)
        _sweep(root, serving, chroma_url)

        known = _stored_vectors(serving, encoder) if serving else {}
        by_hash = {text_hash(text): text for text in (*(entry.text for entry in wanted), *texts)}
        fresh = [key for key in hashes if key not in known]
        for start in range(0, len(fresh), BATCH):
            keys = fresh[start : start + BATCH]
            known.update(zip(keys, encoder.encode([by_hash[key] for key in keys]), strict=True))
            progress("Encoding", min(start + BATCH, len(fresh)), len(fresh))

        version = f"{time.time_ns():x}-{content[:8]}"
        building = root / version
        building.mkdir()
        keys = list(hashes)
        np.savez(
            building / "vectors.npz",
            hashes=np.array(keys),
            vectors=np.stack([known[key] for key in keys]).astype(np.float16),
        )
        (building / "articles.json").write_text(json.dumps(sources), encoding="utf-8")
        (building / "labelled.json").write_text(json.dumps(given), encoding="utf-8")
        _fill(building, version, wanted, known, encoder, chroma_url, progress)
        manifest = {"encoder": encoder.name, "content_hash": content, "articles": len(articles), "entries": len(wanted)}
        _write(building / "manifest.json", json.dumps(manifest))
        _write(root / "current", version)
        return Ingested(version, len(articles), len(wanted), len(fresh), changed=True)


def _fill(
    building: Path,
    version: str,
    wanted: list[Entry],
    known: dict[str, Vectors],
    encoder: Encoder,
    url: str,
    progress: Progress,
) -> None:
    client = open_chroma(building / "chroma", url)
    store = collection(client, collection_name(version), encoder)
    batch = 2_000
    for start in range(0, len(wanted), batch):
        part = wanted[start : start + batch]
        store._collection.add(
            ids=[entry.id for entry in part],
            embeddings=[known[text_hash(entry.text)] for entry in part],
            documents=[entry.text for entry in part],
            metadatas=[{"article_id": e.article_id, "kind": e.kind, "passage": e.passage} for e in part],
        )
        progress("Indexing", min(start + batch, len(wanted)), len(wanted))
    client.close()


def _manifest(folder: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return found


def _stored_vectors(folder: Path, encoder: Encoder) -> dict[str, Vectors]:
    if _manifest(folder)["encoder"] != encoder.name:
        return {}
    with np.load(folder / "vectors.npz", allow_pickle=False) as stored:
        return dict(zip(stored["hashes"].tolist(), stored["vectors"].astype(np.float32), strict=True))


def _sweep(root: Path, keep: Path | None, url: str) -> None:
    """Drop what killed runs left, and generations that were followed by another long enough ago for nobody to read them."""
    finished = sorted(path.parent for path in root.glob("*/manifest.json"))  # a version begins with its time
    until = {
        old: (new / "manifest.json").stat().st_mtime + LINGER for old, new in pairwise(finished) if keep and new <= keep
    }
    for folder in root.iterdir():
        if folder.is_dir() and folder != keep and until.get(folder, 0.0) < time.time():
            shutil.rmtree(folder)
    if url:
        client, serving = open_chroma(root, url), collection_name(keep.name) if keep else ""
        for old in client.list_collections():
            if old.name.startswith(collection_name("")) and old.name != serving:
                client.delete_collection(old.name)


def _write(path: Path, text: str) -> None:
    """All of the file or none of it, also when the power fails."""
    beside = path.with_suffix(".new")
    with beside.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[None]:
    with (root / "ingest.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise IngestBusy("another ingestion is running; wait for it to end") from None
        yield
