"""Which part of a reply speaks of what: the account or an article, one record or another, fixed wording or a figure."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from eval.account_figures import NUMBERS, Record, segments
from rag.turn import Reply, Sentence

FACTS = Path(__file__).resolve().parents[1] / "knowledge_base" / "facts.yaml"
_DAY = "(Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)s?"
_CLOCK = r"(\d{1,2})(?::00)? ?([ap])\.?m\b\.?"
_HOURS = re.compile(
    rf"{_DAY} (to|through|and) {_DAY},? (?:from )?{_CLOCK} ?(?:to|until|-|–) ?{_CLOCK}(?: (?:Eastern|ET)\b)?",
    re.IGNORECASE,
)
_PHONE = re.compile(r"(?<![\d-])(?:1-)?8\d\d-\d{3}-\d{4}(?![\d-])")
_PRESS = re.compile(r"\bpress \d+\b", re.IGNORECASE)
_EMERGENCY = re.compile(r"(?<![\d$.,/-])(?:911|988)(?![\d/-]|[.,]\d)")
_EMPTY = re.compile(r"^[ \t]*(?:[-•*]|\d+[.)])?(?:[ \t]*\[\d+\])*[ \t]*$", re.MULTILINE)
_NUMBERS = "|".join(word for word in NUMBERS if word not in ("no", "one"))
_ALL = re.compile(
    r"\b(?:both|all|each|every|they|these|those|neither)\b"
    rf"|\b(?:{_NUMBERS}|[2-9]) (?:[a-z]+ ){{0,2}}?(?:orders|prescriptions|transfers)\b"
    r"|\b(?:orders|prescriptions|transfers) (?:are|were|have|will|should)\b",
    re.IGNORECASE,
)


def from_article(sentence: Sentence, reply: Reply) -> bool:
    """Cited to articles alone: it speaks of the rules, not of this customer's account."""
    kinds = {citation.n: citation.kind for citation in reply.citations}
    return bool(sentence.citations) and all(kinds.get(n) == "article" for n in sentence.citations)


def own_text(reply: Reply) -> str:
    """The reply without the sentences that are cited to articles."""
    out, at = "", 0
    for sentence in reply.sentences:
        start = reply.text.find(sentence.text, at)
        if start < 0:
            continue
        end = start + len(sentence.text)
        out += reply.text[at : start if from_article(sentence, reply) else end]
        at = end
    return _EMPTY.sub("", out + reply.text[at:]) if reply.sentences else reply.text


def stock_sentences(reply: Reply) -> tuple[str, ...]:
    """The sentences that are cited to a medicine's stock."""
    kinds = {citation.n: citation.kind for citation in reply.citations}
    return tuple(s.text for s in reply.sentences if any(kinds.get(n) == "stock" for n in s.citations))


def by_record(records: list[Record], text: str, names: Callable[[Record, str], bool]) -> dict[str, str]:
    """What the text says of each of several records: by number, else by medicine, else it goes on about the last.

    Words about "both" or "all" of them count for each.
    """
    parts: dict[str, list[str]] = {record.id: [] for record in records}
    of: list[Record] = []
    for part in segments(text):
        found = [record for record in records if record.id in part]
        found = found or [record for record in records if names(record, part)]
        whole = not found and bool(_ALL.search(part))
        of = found or ([] if whole else of)
        for record in records if whole else of:
            parts[record.id].append(part)
    return {number: "\n".join(told) for number, told in parts.items()}


@cache
def policy_sentences() -> tuple[str, ...]:
    """All sentences of facts.yaml, longest first."""

    def walk(node: Any) -> list[str]:
        return [node] if isinstance(node, str) else [text for child in node.values() for text in walk(child)]

    return tuple(sorted(walk(yaml.safe_load(FACTS.read_text(encoding="utf-8"))), key=len, reverse=True))


def without_fixed(text: str) -> str:
    """The text without the business's own sentences, hours and phone numbers, which speak of no record."""
    for sentence in policy_sentences():
        text = text.replace(sentence, "")
    for pattern in (_HOURS, _PHONE, _PRESS, _EMERGENCY):
        text = pattern.sub(lambda m: " " * len(m.group()) if _key(m) in _fixed() else m.group(), text)
    return text


def _key(m: re.Match[str]) -> tuple[str, ...]:
    """What was said, whatever its spelling."""
    if m.re is _PHONE:
        return (m.group().removeprefix("1-"),)
    said = tuple((group or "").lower() for group in m.groups()) or (m.group().lower(),)
    return tuple("to" if word == "through" else word for word in said)


@cache
def _fixed() -> frozenset[tuple[str, ...]]:
    return frozenset(
        _key(m)
        for sentence in policy_sentences()
        for pattern in (_HOURS, _PHONE, _PRESS, _EMERGENCY)
        for m in pattern.finditer(sentence)
    )
