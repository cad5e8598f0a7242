"""The tuners, by kind. Those whose extra packages are needed import them themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from rag.learning.base import Base
from rag.learning.examples import Example, Kind


class Tuner(Protocol):
    """Makes a candidate's artefacts in `folder` and gives its figures on rows that it kept back.

    What takes over a minute keeps its state in folder/work and goes on from it. Raises NothingToLearn.
    """

    def __call__(
        self, examples: Sequence[Example], base: Base, folder: Path, say: Callable[[str], None], seed: int = 7
    ) -> dict[str, float]: ...


def tuners() -> Mapping[Kind, Tuner]:
    """All that there are. Heavy: they bring what they train with."""
    from rag.learning import rephrasing, routing

    return {"routing": routing.tune, "rephrasing": rephrasing.tune}
