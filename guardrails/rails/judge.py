"""The judging half of the input rail: what the heads and the patterns say becomes one ruling, by the policy.

Each rail of the policy is a guardrails-ai validator of our own. A rail that can't run refuses; the emergency patterns are
asked first and by themselves, so that their text leaves whatever else is broken.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rails.disguise import undisguised
from rails.engine import (
    FailResult,
    OnFailAction,
    PassResult,
    ValidationResult,
    Validator,
    guard_of,
    register_validator,
)
from rails.policy import Action, Emergency, Policy, Rail, bound

log = logging.getLogger(__name__)
PASS = PassResult()


@dataclass(frozen=True)
class Ruling:
    """What is done about a message, and why: the category of the policy, its text, and the sign that spoke.

    `doubts` are the texts of rails that were in doubt; they go with the answer. `verdicts` is every rail's word, for the
    trace: category, probability, and "acts", "doubts" or "passes".
    """

    action: Action | None = None
    category: str = ""
    text: str = ""
    sign: str = ""
    repeated: bool = False  # the same category spoke before in this conversation
    doubts: tuple[str, ...] = ()
    unsure: frozenset[str] = frozenset()
    verdicts: tuple[tuple[str, float, str], ...] = ()


@dataclass(frozen=True)
class Thresholds:
    """A head's trained thresholds: from `sure` it says yes, under `unsure` no, and between them it abstains."""

    unsure: float
    sure: float


def alarmed(case: Emergency) -> Ruling:
    """The ruling of a case whose patterns spoke."""
    return Ruling("emergency", case.category, case.text, "pattern")


def wished(policy: Policy) -> Ruling:
    """The ruling on a wish for a person that was heard otherwise than by the rail."""
    rail = policy.rail("wants_human")
    return Ruling("person", rail.category, rail.text, "intent")


def danger(text: str, policy: Policy) -> Emergency | None:
    """The case of danger whose patterns the message shows. `text` is cleaned. Needs no model."""
    lowered = text.lower()
    return next((e for e in policy.emergencies if any(pattern.search(lowered) for pattern in e.patterns)), None)


def case_of(head: str, turns: Sequence[str], policy: Policy) -> Emergency:
    """The case that fits best what the head saw: the first whose cues stand in what the customer said."""
    said = " ".join(turns[::2][-2:]).lower()
    cases = [case for case in policy.emergencies if case.head == head]
    return next((case for case in cases if any(cue.search(said) for cue in case.cues)), cases[-1])


@register_validator(name="pestle/input", data_type="string")
class InputRails(Validator):  # type: ignore[misc, unused-ignore]
    """The rails of a policy, in its order. `metadata`: `turns`, `marks` (a probability for each head) and `spoken`, the
    categories that spoke earlier in the conversation. The ruling is left in `metadata["ruling"]`."""

    def __init__(self, policy: Policy, trained: Mapping[str, Thresholds]) -> None:
        super().__init__(on_fail=OnFailAction.NOOP)
        self._policy = policy
        self._sure = {head: thresholds.sure for head, thresholds in trained.items()}
        self._unsure = {head: thresholds.unsure for head, thresholds in trained.items()}

    def validate(self, value: str, metadata: dict[str, Any]) -> ValidationResult:
        turns: Sequence[str] = metadata["turns"]
        marks: Mapping[str, float] = metadata["marks"]
        spoken: frozenset[str] = metadata["spoken"]
        forms = undisguised(value)
        first: tuple[Rail, str] | None = None
        surest = 0.0
        verdicts, doubts, unsure = [], [], []
        for rail in self._policy.rails:
            p = marks[rail.head]
            if not 0 <= p <= 1:
                raise ValueError(f"{rail.head} has the probability {p}")
            act = bound(rail.act, self._sure, rail.head)
            doubt = min(act, bound(rail.doubt, self._unsure, rail.head))
            sign = f"{rail.head} {p:.2f}" if p >= act else ""
            sign = sign or ("pattern" if any(f.search(form) for f in rail.patterns for form in forms) else "")
            verdicts.append((rail.category, round(p, 4), "acts" if sign else "doubts" if p >= doubt else "passes"))
            likelier = first is not None and first[0].action == rail.action == "emergency" and p > surest
            if sign and (first is None or likelier):  # of two dangers the likelier one speaks
                first, surest = (rail, sign), p
            elif not sign and p >= doubt:
                unsure.append(rail.head)
                doubts += [rail.in_doubt] if rail.in_doubt else []
        ruling = Ruling(doubts=tuple(doubts), unsure=frozenset(unsure), verdicts=tuple(verdicts))
        if first is None:
            metadata["ruling"] = ruling
            return PASS
        rail, sign = first
        category, text = rail.category, rail.again if rail.again and rail.category in spoken else rail.text
        if rail.action == "emergency":
            case = case_of(rail.head, turns, self._policy)
            category, text = case.category, case.text
        metadata["ruling"] = Ruling(
            rail.action, category, text, sign, rail.category in spoken, (), ruling.unsure, ruling.verdicts
        )
        return FailResult(error_message=category)


class InputJudge:
    """The input rails of one policy in one Guard. Build it once; it is safe to use from several threads."""

    def __init__(self, policy: Policy, trained: Mapping[str, Thresholds]) -> None:
        self.policy = policy
        self._guard = guard_of(InputRails(policy, trained))

    def rule(self, turns: Sequence[str], marks: Mapping[str, float], spoken: frozenset[str] = frozenset()) -> Ruling:
        """What is done about the last of these turns. Never raises: a rail that can't run refuses."""
        text = turns[-1]
        metadata: dict[str, Any] = {"turns": turns, "marks": marks, "spoken": spoken}
        try:
            outcome = self._guard.validate(text, metadata=metadata)
            ruling: Ruling | None = metadata.get("ruling")
            if ruling is None or (outcome.validation_passed is True) != (ruling.action is None):
                raise RuntimeError("no ruling")
        except Exception as error:
            log.error("the input rails could not run: %s", type(error).__name__)  # a message may quote the customer
            return Ruling("refuse", "rail_error", self.policy.wording.trouble, type(error).__name__)
        return ruling
