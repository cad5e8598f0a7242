"""`pestle eval`: is the answer good? Suites of cases with a report and gates; the older studies stand beside them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from app.commands.studies import PUBLIC, STUDIES, study
from app.settings import Settings

if TYPE_CHECKING:
    from eval.cases import Suite
    from eval.runs import Run

Names = Annotated[
    list[str] | None, typer.Argument(help=f"Suites, or studies ({', '.join(STUDIES)}); default: every suite.")
]


def evaluate(
    names: Names = None,
    gate: Annotated[bool, typer.Option("--gate", help="Exit with 1 when a gate fell, and name it.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Only the part that `make test` runs.")] = False,
    jobs: Annotated[int, typer.Option(min=0, help="Processes; 0: this one alone. Default: one a core.")] = os.cpu_count() or 1,
    against: Annotated[str, typer.Option(help="Run to compare with: an id, or the beginning of one. Default: the last one like this.")] = "",
    baseline: Annotated[bool, typer.Option("--baseline", help="Keep this run in eval/baseline.json, for gates and reports.")] = False,
    card: Annotated[bool, typer.Option("--card", help="Write docs/service-card.md from the baseline, else the last complete run.")] = False,
    cases: Annotated[Path | None, typer.Option(help="Your own cases: a CSV, JSON Lines or YAML file.")] = None,
    out: Annotated[Path | None, typer.Option(help="--cases: where the result goes. Default: FILE.result.json beside the file.")] = None,
    verify: Annotated[Path | None, typer.Option(metavar="RESULT", help="Check a result's signature, and with --cases the file it is about.")] = None,
    keys: Annotated[Path | None, typer.Option(help="--verify: the JWKS of whoever signed, as a file. Default: our own keys.")] = None,
    judge_labels: Annotated[Path | None, typer.Option(metavar="FILE", help="Answers that people labelled: how far the model judge agrees.")] = None,
    replay: Annotated[tuple[str, str] | None, typer.Option(metavar="RUN CASE", help="Show a stored case, and answer it again.")] = None,
    keep: Annotated[bool, typer.Option(help="Studies: write the figures into docs/measurements.md.")] = False,
    plain: Annotated[bool, typer.Option(help="questions: measure plain LangChain beside ours.")] = True,
    show: Annotated[bool, typer.Option(help="account: print failed cases.")] = False,
    data: Annotated[Path, typer.Option(help="Studies: folder of the public data sets; what is not there is left out.")] = PUBLIC,
    presidio: Annotated[
        Path | None, typer.Option(help="rails: Python of an environment with presidio-analyzer, to measure it beside ours.")
    ] = None,
) -> None:  # fmt: skip
    """Run suites of cases, report them, hold them against the gates."""
    settings, console = Settings(), Console()
    if replay:
        from eval.replay import replay as show_again

        return show_again(settings, *replay, console)
    if card:
        return _card(settings, console)
    if cases or verify or judge_labels:
        return _outside(settings, console, jobs, cases, out, verify, keys, judge_labels)
    for name in names or ():
        if name in STUDIES:
            study(name, console, keep, plain, show, data, presidio)
    suites = [name for name in names or () if name not in STUDIES]
    if suites or not names:
        _run(suites, settings, console, jobs, quick, against, gate, baseline)
    return None


def _outside(
    settings: Settings,
    console: Console,
    jobs: int,
    cases: Path | None,
    out: Path | None,
    result: Path | None,
    keys: Path | None,
    labels: Path | None,
) -> None:
    from eval import outside

    if labels:
        outside.judge_labels(labels, settings, console)
    if result:
        outside.verify(result, settings, console, cases, keys)
    elif cases:
        try:
            outside.run(cases, settings, console, jobs, out)
        except KeyboardInterrupt:
            Console(stderr=True).print("Stopped. Run it again, and it goes on from here.")
            raise typer.Exit(130) from None


def _run(
    names: list[str],
    settings: Settings,
    console: Console,
    jobs: int,
    quick: bool,
    against: str,
    gate: bool,
    baseline: bool,
) -> None:
    from eval.accepted import BASELINE, accept, read_accepted
    from eval.gates import judge, missing_suites, read_gates
    from eval.quick import quick as part
    from eval.report import table, write
    from eval.runner import root_of
    from eval.runner import run as run_suites
    from eval.runs import before, find

    gates, suites = read_gates(), _suites(settings, names)
    other = find(root_of(settings), against) if against else None
    try:
        run = run_suites(part(suites) if quick else suites, settings, jobs, {"quick": quick}, Console(stderr=True))
    except KeyboardInterrupt:
        Console(stderr=True).print("Stopped. Run it again, and it goes on from here.")
        raise typer.Exit(130) from None
    summary = run.summary
    verdicts = judge(gates, run.rows(), summary, read_accepted(), quick)
    verdicts += [] if names else missing_suites(gates, summary)
    run.keep("gates.json", [{"name": v.name, "held": v.held, "says": f"{v.name}: {v.says}"} for v in verdicts])
    other = other or before(root_of(settings), run)
    report = write(run.folder, other.folder if other else None, BASELINE if BASELINE.exists() else None)
    table(run.folder, console)
    if other:
        _compared(other, run, console)
    if baseline:
        accept(run)
        console.print(f"Kept as the baseline: {BASELINE}")
        _card(settings, console)
    console.print(f"Run {run.id}; report: {report}", soft_wrap=True)
    if gate and not all(verdict.held for verdict in verdicts):
        raise typer.Exit(1)


def _card(settings: Settings, console: Console) -> None:
    from eval.runner import root_of
    from eval.service_card import NoCompleteRun, accepted, last_complete, write

    try:
        found = accepted() or last_complete(root_of(settings), [suite.name for suite in _suites(settings, [])])
    except NoCompleteRun as error:
        raise typer.BadParameter(str(error)) from None
    console.print(f"Service card: {write(found, settings.knowledge)}", soft_wrap=True)


def _suites(settings: Settings, names: list[str]) -> list[Suite]:
    """The suites of these names, or all. Raises CaseErrors."""
    from eval.adapted import adapted
    from eval.cases import chosen, read_suites
    from eval.known import Known

    try:
        return chosen([*read_suites(Known.of(settings.knowledge)), *adapted()], names)
    except ValueError as error:
        if names and str(error).startswith("there is no suite"):
            raise typer.BadParameter(f"{error}, and the studies {', '.join(STUDIES)}") from None
        raise


def _compared(then: Run, now: Run, console: Console) -> None:
    """What is better or worse than in the other run, where it is no chance."""
    from eval.runs import compare

    console.print(f"Against run {then.id}:")
    told = 0
    for suite, by_score in compare(then, now).items():
        for name, one in by_score.items():
            if one.value and one.p is not None and one.p < 0.05:
                told += 1
                console.print(f"  {suite} {name}: {one.says}")
    if not told:
        console.print("  no difference beyond chance")
