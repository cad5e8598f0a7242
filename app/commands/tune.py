"""`pestle tune`, `candidates`, `promote` and `rollback`: from what people said to what serves, a person's word between."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from app.settings import Settings

if TYPE_CHECKING:
    from app.tuning.candidates import Candidate, Change, State
    from app.tuning.collect import Collected
    from app.tuning.promotion import Switched
    from app.tuning.serving import Served
    from rag.learning.base import Base

Jobs = Annotated[int, typer.Option(min=0, help="Comparing: processes; 0: this one alone. Default: one a core.")]
CORES = os.cpu_count() or 1
SHOWN = 12  # rows that were set aside


def tune(
    kinds: Annotated[list[str] | None, typer.Argument(help="routing, rephrasing.")] = None,
    all_kinds: Annotated[bool, typer.Option("--all", help="Everything that can be learnt.")] = False,
    without: Annotated[
        str, typer.Option(metavar="CUSTOMER", help="Withdraw what holds rows of this customer, and learn without them.")
    ] = "",
    compare: Annotated[bool, typer.Option(help="Compare what was made with what serves.")] = True,
    seed: Annotated[int, typer.Option(help="The same seed and feedback make the same candidate.")] = 7,
    jobs: Jobs = CORES,
) -> None:
    """Learn from feedback: make candidates and compare them. Nothing serves before `pestle promote`."""
    from app.tuning.lot import Lot
    from app.tuning.promotion import Promotion
    from app.tuning.tune import Round
    from app.tuning.tuners import tuners

    settings = Settings()
    known = tuners()
    if wrong := [kind for kind in kinds or () if kind not in known]:
        raise typer.BadParameter(f"{wrong[0]!r} can't be tuned; there are {', '.join(known)}, and --all")
    if not kinds and not all_kinds and not without:
        raise typer.BadParameter(f"say what to tune: {', '.join(known)}, or --all")
    wanted = [kind for kind in known if all_kinds or kind in (kinds or ())]
    if without:
        gone = Promotion(settings.home, settings.serving_file).forget(Lot.of(settings.home).customer(without, ""))
        for one in gone:
            typer.echo(f"{one.id}: withdrawn, it held rows of that customer; it serves no more.")
        wanted = wanted or [kind for kind in known if kind in {one.kind for one in gone}]
        if not wanted:
            typer.echo("No candidate in use or kept holds rows of that customer; there is nothing to make again.")
            return
    turn = Round(settings.home, known, _collecting(settings, without), lambda: _base(settings), typer.echo)
    try:
        made = turn.run(wanted, seed)
        for found in (one.candidate for one in made if one.candidate and compare):
            _compare(found, settings, jobs)
    except KeyboardInterrupt:
        typer.echo("Stopped. What serves was not touched; run it again.", err=True)
        raise typer.Exit(130) from None
    if ready := [one.candidate.id for one in made if one.candidate and not compare]:
        typer.echo(f"Compare with what serves: pestle candidates {ready[0]} --compare")
    if any(one.failed for one in made):
        raise typer.Exit(1)


def candidates(
    candidate: Annotated[str, typer.Argument(help="One of them, by its id or the beginning of it.")] = "",
    compare: Annotated[bool, typer.Option("--compare", help="Compare it with what serves, over the quick part of the suites.")] = False,
    aside: Annotated[bool, typer.Option("--aside", help="Show the feedback that was set aside, for you to look at.")] = False,
    jobs: Jobs = CORES,
) -> None:  # fmt: skip
    """List what was learnt, what serves, and what is wrong with either."""
    from app.tuning.candidates import Candidates
    from app.tuning.live import TROUBLE
    from app.tuning.serving import Serving, ServingError, ServingFile

    settings = Settings()
    store = Candidates(settings.home)
    if aside:
        return _aside(settings)
    if compare and not candidate:
        raise typer.BadParameter("--compare needs the candidate's id")
    if candidate:
        found = store.get(candidate)
        return _compare(found, settings, jobs) if compare else _told(found)
    serving = Serving()
    try:
        serving = ServingFile(settings.serving_file).read()
    except ServingError as error:
        typer.echo(str(error), err=True)
    for one in store.all():
        mark = "*" if one.id in serving.learnt.values() else " "
        typer.echo(
            f"{mark} {one.id}  {one.manifest.state:9}  {one.manifest.examples.count:5} examples  {_verdict(one)}"
        )
    for said in store.broken():
        typer.echo(said, err=True)
    typer.echo(f"Serving: {_names(serving)}.")
    if serving.trial:
        typer.echo(f"On trial: {serving.trial.id} ({serving.trial.mode}).")
    with suppress(OSError):
        trouble = settings.serving_file.with_name(TROUBLE).read_text(encoding="utf-8").strip()
        typer.echo(f"The running server says: {trouble}", err=True)
    return None


def promote(
    candidate: Annotated[str, typer.Argument(help="Its id or the beginning of it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Put a candidate in service: it must have been compared, and no gate may have fallen."""
    from app.tuning.promotion import Promotion

    settings = Settings()
    promotion = Promotion(settings.home, settings.serving_file)
    found = promotion.allowed(candidate)
    if not yes:
        _told(found)
        typer.confirm(f"Let {found.id} serve?", abort=True)
    _switched(promotion.promote(found.id), "Promoted")


def rollback() -> None:
    """What served before serves again, at once."""
    from app.tuning.promotion import Promotion

    settings = Settings()
    _switched(Promotion(settings.home, settings.serving_file).roll_back(), "Rolled back")


