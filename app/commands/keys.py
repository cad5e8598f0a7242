"""`pestle keys`: the keys that sign tokens."""

from __future__ import annotations

from typing import Annotated

import typer

from app.keys import KeyRing
from app.settings import Settings


def keys(
    rotate: Annotated[bool, typer.Option("--rotate", help="Make a new key, which signs from now on.")] = False,
    remove: Annotated[str | None, typer.Option(help="End the key with this id, and every token it signed.")] = None,
) -> None:
    """List the keys that sign tokens; the newest signs, all verify. A running API sees changes at once."""
    ring = KeyRing(Settings().home / "keys")
    if rotate:
        ring.rotate()
    if remove:
        ring.remove(remove)
    newest = ring.newest()
    for key in ring.all().values():
        typer.echo(f"{key.kid}  made {key.made:%Y-%m-%d %H:%M} UTC  {'signs' if key == newest else 'verifies'}")
