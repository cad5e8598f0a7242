"""The plan of a reply: what may be used for it, and what it will carry besides sentences."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rag.compose.draft import DraftSentence, Evidence
from rag.turn import Department, Handover, Outcome
from rails.judge import Ruling
from rails.policy import Wording

OUTCOMES: dict[str, Outcome] = {
    "emergency": "emergency", "refuse": "refused", "calm": "refused", "pharmacist": "refused", "person": "handover",
    "explain": "unknown",
}  # fmt: skip


@dataclass
class Plan:
    """What the composers may use, and what the reply will carry besides sentences."""

    drafts: list[DraftSentence] = field(default_factory=list)
    evidence: dict[str, Evidence] = field(default_factory=dict)
    fixed: list[str] = field(default_factory=list)  # policy wording, said first and as it stands
    after: list[str] = field(default_factory=list)  # and said last
    outcome: Outcome = "answered"
    reason: str | None = None
    suggestions: list[str] = field(default_factory=list)
    cards: list[dict[str, Any]] = field(default_factory=list)
    articles: list[str] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    listed: list[str] = field(default_factory=list)
    intent: str | None = None
    plain: bool = True  # a chat model may word the answer
    handover: Handover | None = None
    ranked: list[dict[str, Any]] = field(default_factory=list)  # of each ranked article, which of how many answers

    def add(self, drafts: tuple[DraftSentence, ...], evidence: tuple[Evidence, ...]) -> None:
        self.drafts.extend(drafts)
        self.evidence.update({item.id: item for item in evidence})


def saying(wording: Wording, name: str, outcome: Outcome, reason: str | None) -> Plan:
    """One fixed sentence of the policy."""
    return Plan(fixed=[getattr(wording, name)], outcome=outcome, reason=reason)


def ruled(ruling: Ruling, department: Department = "care") -> Plan:
    """What is said when an input rail speaks: the policy's words, and nothing else."""
    handover: Handover | None = None
    if ruling.action == "emergency":
        handover = Handover(ruling.category, "urgent", "pharmacist")
    elif ruling.action == "person" or (ruling.action == "calm" and ruling.repeated):
        handover = Handover(ruling.category, "soon", department)
    outcome = OUTCOMES[ruling.action or "refuse"]
    return Plan(fixed=[ruling.text], outcome=outcome, reason=ruling.category, handover=handover)
