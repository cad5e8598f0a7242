"""A reply as HTML: sentences with their source marks, steps as a list, the emergency panel."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal
from urllib.parse import quote

from app.ui.text import plain, prose

Kind = Literal["sentence", "step", "bullet"]
_MARKS = re.compile(r"\s*\[\d{1,2}(?:\s*,\s*\d{1,2})*\]")
_STEP = re.compile(r"\s*(\d{1,2})[.)]\s+")
_BULLET = re.compile(r"\s*[-•*]\s+")
_STEP_END = re.compile(r"(?:^|\n)\s*\d{1,2}[.)]\s*$")
_BULLET_END = re.compile(r"(?:^|\n)\s*[-•*]\s*$")


@dataclass(frozen=True)
class Line:
    """A sentence on the page. `starts` a paragraph when the reply's text breaks the line before it."""

    text: str
    citations: tuple[int, ...]
    kind: Kind
    starts: bool


def reply_html(reply: Mapping[str, Any], mark: str, live: bool = False) -> str:
    """The whole text of a reply. `mark` names the reply on the page; `live` fades in the last sentence."""
    urgent = reply.get("outcome") == "emergency"
    sources = {c.get("n"): c for c in _dicts(reply.get("citations"))}
    lines = list(_lines_of(reply))
    body = "".join(_blocks(lines, sources, mark, urgent, live))
    if urgent:
        sign = '<div class="fh-urgent-mark" aria-hidden="true">!</div>'
        return f'<div class="fh-urgent" role="alert">{sign}<div>{body}</div></div>'
    return f'<div class="fh-answer" dir="auto">{body}</div>'


def waiting_html(text: str = "Looking that up") -> str:
    dots = '<span aria-hidden="true"><i></i><i></i><i></i></span>'
    return f'<div class="fh-wait" role="status">{plain(text)}{dots}</div>'


def question_html(text: str) -> str:
    """The customer's own words, exactly as typed."""
    return (
        '<div class="fh-question"><span class="fh-unseen">You asked: </span>'
        f'<div class="fh-bubble" dir="auto">{plain(text)}</div></div>'
    )


def said_html(message: Mapping[str, Any]) -> str:
    """What a person said in the conversation, or a line about what happened in it."""
    text = str(message.get("text") or "")
    if message.get("role") == "notice":
        return f'<div class="fh-happened" dir="auto">{prose(text)}</div>'
    name = str(message.get("author") or "").strip() or "Our team"
    return (
        f'<div class="fh-person"><span class="fh-face" aria-hidden="true">{plain(name[:1].upper())}</span>'
        f'<div><b>{plain(name)}</b><div class="fh-said" dir="auto">{prose(text)}</div></div></div>'
    )


def without_marks(text: str) -> str:
    """A reply's text as a person would write it."""
    return _MARKS.sub("", text)


def notice_html(text: str) -> str:
    return f'<div class="fh-notice" role="status">{prose(text)}</div>'


def _lines_of(reply: Mapping[str, Any]) -> Iterable[Line]:
    whole = _MARKS.sub("", str(reply.get("text") or ""))
    sentences = _dicts(reply.get("sentences")) or [{"text": part} for part in whole.split("\n") if part.strip()]
    at = 0
    for sentence in sentences:
        raw = _MARKS.sub("", str(sentence.get("text") or "")).strip()
        if not raw:
            continue
        found = whole.find(raw, at)
        gap = whole[at:found] if found >= 0 else ""
        at = found + len(raw) if found >= 0 else at
        kind: Kind = "sentence"
        if sentence.get("kind") == "step" or _STEP.match(raw) or _STEP_END.search(gap):
            kind, raw = "step", _STEP.sub("", raw, count=1) if _STEP.match(raw) else raw
        elif sentence.get("kind") == "bullet" or _BULLET.match(raw) or _BULLET_END.search(gap):
            kind, raw = "bullet", _BULLET.sub("", raw, count=1) if _BULLET.match(raw) else raw
        numbers = tuple(n for n in sentence.get("citations") or () if isinstance(n, int))
        yield Line(raw, numbers, kind, "\n" in gap)


def _blocks(
    lines: Sequence[Line], sources: Mapping[Any, Mapping[str, Any]], mark: str, urgent: bool, live: bool
) -> Iterable[str]:
    after = dict(zip(map(id, lines), lines[1:], strict=False))

    def inline(line: Line) -> str:
        # A source is marked where its run of sentences ends, not after each of them.
        following = after.get(id(line))
        ends = following.citations != line.citations or following.kind != line.kind if following else not live
        marks = "".join(_source_mark(n, sources.get(n), mark) for n in line.citations) if ends else ""
        new = ' class="fh-new"' if live and not following else ""
        return f"<span{new}>{prose(line.text, urgent)}{marks}</span>"

    for kind, group in groupby(lines, key=lambda line: line.kind):
        if kind != "sentence":
            tag = "ol" if kind == "step" else "ul"
            yield f"<{tag}>" + "".join(f"<li>{inline(line)}</li>" for line in group) + f"</{tag}>"
            continue
        paragraph: list[str] = []
        for line in group:
            if line.starts and paragraph:
                yield f"<p>{' '.join(paragraph)}</p>"
                paragraph = []
            paragraph.append(inline(line))
        yield f"<p>{' '.join(paragraph)}</p>"


def _source_mark(n: int, source: Mapping[str, Any] | None, mark: str) -> str:
    title = plain((source or {}).get("title", ""))
    if source is None or source.get("kind", "article") != "article":
        return f'<sup class="fh-mark" title="{title}">{n}</sup>'
    link = f"?article={quote(str(source.get('article_id', '')), safe='')}"
    named = f"Source {n}: {title}"
    return (
        f'<sup class="fh-mark"><a href="{link}" data-cite="{plain(mark)}-{n}" '
        f'title="{title}" aria-label="{named}">{n}</a></sup>'
    )


def chips_html(reply: Mapping[str, Any]) -> str:
    """The sources of a reply as links that open beside the page; empty when it has none."""
    chips = "".join(map(_chip, _dicts(reply.get("citations"))))
    return f'<p class="fh-chips">{chips}</p>' if chips else ""


def _chip(citation: Mapping[str, Any]) -> str:
    n, title = plain(citation.get("n", "")), plain(citation.get("title", ""))
    if citation.get("kind", "article") != "article":
        return f'<span class="fh-record"><b>{n}</b> {title}</span>'
    link = quote(str(citation.get("article_id", "")), safe="")
    return f'<a class="fh-record" href="/?article={link}" target="_blank"><b>{n}</b> {title}</a>'


def _dicts(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value or () if isinstance(item, Mapping)]
