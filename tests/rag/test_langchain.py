"""Ours drops into somebody's chain, and theirs into ours."""

from __future__ import annotations

from pathlib import Path

from langchain_chroma import Chroma
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableLambda, RunnablePassthrough
from langchain_core.vectorstores import InMemoryVectorStore

from app.wiring import Wired
from rag.assistant import Assistant
from rag.encoder import Encoder
from rag.retrieve import KnowledgeRetriever
from rag.runnable import as_runnable
from rag.turn import Reply


def test_the_encoder_is_an_embeddings(encoder: Encoder) -> None:
    assert isinstance(encoder, Embeddings)
    documents = encoder.embed_documents(["a late parcel", "a refund"])
    query = encoder.embed_query("a late parcel")
    assert all(isinstance(value, float) for value in query)
    assert len(documents) == 2
    assert len(query) == encoder.dimensions == 384
    assert sum(a * b for a, b in zip(documents[0], query, strict=True)) > 0.99
    assert encoder.embed_documents([]) == []


def test_it_works_in_somebodys_vector_store(encoder: Encoder) -> None:
    store = InMemoryVectorStore.from_texts(["the parcel is late", "money comes back", "forgotten password"], encoder)
    assert store.similarity_search("where is my package", k=1)[0].page_content == "the parcel is late"


def test_it_works_in_somebodys_chroma(encoder: Encoder, tmp_path: Path) -> None:
    from rag.vectors import collection, open_chroma

    store = collection(open_chroma(tmp_path), "theirs", encoder)
    assert isinstance(store, Chroma)
    store.add_documents([Document("the parcel is late", id="1"), Document("money comes back", id="2")])
    assert [d.id for d in store.as_retriever(search_kwargs={"k": 1}).invoke("a refund")] == ["2"]


def test_the_index_is_a_langchain_chroma(wired: Wired) -> None:
    store = wired.search().index.store
    assert isinstance(store, Chroma)
    found = store.similarity_search("I forgot my password", k=3)
    assert {document.metadata["article_id"] for document in found} & {"reset-password"}


def test_search_is_a_retriever_in_a_chain(wired: Wired) -> None:
    retriever = KnowledgeRetriever(search=wired.search(), k=3)
    assert isinstance(retriever, BaseRetriever)
    found = retriever.invoke("How do I reset my password?")
    assert found[0].id == found[0].metadata["article_id"] == "reset-password"
    assert len(found) == 3
    assert retriever.invoke("who won the world cup in 1998") == []
    chain = {
        "context": retriever | (lambda documents: documents[0].page_content),
        "question": RunnablePassthrough(),
    } | RunnableLambda(lambda asked: f"{asked['question']} {asked['context']}")
    said = chain.invoke("How do I reset my password?")
    assert said.startswith("How do I reset my password? ")
    assert "Forgot password" in said
    assert [d[0].id for d in retriever.batch(["How do I reset my password?", "How much does delivery cost?"])] == [
        "reset-password",
        "delivery-speeds",
    ]


def test_the_assistant_is_a_runnable(assistant: Assistant) -> None:
    ours = as_runnable(assistant)
    assert isinstance(ours, Runnable)
    reply = ours.invoke("How do I reset my password?")
    assert isinstance(reply, Reply)
    assert reply.citations[0].article_id == "reset-password"
    own = ours.invoke({"text": "Where is order FH-2051846?", "customer_id": "C-10001"})
    assert own.citations[0].article_id == "FH-2051846"
    assert ours.invoke({"text": "Where is order FH-2051846?"}).reason == "sign_in"
    chain = RunnableLambda(str.strip) | ours | RunnableLambda(lambda reply: reply.text)
    assert "Forgot password" in chain.invoke("  How do I reset my password?  ")
    assert len(ours.batch(["hi", "thanks"])) == 2
