"""`pestle eval --cases FILE`, `--verify RESULT` and `--judge-labels FILE`: for people who never saw the code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from app.jwks import LARGEST, ProviderKey, usable
from app.keys import KeyRing
from app.settings import Settings
from eval.cases import CaseErrors
from eval.judge import Agreement, Judge, Verdict, agreement, load_judge
from eval.known import Known
from eval.outside_cases import read_outside
from eval.outside_result import evaluate_file
from eval.outside_rows import CELL_SEPARATOR, Head, Row, rows, survey
from eval.runs import RunError
from eval.signed import ResultError
from eval.signed import verify as verify_signed

LABELLED = ("question", "answer", "label", "evidence", "reference", "id")
GOOD_OR_BAD = {"good": True, "bad": False}


def run(path: Path, settings: Settings, console: Console, jobs: int = 0, out: Path | None = None) -> Path:
    """Checks the file, runs its cases and writes the signed result; where it is.

    Raises CaseErrors for mistakes in the file, `RunError`, `ResultError`, `TokenKeyError`, `ModelConfigError`.
    """
    judge = load_judge(settings)
    outside = read_outside(path, Known.of(settings.knowledge))
    place, result = evaluate_file(outside, settings, jobs, out, Console(stderr=True), judge)
    console.print(_table(result))
    counts = result["counts"]
    console.print(
        f"{counts['rows']} cases: {counts['right']} right, {counts['wrong']} wrong, "
        f"{counts['no_expectation']} without an expectation and so without a verdict, {counts['not_run']} could not be run.",
        soft_wrap=True,
    )
    console.print(f"Signed result: {place}", soft_wrap=True, markup=False)
    return place


def verify(
    path: Path, settings: Settings, console: Console, data: Path | None = None, keys: Path | None = None
) -> None:
    """Says what is proven. `keys`: a JWKS file of whoever signed; without it, our own keys. Raises `ResultError`."""
    believed = _jwks(keys) if keys else _own(settings)
    found = verify_signed(path, believed, data)
    about = found.result["data"]
    console.print(
        f"The signature holds: key {found.kid}, signed {found.result['signed']}.", soft_wrap=True, markup=False
    )
    seen = "is" if found.data_seen else "was not given, and so not compared; name it with --cases. It was"
    console.print(f"The file of cases {seen} {about['name']}, sha256 {about['sha256']}.", soft_wrap=True, markup=False)
    console.print(_table(found.result))


def judge_labels(path: Path, settings: Settings, console: Console) -> Agreement:
    """How far the judge agrees with people who labelled answers. Raises CaseErrors, `RunError`, `ModelConfigError`."""
    judge = load_judge(settings)
    if judge is None:
        raise RunError("There is no judge; set PESTLE_JUDGE to a chat model, as docs/outside.md shows.")
    found = agreement((label, verdict) for label, verdict in _judged(path, judge))
    console.print(f"Judge {judge.name}, {found.count} labelled answers; kappa {found.kappa.says}", markup=False)
    if found.weighted:
        console.print(f"by the square of the distance: {found.weighted.says}")
    console.print(f"the same label: {found.alike.says}")
    missing = ", ".join(f"{count} {reason}" for reason, count in found.no_verdict.items())
    console.print(f"no verdict: {missing or 'none'}")
    return found


def _judged(path: Path, judge: Judge) -> Iterator[tuple[int | bool, Verdict]]:
    survey(path)
    labels: list[tuple[int | bool, dict[str, Any]]] = []
    for row in rows(path):
        _known_names(path, row)
        if isinstance(row, Row):
            labels.append(_labelled(path, row))
    if not labels:
        raise CaseErrors([f"{path}: there are no rows in it"])
    if len({type(label) for label, _ in labels}) > 1:
        raise CaseErrors([f"{path}: some labels are scores and some are good or bad; use one kind"])
    for label, values in labels:
        yield label, judge.grade(values["question"], values["answer"], values["evidence"], values["reference"])


def _known_names(path: Path, row: Row | Head) -> None:
    names = tuple(row.values) if isinstance(row, Row) else (*row.columns, *row.values)
    if unknown := [name for name in names if name and name not in LABELLED]:
        raise CaseErrors([f"{path}:{row.line}: there is no column {unknown[0]!r}; there are {', '.join(LABELLED)}"])


def _labelled(path: Path, row: Row) -> tuple[int | bool, dict[str, Any]]:
    values = {"evidence": [], "reference": "", **row.values}
    for name in ("question", "answer", "label"):
        if not str(values.get(name, "")).strip():
            raise CaseErrors([f"{path}:{row.line}: {name} is missing"])
    if isinstance(values["evidence"], str):
        parts = values["evidence"].split(CELL_SEPARATOR) if row.cells else [values["evidence"]]
        values["evidence"] = [part.strip() for part in parts if part.strip()]
    if not all(
        isinstance(text, str)
        for text in (values["question"], values["answer"], values["reference"], *values["evidence"])
    ):
        raise CaseErrors([f"{path}:{row.line}: question, answer, evidence and reference are text"])
    label = str(values["label"]).strip().lower()
    if label in GOOD_OR_BAD:
        return GOOD_OR_BAD[label], values
    if label in ("1", "2", "3", "4", "5"):
        return int(label), values
    raise CaseErrors([f"{path}:{row.line}: label must be 1 to 5, or good or bad, not {values['label']!r}"])


def _own(settings: Settings) -> dict[str, ProviderKey]:
    return usable({"keys": [key.public_jwk for key in KeyRing(settings.home / "keys").all().values()]})


def _jwks(path: Path) -> dict[str, ProviderKey]:
    try:
        with path.open("rb") as file:
            return usable(json.loads(file.read(LARGEST)))
    except OSError as error:
        raise ResultError(f"{path} can't be read ({error.strerror}).") from None
    except (ValueError, RecursionError):
        raise ResultError(f"{path} holds no usable keys; it must be the JWKS of whoever ran the evaluation.") from None


def _table(result: dict[str, Any]) -> Table:
    table = Table("score", "value and 95 % interval")
    for name, found in result["scores"].items():
        table.add_row(name, str(found["says"]))
    for name, found in result["slices"].items():
        table.add_row(f"right, {name}", str(found["says"]))
    for name, found in result["decisions"].items():
        said = [f"{part} {found[part]:.3f}" for part in ("precision", "recall") if found[part] is not None]
        table.add_row(
            name, f"{', '.join(said) or 'no cases'}; false alarms {found['false_alarms']} of {found['unexpected']}"
        )
    if judge := result.get("judge"):
        table.add_row(
            f"judge {judge['model']}, 1 to 5",
            f"{judge['scores']['says']}; no verdict: {sum(judge['no_verdict'].values())}",
        )
    return table
