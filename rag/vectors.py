"""Where vectors live: Chroma in process, or a Chroma server. No usage data leaves either way."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

# jsonschema, which chromadb imports, compiles a grammar of internationalised addresses whenever this package is there:
# four seconds at every start, for a check that nothing here makes.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

import chromadb
from chromadb.api.client import Client
from chromadb.config import Settings as ChromaSettings
from langchain_chroma import Chroma
from langchain_core.embeddings import Embeddings


class VectorStoreError(RuntimeError):
    """Chroma can't be reached or read; the message says what to do next."""


def open_chroma(folder: Path, url: str = "") -> Client:
    """A client of the server at `url`, or else of a store in `folder` that belongs to this process alone."""
    settings = ChromaSettings(anonymized_telemetry=False)
    try:
        if not url:
            folder.mkdir(parents=True, exist_ok=True)
            return cast(Client, chromadb.PersistentClient(str(folder), settings))
        address = urlsplit(url)
        ssl = address.scheme == "https"
        client = chromadb.HttpClient(
            address.hostname or "localhost", address.port or (443 if ssl else 8000), ssl=ssl, settings=settings
        )
        return cast(Client, client)
    except Exception as error:
        where = url or folder
        raise VectorStoreError(f"Chroma at {where} can't be opened; is it running, and readable? ({error})") from error


def collection(client: Client, name: str, encoder: Embeddings) -> Chroma:
    """A LangChain vector store over a cosine collection."""
    return Chroma(
        client=client,
        collection_name=name,
        embedding_function=encoder,
        collection_configuration={"hnsw": {"space": "cosine", "ef_search": 200}},
    )


def memory_client() -> Client:
    """A client whose collections live as long as the process: for benchmarks and tests."""
    return cast(Client, chromadb.EphemeralClient(ChromaSettings(anonymized_telemetry=False)))