def _switched(done: Switched, how: str) -> None:
    for said in done.damaged:
        typer.echo(f"{said}; what was trained serves in its place.", err=True)
    typer.echo(f"{how}. Before: {_names(done.before)}. Now: {_names(done.after)}.")
    typer.echo("A running server follows within seconds; `pestle candidates` says so if it can't.")


def _names(served: Served) -> str:
    return ", ".join(served.learnt.values()) or "what was trained, nothing learnt"


def _collecting(settings: Settings, without: str) -> Callable[[frozenset[str]], Collected]:
    def collect(kinds: frozenset[str]) -> Collected:
        from app.learning.kit import LearningKit
        from app.store.database import Database
        from app.store.migrate import migrate
        from app.tuning.collect import Collector
        from app.tuning.lot import Lot
        from rag.account import open_book
        from rag.articles import read_articles

        migrate(settings.conversations_url)
        database = Database(settings.conversations_url)
        try:
            personal, book = LearningKit(settings).personal, open_book(settings)
            articles = read_articles(settings.knowledge / "articles")
            collector = Collector(database, personal, book, articles, Lot.of(settings.home))
            return collector.collect(dt.datetime.now(dt.UTC), kinds, without=without or None, progress=_progress)
        finally:
            database.close()

    return collect


def _progress(done: int, total: int) -> None:
    if done % 1000 == 0:
        typer.echo(f"collecting: {done} of {total} conversations")


def _base(settings: Settings) -> Base:
    """What was trained, whatever serves: a candidate is made beside it, not on another one."""
    from app.wiring import load_drugs, load_encoder, load_reader
    from rag.account.mentions import MentionReader
    from rag.learning.base import Base
    from rag.retrieve import Weights
    from rag.serving import ServingSearch
    from rag.specialists.reader import Heads

    trained, encoder = settings.knowledge / "trained", load_encoder(settings, threads=2)
    names = MentionReader(load_drugs(settings)).vocabulary()
    search = ServingSearch(
        settings.home / "knowledge",
        settings.knowledge,
        encoder,
        Weights.read(trained / "retrieval.json"),
        names,
        settings.chroma_url,
    )
    reader, heads = load_reader(settings, threads=2), Heads.load(trained)
    return Base(settings.knowledge, encoder, reader, heads, search(), cache=settings.home / "train")


def _compare(found: Candidate, settings: Settings, jobs: int) -> None:
    from rich.console import Console

    from app.tuning.candidates import Candidates
    from app.tuning.serving import ServingFile
    from eval.compared import compared

    found.check()
    if found.manifest.state == "withdrawn":
        typer.echo(f"Candidate {found.id} was withdrawn ({found.manifest.why}); tune {found.kind} again.", err=True)
        raise typer.Exit(1)
    try:
        result = compared(found, settings, jobs, Console(stderr=True))
    except KeyboardInterrupt:
        typer.echo("Stopped. Compare again, and it goes on from here.", err=True)
        raise typer.Exit(130) from None
    why = f"gates fell: {'; '.join(result.gates)}" if result.gates else ""
    serves = found.id in ServingFile(settings.serving_file).read().learnt.values()
    state: State = "promoted" if serves else "rejected" if result.gates else "compared"
    marked = Candidates(settings.home).mark(found.id, state, why, result)
    _told(marked)
    if result.passed and not serves:
        typer.echo(f"Let it serve: pestle promote {found.id}")


def _told(found: Candidate) -> None:
    manifest = found.manifest
    told = f"{found.id}: {manifest.state}"
    typer.echo(f"{told}; {manifest.why}" if manifest.why else told)
    sources = ", ".join(f"{count} {name}" for name, count in sorted(manifest.examples.by_source.items()))
    typer.echo(f"  made {manifest.made:%Y-%m-%d %H:%M} UTC of {manifest.examples.count} examples ({sources})")
    typer.echo(f"  figures: {json.dumps(manifest.figures)}")
    if (result := manifest.compared) is None:
        typer.echo("  not compared with what serves yet")
        return
    diff, low, high, p = result.right
    against = ", ".join(result.against.values()) or "what was trained"
    typer.echo(f"  against {against}, {result.cases} cases (run {result.run}, before {result.before})")
    if diff is not None:
        typer.echo(f"  right {diff:+.4f} ({low:+.4f} to {high:+.4f}, p = {p:.3f})")
    for name, changes in (("better", result.gains), ("worse", result.losses)):
        for change in changes:
            typer.echo(f"  {name}: {_change(change)}")
    if not result.gains and not result.losses:
        typer.echo("  no difference beyond chance")
    for gate in result.gates:
        typer.echo(f"  gate fell: {gate}")
    if result.told:
        typer.echo(f"  gates that fall either way: {'; '.join(result.told)}")


def _change(one: Change) -> str:
    return f"{one.suite} {one.metric} {one.value:+.3f} ({one.low:+.3f} to {one.high:+.3f}, p = {one.p:.3f}, {one.count} cases)"


def _verdict(one: Candidate) -> str:
    result = one.manifest.compared
    if result is None:
        return one.manifest.why or "not compared"
    if result.gates:
        return f"{len(result.gates)} gates fell"
    return f"better in {len(result.gains)}, worse in {len(result.losses)}; gates hold"


def _aside(settings: Settings) -> None:
    from app.tuning.aside import AsideFile

    rows: Sequence[dict[str, str]] = AsideFile(settings.home).rows()
    for row in rows[:SHOWN]:
        typer.echo(f"{row['kind']} {row['reason']:8} {row['at'][:10]} {row['source']}: {row['text']}")
    if len(rows) > SHOWN:
        typer.echo(f"… and {len(rows) - SHOWN} more, in {settings.home / 'tuning'}")
    if not rows:
        typer.echo("Nothing was set aside.")
