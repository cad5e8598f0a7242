"""The older studies of `pestle eval`: held-out and public sets as tables; `--keep` writes them into docs/measurements.md."""

from __future__ import annotations

import datetime as dt
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from app.settings import ROOT, Settings

if TYPE_CHECKING:
    from app.wiring import Wired
    from eval.table import Figure

STUDIES = ("questions", "account", "specialists", "rails", "redteam", "public", "fewshot")
SEED = 29
CLAIMS = 350  # true sentences of articles, and as many of account answers, that are falsified
PUBLIC = ROOT.parent / "shared" / "data"


def study(name: str, console: Console, keep: bool, plain: bool, show: bool, data: Path, presidio: Path | None) -> None:
    """Run one and print its figures."""
    from eval.table import keep as keep_table
    from eval.table import show as show_table

    runs: dict[str, Callable[[], list[Figure]]] = {
        "questions": lambda: _questions(plain),
        "account": lambda: _account(show),
        "specialists": _specialists,
        "rails": lambda: _rails(data, presidio),
        "redteam": lambda: _redteam(data),
        "public": lambda: _public(data),
        "fewshot": lambda: _fewshot(data),
    }
    figures = runs[name]()
    show_table(name, figures, console)
    if keep:
        keep_table(f"eval {name}", f"pestle eval {name}", figures)


@contextmanager
def _wired() -> Iterator[Wired]:
    from app.wiring import build

    wired = build(Settings(model=""))
    try:
        yield wired
    finally:
        wired.close()


def _questions(plain: bool) -> list[Figure]:
    from eval.baseline import PlainLangChain
    from eval.questions import evaluate as run

    with _wired() as wired:
        return run(wired.search(), wired.assistant, PlainLangChain(wired.search().index) if plain else None)


def _account(show: bool) -> list[Figure]:
    from app.wiring import build
    from eval.account import evaluate as run
    from rag.account.book import AccountBook
    from rag.assistant import Assistant

    def assistant_for(book: AccountBook, now: dt.datetime) -> Assistant:
        settings = Settings(model="", today=now.date())
        return build(settings, book, documents=Path(tempfile.mkdtemp(prefix="pestle-eval-"))).assistant

    return run(assistant_for, show=print) if show else run(assistant_for)


def _specialists() -> list[Figure]:
    from app.wiring import load_drugs
    from eval.entities import evaluate as entities
    from eval.specialists import evaluate as run
    from rag.specialists.reader import Heads

    with _wired() as wired:
        figures = run(wired.assistant, Heads.load(Settings().knowledge / "trained").bounds)
    return [*figures, *entities(load_drugs(Settings()))]


def _rails(data: Path, presidio: Path | None) -> list[Figure]:
    from app.wiring import drug_names, load_drugs
    from eval.grounded import account_claims, article_claims, mutations
    from eval.grounded import evaluate as grounded
    from eval.presidio import evaluate as personal
    from eval.rails import evaluate as run
    from rag.account.generate import generate

    with _wired() as wired:
        drugs, articles = load_drugs(Settings()), list(wired.search().index.articles.values())
        business = generate(SEED, dt.date(2026, 11, 20), customers=60)
        dice = random.Random(SEED)
        claims = [
            claim for made in (article_claims(articles), account_claims(business, drugs))
            for claim in dice.sample(made, min(CLAIMS, len(made)))
        ]  # fmt: skip
        return [
            *run(wired.assistant, data),
            *mutations(claims, wired.assistant.made_of.rail, drug_names(drugs), most=150),
            *grounded(data, wired.encoder.encode),
            *personal(data / "presidio" / "synth_dataset_v2.json", presidio),
        ]


def _redteam(data: Path) -> list[Figure]:
    from eval.redteam import evaluate as run

    return run(Settings(), data)


def _public(data: Path) -> list[Figure]:
    from eval.public import evaluate as run

    return run(Settings(), data, Console().print)


def _fewshot(data: Path) -> list[Figure]:
    from eval.fewshot import evaluate as run

    return run(Settings(), data, Console().print)
