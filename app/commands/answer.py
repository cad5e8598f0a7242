"""`pestle ask`, `batch` and `classify`: turns in process, without a server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from app.settings import Settings
from rag.turn import Message, PastTurn


def ask(
    text: Annotated[str, typer.Argument(help="The question.")],
    customer: Annotated[str | None, typer.Option(help="Ask as this customer, such as C-10001.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the reply as JSON.")] = False,
) -> None:
    """Ask one question and print the answer with its sources."""
    from app.wiring import build

    wired = build(Settings())
    reply = wired.assistant.answer(Message(text, customer)).reply
    wired.close()
    if as_json:
        typer.echo(reply.model_dump_json(indent=2))
        return
    typer.echo(reply.text)
    for citation in reply.citations:
        typer.echo(f"  [{citation.n}] {citation.title}")
    if reply.handover_id:
        typer.echo("(Asked here, nobody is called: a hand-over needs a conversation, as over HTTP.)", err=True)


def batch(
    source: Annotated[
        Path, typer.Argument(help='JSON Lines: {"id", "turns": [...], "customer": id or null}.', exists=True)
    ],
    target: Annotated[Path, typer.Argument(help='The rows with "replies".')],
) -> None:
    """Answer whole conversations from a file."""
    from app.wiring import build

    rows = list(_rows(source, {"id": (str, int), "turns": list}))
    wired = build(Settings())
    with target.open("w", encoding="utf-8") as out:
        for row in track(rows, description="Answering", console=Console(stderr=True)):
            past: tuple[PastTurn, ...] = ()
            replies = []
            for text in row["turns"]:
                answer = wired.assistant.answer(Message(str(text), row.get("customer"), past))
                past = (*past, PastTurn(str(text), answer.reply.text, answer.focus))
                replies.append(answer.reply.model_dump(mode="json"))
            out.write(json.dumps({**row, "replies": replies}, ensure_ascii=False) + "\n")
    wired.close()


def classify(
    source: Annotated[Path, typer.Argument(help='JSON Lines: {"id", "text"}.', exists=True)],
    target: Annotated[Path, typer.Argument(help='The rows with "reading".')],
) -> None:
    """Read messages without answering them: intents, scope, danger, entities and what the input rails decide."""
    from app.wiring import build

    rows = list(_rows(source, {"id": (str, int), "text": str}))
    wired = build(Settings())
    with target.open("w", encoding="utf-8") as out:
        for row in track(rows, description="Reading", console=Console(stderr=True)):
            reading = wired.assistant.classify(row["text"])
            out.write(json.dumps({**row, "reading": reading}, ensure_ascii=False) + "\n")
    wired.close()


def _rows(path: Path, needed: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise typer.BadParameter(f"{path}:{number}: not JSON ({error.msg})") from None
        for key, kind in needed.items():
            if not isinstance(row, dict) or not isinstance(row.get(key), kind):
                raise typer.BadParameter(f"{path}:{number}: each row needs {key!r}")
        yield row
