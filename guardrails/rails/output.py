"""The output rail: no sentence reaches a customer before it stood here, whoever wrote it."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rails.checks import (
    AllowedLinks,
    Check,
    Cited,
    DrugsStand,
    FiguresStand,
    FirstFault,
    NoAdvice,
    NoEcho,
    NoMarkup,
    SamePolarity,
    Supported,
    is_literal,
)
from rails.engine import guard_of
from rails.grounded import Embed, Grounded, GroundedEnough
from rails.reading import Reading

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Verdict:
    """Whether a sentence may be released; if not, the rail that held it ("figures", "support", …) and why."""

    ok: bool
    rail: str = ""
    detail: str = ""


@lru_cache(maxsize=4096)
def public(text: str) -> Reading:
    """A Reading that is kept. Only for texts that belong to nobody: articles, never account records."""
    return Reading(text)


class OutputRail:
    """All output checks in one Guard. Build it once; it is safe to use from several threads.

    `allowed_links` are hosts that an answer may link to; `hidden` are texts that it must not repeat (a system prompt).
    `drugs` are names of medicines that a sentence may only use as its evidence does. With `grounded`, a sentence in new
    words must be supported with a probability of `grounded_at`; `embed` adds the encoder's view to that of the words.
    `more` are further checks.
    """

    def __init__(
        self,
        allowed_links: Sequence[str] = (),
        hidden: Sequence[str] = (),
        drugs: Collection[str] = (),
        grounded: Grounded | None = None,
        grounded_at: float = 0.5,
        embed: Embed | None = None,
        more: Sequence[Check] = (),
    ) -> None:
        checks: list[Check] = [
            Cited(), NoMarkup(), AllowedLinks(allowed_links), NoEcho(hidden), NoAdvice(), FiguresStand(),
            DrugsStand(drugs), *more, SamePolarity(), Supported(),
        ]  # fmt: skip
        if grounded:
            checks.append(GroundedEnough(grounded, grounded_at, embed))
        self._guard = guard_of(FirstFault(*checks))

    def check(self, sentence: str, evidence_texts: Sequence[str | Reading]) -> Verdict:
        """Hold one sentence against the texts that it cites. Never raises: a check that fails to run holds it."""
        try:
            evidence = [text if isinstance(text, Reading) else Reading(text) for text in evidence_texts]
            reading = Reading(sentence)
            metadata = {"evidence": evidence, "sentence": reading, "literal": is_literal(reading, evidence)}
            outcome = self._guard.validate(sentence, metadata=metadata)
        except Exception as error:
            # A message may quote the sentence, so only the kind of error is told.
            log.error("the output rail could not run: %s", type(error).__name__)
            return Verdict(False, "error", type(error).__name__)
        if outcome.validation_passed is True:
            return Verdict(True)
        first = next(iter(outcome.validation_summaries or ()), None)
        if first is None:
            return Verdict(False, "error", "no verdict")
        rail, _, detail = (first.failure_reason or "error").partition(": ")
        return Verdict(False, rail, detail)
