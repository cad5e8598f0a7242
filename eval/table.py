"""A table of figures: on the terminal, and kept in docs/measurements.md between two marks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

MEASUREMENTS = Path(__file__).resolve().parents[1] / "docs" / "measurements.md"


@dataclass(frozen=True)
class Figure:
    """One measured figure, what it was measured on, and the goal it is held against."""

    what: str
    value: str
    goal: str = ""
    on: str = ""
    reached: bool | None = None  # None: nothing to hold it against


def show(title: str, figures: list[Figure], console: Console) -> None:
    table = Table(title=title, title_justify="left")
    for heading in ("figure", "measured", "goal", "reached", "on"):
        table.add_column(heading, overflow="fold")
    for f in figures:
        table.add_row(f.what, f.value, f.goal, _mark(f.reached), f.on)
    console.print(table)


def keep(name: str, command: str, figures: list[Figure]) -> None:
    """Write the table into docs/measurements.md, in place of the one kept there under this name."""
    lines = [
        f"<!-- {name} -->",
        f"`{command}`",
        "",
        "| figure | measured | goal | reached | on |",
        "|---|---|---|---|---|",
    ]
    lines += [f"| {f.what} | {f.value} | {f.goal} | {_mark(f.reached)} | {f.on} |" for f in figures]
    lines.append(f"<!-- /{name} -->")
    text = MEASUREMENTS.read_text(encoding="utf-8") if MEASUREMENTS.exists() else "# Measurements\n"
    block = "\n".join(lines)
    pattern = re.compile(rf"<!-- {re.escape(name)} -->.*?<!-- /{re.escape(name)} -->", re.DOTALL)
    text = pattern.sub(lambda _: block, text) if pattern.search(text) else f"{text.rstrip()}\n\n{block}\n"
    MEASUREMENTS.write_text(text, encoding="utf-8")


def _mark(reached: bool | None) -> str:
    return "" if reached is None else "yes" if reached else "no"


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"
