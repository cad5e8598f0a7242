"""The report's figures as a table on the terminal."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from eval.report import groups, headline
from eval.report.digest import digest
from eval.report.gates import rulings
from eval.report.slices import slices, worst
from eval.report.stored import read

WORST_SLICES = 4  # metrics


def table(run_folder: Path, console: Console) -> None:
    """Print suites with their intervals, the worst gap of each metric and the gates that fell. Raises `NoRun`."""
    run = read(run_folder)
    found = digest(run)
    shown = Table(title=f"Evaluation {run.id}", title_justify="left")
    shown.add_column("suite", overflow="fold")
    for heading in ("cases", "wrong", "right", "95 % interval"):
        shown.add_column(heading, justify="right")
    for suite in groups.suites(run, found, ()):
        shown.add_row(Text(suite.name), f"{suite.count:,}", f"{suite.wrong:,}", suite.right, Text(suite.within))
    whole = headline.headline(run, found)
    shown.add_section()
    wrong = whole["count"] - whole["right"]
    shown.add_row("all", f"{whole['count']:,}", f"{wrong:,}", whole["share"], whole["within"], style="bold")
    console.print(shown)
    rows = slices(found)
    if rows:
        for gap in worst(rows, found)[:WORST_SLICES]:
            console.print(Text(f"{gap.title}, worst gap: {gap.says}"))
    ruled = rulings(run)
    if ruled is None:
        console.print("The gates were not asked.")
        return
    fell = [ruling for ruling in ruled if ruling.held is not True]
    console.print(f"{len(fell)} of {len(ruled)} gates fell." if fell else f"All {len(ruled)} gates held.")
    for ruling in fell:
        console.print(Text(f"  {ruling.says}{'' if ruling.held is False else ' (no cases to go by)'}"))
