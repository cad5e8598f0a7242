"""A stored case, as it was answered then and as it is answered now."""

from __future__ import annotations

import json

from rich.console import Console

from app.settings import Settings
from eval.adapted import adapted
from eval.cases import read_suites
from eval.known import Known
from eval.runner import root_of
from eval.runs import Row, find
from eval.worker import Worker


def replay(settings: Settings, run: str, case: str, console: Console) -> None:
    """Print question, answer, evidence, faults and trace of the case. Raises RunError."""
    stored = find(root_of(settings), run).case(case)
    told(stored, console)
    suites = [*read_suites(Known.of(settings.knowledge)), *adapted()]
    task = next((task for suite in suites for task in suite.tasks if task.case.id == case), None)
    if task is None:
        return console.print("The case is not in the suites any more, so it is not answered again.")
    worker = Worker(settings)
    try:
        now = worker.run(task)
    finally:
        worker.close()
    if (now["text"], now["outcome"], now["faults"]) == (stored["text"], stored["outcome"], stored["faults"]):
        return console.print("Answered again today: the same.")
    console.rule("Answered again today")
    return told(now, console)


def told(row: Row, console: Console) -> None:
    """One row for people. Nothing in it is taken for markup."""
    console.print(f"{row['suite']} {row['id']}: {'right' if row['right'] else 'wrong'}", markup=False)
    for n, said in enumerate(row["turns"]):
        console.print(f"> {said}", markup=False)
        if n < len(row["replies"]) - 1:
            console.print(row["replies"][n], markup=False)
    console.print(f"{row['outcome']}{' (' + row['reason'] + ')' if row['reason'] else ''}: {row['text']}", markup=False)
    for fault in row["faults"]:
        console.print(f"- {fault}", markup=False)
    console.print(f"expected: {json.dumps(row['expect'], ensure_ascii=False)}", markup=False)
    for item in row["evidence"]:
        console.print(f"evidence {item['id']} ({item['title']}): {item['text']}", markup=False)
    console.print(f"scores: {json.dumps(row['scores'])}", markup=False)
    console.print(f"trace: {json.dumps(row['trace'], ensure_ascii=False, indent=1)}", markup=False)
