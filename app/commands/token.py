"""`pestle token`: a signed demo token."""

from __future__ import annotations

from typing import Annotated

import typer

from app.settings import Settings
from app.tokens import TokenKeyError, mint


def token(
    customer: Annotated[str | None, typer.Option(help="A customer's id, such as C-10001.")] = None,
    agent: Annotated[str | None, typer.Option(help="A support agent's name.")] = None,
    pharmacist: Annotated[str | None, typer.Option(help="A pharmacist's name.")] = None,
    admin: Annotated[str | None, typer.Option(help="An administrator's name.")] = None,
    evaluator: Annotated[str | None, typer.Option(help="An evaluator's name.")] = None,
) -> None:
    """Print a signed token for exactly one customer or member of staff."""
    try:
        told = mint(Settings(), customer=customer, agent=agent, pharmacist=pharmacist, admin=admin, evaluator=evaluator)
        typer.echo(told)
    except (ValueError, TokenKeyError) as error:
        typer.echo(f"No token: {error}", err=True)
        raise typer.Exit(1) from None
