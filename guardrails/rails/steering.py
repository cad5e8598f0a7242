"""Steering: sentences in a document that speak to the assistant instead of the customer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rails.disguise import undisguised

END = re.compile(r"(?<=[.!?])\s+|\n+")
TO_THE_MODEL = re.compile(
    r"\b(assistant|chatbot|chat ?bot|language model|llm|ai (?:model|system|agent)|gpt|dear (?:ai|assistant|bot))\b.{0,60}"
    r"\b(must|should|shall|will|please|now|instead|ignore|reply|respond|answer|say|tell|write|output|reveal|send|include)\b"
    r"|\b(ignore|disregard|forget|override)\b.{0,40}\b(instructions?|rules|prompt|guidelines|above|previous|prior|evidence)\b"
    r"|\b(when|if) (you|the assistant|the model) (read|see|answer|summari[sz]e|process)\w*\b.{0,40}\b(this|reply|respond|say|add|include)\b"
    r"|\b(new|updated|hidden|secret|system) (instructions?|prompt|directive)s?\b\s*[:\-]"
    r"|^\s*(system|assistant|user|developer)\s*:"
    r"|\b(end|begin|start|finish|close) (your|every|each|the) (answer|reply|response|message)s?\b.{0,20}\bwith\b"
    r"|\b(do not|don't|never) (tell|mention|reveal|show)\b.{0,30}\b(user|customer|anyone|human)\b"
    r"|<\|?\w+\|?>|\[/?inst\]",
    re.IGNORECASE,
)


def sentences(text: str) -> list[str]:
    return [part.strip() for part in END.split(text) if part and part.strip()]


def steers(sentence: str, patterns: Sequence[re.Pattern[str]] = ()) -> bool:
    """Whether the sentence gives orders to a model, also in disguise. `patterns` are the policy's for injection."""
    forms = undisguised(sentence)
    return any(TO_THE_MODEL.search(form) or any(pattern.search(form) for pattern in patterns) for form in forms)
