"""Corrections without personal data: invented values for cases, marks for articles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.learning.personal import Person, PersonalFinder
from app.learning.surrogates import Surrogates, marked
from app.store.corrections import Correction


def with_surrogates(find: PersonalFinder, correction: Correction, person: Person) -> Correction:
    """The correction with the same invented value for the same real one in all of its texts."""
    made = Surrogates(find, correction.conversation_id, person, correction.created_at.date())
    told = [str(turn.get("text", "")) for turn in correction.context]
    made.learn((*told, correction.question, correction.rejected, correction.chosen))
    return replace(
        correction,
        question=made.replace(correction.question),
        context=_replaced(correction.context, made),
        evidence=_replaced(correction.evidence, made),
        rejected=made.replace(correction.rejected),
        chosen=made.replace(correction.chosen),
    )


def with_marks(find: PersonalFinder, correction: Correction, person: Person) -> Correction:
    """The correction as an article may quote it: nobody's data, not even invented."""
    today = correction.created_at.date()
    return replace(
        correction,
        question=marked(find, correction.question, person, today),
        chosen=marked(find, correction.chosen, person, today),
    )


def _replaced(items: Sequence[Mapping[str, Any]], made: Surrogates) -> tuple[dict[str, Any], ...]:
    """Ids of articles stay; everything else that is text is read."""
    return tuple(
        {
            name: made.replace(value) if isinstance(value, str) and name in ("text", "title") else value
            for name, value in item.items()
        }
        for item in items
    )
