"""What a person decides: a candidate serves, what served before serves again, a customer is forgotten.

The pointer alone decides what serves; states in manifests are for people and follow it. No model is loaded here.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.tuning.aside import AsideFile
from app.tuning.candidates import Candidate, CandidateError, Candidates, State
from app.tuning.serving import Served, Serving, ServingFile


class Refused(RuntimeError):
    """A candidate may not serve; one sentence that says why, and what to do."""


@dataclass(frozen=True)
class Switched:
    """What served before and what serves now; `damaged`: what can't be gone back to, a sentence each."""

    before: Served
    after: Serving
    damaged: tuple[str, ...] = ()


class Promotion:
    """Over the candidates in a home and the pointer to those that serve."""

    def __init__(self, home: Path, pointer: Path) -> None:
        self._home, self._candidates, self._file = home, Candidates(home), ServingFile(pointer)

    def allowed(self, candidate_id: str) -> Candidate:
        """The candidate, whole, compared with what serves, and with no gate fallen. Raises Refused and CandidateError."""
        found, serving = self._candidates.get(candidate_id), self._file.read()
        manifest, again = found.manifest, f"run `pestle candidates {found.id} --compare`"
        if manifest.state == "withdrawn":
            raise Refused(f"candidate {found.id} was withdrawn ({manifest.why}); tune {found.kind} again")
        found.check()
        compared = manifest.compared
        if compared is None:
            raise Refused(f"candidate {found.id} has not been compared with what serves yet; {again}")
        if compared.gates:
            fallen = "; ".join(compared.gates)
            raise Refused(f"candidate {found.id} makes gates fall ({fallen}); it can't serve, tune {found.kind} again")
        if manifest.state in ("rejected", "stopped"):
            raise Refused(f"candidate {found.id} was {manifest.state} ({manifest.why or 'no reason kept'}); {again}")
        if compared.against != serving.learnt and getattr(serving, found.kind) != found.id:
            raise Refused(f"something else serves now than what candidate {found.id} was compared with; {again}")
        return found

    def promote(self, candidate_id: str) -> Switched:
        """Raises Refused, CandidateError and ServingError; then what served goes on serving."""
        found, before = self.allowed(candidate_id), self._file.read()
        after = self._file.promote(found)
        old = getattr(before, found.kind)
        if old and old != found.id:
            self._mark(old, "stopped", f"replaced by {found.id}")
        self._mark(found.id, "promoted")
        return Switched(before, after)

    def roll_back(self) -> Switched:
        """What served before serves again; where that is damaged, what was trained. Raises ServingError."""
        before, after = self._file.rollback()
        damaged = []
        for candidate_id in after.learnt.values():
            try:
                self._candidates.get(candidate_id).check()
            except CandidateError as error:
                damaged.append(str(error))
                after = self._file.drop(candidate_id)
        for candidate_id in set(before.learnt.values()) - set(after.learnt.values()):
            self._mark(candidate_id, "stopped", "rolled back")
        for candidate_id in set(after.learnt.values()) - set(before.learnt.values()):
            self._mark(candidate_id, "promoted", "served before, and serves again")
        return Switched(before, after, tuple(damaged))

    def forget(self, customer: str) -> list[Candidate]:
        """Nothing serves, nor will, that holds rows of a hashed customer; the candidates that were withdrawn for it."""
        withdrawn = self._candidates.forget(customer)
        for one in self._candidates.all():  # also those that were withdrawn by somebody who then was ended
            if one.manifest.state == "withdrawn":
                self._file.drop(one.id)
        AsideFile(self._home).forget(customer)
        return withdrawn

    def _mark(self, candidate_id: str, state: State, why: str = "") -> None:
        with suppress(CandidateError):  # gone or withdrawn meanwhile; the pointer has said it all
            self._candidates.mark(candidate_id, state, why)
