"""`pestle train`: fit the intent head, the fusion weights and the floor from the examples in the knowledge base."""

from __future__ import annotations

import typer
from rich.console import Console

from app.settings import Settings


def train() -> None:
    """Fit the small models again from knowledge_base/intents and knowledge_base/labelled."""
    from app.wiring import load_drugs, load_encoder
    from rag.account.mentions import MentionReader
    from rag.articles import read_articles
    from rag.fit import START, fit
    from rag.ingest import ingest
    from rag.labelled import read_labelled
    from rag.serving import ServingSearch
    from rag.specialists.examples import read_examples
    from rag.specialists.train import train_head

    settings, console = Settings(), Console()
    encoder = load_encoder(settings, threads=2)
    ingest(
        settings.knowledge / "articles",
        settings.home / "knowledge",
        encoder,
        settings.chroma_url,
        labelled=settings.knowledge / "labelled",
    )
    names = MentionReader(load_drugs(settings)).vocabulary()
    search = ServingSearch(
        settings.home / "knowledge", settings.knowledge, encoder, START, names, settings.chroma_url
    )()
    known = set(search.index.articles)
    answerable = read_labelled(settings.knowledge / "labelled" / "questions.yaml", known)
    hard = [row for row in read_labelled(settings.knowledge / "labelled", known) if row not in answerable]
    unanswerable = read_labelled(settings.knowledge / "labelled" / "unanswerable.yaml", known)
    if not answerable or not unanswerable:
        raise typer.BadParameter("labelled/questions.yaml and labelled/unanswerable.yaml need rows")
    folder = settings.knowledge / "trained"
    examples = read_examples(settings.knowledge / "intents")
    head = train_head(
        folder,
        encoder,
        search.speller,
        examples,
        read_articles(settings.knowledge / "articles"),
        [row.question for row in (*answerable, *hard)],
        [row.question for row in unanswerable if row.style != "near"],
    )
    console.print(
        f"intents: {head.examples} examples of {head.intents}; 5-fold accuracy {head.accuracy:.3f}, of the route {head.route_accuracy:.3f}"
    )
    for wanted, read_as, times in head.confusions[:8]:
        console.print(f"  {wanted} read as {read_as}: {times}")
    fitted = fit(search, answerable, unanswerable, hard)
    fitted.weights.write(folder / "retrieval.json")
    console.print(
        f"search: {len(answerable)} questions, right article first {fitted.first:.3f}; "
        f"floor on unseen rows: {fitted.unknown_caught:.3f} of {len(unanswerable)} unknown caught, {fitted.lost:.3f} answerable lost"
    )
