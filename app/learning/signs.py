"""What a customer's next message says about the answer before it: asked again, asked for a person, thanked, followed up."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

from rapidfuzz import fuzz

from app.store.conversations import ConversationStore
from app.store.errors import StoreError
from app.store.feedback import FeedbackStore, SignKind
from rag.turn import Reply
from rag.words import stems

log = logging.getLogger("pestle")

Likeness = Callable[[str, str], float]  # of two questions' meanings, 1: the same

LOOK_BACK = 8  # messages in which the answer before and its question stand, with notices between
SAME_WORDS = 0.7  # share of both questions' content words that they have in common
SAME_LETTERS = 0.9  # rapidfuzz's ratio, for misspelt ones
SAME_MEANING = 0.65  # cosine: above it lie none of 348 follow-ups and 1 of 318 new questions, see docs/feedback.md
LEAST_WORDS = 2  # content words under which neither says anything
PERSON = frozenset(("wants_person", "accepted"))
NUMBER = re.compile(r"\d+")
THANKS = re.compile(
    r"\b(?:thank(?:s| ?you| u|ful)?|thx|thnx|thanx|tks|tysm|ty|cheers|much appreciated|appreciate (?:it|that|you|your)"
    r"|(?:that|it|this) (?:really )?help(?:s|ed)(?: a lot)?|(?:very|so|really) helpful)\b",
    re.IGNORECASE,
)
NO_THANKS = re.compile(
    r"\bno,? ?(?:thanks|thank you|thx)\b|\bthank(?:s| you) for nothing\b|\bthanks? a lot for\b"
    r"|\b(?:not|isn'?t|wasn'?t|n'?t) (?:very |really |at all |been )?helpful\b|\b(?:so|how|very) helpful\W+(?:not|truly)\b"
    r"|\bthank(?:s| you) in advance\b|\bthanks? to (?:you|your)\b",
    re.IGNORECASE,
)


def observe(
    store: ConversationStore,
    feedback: FeedbackStore,
    conversation_id: str,
    asked_text: str,
    reply: Reply,
    likeness: Likeness | None = None,
) -> list[SignKind]:
    """Keeps what the turn that was just recorded says about the answer before it; gives the kinds that are new.

    Never raises: a sign is worth less than the turn.
    """
    try:
        found = _before(store, conversation_id, reply.message_id)
        if found is None:
            return []
        question, answer = found
        seen = signs(question, answer, asked_text, reply, likeness)
        return [kind for kind, data in seen.items() if feedback.sign(conversation_id, answer.message_id, kind, data)]
    except StoreError as error:
        log.warning("signs were not kept: %s", type(error).__name__)
    except Exception:
        log.exception("signs were not kept")
    return []


def pressed(store: ConversationStore, feedback: FeedbackStore, conversation_id: str) -> bool:
    """Keeps that a person was called by the button after the last answer, if an answer came last. Never raises."""
    try:
        recent = store.messages(conversation_id, max(store.last_seq(conversation_id) - LOOK_BACK, 0))
        last = next((message for message in reversed(recent) if message.role != "notice"), None)
        if last is None or last.role != "assistant":
            return False
        return feedback.sign(conversation_id, last.id, "asked_person", {"reason": "button"})
    except Exception:
        log.exception("a sign was not kept")
    return False


def signs(
    question: str, answer: Reply, asked: str, reply: Reply, likeness: Likeness | None = None
) -> dict[SignKind, dict[str, Any]]:
    """The signs in a message `asked`, answered by `reply`, about the `answer` that was given to `question` before."""
    found: dict[SignKind, dict[str, Any]] = {}
    if any(_folded(asked) == _folded(text) for text in answer.suggestions):
        found["took_suggestion"] = {}
    elif reply.reason in PERSON:
        found["asked_person"] = {"reason": reply.reason}
    elif thanked(asked):
        found["thanked"] = {}
    elif (how := rephrased(question, asked, likeness)) is not None:
        found["rephrased"] = how | {"outcome": answer.outcome}
    return found


def thanked(text: str) -> bool:
    """Whether a message gives thanks, and not for nothing."""
    return bool(THANKS.search(text)) and not NO_THANKS.search(text) and "?" not in text


def rephrased(before: str, now: str, likeness: Likeness | None = None) -> dict[str, float] | None:
    """How close two questions are, where they are so close that the second asks the first again; else None."""
    ours, theirs = set(stems(before)), set(stems(now))
    if not ours or not theirs:
        return None
    if NUMBER.findall(before) != NUMBER.findall(now):  # the same about another order is another question
        return None
    how = {"letters": fuzz.ratio(_folded(before), _folded(now)) / 100, "words": len(ours & theirs) / len(ours | theirs)}
    enough = min(len(ours), len(theirs)) >= LEAST_WORDS
    same = how["letters"] >= SAME_LETTERS or (enough and how["words"] >= SAME_WORDS)
    if not same and enough and likeness is not None:
        how["meaning"] = likeness(before, now)
        same = how["meaning"] >= SAME_MEANING
    return {name: round(value, 2) for name, value in how.items()} if same else None


def _before(store: ConversationStore, conversation_id: str, message_id: str) -> tuple[str, Reply] | None:
    """The question and the answer that came before the turn with this reply; None for the first turn."""
    last = store.last_seq(conversation_id)
    recent = store.messages(conversation_id, max(last - LOOK_BACK, 0))
    here = next((n for n, message in enumerate(recent) if message.id == message_id), None)
    if here is None:
        return None
    earlier = [message for message in recent[: max(here - 1, 0)] if message.role != "notice"]
    if len(earlier) < 2:
        return None
    said, answered = earlier[-2:]
    if said.role != "customer" or answered.role != "assistant" or answered.reply is None:
        return None
    return said.text, answered.reply


def _folded(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))
