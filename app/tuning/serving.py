"""Which candidate of each kind serves: one small file, changed in one step, with the way back in it.

After a crash at any moment the file is the old one or the new one. It alone decides; what a candidate's manifest says of
its state is for people.
"""

from __future__ import annotations

import datetime as dt
import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.tuning.alone import in_turn
from app.tuning.candidates import ID, Candidate
from app.tuning.durable import write_whole
from rag.learning.examples import KINDS, Kind

MOST_HISTORY = 20
NAME = "serving.json"
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class ServingError(RuntimeError):
    """The pointer can't be read, or there is no way back; one sentence that says what to do."""


class Trial(BaseModel):
    """A candidate beside the one that serves: it answers in `shadow`, or for a `share` of the customers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=ID.pattern)
    mode: Literal["shadow", "share"]
    share: float = Field(1.0, gt=0, le=1)
    since: dt.datetime

    @property
    def kind(self) -> Kind:
        return self.id.partition("-")[0]  # type: ignore[return-value]


class Served(BaseModel):
    """What serves, or served. None: what `pestle train` and the set-up made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    routing: str | None = None
    rephrasing: str | None = None
    retrieval: str | None = None
    ranking: str | None = None
    chat: str | None = None
    since: dt.datetime = EPOCH

    @property
    def learnt(self) -> dict[str, str]:
        """The candidate of each kind that has one."""
        return {kind: found for kind in KINDS if (found := getattr(self, kind))}


class Serving(Served):
    """`history`: what served before, newest first."""

    history: tuple[Served, ...] = ()
    trial: Trial | None = None

    def having(self, candidate_id: str | None, kind: Kind) -> Serving:
        """With this candidate in its kind's place, and nothing on trial."""
        return self.model_copy(update={kind: candidate_id, "trial": None})

    @property
    def present(self) -> Served:
        return Served(**{name: getattr(self, name) for name in Served.model_fields})


NOTHING = Serving()


class ServingFile:
    """PESTLE_HOME/serving.json. Several programs may use it; changes are made in turn."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Serving:
        """Without a file nothing learnt serves. Raises ServingError."""
        try:
            return Serving.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return NOTHING
        except (OSError, ValidationError) as error:
            what = error.strerror if isinstance(error, OSError) else f"{error.error_count()} mistakes"
            raise ServingError(
                f"{self.path} can't be used ({what}); mend it, or delete it to serve what was trained"
            ) from None

    def promote(self, candidate: Candidate, now: dt.datetime | None = None) -> Serving:
        """The candidate serves from now on; what served before is in the history. Raises ServingError."""
        with self._in_turn():
            return self._set(candidate.id, candidate.kind, now)

    def drop(self, candidate_id: str) -> Serving:
        """Whatever serves or is on trial under this id does so no more, nor comes back: not from the history either."""
        with self._in_turn():
            before = self.read()
            kind: Kind = candidate_id.partition("-")[0]  # type: ignore[assignment]
            serves = getattr(before, kind) == candidate_id
            after = before.having(None, kind).model_copy(update={"since": _now(None)}) if serves else before
            last, past = after.learnt, []
            for one in before.history:
                kept = one.model_copy(update={kind: None}) if getattr(one, kind) == candidate_id else one
                if kept.learnt != last:  # a step back that would change nothing is none
                    past.append(kept)
                    last = kept.learnt
            trial = None if after.trial and after.trial.id == candidate_id else after.trial
            after = after.model_copy(update={"history": tuple(past), "trial": trial})
            if after != before:
                self._write(after)
            return after

    def rollback(self, now: dt.datetime | None = None) -> tuple[Serving, Serving]:
        """What served before serves again; before and after. Raises ServingError where there is no before."""
        with self._in_turn():
            before = self.read()
            if not before.history:
                raise ServingError("nothing served before this; there is nothing to go back to")
            past, *older = before.history
            after = Serving(**{**dict(past), "since": _now(now)}, history=tuple(older))
            self._write(after)
            return before, after

    def try_out(self, trial: Trial | None) -> Serving:
        """Puts a candidate beside what serves, or ends the trial that there is."""
        with self._in_turn():
            after = self.read().model_copy(update={"trial": trial})
            self._write(after)
            return after

    def _set(self, candidate_id: str | None, kind: Kind, now: dt.datetime | None) -> Serving:
        before = self.read()
        if getattr(before, kind) == candidate_id:
            return before
        history = (before.present, *before.history)[:MOST_HISTORY]
        after = before.having(candidate_id, kind).model_copy(update={"since": _now(now), "history": history})
        self._write(after)
        return after

    def _write(self, serving: Serving) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.path, f"{json.dumps(serving.model_dump(mode='json'), indent=1)}\n")

    def _in_turn(self) -> AbstractContextManager[None]:
        return in_turn(self.path.with_name(f".{self.path.name}.lock"))


def _now(now: dt.datetime | None) -> dt.datetime:
    return (now or dt.datetime.now(dt.UTC)).replace(microsecond=0)
