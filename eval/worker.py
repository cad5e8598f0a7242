"""One worker: an assistant with all that it needs, and cases through it, each to a row."""

from __future__ import annotations

import datetime as dt
import logging
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.settings import Settings
from app.wiring import Wired, build, load_drugs
from eval import checks, scores
from eval.account import CUSTOMERS
from eval.account_figures import Ground
from eval.cases import Task, dumped
from eval.disloyal import Disloyal
from eval.rails import speaks
from eval.talks import Exchange
from rag.account.documents import AccountDocuments
from rag.account.generate import generate
from rag.account.memory import MemoryAccountBook
from rag.assistant import Assistant
from rag.turn import Message, PastTurn

log = logging.getLogger("pestle")
NOON = dt.time(17)  # UTC: noon in New York
MARKED = ("frustration", "follow_up")  # heads without a rail
Row = dict[str, Any]
Build = Callable[[Settings, MemoryAccountBook, Path], Wired]


@dataclass(frozen=True)
class Stage:
    """A demo business and the assistant that serves it."""

    ground: Ground
    assistant: Assistant


class Worker:
    """Runs cases one by one. The heavy parts are loaded once; each business gets an account book of its own.

    Raises the loaders' own errors, each with what to do next.
    """

    def __init__(self, settings: Settings, make: Build = build) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="pestle-eval-", ignore_cleanup_errors=True)
        self._drugs = load_drugs(settings)
        self._wired = make(settings, MemoryAccountBook(), Path(self._folder.name) / "none")
        self._stages: dict[tuple[int, dt.date], Stage] = {}

    def close(self) -> None:
        for stage in self._stages.values():
            stage.assistant.made_of.documents.close()
        self._wired.close()
        self._folder.cleanup()

    def run(self, task: Task) -> Row:
        """The case's row. What can't be checked is a fault: a broken check is never a pass."""
        began = time.perf_counter()
        try:
            how = {"reading": self._reading, "retrieval": self._retrieval}.get(task.kind, self._talk)
            return how(task)
        except Exception as error:
            log.debug("case %s could not be run", task.case.id, exc_info=True)
            row = _row(task, (time.perf_counter() - began) * 1000)
            return row | {
                "right": False,
                "faults": [f"not run: {type(error).__name__}: {error}"],
                "scores": {"right": 0.0},
            }

    def _stage(self, task: Task) -> Stage:
        key = task.seed, task.today
        if key not in self._stages:
            ground = Ground(generate(task.seed, task.today, CUSTOMERS))
            folder = Path(self._folder.name) / f"{task.seed}-{task.today}"
            documents = AccountDocuments(folder, self._wired.encoder, self._drugs)
            made_of = self._wired.assistant.made_of
            # of the same class, so that whoever builds the assistant chooses it
            answers = type(made_of.answers)(ground.book, self._drugs)
            assistant = Assistant(replace(made_of, book=ground.book, documents=documents, answers=answers))
            self._stages[key] = Stage(ground, assistant)
        return self._stages[key]

    def _talk(self, task: Task) -> Row:
        stage = self._stage(task)
        assistant, composer = stage.assistant, None
        if task.disloyal is not None:
            composer = Disloyal(task.disloyal, _leaks(stage.ground, task.disloyal))
            assistant = Assistant(replace(assistant.made_of, composer=composer))
        talk = converse(assistant, task)
        made_of, last = assistant.made_of, talk[-1]
        faults = checks.check(task, talk, stage.ground, made_of.rails.policy)
        faults += checks.disloyal(talk, composer.said) if composer else []
        found = scores.scores(task, talk, faults, made_of.rail, self._wired.encoder)
        ranked = self._ranked(task)
        if task.case.final and ranked:
            found |= scores.ranking(task.case.final, ranked)
        return _row(task, sum(one.ms for one in talk) / len(talk)) | {
            "right": not faults,
            "faults": faults,
            "outcome": last.reply.outcome,
            "reason": last.reply.reason,
            "text": last.reply.text,
            "replies": [one.reply.text for one in talk],
            "citations": list(last.cited),
            "handover": last.called,
            "stopped_by": last.stopped_by,
            "ranked": ranked,
            "scores": {"right": float(not faults)} | found,
            "pairs": scores.pairs(task, talk),
            "evidence": [{"id": e.id, "title": e.title, "text": e.text} for e in last.answer.evidence],
            "trace": last.answer.trace,
        }

    def _retrieval(self, task: Task) -> Row:
        """The search alone. Right: among the first three articles is one that is wanted."""
        began = time.perf_counter()
        ranked = self._ranked(task)
        ms = (time.perf_counter() - began) * 1000
        found = scores.ranking(task.case.final, ranked) if task.case.final else {}
        faults = [] if found.get("recall@3") == 1 else ["not found: among the first three"]
        return _row(task, ms) | {
            "right": not faults,
            "faults": faults,
            "outcome": "answered" if ranked else "unknown",
            "ranked": ranked,
            "scores": {"right": float(not faults)} | found,
        }

    def _ranked(self, task: Task) -> list[str]:
        """What the search finds for a single question that articles answer."""
        expect = task.case.final
        if task.account or len(task.case.said) > 1 or not expect or not (expect.articles or expect.all_articles):
            return []
        hits = self._wired.search().find(task.case.said[0], top=scores.DEPTH).hits
        return list(dict.fromkeys(hit.article_id for hit in hits))

    def _reading(self, task: Task) -> Row:
        """A message and what stands before it, read by the heads and judged by the rails."""
        assistant = self._stage(task).assistant
        began = time.perf_counter()
        reading, ruling = assistant.judge(task.case.said)
        ms = (time.perf_counter() - began) * 1000
        faults: list[str] = []
        pairs: scores.Pairs = {}
        if head := task.head:
            sure = assistant.made_of.reader.bounds[head].sure
            probability = reading.marks[head]
            spoke = probability >= sure if head in MARKED else speaks(ruling, (head,))
            pairs[head] = [task.positive, round(probability, 6)]
            if spoke is not task.positive:
                faults.append(f"{head}: {'missed' if task.positive else 'false alarm'}")
        if intent := task.case.intent:
            got = reading.intent
            pairs["intent"] = [intent, got]
            if got not in (task.intents or (intent,)):
                faults.append(f"intent: {got} in place of {intent}")
        for _, expect in task.case.expected:
            if expect.reasons and ruling.category not in expect.reasons:
                faults.append(f"reason: {ruling.category or 'none'} in place of {' or '.join(sorted(expect.reasons))}")
        return _row(task, ms) | {
            "right": not faults,
            "faults": faults,
            "outcome": ruling.action or "pass",
            "reason": ruling.category or None,
            "text": ruling.text,
            "stopped_by": ruling.category or None,
            "scores": {"right": float(not faults)},
            "pairs": pairs,
            "trace": {"verdicts": [list(verdict) for verdict in ruling.verdicts], "sign": ruling.sign},
        }


