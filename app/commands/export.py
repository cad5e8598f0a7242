"""`pestle export`: what people said, for training."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from app.settings import Settings


def export(
    what: Annotated[str, typer.Argument(help="preferences, feedback or conversations.")],
    out: Annotated[Path | None, typer.Argument(help="The file to write; default: WHAT.jsonl in this folder.")] = None,
    since: Annotated[
        dt.datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only conversations begun on or after this day.")
    ] = None,
    chat: Annotated[bool, typer.Option(help="Prompts and answers as chat messages rather than as text.")] = False,
) -> None:
    """Write JSON Lines that TRL reads, with invented personal data, and a data card beside the file."""
    from app.learning.export import WHATS, Exporter, card_path
    from app.learning.kit import LearningKit
    from app.store.database import Database
    from app.store.migrate import migrate
    from rag.account import open_book
    from rag.articles import read_articles

    if what not in WHATS:
        raise typer.BadParameter(f"there is no {what!r} to export; there are {', '.join(WHATS)}")
    settings = Settings()
    path = out or Path(f"{what}.jsonl")
    migrate(settings.conversations_url)
    database = Database(settings.conversations_url)
    try:
        exporter = Exporter(
            database,
            LearningKit(settings).personal,
            open_book(settings),
            read_articles(settings.knowledge / "articles"),
            chat,
        )
        begin = (since or dt.datetime(1970, 1, 1)).replace(tzinfo=dt.UTC)
        card = exporter.export(what, path, begin)  # type: ignore[arg-type]
    finally:
        database.close()
    typer.echo(
        f"{card.rows} rows from {card.conversations} conversations in {path}; the data card is {card_path(path)}."
    )
    if card.held_back:
        typer.echo(f"{card.held_back} rows were held back: a real value was still to be seen in them.", err=True)
