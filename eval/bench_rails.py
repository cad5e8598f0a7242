"""`pestle bench rails`: what rails and heads add to a turn beyond the encoder's two passes, and an endurance run."""

from __future__ import annotations

import gc
import os
import statistics
import threading
import time
from pathlib import Path

from app.settings import Settings
from app.wiring import Wired, build
from eval.heldout import intent_cases
from eval.questions import read_cases
from eval.table import Figure
from rag.specialists.signs import signs
from rag.specialists.window import pieces
from rag.turn import Message
from rails.input import clean
from rails.judge import danger
from rails.reading import Reading as Text

TURNS = 10_000


def rails(settings: Settings) -> list[Figure]:
    """Median of what is done around the encoder: cleaning, masking, signs, heads, ruling, and the output checks."""
    wired = build(settings.model_copy(update={"model": ""}))
    try:
        return [_added(wired), *_endurance(wired)]
    finally:
        wired.close()


def _added(wired: Wired) -> Figure:
    is_, search = wired.assistant.made_of, wired.search()
    texts = [case.question for case in read_cases("questions_heldout")][:200]
    before, after, reader = [], [], []
    for text in texts:
        reply = wired.assistant.answer(Message(text)).reply
        cited = [search.index.articles[c.article_id] for c in reply.citations if c.article_id in search.index.articles]
        sentences = [s.text for s in reply.sentences if s.citations]
        vector = search.encoder.encode([search.mended(text)])[0]
        began = time.perf_counter()
        is_.reader._reader.encode(pieces((text,)))
        reader.append(time.perf_counter() - began)
        x = is_.reader.inputs((text,), vector)
        began = time.perf_counter()
        cleaned = clean(text, 4000).text
        danger(cleaned, is_.rails.policy)
        is_.masker.mask(cleaned)
        pieces((cleaned,))
        signs((cleaned,))
        reading = is_.reader.of_inputs(x)
        is_.rails().rule((cleaned,), reading.marks)
        before.append(time.perf_counter() - began)
        evidence = [Text(article.body) for article in cited]
        for item in evidence:
            _ = item.keys, item.figures  # as the assistant keeps them for articles
        began = time.perf_counter()
        for sentence in sentences:
            is_.rail.check(sentence, evidence)
        after.append(time.perf_counter() - began)
    both = [1000 * (b + a) for b, a in zip(before, after, strict=True)]
    median = statistics.median(both)
    return Figure(
        "rails and heads beyond the encoder, a turn: median", f"{median:.2f} ms", "≤ 3 ms",
        f"{len(texts)} held-out questions; before the answer {1000 * statistics.median(before):.2f}, its sentences "
        f"{1000 * statistics.median(after):.2f}; the reader's own pass {1000 * statistics.median(reader):.2f} ms", median <= 3,
    )  # fmt: skip


def _endurance(wired: Wired) -> list[Figure]:
    """10,000 whole turns, one after the other: threads and memory after a tenth of them and at the end."""
    texts = [case.question for case in read_cases("questions_heldout")] + [case.turns[-1] for case in intent_cases()]
    marks: list[tuple[int, int]] = []
    for n in range(TURNS):
        wired.assistant.answer(Message(texts[n % len(texts)], "C-10001" if n % 3 else None))
        if n + 1 in (TURNS // 10, TURNS):
            gc.collect()
            marks.append((threading.active_count(), _resident()))
    (threads, early), (later, late) = marks
    grown = (late - early) / 2**20
    return [
        Figure("threads after 1,000 and 10,000 turns", f"{threads} and {later}", "flat", "whole turns in process", later <= threads),
        Figure("memory after 1,000 and 10,000 turns", f"{early / 2**20:.0f} and {late / 2**20:.0f} MB", "flat", "resident", grown < 15),
    ]  # fmt: skip


def _resident() -> int:
    """Bytes that this process holds in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
