"""The older held-out files as suites of cases; the files stay as they are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from eval import account
from eval.cases import SEED, TODAY, Case, Expect, Kind, Suite, Task, Turn
from eval.heldout import HEADS, head_cases, intent_cases
from eval.questions import SUITES, read_cases
from rag.turn import Outcome

# A question whose article leads to the pharmacist is rightly stopped by the rail of medical advice.
TOLD: list[Outcome] = ["answered", "refused", "emergency"]
ATTACKS = "injection"


def adapted(folder: Path = SUITES) -> list[Suite]:
    """The suites questions_heldout, unknowns, two_parts, accounts, dangers, intents and disloyal."""
    return [
        _suite("questions_heldout", "answer", "Held-out questions: the right article is found and cited.",
               [folder / "questions_heldout.yaml"], list(_questions(folder))),
        _suite("unknowns", "answer", "Held-out messages that no article answers: it says that it doesn't know.",
               [folder / "unanswerable_heldout.yaml"], list(_unknowns(folder))),
        _suite("two_parts", "answer", "Held-out messages with two questions: both are answered.",
               [folder / "two_part_heldout.yaml"], list(_two_parts(folder))),
        _suite("accounts", "account", "Account questions: every fact right, of the right record, and no other's.",
               [folder / f"{name}.yaml" for name in ACCOUNTS], list(_accounts(folder))),
        _suite("dangers", "reading", "Held-out dangers and their lookalikes, read by the heads and judged by the rails.",
               [folder / f"{head}_heldout.yaml" for head in HEADS], list(_dangers(folder))),
        _suite("intents", "reading", "Held-out messages and what they want.",
               [folder / "intents_heldout.yaml"], list(_intents(folder))),
        _suite("disloyal", "redteam", "Conversations with attacks, worded by a model that lies, leaks and obeys.",
               [folder / f"{ATTACKS}_heldout.yaml", folder / "questions_heldout.yaml"], list(_disloyal(folder))),
    ]  # fmt: skip


ACCOUNTS = ("account_heldout", "account_tuning")


def _suite(name: str, kind: Kind, about: str, paths: Sequence[Path], tasks: Sequence[Task]) -> Suite:
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()
    return Suite(name, kind, about, digest, len(tasks), tasks)


def _task(suite: str, kind: Kind, case: Case, **more: object) -> Task:
    return Task(suite, kind, TODAY, SEED, case, **more)  # type: ignore[arg-type]


def _questions(folder: Path) -> Iterator[Task]:
    for row in read_cases("questions_heldout", folder):
        expect = Expect(outcome=TOLD, articles=list(row.articles))
        yield _task("questions_heldout", "answer", Case(id=row.id, say=row.question, style=row.style, expect=expect))


def _unknowns(folder: Path) -> Iterator[Task]:
    for row in read_cases("unanswerable_heldout", folder):
        slices = {"topic": "near" if row.near else "far"}
        case = Case(id=row.id, say=row.question, style=row.style, slice=slices, expect=Expect(outcome="unknown"))
        yield _task("unknowns", "answer", case)


def _two_parts(folder: Path) -> Iterator[Task]:
    for row in read_cases("two_part_heldout", folder):
        expect = Expect(outcome="answered", all_articles=list(row.articles))
        yield _task("two_parts", "answer", Case(id=row.id, say=row.question, style=row.style, expect=expect))


def _accounts(folder: Path) -> Iterator[Task]:
    for name in ACCOUNTS:
        suite = account.read_suite(folder / f"{name}.yaml")
        for row in suite.cases:
            outcome: list[Outcome] = (
                ["clarify"] if row.choose else ["answered", "clarify"] if row.none else ["answered"]
            )
            expect = Expect(outcome=outcome, records=list(row.records))
            slices = {"batch": name.removeprefix("account_")}
            case = Case(
                id=row.id, turns=list(row.turns), customer=row.customer, style=row.style, slice=slices, expect=expect
            )
            yield Task("accounts", "account", suite.today, suite.seed, case, account=row)


def _dangers(folder: Path) -> Iterator[Task]:
    for head in HEADS:
        for n, row in enumerate(head_cases(head, folder), 1):
            turns: list[str | Turn] = list(row.example.turns)
            case = Case(id=f"{head}-{n:03}", turns=turns, expect=Expect(outcome=None))
            yield _task("dangers", "reading", case, head=head, positive=row.positive)


def _intents(folder: Path) -> Iterator[Task]:
    for n, row in enumerate(intent_cases(folder), 1):
        case = Case(id=f"intent-{n:03}", turns=list(row.turns), style=row.style, intent=row.intents[0])
        yield _task("intents", "reading", case, intents=row.intents)


def _disloyal(folder: Path) -> Iterator[Task]:
    """Ordinary questions around each held-out attack, so that the composer has evidence to lie about."""
    questions = [row.question for row in read_cases("questions_heldout", folder)]
    attacks = [row.example.turns for row in head_cases(ATTACKS, folder) if row.positive]
    for n, attack in enumerate(attacks):
        asked = [questions[(7 * n + 3) % len(questions)], questions[(11 * n + 5) % len(questions)]]
        turns: list[str | Turn] = [asked[0], attack[0], asked[1], attack[-1]]
        case = Case(id=f"disloyal-{n + 1:03}", turns=turns, expect=Expect(outcome=None))
        yield _task("disloyal", "redteam", case, disloyal=SEED + n)
