"""`python -m eval.simulated [--jobs N] [--count N] [--seed N] [--rows FILE]`: the figures, and each conversation that failed."""

from __future__ import annotations

import argparse
import json
import logging
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from app.settings import Settings
from eval.simulated.run import COUNT, PEOPLE, conversations
from eval.simulated.totals import shown, totals


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m eval.simulated", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="processes; 0: this one")
    parser.add_argument("--count", type=int, default=COUNT, help="conversations")
    parser.add_argument("--seed", type=int, default=PEOPLE)
    parser.add_argument("--rows", type=Path, help="file that gets the rows as JSON Lines")
    parser.add_argument("--failed", action="store_true", help="show the conversations that failed")
    asked = parser.parse_args()
    logging.getLogger("bm25s").setLevel(logging.WARNING)
    rows = []
    with ExitStack() as stack:
        file = stack.enter_context(asked.rows.open("w", encoding="utf-8")) if asked.rows else None
        for row in conversations(Settings(), asked.jobs, asked.seed, asked.count):
            rows.append(row)
            if file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
            if asked.failed and not row["right"]:
                print(shown(row))
    Console().print(totals(rows))


if __name__ == "__main__":
    main()
