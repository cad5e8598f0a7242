"""The quick part: a fixed share of every suite, small enough for each `make test`."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace

from eval.cases import Suite, Task

SHARE = 0.25
FEWEST = 20  # of a suite


def quick(suites: Sequence[Suite], share: float = SHARE, fewest: int = FEWEST) -> list[Suite]:
    """The same cases every time, whatever is added to a suite; all ways of saying a need stay together."""
    return [_part(suite, max(fewest, math.ceil(suite.count * share))) for suite in suites]


def _part(suite: Suite, count: int) -> Suite:
    groups: dict[str, list[Task]] = {}
    for task in suite.tasks:
        groups.setdefault(task.case.need or task.case.id, []).append(task)
    taken: set[str] = set()
    size = 0
    for key in sorted(groups, key=_lot):
        if size >= count:
            break
        taken.add(key)
        size += len(groups[key])
    tasks = [task for task in suite.tasks if (task.case.need or task.case.id) in taken]
    return replace(suite, count=len(tasks), tasks=tasks)


def _lot(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
