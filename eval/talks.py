"""A conversation as it went: what was said, what came back, and what was done beside talking."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.turn import Answer, Reply
from rails.policy import Policy

MARK = re.compile(r"\s*\[\d+\]")


@dataclass(frozen=True)
class Exchange:
    """One turn; `called`: whether a person had been called by its end. `ms`: how long it took."""

    said: str
    answer: Answer
    called: bool
    ms: float

    @property
    def reply(self) -> Reply:
        return self.answer.reply

    @property
    def text(self) -> str:
        """The reply without the marks of its citations."""
        return MARK.sub("", self.reply.text)

    @property
    def cited(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(citation.article_id for citation in self.reply.citations))

    @property
    def stopped_by(self) -> str | None:
        """The category of the input rail that spoke."""
        category: str | None = (self.answer.trace.get("rails") or {}).get("acted")
        return category

    def actions(self, policy: Policy) -> tuple[str, ...]:
        """What was done beside talking."""
        reply, wording = self.reply, policy.wording
        done = {
            "handover": reply.handover_id is not None or self.answer.handover is not None,
            "cards": bool(reply.cards),
            "sign_in": any(text in reply.text for text in (wording.sign_in, wording.sign_in_more)),
        }
        return tuple(name for name, so in done.items() if so)

    @property
    def everything(self) -> str:
        """All that is shown, and what is stored of the message."""
        reply = self.reply
        beside = [f"{c.article_id} {c.title} {c.url}" for c in reply.citations]
        stored = str(self.answer.trace.get("text", ""))
        return "\n".join([self.text, *beside, *map(str, reply.cards), *reply.suggestions, stored])


Talk = Sequence[Exchange]
