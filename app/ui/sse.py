"""Server-sent events out of bytes as they arrive (WHATWG HTML, 9.2 "Server-sent events")."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

EVENT_STREAM = "text/event-stream"


@dataclass(frozen=True)
class ServerEvent:
    name: str
    data: str


def server_events(chunks: Iterable[bytes]) -> Iterator[ServerEvent]:
    """Yields each complete event; an unfinished one at the end of the stream is dropped, as the standard says."""
    name, data = "", list[str]()
    for line in _lines(chunks):
        if not line:
            if data:
                yield ServerEvent(name or "message", "\n".join(data))
            name, data = "", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Lines ended by LF, CR or CRLF only: str.splitlines would also cut at U+2028, which JSON may contain."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="replace")
    rest = ""
    for chunk in chunks:
        rest += decoder.decode(chunk)
        held = "\r" if rest.endswith("\r") else ""  # its LF may come with the next chunk
        whole = rest.removesuffix("\r").replace("\r\n", "\n").replace("\r", "\n")
        *lines, rest = whole.split("\n")
        rest += held
        yield from lines
    if rest.endswith("\r"):
        yield rest[:-1]
