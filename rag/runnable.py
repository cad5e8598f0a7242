"""The assistant as a LangChain `Runnable`, for use in somebody's chain."""

from __future__ import annotations

from typing import Any

from langchain_core.runnables import Runnable, RunnableLambda

from rag.assistant import Assistant
from rag.turn import Message, Reply


def as_runnable(assistant: Assistant) -> Runnable[Any, Reply]:
    """Takes a text, or {"text", "customer_id"?}, and gives a `Reply`.

    `customer_id` must come from a verified token: a chain that passes on what a model wrote would give accounts away.
    """

    def answer(asked: str | dict[str, Any]) -> Reply:
        message = Message(asked) if isinstance(asked, str) else Message(asked["text"], asked.get("customer_id"))
        return assistant.answer(message).reply

    return RunnableLambda(answer, name="pestle")
