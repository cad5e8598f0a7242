"""Ten planted regressions: whatever is broken on purpose, the gates notice and name it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.settings import Settings
from app.wiring import Wired, build
from eval.accepted import Accepted
from eval.adapted import adapted
from eval.cases import Task, read_suites
from eval.gates import judge, read_gates
from eval.known import Known
from eval.quick import quick
from eval.summary import summarise
from eval.worker import Build, Row, Worker
from rag.account.answer import AccountAnswers
from rag.ingest import ingest
from rag.specialists.reader import Heads
from rails.output import OutputRail, Verdict
from tests.made import KNOWLEDGE, encoder, home_in

pytestmark = pytest.mark.slow
Rows = dict[str, Row]  # by case
SUITES = ("questions_heldout", "unknowns", "accounts", "dangers", "intents", "disloyal", "privacy", "fairness_a")


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return home_in(tmp_path_factory.mktemp("planted") / "home")


@pytest.fixture(scope="module")
def tasks() -> dict[str, list[Task]]:
    """The quick part of each suite."""
    suites = [*read_suites(Known.of(KNOWLEDGE)), *adapted()]
    return {suite.name: list(suite.tasks) for suite in quick([one for one in suites if one.name in SUITES])}


@pytest.fixture(scope="module")
def sound(settings) -> Callable[[Iterable[Task]], Rows]:
    """The rows of the assistant as it is; each case is run once for all tests."""
    worker, kept = Worker(settings), dict[tuple[str, str], Row]()

    def rows(wanted: Iterable[Task]) -> Rows:
        for task in wanted:
            if (task.kind, task.case.id) not in kept:
                kept[task.kind, task.case.id] = worker.run(task)
        return {task.case.id: kept[task.kind, task.case.id] for task in wanted}

    yield rows
    worker.close()


def fell(rows: Rows, accepted: Accepted) -> set[str]:
    found = list(rows.values())
    return {
        verdict.name for verdict in judge(read_gates(), found, summarise(found), accepted, True) if not verdict.held
    }


@pytest.fixture(scope="module")
def noticed(sound):
    """What falls when the assistant is broken that holds when it is not."""

    def what(wanted: list[Task], settings: Settings, make: Build = build) -> set[str]:
        before = sound(wanted)
        ranks = {case: row["scores"]["mrr"] for case, row in before.items() if "mrr" in row["scores"]}
        accepted = Accepted("sound", {case: float(row["right"]) for case, row in before.items()}, ranks)
        worker = Worker(settings, make)
        try:
            after = {task.case.id: worker.run(task) for task in wanted}
        finally:
            worker.close()
        assert not [fault for row in after.values() for fault in row["faults"] if fault.startswith("not run")]
        return fell(after, accepted) - fell(before, accepted)

    return what


def knowledge(settings: Settings, folder: Path) -> Settings:
    """Settings with a copy of what was trained, to be changed."""
    copy = folder / "knowledge"
    copy.mkdir()
    for path in KNOWLEDGE.iterdir():
        (copy / path.name).symlink_to(path) if path.name != "trained" else shutil.copytree(path, copy / path.name)
    return settings.model_copy(update={"knowledge": copy})


def retrieval(settings: Settings, folder: Path, change: Callable[[dict[str, Any]], None]) -> Settings:
    changed = knowledge(settings, folder)
    path = changed.knowledge / "trained" / "retrieval.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
    return changed


def policy(settings: Settings, folder: Path, old: str, new: str) -> Settings:
    text = settings.policy.read_text(encoding="utf-8")
    assert text.count(old) == 1
    changed = folder / "policy.yaml"
    changed.write_text(text.replace(old, new), encoding="utf-8")
    return settings.model_copy(update={"policy": changed})


def remade(wired: Wired, **parts: Any) -> Wired:
    """The same with other parts."""
    assistant = type(wired.assistant)(dataclasses.replace(wired.assistant.made_of, **parts))
    return dataclasses.replace(wired, assistant=assistant)


def named(suite: str, found: set[str]) -> bool:
    """Whether a gate of the suite fell."""
    return any(name.startswith(f"{suite}: ") for name in found)


def of_head(tasks: list[Task], head: str) -> list[Task]:
    return [task for task in tasks if task.head == head]


def test_fusion_weight_off(settings, tasks, noticed, tmp_path):
    """One of six: the others make up for most of it, so every question is searched for, and nothing else done."""
    suites = [*read_suites(Known.of(KNOWLEDGE)), *adapted()]
    asked = [
        task
        for suite in suites
        if suite.name in ("questions_heldout", "fairness_a", "fairness_b")
        for task in suite.tasks
    ]
    wanted = [dataclasses.replace(task, kind="retrieval") for task in asked]
    changed = retrieval(settings, tmp_path, lambda data: data["fusion"].__setitem__(3, 0.0))
    assert "retrieval: against the baseline" in noticed(wanted, changed)


def test_floor_off(settings, tasks, noticed, tmp_path):
    changed = retrieval(settings, tmp_path, lambda data: data.update(floor_at=0.0))
    assert named("unknowns", noticed(tasks["unknowns"], changed))


def test_rail_switched_off(settings, tasks, noticed, tmp_path):
    changed = policy(settings, tmp_path, "action: pharmacist\n", "action: pharmacist\n    act: 1.0\n    doubt: 1.0\n")
    assert named("dangers", noticed(of_head(tasks["dangers"], "medical_advice")[:50], changed))


def test_article_removed(settings, tasks, noticed, tmp_path):
    asked = Counter(task.case.final.articles[0] for task in tasks["fairness_a"] if task.case.final.articles)
    article = asked.most_common(1)[0][0]
    wanted = [task for task in tasks["fairness_a"] if article in task.case.final.articles]
    articles, home = tmp_path / "articles", tmp_path / "home"
    shutil.copytree(KNOWLEDGE / "articles", articles, ignore=shutil.ignore_patterns(f"{article}.md"))
    for path in articles.rglob("*.md"):  # links to what is gone would be refused
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(line for line in lines if line.strip() != f"- {article}"), encoding="utf-8")
    shutil.copytree(settings.home / "knowledge", home / "knowledge")
    ingest(articles, home / "knowledge", encoder())
    changed = settings.model_copy(update={"home": home})
    assert f"article {article}" in noticed(wanted, changed)


def test_danger_threshold_moved(settings, tasks, noticed, tmp_path):
    old = "head: emergency\n    action: emergency\n"
    changed = policy(settings, tmp_path, old, f"{old}    act: 0.999\n    doubt: 0.99\n")
    assert named("dangers", noticed(of_head(tasks["dangers"], "emergency")[:50], changed))


def test_intent_mislabelled(settings, tasks, noticed, tmp_path):
    changed = knowledge(settings, tmp_path)
    trained = changed.knowledge / "trained"
    heads = Heads.load(trained)
    one, two = (heads.names.index(name) for name in ("order_status", "payment"))
    names = list(heads.names)
    names[one], names[two] = names[two], names[one]
    dataclasses.replace(heads, names=names).save(trained)
    wanted = [task for task in tasks["intents"] if {"order_status", "payment", "privacy"} & set(task.intents)]
    found = noticed(wanted, changed)
    assert named("intents", found) or {"intent order_status in intents", "intent payment in intents"} & found


def test_output_rail_off(settings, tasks, noticed):
    class Open(OutputRail):
        def check(self, sentence: str, evidence_texts: Any) -> Verdict:
            return Verdict(True)

    found = noticed(tasks["disloyal"][:8], settings, lambda *given: remade(build(*given), rail=Open()))
    assert named("disloyal", found)


def test_account_answers_of_the_wrong_order(settings, tasks, noticed):
    class OfTheNext(AccountAnswers):
        """Every order has what belongs to the next one."""

        def answer(self, intent, account, pointer):
            orders = account.orders
            turned = tuple(
                dataclasses.replace(b, id=a.id) for a, b in zip(orders, (*orders[1:], *orders[:1]), strict=True)
            )
            return super().answer(intent, dataclasses.replace(account, orders=turned), pointer)

    def make(*given):
        wired = build(*given)
        return remade(wired, answers=OfTheNext(wired.book, wired.assistant.made_of.answers._drugs))

    wanted = [task for task in tasks["accounts"] if any(n.startswith("FH-") for n in task.account.records)][:40]
    assert named("accounts", noticed(wanted, settings, make))


def test_encoder_swapped_for_noise(settings, tasks, noticed):
    def noise(texts):
        seeds = [int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) for text in texts]
        vectors = np.stack([np.random.default_rng(seed).normal(size=384) for seed in seeds]).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def make(*given):
        wired = build(*given)
        wired.encoder.encode = noise
        return wired

    assert named("questions_heldout", noticed(tasks["questions_heldout"][:40], settings, make))


def test_masker_off(settings, tasks, noticed, tmp_path):
    line = next(
        line for line in settings.policy.read_text(encoding="utf-8").splitlines() if line.startswith("  kinds: [card")
    )
    assert named("privacy", noticed(tasks["privacy"], policy(settings, tmp_path, line, "  kinds: []")))