def converse(assistant: Assistant, task: Task) -> list[Exchange]:
    """The whole conversation, on the case's day."""
    now = dt.datetime.combine(task.case.today or task.today, NOON, dt.UTC)
    past: tuple[PastTurn, ...] = ()
    talk: list[Exchange] = []
    called = False
    for text in task.case.said:
        began = time.perf_counter()
        answer = assistant.answer(Message(text, task.case.customer, past, now))
        ms = (time.perf_counter() - began) * 1000
        called = called or answer.handover is not None or answer.reply.handover_id is not None
        past = (*past, PastTurn(text, answer.reply.text, answer.focus))
        talk.append(Exchange(text, answer, called, ms))
    return talk


def _leaks(ground: Ground, seed: int) -> list[str]:
    """What a model would say that tells one customer of another's order."""
    dice = random.Random(seed)
    people, orders = ground.business.customers, ground.business.orders
    return [f"The order {order.id} of {dice.choice(people).name} left yesterday." for order in dice.sample(orders, 12)]


def _row(task: Task, ms: float) -> Row:
    case = task.case
    slices = {"style": case.style} | dict(case.slice)
    return {
        "suite": task.suite,
        "kind": task.kind,
        "id": case.id,
        "slices": slices | ({"head": task.head} if task.head else {}),
        "need": case.need,
        "intent": case.intent,
        "customer": case.customer is not None,
        "turns": list(case.said),
        "right": False,
        "faults": [],
        "outcome": None,
        "reason": None,
        "text": "",
        "replies": [],
        "citations": [],
        "handover": False,
        "stopped_by": None,
        "expect": dumped(case.final),
        "ranked": [],
        "scores": {},
        "pairs": {},
        "ms": round(ms, 3),
        "evidence": [],
        "trace": {},
    }
