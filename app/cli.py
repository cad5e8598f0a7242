"""`pestle`: every command in one place; each lives in a file of its own."""

from __future__ import annotations

import os
import sys

import typer

from app.commands import (
    accounts,
    answer,
    bench,
    evaluate,
    export,
    handovers,
    ingest,
    keys,
    run,
    token,
    trace,
    train,
    tune,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Pestle, a customer assistant that answers from evidence.",
)
app.command("run")(run.run)
app.command("setup")(ingest.setup)
app.command("ask")(answer.ask)
app.command("batch")(answer.batch)
app.command("classify")(answer.classify)
app.command("ingest")(ingest.ingest)
app.command("train")(train.train)
app.command("tune")(tune.tune)
app.command("candidates")(tune.candidates)
app.command("promote")(tune.promote)
app.command("rollback")(tune.rollback)
app.command("eval")(evaluate.evaluate)
app.command("bench")(bench.bench)
app.command("token")(token.token)
app.command("keys")(keys.keys)
app.command("trace")(trace.trace)
app.command("export")(export.export)
app.command("handovers")(handovers.handovers)
app.add_typer(accounts.app)


def main() -> None:
    """Errors that a person can act on are one sentence; `PESTLE_DEBUG=1` shows where they come from."""
    try:
        app()
    except (RuntimeError, ValueError, OSError) as error:
        if os.environ.get("PESTLE_DEBUG"):
            raise
        print(error, file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
