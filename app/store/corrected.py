"""What a person's words correct: an edited suggestion, or the assistant's own answer that had failed just before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from app.handover.summary import CALLS
from app.learning.proposals import tells
from app.store.corrections import CorrectionStore
from app.store.records import StoredMessage
from app.store.tables import feedback, messages, suggestions, traces
from rag.turn import Reply

FAILED = ("unknown", "refused")
READ = 40


def correct(
    db: Connection,
    corrections: CorrectionStore,
    message: StoredMessage,
    conversation_id: str,
    agent_id: str,
    suggestion_id: str | None,
) -> None:
    """Notes the correction that the agent's `message` makes, if it makes one, within the caller's transaction."""
    query = select(messages).where(messages.c.conversation_id == conversation_id, messages.c.seq < message.seq)
    before = db.execute(query.order_by(messages.c.seq.desc()).limit(READ)).all()[::-1]
    found = _edited(db, conversation_id, suggestion_id, message.text, before) or _answered(db, message.text, before)
    if found:
        corrections.note(
            db,
            conversation_id=conversation_id,
            message_id=message.id,
            chosen=message.text,
            agent_id=agent_id,
            **found,
        )


def _edited(
    db: Connection, conversation_id: str, suggestion_id: str | None, text: str, before: Sequence[Any]
) -> dict[str, Any] | None:
    mine = (suggestions.c.id == suggestion_id, suggestions.c.conversation_id == conversation_id)
    row = db.execute(select(suggestions).where(*mine)).one_or_none() if suggestion_id else None
    if row is None or " ".join(row.text.split()) == " ".join(text.split()):
        return None
    asked = max((n for n, m in enumerate(before) if m.role == "customer" and m.text == row.question), default=0)
    return {
        "kind": "edited",
        "question": row.question,
        "context": _context(before[:asked]),
        "evidence": row.evidence,
        "rejected": row.text,
        "versions": row.versions,
    }


def _answered(db: Connection, text: str, before: Sequence[Any]) -> dict[str, Any] | None:
    """The assistant's last answer, where it had failed and this is the first that a person answers since.

    A greeting answers nothing: neither is it the correction, nor does it stand before the one that comes.
    """
    told = (n for n in reversed(range(len(before))) if _answers(before[n]))
    last = next(told, None) if tells(text) else None
    if last is None or before[last].role != "assistant":
        return None
    row, reply = before[last], _reply(before[last])
    down = db.execute(select(feedback.c.rating).where(feedback.c.message_id == row.id)).scalar_one_or_none() == "down"
    failed = reply.outcome in FAILED or reply.reason == "repeated_failure"
    if not (failed or down) or last == 0 or before[last - 1].role != "customer":
        return None
    trace = db.execute(select(traces.c.data).where(traces.c.message_id == row.id)).scalar_one_or_none() or {}
    return {
        "kind": "answered",
        "question": before[last - 1].text,
        "context": _context(before[: last - 1]),
        "evidence": [{"id": c.article_id, "title": c.title, "text": ""} for c in reply.citations],
        "rejected": row.text,
        "versions": trace.get("versions", {}),
    }


def _answers(row: Any) -> bool:
    """Whether a message answers something, and not only calls or greets."""
    if row.role == "agent":
        return tells(row.text)
    return row.role == "assistant" and _reply(row).reason not in CALLS


def _reply(row: Any) -> Reply:
    return Reply.model_validate(row.reply)


def _context(rows: Sequence[Any]) -> list[dict[str, str]]:
    return [{"role": row.role, "text": row.text} for row in rows if row.role != "notice"][-8:]
