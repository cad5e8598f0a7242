"""Candidates: what a tuning made, each a folder with artefacts, a manifest with their hashes, and the trail of its rows.

PESTLE_HOME/candidates/<id>/ is there whole or not at all; what is being made lies in a folder whose name begins with a
dot. Nothing in a candidate changes after it was made but its state.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.tuning.alone import in_turn
from app.tuning.durable import sync_all, sync_folder, write_whole
from rag.learning.examples import KINDS, Example, Kind, digest

State = Literal["made", "compared", "shadow", "share", "promoted", "rejected", "stopped", "withdrawn"]
STATES: tuple[State, ...] = get_args(State)
ID = re.compile(rf"({'|'.join(KINDS)})-\d{{8}}-\d{{6}}-[0-9a-f]{{4}}")
MANIFEST, ROWS, WORK = "manifest.json", "rows.jsonl", "work"
OWN_INDEX = "knowledge"  # follows the articles, so it has a manifest of its own and is not hashed here
NOT_ALIVE: frozenset[State] = frozenset({"rejected", "stopped", "withdrawn"})


class CandidateError(RuntimeError):
    """A candidate is missing, damaged or not allowed to serve; one sentence that says what to do."""


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Examples(Part):
    """What it was made of."""

    count: int = Field(ge=0)
    by_source: dict[str, int]
    digest: str


class Change(Part):
    """A figure that differs beyond chance: the candidate's less the serving one's, with its 95 % interval."""

    suite: str
    metric: str
    value: float
    low: float
    high: float
    p: float
    count: int


class Compared(Part):
    """`gates`: what would fall with the candidate and does not fall now; `told`: what falls either way."""

    against: dict[str, str]  # what served, by kind
    gates: tuple[str, ...]
    gains: tuple[Change, ...]
    losses: tuple[Change, ...]
    run: str
    before: str = ""
    told: tuple[str, ...] = ()
    cases: int = 0
    right: tuple[float | None, float | None, float | None, float | None] = (
        None,
        None,
        None,
        None,
    )  # diff, low, high, p

    @property
    def passed(self) -> bool:
        return not self.gates


class Manifest(Part):
    id: str = Field(pattern=ID.pattern)
    kind: Kind
    made: dt.datetime
    base: dict[str, str]
    seed: int
    examples: Examples
    rows: str = ROWS
    files: dict[str, str]
    figures: dict[str, float]
    compared: Compared | None = None
    state: State = "made"
    why: str = ""  # why it has this state, where that is worth saying


@dataclass(frozen=True)
class Candidate:
    folder: Path
    manifest: Manifest

    @property
    def id(self) -> str:
        return self.manifest.id

    @property
    def kind(self) -> Kind:
        return self.manifest.kind

    def check(self) -> Path:
        """The folder, where every file is what it was when it was made. Raises CandidateError."""
        for name, wanted in self.manifest.files.items():
            path = self.folder / name
            if not path.is_file():
                raise CandidateError(f"candidate {self.id} is damaged: {name} is missing; tune {self.kind} again")
            if _hash(path) != wanted:
                raise CandidateError(
                    f"candidate {self.id} is damaged: {name} is not what was made; tune {self.kind} again"
                )
        if more := _names(self.folder) - self.manifest.files.keys():
            raise CandidateError(f"candidate {self.id} is damaged: {min(more)} was added; tune {self.kind} again")
        return self.folder

    def customers(self) -> set[str]:
        """The hashed customers whose rows it was made of."""
        with (self.folder / ROWS).open(encoding="utf-8") as file:
            return {row["customer"] for row in map(json.loads, file) if row["customer"]}


class Candidates:
    """All of them. States change under a lock, so that two programs may do so."""

    def __init__(self, home: Path) -> None:
        self._root = home / "candidates"

    def all(self) -> list[Candidate]:
        """Oldest first; a folder without a readable manifest is left out, see `broken`."""
        return [one for one in self._read() if isinstance(one, Candidate)]

    def broken(self) -> list[str]:
        """What is wrong with folders that hold no candidate, one sentence each."""
        return [one for one in self._read() if isinstance(one, str)]

    def get(self, candidate_id: str) -> Candidate:
        """By its id or the beginning of it. Raises CandidateError."""
        names = [name for name in self._names() if name.startswith(candidate_id)] if candidate_id else []
        if candidate_id in names:
            names = [candidate_id]
        if len(names) != 1:
            there = ", ".join(self._names()[-5:]) or "none yet: run `pestle tune`"
            said = "several candidates are" if names else "no candidate is"
            raise CandidateError(f"{said} called {candidate_id!r}; there are {there}")
        found = self._one(names[0])
        if isinstance(found, str):
            raise CandidateError(found)
        return found

    def begin(self, kind: Kind, key: str) -> Path:
        """The folder in which one is made; the same for the same `key`, so that an ended tuning goes on.

        What was begun of the kind with another key is swept away.
        """
        self._root.mkdir(parents=True, exist_ok=True)
        folder = self._root / f".{kind}-{key[:16]}"
        for old in self._root.glob(f".{kind}-*"):
            if old != folder:
                shutil.rmtree(old, ignore_errors=True)
        folder.mkdir(exist_ok=True)
        return folder

    def finish(
        self,
        folder: Path,
        kind: Kind,
        examples: Sequence[Example],
        base: Mapping[str, str],
        seed: int,
        figures: Mapping[str, float],
        now: dt.datetime | None = None,
    ) -> Candidate:
        """Puts what was made in `folder` in place as a candidate, whole or not at all."""
        shutil.rmtree(folder / WORK, ignore_errors=True)
        made = (now or dt.datetime.now(dt.UTC)).replace(microsecond=0)
        name = f"{kind}-{made:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        (folder / ROWS).write_text("".join(map(_trail, examples)), encoding="utf-8")
        by_source: dict[str, int] = {}
        for one in examples:
            by_source[one.origin] = by_source.get(one.origin, 0) + 1
        manifest = Manifest(
            id=name,
            kind=kind,
            made=made,
            base=dict(base),
            seed=seed,
            examples=Examples(count=len(examples), by_source=by_source, digest=digest(examples)),
            files={found: _hash(folder / found) for found in sorted(_names(folder))},
            figures={key: round(float(value), 6) for key, value in figures.items()},
        )
        (folder / MANIFEST).write_text(_dumped(manifest), encoding="utf-8")
        sync_all(folder)
        os.replace(folder, self._root / name)  # noqa: PTH105 -- the step that counts
        sync_folder(self._root)
        return Candidate(self._root / name, manifest)

    def mark(self, candidate_id: str, state: State, why: str = "", compared: Compared | None = None) -> Candidate:
        """Another state. What was withdrawn stays so. Raises CandidateError."""
        with in_turn(self._root / ".lock"):
            found = self.get(candidate_id)
            if found.manifest.state == "withdrawn" and state != "withdrawn":
                raise CandidateError(f"candidate {found.id} was withdrawn: a customer of it was forgotten; tune again")
            change: dict[str, Any] = {"state": state, "why": why}
            if compared is not None:
                change["compared"] = compared
            manifest = found.manifest.model_copy(update=change)
            write_whole(found.folder / MANIFEST, _dumped(manifest))
        return Candidate(found.folder, manifest)

    def forget(self, customer: str) -> list[Candidate]:
        """Withdraws every candidate that holds rows of a hashed customer; gives those that were not withdrawn before."""
        found = []
        for one in self.all():
            if one.manifest.state != "withdrawn" and customer in one.customers():
                found.append(self.mark(one.id, "withdrawn", "a customer of it was forgotten"))
        return found

    def _names(self) -> list[str]:
        """In the order of their making."""
        try:
            names = [path.name for path in self._root.iterdir() if ID.fullmatch(path.name)]
        except FileNotFoundError:
            return []
        return sorted(names, key=lambda name: name.split("-")[1:])

    def _read(self) -> list[Candidate | str]:
        return [self._one(name) for name in self._names()]

    def _one(self, name: str) -> Candidate | str:
        path = self._root / name / MANIFEST
        try:
            manifest = Manifest.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            what = error.strerror if isinstance(error, OSError) else f"{error.error_count()} mistakes"
            return f"candidate {name} can't be read ({MANIFEST}: {what}); delete its folder and tune again"
        if manifest.id != name:
            return f"candidate {name} calls itself {manifest.id}; delete its folder and tune again"
        return Candidate(path.parent, manifest)


def without(examples: Iterable[Example], customer: str) -> list[Example]:
    """The examples of everybody else."""
    return [one for one in examples if one.customer != customer]


def _trail(one: Example) -> str:
    """Where an example came from: no text."""
    row = {"id": one.id, "source": list(one.source), "customer": one.customer, "staff": one.staff, "weight": one.weight}
    return f"{json.dumps(row, sort_keys=True)}\n"


def _names(folder: Path) -> set[str]:
    """Every file that has a hash, by its path inside the folder."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {
        path.as_posix() for path in found if path.parts[0] not in (MANIFEST, OWN_INDEX, WORK) and path.name[0] != "."
    }


def _hash(path: Path) -> str:
    made = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            made.update(block)
    return made.hexdigest()


def _dumped(manifest: Manifest) -> str:
    return f"{json.dumps(manifest.model_dump(mode='json'), ensure_ascii=False, indent=1)}\n"
