"""A message that asks two things is answered in two parts."""

from __future__ import annotations

import re

ASKS = (
    r"(?:how|what|when|where|which|who|why|can|could|do|does|did|is|are|will|would|should|may|has|have|am"
    r"|where's|what's|when's|how's|hows|whats|wheres|i (?:also )?(?:want|need|would like)|i'd like|tell me|show me|please tell"
    r"|must|should i|u|was|were|any|if)"
)
JOINT = re.compile(
    rf"(?<=[?!.;])\s+|,?\s+(?:and also|and then|and|also|plus|but)\s+(?=(?:also\s+)?{ASKS}\b)|,\s+(?={ASKS}\b)",
    re.IGNORECASE,
)
QUESTION = re.compile(rf"^(?:so |and |also |ok |hi |hello |then |please )*{ASKS}\b|\?\s*$", re.IGNORECASE)
LEAST = 3  # words in a part
MOST = 3  # parts
CUTS = 2  # loose cuts that are tried


def parts(text: str) -> tuple[str, ...]:
    """The questions in a message, when there are two or three; else nothing.

    Sentences that only tell what happened are joined to the question after them.
    """
    found: list[str] = []
    told = ""
    for piece in JOINT.split(text):
        piece = piece.strip(" ,;")
        if len(piece.split()) >= LEAST and QUESTION.search(piece):
            found.append(f"{told} {piece}".strip())
            told = ""
        elif found:
            found[-1] = f"{found[-1]} {piece}".strip()
        else:
            told = f"{told} {piece}".strip()
    return tuple(found[:MOST]) if len(found) > 1 else ()


LOOSE = re.compile(r"\s*[;,]?\s*(?:\band\b|&|\bplus\b|\balso\b|;)(?:\s+(?:also|then|how to))?\s+", re.IGNORECASE)
ASKED_FOR = re.compile(
    rf"^(?:{ASKS}|add|ask|bring|buy|call|cancel|change|check|choose|contact|create|delete|dispose|download|fill|find|get|give|join|"
    r"know|make|move|open|order|pay|put|reach|refill|register|remove|renew|report|request|reset|return|see|send|set|share|show|sign|skip|"
    r"speak|split|start|stop|store|switch|take|talk|track|transfer|travel|turn|update|upload|use|"
    r"(?:the|my|your) \w+|what|your)\b",
    re.IGNORECASE,
)


def halves(text: str) -> tuple[tuple[str, str], ...]:
    """Every way of cutting a question in two at a loose joint, where both sides can be asked by themselves."""
    cuts = [(text[: m.start()].strip(" ,;"), text[m.end() :].strip(" ,;?")) for m in LOOSE.finditer(text)]
    return tuple(
        (a, b)
        for a, b in cuts
        if len(a.split()) >= LEAST and len(b.split()) >= LEAST and QUESTION.search(a) and ASKED_FOR.search(b)
    )[:CUTS]
