"""The check that no answer gives away a card, a number or an address that its evidence doesn't hold."""

from __future__ import annotations

from collections.abc import Sequence

from rails.checks import Check
from rails.engine import register_validator
from rails.personal import MARKS, Masker, key
from rails.reading import Reading


@register_validator(name="pestle/personal", data_type="string")
class NoPersonal(Check):
    """No personal datum that `masker` would mask, unless one of the evidence texts holds the same."""

    def __init__(self, masker: Masker) -> None:
        super().__init__()
        self._masker = masker

    def fault(self, sentence: Reading, evidence: Sequence[Reading], literal: bool) -> str | None:
        """Names the kind of datum and never its value: the reason is stored."""
        if literal or not (ours := self._data(sentence.text)):
            return None
        known = frozenset(value for text in evidence for value in self._data(text.text))
        strange = [kind for value, kind in ours.items() if value not in known]
        return f"gives {MARKS[strange[0]]} that stands in no evidence" if strange else None

    def _data(self, text: str) -> dict[str, str]:
        """The data in a text, value (as compared) to kind."""
        return {key(text[datum.start : datum.end]): datum.kind for datum in self._masker.find(text)}
