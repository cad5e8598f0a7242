"""Rows in the formats that TRL reads: as plain text, or as chat messages for a model with a chat template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage

from rag.compose.draft import Brief, Evidence
from rag.compose.prompt import messages as told
from rag.gather import WORDS

Row = dict[str, Any]
Turn = tuple[str, str]  # "user" or "assistant", and the text
ROLES = {"customer": "user", "assistant": "assistant", "agent": "assistant"}


def turns(said: Sequence[tuple[str, str]]) -> list[Turn]:
    """(role, text) of messages as turns that begin with the user and alternate; notices and empty texts are left out."""
    found: list[Turn] = []
    for role, text in said:
        speaker = ROLES.get(role)
        if speaker is None or not text.strip() or (not found and speaker != "user"):
            continue
        if found and found[-1][0] == speaker:
            found[-1] = (speaker, f"{found[-1][1]}\n\n{text.strip()}")
        else:
            found.append((speaker, text.strip()))
    return found


def preference(prompt: Any, chosen: str, rejected: str) -> Row:
    return {"prompt": prompt, "chosen": _answer(prompt, chosen), "rejected": _answer(prompt, rejected)}


def rated(prompt: Any, completion: str, good: bool) -> Row:
    return {"prompt": prompt, "completion": _answer(prompt, completion), "label": good}


def conversation(said: Sequence[Turn]) -> Row:
    return {"messages": [{"role": role, "content": text} for role, text in said]}


def prompt(before: Sequence[Turn], question: str, evidence: Sequence[Mapping[str, str]], chat: bool) -> Any:
    """The prompt for the answer to a question: text, or the very messages that the chat model is sent.

    `evidence`: each with "title" and "text".
    """
    return _chat(before, question, evidence) if chat else _text(before, question, evidence)


def _text(before: Sequence[Turn], question: str, evidence: Sequence[Mapping[str, str]]) -> str:
    parts = [f"[{n}] {item['title']}: {item['text']}" for n, item in enumerate(evidence, 1)]
    known = ["Evidence:", *parts, ""] if parts else []
    names = {"user": "Customer", "assistant": "Assistant"}
    said = [f"{names[role]}: {text}" for role, text in (*before, ("user", question))]
    return "\n".join((*known, *said, "Assistant:\n"))


def _chat(before: Sequence[Turn], question: str, evidence: Sequence[Mapping[str, str]]) -> list[Row]:
    items = tuple(Evidence(str(n), str(n), item["title"], "", item["text"]) for n, item in enumerate(evidence))
    pairs = tuple((one[1], other[1]) for one, other in zip(before[::2], before[1::2], strict=False))
    roles = {HumanMessage: "user", AIMessage: "assistant"}
    brief = Brief(question, items, pairs, WORDS)
    return [{"role": roles.get(type(message), "system"), "content": str(message.content)} for message in told(brief)]


def _answer(prompt: Any, text: str) -> Any:
    return text if isinstance(prompt, str) else [{"role": "assistant", "content": text}]
