"""`pestle eval`: is the answer good? Held-out suites, as tables; `--keep` writes them into docs/measurements.md."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app.settings import Settings

SUITES = ("questions", "account")


def evaluate(
    suites: Annotated[list[str] | None, typer.Argument(help=f"Which of {', '.join(SUITES)}; default: all.")] = None,
    keep: Annotated[bool, typer.Option(help="Write the figures into docs/measurements.md.")] = False,
    plain: Annotated[bool, typer.Option(help="Measure plain LangChain beside ours.")] = True,
    show: Annotated[bool, typer.Option(help="Print failed account cases.")] = False,
) -> None:
    """Run held-out suites and print their figures."""
    from eval.table import keep as keep_table
    from eval.table import show as show_table

    chosen = suites or list(SUITES)
    if unknown := [name for name in chosen if name not in SUITES]:
        raise typer.BadParameter(f"there is no suite {unknown[0]!r}; there are {', '.join(SUITES)}")
    console = Console()
    for name in chosen:
        figures = _questions(plain) if name == "questions" else _account(show)
        show_table(name, figures, console)
        if keep:
            keep_table(f"eval {name}", f"pestle eval {name}", figures)


def _questions(plain: bool):  # type: ignore[no-untyped-def]
    from app.wiring import build
    from eval.baseline import PlainLangChain
    from eval.questions import evaluate as run

    wired = build(Settings(model=""))
    try:
        return run(wired.search(), wired.assistant, PlainLangChain(wired.search().index) if plain else None)
    finally:
        wired.close()


def _account(show: bool):  # type: ignore[no-untyped-def]
    from app.wiring import build
    from eval.account import evaluate as run
    from rag.account.book import AccountBook
    from rag.assistant import Assistant

    def assistant_for(book: AccountBook, now: dt.datetime) -> Assistant:
        settings = Settings(model="", today=now.date())
        return build(settings, book, documents=Path(tempfile.mkdtemp(prefix="pestle-eval-"))).assistant

    return run(assistant_for, show=print) if show else run(assistant_for)
