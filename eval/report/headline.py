"""What stands first: right over all, how long it took, what changed, in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from eval.metrics.intervals import bootstrap
from eval.report import words
from eval.report.change import TONES, Change, moved, size, verdict
from eval.report.digest import Digest
from eval.report.stored import Stored

SEED = 17
NAMED = ("code", "policy", "knowledge", "trained", "encoder", "reader", "composer")
CASES = "cases of "


def headline(run: Stored, found: Digest) -> dict[str, Any]:
    whole = bootstrap(found.right.values(), seed=SEED)
    return {
        "right": found.rights,
        "count": found.count,
        "share": words.share(whole.value),
        "within": words.interval("right", whole.low, whole.high),
        "ended": bool(run.info.get("ended")),
        "when": when(run.info.get("began")),
        "took": took(run.info.get("began"), run.info.get("ended")),
    }


def changes(all_: Sequence[Change]) -> list[dict[str, str]]:
    return [
        {
            "tone": TONES.get(verdict(one.overall), "even"),
            "said": size(one),
            "more": " ".join(part for part in (moved(one), _besides(one), _cases(one)) if part),
            "id": one.other.id,
        }
        for one in all_
    ]


def _besides(one: Change) -> str:
    names = [words.label(name) for name in one.versions if not name.startswith(CASES)]
    suites = [words.label(name) for name in one.versions if name.startswith(CASES)]
    if len(suites) > 2:
        suites = [f"the cases of {len(suites)} suites"]
    return f"Changed between them: {words.listed([*names, *suites])}." if names or suites else ""


def _cases(one: Change) -> str:
    parts = [f"{number:,} {word}" for number, word in ((one.added, "added"), (one.gone, "not run now")) if number]
    return f"Cases: {words.listed(parts)}, and not compared." if parts else ""


def versions(run: Stored, all_: Sequence[Change]) -> list[dict[str, Any]]:
    named = [*NAMED, *(name for name in run.versions if name not in NAMED and name != "data")]
    data: Mapping[str, Any] = run.versions.get("data") or {}
    return [
        _version(name, run.versions.get(name), [(one, one.other.versions.get(name)) for one in all_]) for name in named
    ] + [
        _version(f"{CASES}{suite}", value, [(one, (one.other.versions.get("data") or {}).get(suite)) for one in all_])
        for suite, value in data.items()
    ]


def _version(name: str, value: Any, others: Sequence[tuple[Change, Any]]) -> dict[str, Any]:
    return {
        "name": words.capital(words.label(name)),
        "value": str(value or words.DASH)[:40],
        "others": [(str(other or words.DASH)[:40], name in one.versions) for one, other in others],
    }


def when(stamp: Any) -> str:
    try:
        at = dt.datetime.fromisoformat(str(stamp))
    except ValueError:
        return ""
    return f"{at:%B} {at.day}, {at.year}, {at:%H:%M}"


def took(began: Any, ended: Any) -> str:
    try:
        seconds = (dt.datetime.fromisoformat(str(ended)) - dt.datetime.fromisoformat(str(began))).total_seconds()
    except (ValueError, TypeError):
        return ""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} minutes"
