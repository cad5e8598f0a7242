"""What a person reads first: the customer's own words, what the assistant said to them, and the account facts involved.

Extractive: every word was said in the conversation, so nothing here can be made up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rag.turn import Reply

WANTED, TRIED = 3, 3  # messages and answers quoted
WORDS_WANTED, WORDS_TRIED = 45, 25
FACTS = 8
BARE = 3  # words up to which a message such as "yes please" asks nothing of its own
CALLS = ("wants_person", "accepted")  # reasons of replies to messages that only asked for a person
FAILED = ("unknown", "refused")
REPEATED = "repeated_failure"
MARK = re.compile(r"\s*\[\d+\]")


@dataclass(frozen=True)
class Said:
    """One message of the conversation, oldest first; `reply` where the assistant said it."""

    role: str
    text: str
    reply: Reply | None = None


@dataclass(frozen=True)
class Summary:
    """`text`: a few lines. `facts`: {"id", "kind", "title", "text"} of records that answers were about, newest first."""

    text: str = ""
    facts: list[dict[str, Any]] = field(default_factory=list)


def summarise(said: Sequence[Said]) -> Summary:
    asked = [(one.text, _reply_after(said, place)) for place, one in enumerate(said) if one.role == "customer"]
    telling = [text for text, reply in asked if not (reply and reply.reason in CALLS) and len(text.split()) > BARE]
    wanted = telling or [text for text, _ in asked]
    if len(wanted) > WANTED:
        wanted = [wanted[0], *wanted[1 - WANTED :]]
    lines = [f"Wanted: {' … '.join(_quoted(text, WORDS_WANTED) for text in wanted)}"] if wanted else []
    tried = [_tried(text, reply) for text, reply in asked if reply and reply.reason not in CALLS and reply.text]
    lines += [f"Tried: {'; '.join(dict.fromkeys(tried[-TRIED:]))}"] if tried else []
    return Summary("\n".join(lines), _facts(said))


def _reply_after(said: Sequence[Said], place: int) -> Reply | None:
    return said[place + 1].reply if place + 1 < len(said) else None


def _tried(text: str, reply: Reply) -> str:
    if reply.outcome in FAILED or reply.reason == REPEATED:
        return f"no answer to {_quoted(text, WORDS_TRIED)}"
    first = reply.sentences[0].text if reply.sentences else reply.text
    return f"told {_quoted(MARK.sub('', first), WORDS_TRIED)}"


def _quoted(text: str, words: int) -> str:
    found = text.split()
    return f"“{' '.join(found[:words])}{' …' if len(found) > words else ''}”"


def _facts(said: Sequence[Said]) -> list[dict[str, Any]]:
    """The sentences that the output rail let out about a record, the latest answer's for each record."""
    facts: dict[str, dict[str, Any]] = {}
    for reply in (one.reply for one in reversed(said) if one.reply):
        for citation in reply.citations:
            about = [s.text for s in reply.sentences if citation.n in s.citations]
            if citation.kind != "article" and about and citation.article_id not in facts:
                facts[citation.article_id] = {
                    "id": citation.article_id,
                    "kind": citation.kind,
                    "title": citation.title,
                    "text": " ".join(about),
                }
    return list(facts.values())[:FACTS]
