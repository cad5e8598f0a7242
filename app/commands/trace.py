"""`pestle trace ID`: the record of one turn."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from app.settings import Settings
from app.store.conversations import ConversationStore
from app.store.errors import StoreError
from app.store.migrate import migrate
from app.store.records import StoredTrace

FIGURES = "timings_ms"
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def trace(
    id: Annotated[str, typer.Argument(help="A reply's trace_id or message_id.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
) -> None:
    """Print the record of one turn: what was read, decided, said and left out, and how long it took."""
    try:
        found = _find(Settings().conversations_url, id)
    except StoreError as error:
        _fail(str(error))
    if found is None:
        _fail(f"There is no trace {id!r}; a reply carries its own as trace_id.")
    if as_json:
        typer.echo(json.dumps(found.data, indent=2))
        return
    console = Console()
    for part in describe(found):
        console.print(part)


def describe(found: StoredTrace) -> Iterator[Tree | Table]:
    """The record as rich shows it. Everything in it is shown as text, never as markup."""
    head = Tree(Text(f"trace {found.id}", style="bold"))
    head.add(Text(f"conversation: {found.conversation_id}"))
    head.add(Text(f"reply: {found.message_id}"))
    head.add(Text(f"recorded: {found.created_at:%Y-%m-%d %H:%M:%S} UTC"))
    for name, value in found.data.items():
        if name != FIGURES:
            _grow(head, name, value)
    yield head
    timings = found.data.get(FIGURES)
    if isinstance(timings, Mapping) and timings:
        table = Table(title="timings")
        table.add_column("step")
        table.add_column("ms", justify="right")
        for step, milliseconds in timings.items():
            table.add_row(Text(str(step)), Text(str(milliseconds)))
        yield table


def _grow(tree: Tree, name: str, value: Any) -> None:
    match value:
        case dict() if value:
            branch = tree.add(Text(name))
            for key, part in value.items():
                _grow(branch, str(key), part)
        case list() if any(isinstance(part, dict | list) for part in value):
            branch = tree.add(Text(name))
            for number, part in enumerate(value, 1):
                _grow(branch, str(number), part)
        case list():
            tree.add(_text(f"{name}: {', '.join(map(str, value)) or '–'}"))
        case _:
            tree.add(_text(f"{name}: {'–' if value in (None, {}) else value}"))


def _text(line: str) -> Text:
    return Text(CONTROLS.sub("\ufffd", line))  # a customer's text must not steer the terminal


def _find(url: str, trace_id: str) -> StoredTrace | None:
    migrate(url)
    store = ConversationStore(url)
    try:
        return store.trace(trace_id)
    finally:
        store.close()


def _fail(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(1)
