"""Held-out questions: is the right article found, and is "I don't know" said when there is none?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import yaml

from eval.table import Figure, share
from rag.assistant import Assistant
from rag.retrieve import Search
from rag.turn import Message, Reply

SUITES = Path(__file__).parent / "suites"


class SuiteError(ValueError):
    """A suite's file has a mistake; the message names file and case."""


@dataclass(frozen=True)
class Case:
    id: str
    question: str
    articles: tuple[str, ...]
    style: str = "plain"
    near: bool = False


class Ranker(Protocol):
    def __call__(self, question: str) -> Sequence[str]:
        """Article ids, best first."""
        ...


def read_cases(name: str, folder: Path = SUITES) -> list[Case]:
    path = folder / f"{name}.yaml"
    cases = []
    for n, row in enumerate(yaml.safe_load(path.read_text(encoding="utf-8")), 1):
        if not isinstance(row, dict) or "id" not in row or "question" not in row:
            raise SuiteError(f"{path}: case {n} needs id and question")
        cases.append(
            Case(
                row["id"],
                row["question"],
                tuple(row.get("articles", ())),
                row.get("style", "plain"),
                bool(row.get("near")),
            )
        )
    return cases


@dataclass(frozen=True)
class Ranked:
    first: int
    three: int
    count: int


def ranked(cases: list[Case], rank: Ranker) -> tuple[Ranked, dict[str, Ranked]]:
    """How often a right article came first and among the first three, over all cases and by style."""
    by_style: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for case in cases:
        ids = list(rank(case.question))[:3]
        by_style[case.style].append((bool(ids) and ids[0] in case.articles, bool(set(ids) & set(case.articles))))
    rows = {
        style: Ranked(sum(f for f, _ in hits), sum(t for _, t in hits), len(hits))
        for style, hits in sorted(by_style.items())
    }
    return Ranked(sum(r.first for r in rows.values()), sum(r.three for r in rows.values()), len(cases)), rows


def searcher(search: Search) -> Ranker:
    return lambda question: [hit.article_id for hit in search.find(question).hits]


def evaluate(search: Search, assistant: Assistant, plain: Ranker | None) -> list[Figure]:
    """The figures of the suites questions, unanswerable and two_part."""
    cases, unknown, double = (
        read_cases("questions_heldout"),
        read_cases("unanswerable_heldout"),
        read_cases("two_part_heldout"),
    )
    total, styles = ranked(cases, searcher(search))
    rough = [styles[name] for name in ("typo", "slang") if name in styles]
    figures = [
        Figure(
            "right article first",
            share(total.first, total.count),
            "≥ 92 %",
            f"{total.count} held-out questions",
            total.first >= 0.92 * total.count,
        ),
        Figure(
            "right article in the first three",
            share(total.three, total.count),
            "≥ 98 %",
            f"{total.count} held-out questions",
            total.three >= 0.98 * total.count,
        ),
        Figure(
            "the same, typos and slang only: first / first three",
            f"{share(sum(r.first for r in rough), sum(r.count for r in rough))} / {share(sum(r.three for r in rough), sum(r.count for r in rough))}",
            "",
            f"{sum(r.count for r in rough)} questions",
        ),
    ]
    if plain:
        beside, _ = ranked(cases, plain)
        figures.append(
            Figure(
                "plain LangChain beside it: first / first three",
                f"{share(beside.first, beside.count)} / {share(beside.three, beside.count)}",
                "ours ahead",
                "HuggingFaceEmbeddings + langchain-chroma, same passages",
                total.first > beside.first and total.three >= beside.three,
            )
        )
    replies = {case.id: _reply(assistant, case.question) for case in (*cases, *unknown, *double)}
    lost = [case for case in cases if replies[case.id].outcome == "unknown"]
    caught = [case for case in unknown if replies[case.id].outcome == "unknown"]
    near = [case for case in unknown if case.near]
    figures += [
        Figure(
            '"I don\'t know" to what no article answers',
            share(len(caught), len(unknown)),
            "≥ 90 %",
            f"{len(unknown)} messages, whole turns; near the domain {share(sum(c.near for c in caught), len(near))} of {len(near)}",
            len(caught) >= 0.9 * len(unknown),
        ),
        Figure(
            "answerable questions lost to it",
            share(len(lost), len(cases)),
            "≤ 3 %",
            f"{len(cases)} held-out questions, whole turns",
            len(lost) <= 0.03 * len(cases),
        ),
    ]
    told = [
        case
        for case in cases
        if ((ids := _cited(replies[case.id])) and ids[0] in case.articles) or replies[case.id].outcome == "emergency"
    ]
    both = [case for case in double if set(case.articles) <= set(_cited(replies[case.id]))]
    long = [case for case in cases if len(replies[case.id].text.split()) > 125]
    figures += [
        Figure(
            "whole turn cites a right article first",
            share(len(told), len(cases)),
            "",
            f"{len(cases)} held-out questions, anonymous",
        ),
        Figure(
            "both halves of a two-part question cited",
            share(len(both), len(double)),
            "",
            f"{len(double)} held-out messages",
        ),
        Figure(
            "answers over 120 words", share(len(long), len(cases)), "0 %", f"{len(cases)} held-out questions", not long
        ),
    ]
    return figures


def _reply(assistant: Assistant, question: str) -> Reply:
    return assistant.answer(Message(question)).reply


def _cited(reply: Reply) -> list[str]:
    return [citation.article_id for citation in reply.citations] if reply.outcome != "unknown" else []
