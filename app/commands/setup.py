"""Set-up: the encoder, demo accounts, the knowledge index and the order-status documents, each only where missing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from app.prepared import mark_prepared
from app.settings import Settings
from app.wiring import clock, load_drugs, load_encoder
from rag.encoder import exported_name, reader_name

NEEDED = 600 * 2**20  # bytes that a first start writes, with room to spare


class SetupError(RuntimeError):
    """The product can't be set up; the message is one sentence that says what to do."""


def prepare(settings: Settings, console: Console) -> None:
    """Everything that the service needs, made where it is missing. Raises the makers' own errors, and SetupError."""
    _room(settings)
    with _progress(console) as track:
        _encoder(settings, track)
        make_reader(settings, track)
        _accounts(settings, track)
        _knowledge(settings, track)
        _documents(settings, track)
    mark_prepared(settings)


def _room(settings: Settings) -> None:
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        probe = settings.home / ".writable"
        probe.write_text("yes")
        probe.unlink()
    except OSError as error:
        raise SetupError(
            f"{settings.home} can't be written ({error.strerror}); free space or set PESTLE_HOME to another folder."
        ) from None
    first = not (settings.home / "knowledge" / "current").exists()
    free = shutil.disk_usage(settings.home).free
    if first and free < NEEDED:
        raise SetupError(
            f"Only {free // 2**20} MB are free for {settings.home}, {NEEDED // 2**20} are needed; free some or set PESTLE_HOME to another folder."
        )


Track = Callable[[str, int, int], None]


def _encoder(settings: Settings, track: Track) -> None:
    folder = settings.encoder or settings.home / "encoder"
    if (folder / "encoder.json").exists() and (folder / "model.onnx").exists():
        return
    track("Exporting the encoder", 0, 1)
    _export("encoder", folder)
    track("Exporting the encoder", 1, 1)


def make_reader(settings: Settings, track: Track = lambda what, done, total: None) -> None:
    """The trained adapter merged into the encoder, where what is there has another adapter or is none."""
    adapter = settings.knowledge / "trained" / "reader"
    folder = settings.reader or settings.home / "reader"
    if exported_name(folder) == reader_name(adapter) and (folder / "model.onnx").exists():
        return
    track("Exporting the reader", 0, 1)
    _export("reader", folder, adapter)
    track("Exporting the reader", 1, 1)


def _export(what: str, folder: Path, *adapter: Path) -> None:
    """In a process of its own: torch's memory is given back, and its warnings don't break the progress bars."""
    command = [sys.executable, "-m", "rag.encoder", str(folder), *map(str, adapter)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SetupError(
            f"The {what} could not be exported: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}"
        )


def _accounts(settings: Settings, track: Track) -> None:
    if not settings.demo or settings.accounts.startswith(("http://", "https://")):
        return
    from rag.account.generate import ensure_demo

    today = clock(settings)().date()
    ensure_demo(settings.accounts, today, lambda done, total: track("Making demo accounts", done, total))


def _knowledge(settings: Settings, track: Track) -> None:
    from rag.ingest import ingest

    ingest(
        settings.knowledge / "articles",
        settings.home / "knowledge",
        load_encoder(settings, threads=2),
        settings.chroma_url,
        progress=lambda what, done, total: track(f"{what} articles", done, total),
        labelled=settings.knowledge / "labelled",
    )


def _documents(settings: Settings, track: Track) -> None:
    from rag.account import open_book
    from rag.account.documents import AccountDocuments

    encoder = load_encoder(settings, threads=2)
    documents = AccountDocuments(
        settings.home / "account-documents", encoder, load_drugs(settings), settings.chroma_url
    )
    try:
        documents.sync(open_book(settings), lambda done, total: track("Embedding order documents", done, total))
    finally:
        documents.close()


@contextmanager
def _progress(console: Console) -> Iterator[Track]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bars:
        tasks = {}

        def track(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what)
            bars.update(tasks[what], completed=done, total=max(total, done))

        yield track
