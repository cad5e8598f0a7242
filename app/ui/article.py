"""A help article: its Markdown as safe HTML, in a dialog over the chat or as a page of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from markdown_it import MarkdownIt
from markdown_it.token import Token

from app.ui.text import day, plain

# html=False escapes tags, and the parser itself refuses javascript: and data: links.
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


def _image(_renderer: object, tokens: Sequence[Token], at: int, _options: object, _env: object) -> str:
    return plain(tokens[at].content)  # the alternative text: a picture would be fetched from outside


_MARKDOWN.add_render_rule("image", _image)


def article_html(article: Mapping[str, Any], heading: bool = False) -> str:
    """The article's text; `heading` puts its title on top, where no dialog shows it already."""
    title = f"<h1>{plain(article.get('title', ''))}</h1>" if heading else ""
    about = [str(article.get("topic") or "").capitalize()]
    if article.get("updated"):
        about.append(f"Updated {day(article['updated'])}")
    meta = " · ".join(plain(part) for part in about if part)
    body = _MARKDOWN.render(str(article.get("body") or ""))
    return f'<article class="fh-article" dir="auto">{title}<p class="fh-meta">{meta}</p>{body}</article>'


def article_link(article_id: object) -> str:
    return f"?article={quote(str(article_id), safe='')}"


def related(article: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(id, title) of the articles that this one points at."""
    links = [link for link in article.get("links") or () if isinstance(link, Mapping)]
    return [(str(link["id"]), str(link.get("title") or link["id"])) for link in links if link.get("id")]


def related_html(article: Mapping[str, Any]) -> str:
    """The same as links, for the page of its own; empty when there are none."""
    links = "".join(
        f'<li><a href="{plain(article_link(article_id))}">{plain(title)}</a></li>'
        for article_id, title in related(article)
    )
    if not links:
        return ""
    return f'<nav class="fh-related" aria-label="Related articles"><h2>Related</h2><ul>{links}</ul></nav>'
