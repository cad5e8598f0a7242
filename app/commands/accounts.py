"""`pestle accounts`: bring a business's own orders into the account database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app.settings import Settings

app = typer.Typer(name="accounts", help="A business's own customers, prescriptions and orders.", no_args_is_help=True)
SHOWN = 50


@app.callback()
def accounts() -> None:
    """A business's own customers, prescriptions and orders."""


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="CSV, JSON or JSON Lines.", exists=True, dir_okay=False)],
    mapping: Annotated[Path, typer.Option(help="YAML: their columns and words to ours.", exists=True, dir_okay=False)],
) -> None:
    """Import FILE by the mapping of docs/accounts.md: everything, or nothing and a list of mistakes."""
    from rag.account.book import AccountError
    from rag.account.importer import ImportErrors, import_accounts

    settings, say = Settings(), Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
    if settings.accounts.startswith(("http://", "https://")):
        say.print("PESTLE_ACCOUNTS_URL names a REST service; import into that system, or name a database.")
        raise typer.Exit(2)
    try:
        done = import_accounts(file, mapping, settings.accounts)
    except ImportErrors as errors:
        for mistake in errors.mistakes[:SHOWN]:
            say.print(mistake)
        if (more := len(errors.mistakes) - SHOWN) > 0:
            say.print(f"… and {more} more")
        say.print(f"Nothing was imported: {len(errors.mistakes)} mistakes. Correct them and try again.")
        raise typer.Exit(1) from None
    except AccountError as error:
        say.print(str(error))
        raise typer.Exit(1) from None
    say.print(f"Imported {done.customers} customers, {done.prescriptions} prescriptions, {done.orders} orders.")
