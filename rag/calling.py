"""When a person is called, and when one is only offered.

Asked for, or said yes to; a rail that speaks again; turns that went wrong, because the answer failed or the customer was
frustrated, up to the policy's patience. One call at a time: while a person is waited for, nobody is called or offered again, danger aside.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.plan import Plan
from rag.turn import Department, Focus, Handover, Urgency
from rails.handing import Handing
from rails.judge import Ruling

FAILURES = ("no_evidence", "held_back", "account_away", "internal")  # reasons of answers that were none
OFFERED = ("no_evidence", "held_back", "medical_advice")
PHARMACIST = re.compile(r"\bpharma?cists?\b", re.IGNORECASE)
BILLING = re.compile(r"\b(billing|accounts? receivable|refunds? (team|department))\b", re.IGNORECASE)


@dataclass(frozen=True)
class Mood:
    """How a conversation goes: turns that went wrong and have not worn off, and what was offered."""

    trouble: int = 0
    offered: str = ""  # the reason with which a person was offered, and so will be called after a yes
    offered_to: Department = "care"


@dataclass(frozen=True)
class Talk:
    """The conversation before this message, how the customer sounds in it, and how it goes on."""

    focus: Focus
    called: tuple[Urgency, ...] = ()  # urgencies with which a person is called already
    upset: bool = False
    department: Department = "care"  # whom they would talk to
    mood: Mood = Mood()

    def going_on(self, plan: Plan, ruling: Ruling, handing: Handing) -> Talk:
        """With the call of a person, or the offer of one, added to the plan together with the words for it."""
        mood = _call_or_offer(plan, self, ruling, handing)
        return replace(self, mood=mood)


def department_of(handing: Handing, text: str, intents: Sequence[str]) -> Department:
    """Who is asked for by name; else who answers what it is about."""
    if PHARMACIST.search(text):
        return "pharmacist"
    return "billing" if BILLING.search(text) else handing.department_of(intents)


def accepted(focus: Focus) -> Handover:
    """The call that a yes to the last offer makes."""
    return Handover(focus.offered, "soon", focus.offered_to)


def _call_or_offer(plan: Plan, talk: Talk, ruling: Ruling, handing: Handing) -> Mood:
    wording, failing = handing.wording, plan.reason in FAILURES
    upset = talk.upset and ruling.action != "refuse"  # who attacks may sound upset, and is offered nothing for it
    trouble = talk.focus.trouble
    if failing or upset:
        trouble += 1
    elif not ruling.action and plan.outcome != "clarify":
        trouble = max(0, trouble - 1)
    if plan.handover is None and ruling.action == "pharmacist" and ruling.repeated and not talk.called:
        plan.handover = Handover(ruling.category, "soon", "pharmacist")
        plan.after.append(wording.called)
    if plan.handover is not None:
        if talk.called and plan.outcome == "handover":
            plan.fixed = [wording.already]
        return Mood()
    if talk.called:
        return Mood(trouble)
    if (failing or upset) and trouble >= handing.patience:
        reason = "repeated_failure" if failing else "frustration"
        plan.handover = Handover(reason, "soon", talk.department)
        plan.after.append(wording.failed if failing else wording.frustrated)
        if failing:
            plan.outcome, plan.reason = "handover", reason
        return Mood()
    if plan.reason in OFFERED or upset:
        plan.after.append(wording.offer)
        to: Department = "pharmacist" if plan.reason == "medical_advice" else talk.department
        return Mood(trouble, plan.reason or "frustration", to)
    return Mood(trouble)
