"""What cleaning set aside in the newest round, until a person has looked at it: PESTLE_HOME/tuning/aside-<kind>.jsonl."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.tuning.durable import write_whole
from rag.learning.examples import Kind

if TYPE_CHECKING:  # what cleans brings models with it; who rolls back waits for none
    from rag.learning.cleaning import Aside

Row = dict[str, str]  # kind, example, source, customer (a keyed hash, or empty), at, reason and text


class AsideFile:
    """One file a kind; a new round's takes the place of the one before."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "tuning"

    def keep(self, kind: Kind, aside: Sequence[Aside]) -> None:
        self._write(
            self._folder / f"aside-{kind}.jsonl",
            (
                {
                    "kind": kind,
                    "example": one.example.id,
                    "source": " ".join(one.example.source),
                    "customer": one.example.customer or "",
                    "at": one.example.at.isoformat(),
                    "reason": one.reason,
                    "text": one.example.text,
                }
                for one in aside
            ),
        )

    def rows(self) -> list[Row]:
        """Of all kinds."""
        return [row for path in self._paths() for row in _read(path)]

    def forget(self, customer: str) -> None:
        """Without the rows of a hashed customer."""
        for path in self._paths():
            self._write(path, (row for row in _read(path) if row["customer"] != customer))

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("aside-*.jsonl"))

    def _write(self, path: Path, rows: Iterable[Row]) -> None:
        text = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
        path.parent.mkdir(parents=True, exist_ok=True)
        if text:
            write_whole(path, text)
        else:
            path.unlink(missing_ok=True)


def _read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
