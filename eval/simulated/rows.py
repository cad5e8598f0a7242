"""A conversation as a row of a run: what happened, what was wrong, and the five scores."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from eval.account_figures import Ground
from eval.simulated import truth
from eval.simulated.talk import Talk

SUITE = "simulated"
Row = dict[str, Any]
NOT_REACHED = "no person was reached, and only a person can do this"
CALLED = "a person was called, and none was needed"
UNMET = "it went away without an answer"
WRONG = "it went away content, and the answer is wrong"


def row(talk: Talk, ground: Ground) -> Row:
    """`scores`: contained, repeated and wrong_handover of each; right and turns of those that were contained."""
    plan, customer, replies = talk.plan, talk.customer, talk.replies
    contained = customer.ending == "content" and not plan.goal.person
    wrong = _checked(talk, ground) if contained else []
    lost = plan.goal.person and customer.ending in ("left", "left unheard", "content")
    needless = not plan.goal.person and customer.ending == "called"
    faults = [f"{WRONG}: {fault}" for fault in wrong]
    if lost:
        faults.append(NOT_REACHED)
    if needless:
        faults.append(f"{CALLED} ({customer.call})")
    if not plan.goal.person and customer.ending in ("left", "left unheard"):
        faults.append(
            f"{UNMET} ({'a person was asked for and not called' if customer.ending == 'left unheard' else 'left'})"
        )
    scores = {
        "contained": float(contained),
        "repeated": float(customer.repeated),
        "wrong_handover": float(lost or needless),
    }
    if contained:
        scores |= {"right": float(not wrong), "turns": float(customer.met_at or 0)}
    shown = replies[(customer.met_at or len(replies)) - 1]
    return {
        "suite": SUITE,
        "kind": "conversation",
        "id": plan.id,
        "slices": {"style": plan.persona.style, "signed_in": "yes" if plan.customer else "no"},
        "need": plan.goal.id,
        "intent": plan.goal.intent,
        "customer": plan.customer is not None,
        "turns": list(customer.said),
        "right": not faults,
        "faults": faults,
        "outcome": shown.outcome,
        "reason": shown.reason,
        "text": shown.text,
        "replies": [reply.text for reply in replies],
        "citations": list(dict.fromkeys(citation.article_id for citation in shown.citations)),
        "handover": customer.ending == "called",
        "stopped_by": None,
        "expect": plan.goal.model_dump(exclude_unset=True, include={"articles", "facts", "account", "person"}),
        "ranked": [],
        "scores": scores,
        "pairs": {"escalate": [plan.goal.person, customer.ending == "called"]},
        "ms": round(talk.ms, 3),
        "evidence": [],
        "trace": {
            "ending": customer.ending,
            "call": customer.call,
            "persona": asdict(plan.persona),
            "customer_id": plan.customer,
            "record": plan.target.number if plan.target else None,
            "outcomes": [f"{reply.outcome}{f' ({reply.reason})' if reply.reason else ''}" for reply in replies],
            "intents": [[intent.name for intent in reply.intents] for reply in replies],
            "cited": [[citation.article_id for citation in reply.citations] for reply in replies],
        },
    }


def _checked(talk: Talk, ground: Ground) -> list[str]:
    customer, target = talk.customer, talk.plan.target
    found: list[str] = []
    for need, at in ((customer.need, customer.met_at), (customer.follow_up, customer.followed_at)):
        if need and at:
            found += truth.faults(need, target, customer.said[:at], talk.replies[at - 1], ground)
    return found
