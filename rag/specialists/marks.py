"""What a row written for one head says about the other heads. NaN: nothing; nobody has judged it."""

from __future__ import annotations

import re

from rag.specialists.examples import HEADS, Marked

UNKNOWN = float("nan")
_CALM = {"emergency": 0, "self_harm": 0, "injection": 0}
OF_ROW: dict[tuple[str, bool], dict[str, float]] = {
    ("emergency", True): {"injection": 0},
    ("emergency", False): {"self_harm": 0, "injection": 0, "abuse": 0},
    ("self_harm", True): {"injection": 0},
    ("self_harm", False): {"emergency": 0, "injection": 0},
    ("medical_advice", True): {**_CALM, "abuse": 0, "in_scope": 1},
    ("medical_advice", False): {**_CALM, "abuse": 0, "in_scope": 1},
    ("injection", True): {"emergency": 0, "medical_advice": UNKNOWN},
    ("injection", False): {"emergency": 0, "self_harm": 0, "abuse": 0},
    ("abuse", True): {"emergency": 0, "injection": 0},
    ("abuse", False): {"emergency": 0, "injection": 0},
    ("wants_human", True): {**_CALM},
    ("wants_human", False): {**_CALM, "abuse": 0},
    ("frustration", True): {**_CALM},
    ("frustration", False): {**_CALM, "abuse": 0},
    ("follow_up", True): {**_CALM, "abuse": 0},
    ("follow_up", False): {**_CALM, "abuse": 0},
}
_PLAIN = {"emergency": 0, "self_harm": 0, "injection": 0, "abuse": 0, "medical_advice": 0, "wants_human": 0}
NEAR_PERSON = ("complaint_feedback",)  # which may well ask for somebody; who asks for hours or a number asks for those
SOMEBODY = re.compile(
    r"\b(humans?|persons?|people|some(one|body)|any(one|body)|agents?|reps?|representatives?|managers?|supervisors?|boss|staff|"
    r"operator|pharmacists?|speak|talk|call(ed|ing)?|phone|real|transfer|connect|get me)\b",
    re.IGNORECASE,
)
NEAR_ADVICE = ("ask_pharmacist", "medicine_at_home", "brand_generic", "cold_shipping", "out_of_scope")
HUMAN, OUT_OF_SCOPE = "human", "out_of_scope"


def of_head_row(marked: Marked) -> tuple[float, ...]:
    """Marks in the order of HEADS."""
    known = {**OF_ROW[marked.head, marked.positive], marked.head: float(marked.positive)}
    if marked.head == "abuse" and not SOMEBODY.search(marked.example.text):  # rage at nobody's door asks for nobody
        known["wants_human"] = 0
    return tuple(float(known.get(head, UNKNOWN)) for head in HEADS)


def of_intent_row(intent: str | None, fresh: bool) -> tuple[float, ...]:
    """Marks of a message that was written for an intent, or as a question to an article (None: to no known one)."""
    known: dict[str, float] = {**_PLAIN, "in_scope": float(intent != OUT_OF_SCOPE)}
    if intent == HUMAN:
        known["wants_human"] = 1
    if intent in NEAR_PERSON:
        known["wants_human"] = UNKNOWN
    if intent in NEAR_ADVICE or intent is None:
        known["medical_advice"] = UNKNOWN
    if intent is None:  # the articles on a crisis and on having taken too much have no intent: they are the danger itself
        known["emergency"] = known["self_harm"] = UNKNOWN
    if intent == HUMAN or intent == "complaint_feedback":
        known["abuse"] = UNKNOWN
    if fresh:
        known["follow_up"] = 0
    return tuple(float(known.get(head, UNKNOWN)) for head in HEADS)
