"""What went wrong with a call to a chat model, read from any provider's exception without quoting it."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from langchain_core.exceptions import ContextOverflowError


@dataclass(frozen=True)
class Trouble:
    """`passing`: another try may help. `retry_after_s`: how long the server asked to wait."""

    reason: str
    passing: bool = False
    retry_after_s: float | None = None


def trouble_of(error: BaseException) -> Trouble:
    """Providers' clients share no base class: what they do share is a status code, or httpx below."""
    chain = list(_chain(error))
    for one in chain:
        if (status := _status(one)) is not None:
            return _by_status(status, _retry_after(one))
    if any(isinstance(one, TimeoutError | httpx.TimeoutException) or "Timeout" in type(one).__name__ for one in chain):
        return Trouble("timeout", passing=True)
    if any(isinstance(one, OSError | httpx.TransportError) or "Connection" in type(one).__name__ for one in chain):
        return Trouble("unreachable", passing=True)
    if any(isinstance(one, ContextOverflowError) for one in chain):
        return Trouble("rejected")
    return Trouble("failed")


def _by_status(status: int, retry_after_s: float | None) -> Trouble:
    if status == 429:
        return Trouble("rate_limited", True, retry_after_s)
    if status >= 500 or status in (408, 409, 425):
        return Trouble("unreachable", True, retry_after_s)
    return Trouble("rejected")


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    for _ in range(8):
        if seen is None:
            return
        yield seen
        seen = seen.__cause__ or seen.__context__


def _status(error: BaseException) -> int | None:
    response: Any = getattr(error, "response", None)
    aws = response.get("ResponseMetadata", {}).get("HTTPStatusCode") if isinstance(response, Mapping) else None
    for status in (getattr(error, "status_code", None), getattr(response, "status_code", None), aws):
        if isinstance(status, int) and status >= 400:
            return status
    return None


def _retry_after(error: BaseException) -> float | None:
    """Seconds or an HTTP date (RFC 9110, 10.2.3)."""
    headers: Any = getattr(getattr(error, "response", None), "headers", None)
    value = headers.get("retry-after") if headers is not None else None
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
