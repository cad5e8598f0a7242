"""`pestle bench`: speed, memory and scale, as tables; `--keep` writes them into docs/measurements.md."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer
from rich.console import Console

from app.settings import Settings


def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Which of turn, ingestion, lookup, serving, rails, handover, kills, people; default: all."),
    ] = None,
    kills: Annotated[int, typer.Option(min=1, help="How often `kills` ends the server.")] = 200,
    keep: Annotated[bool, typer.Option(help="Write the figures into docs/measurements.md.")] = False,
) -> None:
    """Measure on this machine. Figures are ratios of one run where two things are compared."""
    from eval.bench import BENCHES
    from eval.bench_kills import kills as bench_kills
    from eval.table import keep as keep_table
    from eval.table import show

    chosen = names or list(BENCHES)
    if unknown := [name for name in chosen if name not in BENCHES]:
        raise typer.BadParameter(f"there is no bench {unknown[0]!r}; there are {', '.join(BENCHES)}")
    benches = BENCHES | {"kills": partial(bench_kills, count=kills)}
    console = Console()
    for name in chosen:
        figures = benches[name](Settings())
        show(name, figures, console)
        if keep:
            keep_table(f"bench {name}", f"pestle bench {name}", figures)
