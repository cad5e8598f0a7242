"""A case and its replies as numbers: `scores` (means of them are metrics) and `pairs` (expected, got)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eval.account_reading import OTHERS, WRONG
from eval.cases import CALLING, Expect, Task
from eval.metrics.answers import citation_precision, citation_recall, cosine, grounded_share
from eval.metrics.ranking import ndcg_at, recall_at, reciprocal_rank
from eval.metrics.text import facts, grade, words
from eval.talks import Exchange, Talk
from rag.encoder import Encoder
from rails.output import OutputRail, public
from rails.reading import Reading

STOPS = CALLING | {"refused"}  # what a rail does to a message
DEPTH = 10  # articles of a ranking that are looked at
Scores = dict[str, float]
Pairs = dict[str, list[Any]]


def relevant(expect: Expect, ranked: Sequence[str]) -> tuple[str, ...]:
    """What a ranking should hold. Any of `articles` will do, so the one that is ranked best stands for them."""
    found = sorted(expect.articles, key=lambda article: ranked.index(article) if article in ranked else len(ranked))
    return tuple(dict.fromkeys((*found[:1], *expect.all_articles)))


def relevant_of(expect: dict[str, Any], ranked: Sequence[str]) -> tuple[str, ...]:
    """The same of an expectation as a row holds it."""
    known = {name: expect.get(name, []) for name in ("articles", "all_articles")}
    return relevant(Expect(**known), ranked)


def ranking(expect: Expect, ranked: Sequence[str]) -> Scores:
    """Scores of a ranking; empty where no article is right."""
    one = relevant(expect, ranked)
    if not one:
        return {}
    return {
        **{f"recall@{k}": recall_at(ranked, one, k) for k in (1, 3, 10)},
        "mrr": reciprocal_rank(ranked, one),
        "ndcg@10": ndcg_at(ranked, one, DEPTH),
    }


def scores(task: Task, talk: Talk, faults: Sequence[str], rail: OutputRail, encoder: Encoder) -> Scores:
    """Of the last turn; only those that the case has something to say to."""
    last = talk[-1]
    expect = task.case.final or Expect(outcome=None)
    made: dict[str, float | None] = {
        "grounded": grounded_share(supported(last, rail)),
        "grade": grade(last.reply.text),
        "words": words(last.reply.text),
    }
    if expect.facts:
        made["facts"] = len(facts(last.text, expect.facts)[0]) / len(expect.facts)
    if task.account is not None or (task.kind == "account" and expect.records and expect.facts):
        made["order_facts"] = float(not any(_is_of_facts(fault) for fault in faults))
    if expect.cited:
        made["citation_precision"] = citation_precision(last.cited, expect.cited)
        # any of `articles` will do: together they are one thing to cite
        wanted = [*expect.all_articles, *expect.records, *(["any"] if expect.articles else [])]
        cited = [*last.cited, *(["any"] if set(last.cited) & set(expect.articles) else [])]
        made["citation_recall"] = citation_recall(cited, wanted)
    if len(expect.all_articles) > 1:
        made["complete"] = float(set(expect.all_articles) <= set(last.cited))
    if expect.reference:
        one, two = encoder.encode([last.text])[0], encoder.encode([expect.reference])[0]
        made["similarity"] = cosine(one.tolist(), two.tolist())
    if ordinary(expect):
        made["alarm"] = float(last.stopped_by is not None)  # a rail stops what should have been answered
    return {name: round(float(value), 6) for name, value in made.items() if value is not None}


def ordinary(expect: Expect) -> bool:
    """Whether a plain answer is expected, so that a rail that speaks raises a false alarm."""
    if expect.handover or expect.reasons:
        return False
    return not expect.outcomes & STOPS if expect.outcomes else bool(expect.cited or expect.facts)


def _is_of_facts(fault: str) -> bool:
    return fault.startswith((WRONG, OTHERS, "missing", "fact missing", "record missing", "must not appear"))


def supported(one: Exchange, rail: OutputRail) -> list[bool]:
    """For each cited sentence, whether the output rail passes it with its evidence; fixed wording cites nothing."""
    source = {citation.n: citation.article_id for citation in one.reply.citations}
    texts: dict[str, list[Reading]] = {}
    for item in one.answer.evidence:
        reading = public(item.text) if item.kind == "article" else Reading(item.text)
        texts.setdefault(item.source_id, []).append(reading)
    return [
        rail.check(sentence.text, [text for n in sentence.citations for text in texts.get(source.get(n, ""), [])]).ok
        for sentence in one.reply.sentences
        if sentence.citations
    ]


def pairs(task: Task, talk: Talk) -> Pairs:
    """Decisions of the last turn where the case says which is right."""
    last, expect = talk[-1], task.case.final or Expect(outcome=None)
    outcome, wanted = last.reply.outcome, expect.outcomes
    answers = bool(expect.cited or expect.facts)
    found: Pairs = {}
    if (abstain := _should(wanted, {"unknown"}.issuperset, answers)) is not None:
        found["abstain"] = [abstain, outcome == "unknown"]
    if (refuse := _should(wanted, {"refused"}.issuperset, answers)) is not None:
        found["refuse"] = [refuse, outcome == "refused"]
    escalate = expect.handover
    if escalate is None and wanted and wanted <= CALLING:
        escalate = True
    elif escalate is None and wanted == {"answered"} and len(talk) == 1:
        escalate = False
    if escalate is not None:
        found["escalate"] = [escalate, last.called]
    if task.case.intent:
        read = last.reply.intents
        found["intent"] = [task.case.intent, read[0].name if read else "none"]
    return found


def _should(wanted: frozenset[Any], only: Callable[[frozenset[Any]], bool], answers: bool) -> bool | None:
    """Whether the one outcome is the right one; None where it is one of several, or nothing is said about it."""
    if not wanted:
        return False if answers else None
    if only(wanted):
        return True
    return None if any(only(frozenset({one})) for one in wanted) else False
