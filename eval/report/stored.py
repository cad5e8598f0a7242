"""A run as it lies on disk: read once, row by row, however many there are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Row = dict[str, Any]


class NoRun(ValueError):
    """The folder holds no run that could be reported."""


@dataclass(frozen=True)
class Stored:
    """`run.json` and `summary.json` of a run, and the place of its rows."""

    folder: Path
    info: Mapping[str, Any]
    summary: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return str(self.info.get("id") or self.folder.name)

    @property
    def versions(self) -> Mapping[str, Any]:
        return self.info.get("versions") or {}

    def rows(self) -> Iterator[tuple[int, Row]]:
        """Each whole row with the offset of its first byte. A line that an interruption tore is passed over."""
        path = self.folder / "rows.jsonl"
        if not path.is_file():
            return
        with path.open("rb") as lines:
            offset = 0
            for line in lines:
                row = _row(line)
                if row is not None:
                    yield offset, row
                offset += len(line)

    def row_at(self, offset: int) -> Row:
        with (self.folder / "rows.jsonl").open("rb") as lines:
            lines.seek(offset)
            return _row(lines.readline()) or {}


def read(folder: Path) -> Stored:
    """Raises `NoRun` where there is no readable run.json. A run that has not ended may lack its summary."""
    info = _object(folder / "run.json")
    if info is None:
        raise NoRun(f"{folder} holds no run (run.json is missing or can't be read); `pestle eval` makes one.")
    return Stored(folder, info, _object(folder / "summary.json") or {})


def _object(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _row(line: bytes) -> Row | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "id" in found else None
