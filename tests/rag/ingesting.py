"""Ingestions in processes of their own, that are killed or run out of disk. Started from a forkserver: imports are done once."""

from __future__ import annotations

import os
import resource
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path


def ingest_and_die(folder: Path, root: Path, encoder: Path, at: int, tell: Connection) -> None:
    """Ingests, and is killed at its `at`-th file operation below `root` (0: at none). Tells when it begins and how many there were."""
    from rag.encoder import Encoder
    from rag.ingest import ingest

    operations, below = 0, f"{root}{os.sep}"

    def watch(event: str, args: tuple[object, ...]) -> None:
        nonlocal operations
        if event in ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree") and str(
            args[0]
        ).startswith(below):
            operations += 1
            if operations == at:
                os.kill(os.getpid(), signal.SIGKILL)

    ours = Encoder(encoder)
    sys.addaudithook(watch)
    tell.send("begins")
    ingest(folder, root, ours)
    tell.send(operations)


def ingest_with_little_disk(folder: Path, root: Path, encoder: Path, bytes_a_file: int, tell: Connection) -> None:
    """Ingests where no file may grow over so many bytes, as on a full disk. Tells the error's class and its text."""
    from rag.encoder import Encoder
    from rag.ingest import ingest

    ours = Encoder(encoder)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_a_file, bytes_a_file))
    try:
        ingest(folder, root, ours)
    except BaseException as error:  # a panic of Chroma's Rust part is no Exception
        tell.send((type(error).__name__, isinstance(error, (OSError, RuntimeError, ValueError)), str(error)))
    else:
        tell.send(("", True, ""))
