"""A yes to what was offered, and what only looks like one."""

from __future__ import annotations

import pytest

from rag.consent import accepts


@pytest.mark.parametrize("text", [
    "yes", "Yes!", "yes please", "Yeah, please do.", "sure", "ok do it", "okay yes", "please", "of course", "go ahead",
    "that would be great", "I'd like that", "I’d like that", "why not", "yep thanks", "sounds good", "yes, get me a person please",
    "absolutely", "alright, do that", "ok",
])  # fmt: skip
def test_a_yes(text: str) -> None:
    assert accepts(text)


@pytest.mark.parametrize("text", [
    "", "no", "no thanks", "not now", "yes but where is my order", "yes, all of them, about an hour ago", "ok thanks", "thanks",
    "yes?", "ok, where is my parcel", "yes, order FH-1234567", "please reset my password", "nope", "never mind", "maybe later",
    "great, thank you", "yes I took the pills", "I don't want that",
])  # fmt: skip
def test_no_yes(text: str) -> None:
    assert not accepts(text)
