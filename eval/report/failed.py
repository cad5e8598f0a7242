"""Failed cases: some hundreds in full, newly failed ones first; of all, the counts by suite and kind of fault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import yaml

from eval.report import words
from eval.report.change import Change
from eval.report.digest import Digest, Failed, fairly
from eval.report.stored import Row, Stored

SHOWN = 300
LONG = {"text": 3000, "evidence": 1500, "trace": 9000}  # characters
PIECES = 6  # of evidence
EXPECTED = {
    "outcome": "outcome",
    "articles": "cites one of",
    "all_articles": "cites each of",
    "records": "names each record",
    "facts": "says each of",
    "never": "never says",
    "reason": "reason",
    "handover": "calls a person",
    "actions": "actions beside words",
    "reference": "a good answer",
    "grade_at_most": "reading grade at most",
}


def failed_cases(run: Stored, found: Digest, changes: Sequence[Change]) -> dict[str, Any]:
    newly = changes[0].broken if changes else frozenset()
    chosen = list(fairly([one for one in found.failed if one.id in newly], SHOWN))
    chosen += fairly([one for one in found.failed if one.id not in newly], SHOWN - len(chosen))
    shown = [_case(run.row_at(one.offset), one, run.id, one.id in newly) for one in chosen]
    slices = {
        (f"{name}={value}", f"{words.label(name)}: {label}") for one in shown for name, value, label in one["slices"]
    }
    counts = [(suite, kind, count) for (suite, kind), count in found.faults.items()]
    return {
        "shown": shown,
        "count": len(found.failed),
        "newly": len(newly),
        "suites": list(dict.fromkeys(one["suite"] for one in shown)),
        "slices": sorted(slices, key=lambda one: one[1]),
        "kinds": sorted({kind for one in shown for kind in one["kinds"]}),
        "counts": sorted(counts, key=lambda one: (-one[2], one[0], one[1])),
    }


def _case(row: Row, failed: Failed, run_id: str, new: bool) -> dict[str, Any]:
    turns = [_cut(str(turn), "text") for turn in row.get("turns") or []]
    evidence = row.get("evidence") or []
    return {
        "id": failed.id,
        "suite": failed.suite,
        "kinds": failed.kinds,
        "new": new,
        "slices": [(n, str(v), words.slice_label(str(v))) for n, v in (row.get("slices") or {}).items()],
        "question": turns[-1] if turns else failed.id,
        "talk": list(_talk(turns, row)),
        "about": " · ".join(_about(row)),
        "faults": [_cut(str(fault), "text") for fault in row.get("faults") or []],
        "expected": list(_expected(row.get("expect") or {})),
        "evidence": [_evidence(piece) for piece in evidence[:PIECES]],
        "more_evidence": max(0, len(evidence) - PIECES),
        "trace": _cut(_yaml(row["trace"]), "trace") if row.get("trace") else "",
        "replay": f"pestle eval --replay {run_id} {failed.id}",
    }


def _talk(turns: Sequence[str], row: Row) -> Iterator[tuple[str, str]]:
    """Question and reply by turn; a run that kept the last reply only has no words for the earlier ones."""
    last = [""] * (len(turns) - 1) + [str(row.get("text") or "")]
    replies = [str(reply) for reply in row.get("replies") or last]
    for place, (turn, reply) in enumerate(zip_longest(turns, replies, fillvalue=""), 1):
        yield turn, _cut(reply, "text") or ("(no words)" if place == len(turns) else "")


def _about(row: Row) -> Iterator[str]:
    outcome, reason = row.get("outcome"), row.get("reason")
    if outcome:
        yield words.label(f"{outcome}, {reason}" if reason else str(outcome))
    if row.get("handover"):
        yield "a person was called"
    if row.get("citations"):
        yield f"cites {', '.join(map(str, row['citations']))}"
    yield "signed in" if row.get("customer") else "anonymous"
    for value in (row.get("slices") or {}).values():
        yield words.slice_label(str(value))
    if row.get("ms") is not None:
        yield f"{row['ms']:,.0f}{words.SPACE}ms"


def _evidence(piece: Mapping[str, Any]) -> dict[str, str]:
    name = str(piece.get("id", ""))
    return {
        "id": name,
        "title": str(piece.get("title") or name),
        "text": _cut(str(piece.get("text") or ""), "evidence"),
    }


def _expected(expect: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in expect.items():
        if value is None:
            continue
        if isinstance(value, bool):
            said = "yes" if value else "no"
        else:
            said = " · ".join(map(str, value if isinstance(value, list) else [value])) or "nothing"
        yield words.capital(EXPECTED.get(key, words.label(key))), _cut(said, "text")


def _yaml(trace: Any) -> str:
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return str(yaml.dump(trace, Dumper=dumper, sort_keys=False, allow_unicode=True, width=100)).rstrip()


def _cut(text: str, what: str) -> str:
    most = LONG[what]
    return text if len(text) <= most else f"{text[:most]} … ({len(text) - most:,} more characters)"
