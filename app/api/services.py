"""What the routes work with: everything heavy, made once in the lifespan and handed on here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Protocol, cast

from fastapi import Depends, Request

from app.settings import Settings
from app.store.conversations import ConversationStore
from app.tokens import Tokens
from rag.account.book import AccountBook
from rag.articles import Article
from rag.turn import Answer, Emit, Message, silent

if TYPE_CHECKING:
    from app.api.metrics import Metrics
    from app.api.turns import Turns


class Answering(Protocol):
    """The assistant as the API sees it: synchronous, thread-safe."""

    def answer(self, message: Message, emit: Emit = silent) -> Answer: ...


Articles = Callable[[], Mapping[str, Article]]


def no_articles() -> Mapping[str, Article]:
    return {}


def nothing() -> None:
    pass


@dataclass(frozen=True)
class Parts:
    """What `app.wiring.build_assistant(settings)` makes: the assistant, and what it was made from."""

    assistant: Answering
    book: AccountBook | None = None  # None: no accounts are connected, so there is no demo sign-in
    articles: Articles = no_articles  # the articles that are served now, by id
    close: Callable[[], None] = nothing


@dataclass(frozen=True)
class Services:
    settings: Settings
    assistant: Answering
    store: ConversationStore
    book: AccountBook | None
    articles: Articles
    tokens: Tokens
    metrics: Metrics
    turns: Turns
    reads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(4, "pestle-read"))


def services(request: Request) -> Services:
    return cast(Services, request.app.state.services)


Served = Annotated[Services, Depends(services)]
