"""A reading as `pestle classify` prints it: heads, entities, and what the input rails decide."""

from __future__ import annotations

from typing import Any

from rag.account.mentions import MentionReader
from rag.route import Asked
from rag.specialists.reader import Reading
from rails.input import Cleaned
from rails.judge import Ruling
from rails.policy import Emergency

HEADS = ("emergency", "self_harm", "medical_advice", "injection", "abuse", "wants_human")
DECISIONS = {"emergency": "emergency", "person": "handover"}


def classification(
    cleaned: Cleaned,
    alarm: Emergency | None,
    reading: Reading | None,
    ruling: Ruling | None,
    asked: Asked | None,
    mentions: MentionReader,
) -> dict[str, Any]:
    """Everything is null where there was nothing to read, and only there."""
    decision, reason = "answered", None
    if alarm:
        decision, reason = "emergency", alarm.category
    elif cleaned.problem:
        decision, reason = "clarify", cleaned.problem
    elif ruling and ruling.action:
        decision, reason = DECISIONS.get(ruling.action, "refused"), ruling.category
    elif asked and asked.route.where in ("unknown", "out_of_scope"):
        decision, reason = "unknown", "no_evidence" if asked.route.where == "unknown" else "out_of_scope"
    marks: dict[str, float] = dict(reading.marks) if reading else {}
    if alarm and marks:
        marks[alarm.head] = 1.0
    return {
        "intents": [{"name": name, "score": round(score, 4)} for name, score in reading.wanted] if reading else [],
        "in_scope": round(marks["in_scope"], 4) if marks else None,
        **{head: round(marks[head], 4) if marks else None for head in HEADS},
        "frustration": round(marks["frustration"], 4) if marks else None,
        "follow_up": round(marks["follow_up"], 4) if marks else None,
        "unsure": sorted(ruling.unsure) if ruling else [],
        "entities": mentions.entities(cleaned.text),
        "decision": decision,
        "reason": reason,
    }
