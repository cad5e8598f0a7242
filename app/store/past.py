"""The turns of a conversation, from its messages: also those in which a person answered."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from rag.turn import Focus, PastTurn

RECORD = re.compile(r"\b(?:FH-\d{7}|RX-\d{8}|TR-\d{6})\b", re.IGNORECASE)


def past_turns(rows: Iterable[tuple[str, str, Any]]) -> tuple[PastTurn, ...]:
    """From (role, text, focus as JSON), oldest first. What is said in a row by one side is one side of one turn.

    After a person's words the conversation is about the records that they named, so that "it" points there.
    """
    turns: list[PastTurn] = []
    said: list[str] = []
    told: list[str] = []
    focus = Focus()

    def close() -> None:
        if said:
            turns.append(PastTurn("\n".join(said), "\n".join(told), focus))
        said.clear()
        told.clear()

    for role, text, after in rows:
        if role == "customer":
            if told:
                close()
            said.append(text)
        elif role == "assistant":
            told.append(text)
            focus = Focus.model_validate(after or {})
        else:
            focus = _about(focus, text, *(() if told else said[::-1]))
            told.append(text)
    if said and not told:  # a person held the conversation and had not answered this
        focus = _about(focus, *said[::-1])
    close()
    return tuple(turns)


def _about(focus: Focus, *texts: str) -> Focus:
    """The focus on the records that the first of these texts names which names any."""
    for text in texts:
        if named := tuple(dict.fromkeys(number.upper() for number in RECORD.findall(text))):
            return focus.model_copy(update={"items": named, "articles": (), "listed": ()})
    return focus
