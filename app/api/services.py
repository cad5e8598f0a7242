"""What the routes work with: everything heavy, made once in the lifespan and handed on here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Annotated, ParamSpec, Protocol, TypeVar, cast

from fastapi import Depends, Request

from app.api.board import Board
from app.handover.canned import Canned
from app.handover.names import Names
from app.handover.shown import Shown
from app.learning.kit import LearningKit
from app.settings import Settings
from app.store.audit import AuditStore
from app.store.conversations import ConversationStore
from app.store.corrections import CorrectionStore
from app.store.database import Database
from app.store.desk import DeskStore
from app.store.drafts import DraftStore
from app.store.feedback import FeedbackStore
from app.store.handovers import HandoverStore
from app.store.people import PeopleStore
from app.store.suggestions import SuggestionStore
from app.tokens import Tokens
from rag.account.book import Account, AccountBook, AccountError
from rag.articles import Article
from rag.turn import Answer, Emit, Message, silent
from rails.handing import Handing
from rails.policy import Policy

if TYPE_CHECKING:
    from app.api.bells import Bells
    from app.api.limits import Limits
    from app.api.metrics import Metrics
    from app.api.turns import Turns


class Answering(Protocol):
    """The assistant as the API sees it: synchronous, thread-safe."""

    def answer(self, message: Message, emit: Emit = silent) -> Answer: ...


P = ParamSpec("P")
T = TypeVar("T")
Articles = Callable[[], Mapping[str, Article]]


def no_articles() -> Mapping[str, Article]:
    return {}


@dataclass(frozen=True)
class Services:
    settings: Settings
    assistant: Answering
    database: Database  # the one that every store here uses
    store: ConversationStore
    audit: AuditStore
    people: PeopleStore
    handovers: HandoverStore
    desk: DeskStore
    suggestions: SuggestionStore
    feedback: FeedbackStore
    corrections: CorrectionStore
    drafts: DraftStore
    learning: LearningKit
    policy: Callable[[], Policy]  # the policy in force
    canned: tuple[Canned, ...]
    names: Names
    mask: Callable[[str], str]  # takes out of a text what must not be stored
    book: AccountBook | None  # None: no accounts are connected, so there is no demo sign-in
    articles: Articles  # the articles that are served now, by id
    tokens: Tokens
    limits: Limits
    metrics: Metrics
    turns: Turns
    bells: Bells
    stopping: asyncio.Event  # set when the server is told to stop
    reads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(4, "pestle-read"))
    shown: Shown = field(default_factory=Shown)
    board: Board = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "board", Board(partial(self.read, self.desk.now)))

    @property
    def handing(self) -> Handing:
        """When a person is called, who answers when, and the wording."""
        return self.policy().handover

    def account(self, customer_id: str) -> Account | None:
        """A customer's account for staff; None where there is none, or while the book is away."""
        try:
            return self.book.account(customer_id) if self.book else None
        except AccountError:
            return None

    async def read(self, call: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """Runs a short look-up of the store or the account book in a thread of its own kind, beside the turns."""
        return await asyncio.get_running_loop().run_in_executor(self.reads, partial(call, *args, **named))


async def services(request: Request) -> Services:  # async: a plain function would cost a thread hop
    return cast(Services, request.app.state.services)


Served = Annotated[Services, Depends(services)]
