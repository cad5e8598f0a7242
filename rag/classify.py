"""A reading as `pestle classify` prints it. Heads that are not trained yet are null, never a made-up number."""

from __future__ import annotations

from typing import Any

from rag.account.mentions import MentionReader
from rag.route import Asked
from rails.input import Cleaned
from rails.policy import Emergency

UNTRAINED = ("medical_advice", "injection", "abuse")


def classification(
    cleaned: Cleaned, alarm: Emergency | None, asked: Asked | None, mentions: MentionReader
) -> dict[str, Any]:
    shares = asked.reading.routes if asked else {}
    decision, reason = "answered", None
    if alarm:
        decision, reason = "emergency", alarm.category
    elif cleaned.problem:
        decision, reason = "clarify", cleaned.problem
    elif asked and asked.route.where in ("unknown", "out_of_scope"):
        decision, reason = "unknown", "no_evidence" if asked.route.where == "unknown" else "out_of_scope"
    return {
        "intents": [{"name": name, "score": round(score, 4)} for name, score in asked.reading.intents[:3]]
        if asked
        else [],
        "in_scope": round(max(asked.found.answerable, shares["account"]), 4) if asked else None,
        "emergency": 1.0 if alarm and alarm.category != "self_harm" else 0.0,
        "self_harm": 1.0 if alarm and alarm.category == "self_harm" else 0.0,
        **dict.fromkeys(UNTRAINED),
        "wants_human": round(shares.get("human", 0.0), 4),
        "entities": mentions.entities(cleaned.text),
        "decision": decision,
        "reason": reason,
    }
