"""Text from customers, articles and accounts, made safe for the two ways Streamlit shows text."""

from __future__ import annotations

import datetime as dt
import html
import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2066-\u2069\u202a-\u202e]")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&^=\"'@/])")
_DIRECTIVE = re.compile(r":(?=\S)")
_PHONE = re.compile(r"(?<![\d-])(1-\d{3}-\d{3}-\d{4})(?![\d-])")
_URGENT = re.compile(r"(?<![\d-])(911|988)(?![\d-])")


def plain(text: object) -> str:
    """For st.html: shown exactly as typed. Control and direction-override characters become visible marks."""
    return html.escape(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(text)), quote=True)


def prose(text: object, urgent: bool = False) -> str:
    """Like `plain`, with the pharmacy's phone numbers (and 911, 988 where `urgent`) ready to dial."""
    safe = _PHONE.sub(r'<a href="tel:\1">\1</a>', plain(text))
    return _URGENT.sub(r'<a href="tel:\1">\1</a>', safe) if urgent else safe


def label(text: object, limit: int = 120) -> str:
    """For button labels and titles, which Streamlit reads as Markdown: nothing in it is markup any more."""
    line = " ".join(_CONTROL.sub(" ", str(text)).split())
    if len(line) > limit:
        line = line[: limit - 1].rstrip() + "…"
    # Streamlit finds :shortcodes: after unescaping, so a backslash is not enough: part the colon from its word.
    return _MARKDOWN.sub(r"\\\1", _DIRECTIVE.sub(":\N{ZERO WIDTH SPACE}", line))


def day(value: object) -> str:
    """ "2026-06-05" as "June 5, 2026"; anything else as it is."""
    try:
        date = dt.date.fromisoformat(str(value))
    except ValueError:
        return str(value)
    return f"{date:%B} {date.day}, {date.year}"
