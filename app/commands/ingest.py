"""`pestle ingest` and `pestle setup`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, TaskID

from app.settings import Settings


def ingest(
    folder: Annotated[Path | None, typer.Argument(help="Folder of articles; default: knowledge_base/articles.")] = None,
    force: Annotated[bool, typer.Option(help="Build again even if nothing changed.")] = False,
) -> None:
    """Index the articles: only what changed is encoded; a serving API takes the new index by itself."""
    from app.wiring import load_encoder
    from rag.articles import ArticleErrors
    from rag.ingest import IngestBusy
    from rag.ingest import ingest as index
    from rag.labelled import LabelError

    settings, console = Settings(), Console(stderr=True, highlight=False)
    source = folder or settings.knowledge / "articles"
    with Progress(console=console) as bars:
        tasks: dict[str, TaskID] = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what)
            bars.update(tasks[what], completed=done, total=total)

        try:
            done = index(
                source,
                settings.home / "knowledge",
                load_encoder(settings, threads=2),
                settings.chroma_url,
                force,
                progress,
                labelled=None if folder else settings.knowledge / "labelled",
            )
        except (ArticleErrors, LabelError, IngestBusy) as error:
            bars.stop()
            console.print(str(error), markup=False, soft_wrap=True)
            console.print("Nothing was ingested.")
            raise typer.Exit(1) from None
    said = (
        f"{done.articles} articles, {done.entries} entries, {done.encoded} texts encoded anew"
        if done.changed
        else "nothing has changed"
    )
    console.print(f"{said}; serving version {done.version}.")


def setup() -> None:
    """Make what the service needs: encoder, demo accounts, index, order documents."""
    from app.commands.setup import prepare

    prepare(Settings(), Console(stderr=True, highlight=False))
