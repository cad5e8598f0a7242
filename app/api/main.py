"""The HTTP API: `uvicorn --factory app.api.main:create_app`, or `create_app(settings)` with parts of one's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from app.api import audit, chat, demo, feedback, health, keys, knowledge, me, why
from app.api.documented import DocumentedAPI
from app.api.gate import Gate
from app.api.limits import ByAddress, Limits
from app.api.metrics import Metrics
from app.api.problems import install
from app.api.services import Answering, Articles, Services, no_articles
from app.api.stopping import on_stop_signal
from app.api.turns import Turns
from app.learning.signs import observe
from app.masking import masking
from app.retention import Retention
from app.settings import Settings
from app.store.audit import AuditStore
from app.store.conversations import ConversationStore
from app.store.corrections import CorrectionStore
from app.store.database import Database
from app.store.desk import DeskStore
from app.store.feedback import FeedbackStore
from app.store.handovers import HandoverStore
from app.store.migrate import migrate
from app.store.people import PeopleStore
from app.store.suggestions import SuggestionStore
from app.tokens import Tokens
from rag.account.book import AccountBook

CORS: dict[str, Any] = {
    "allow_methods": ["GET", "POST", "PUT", "DELETE"],
    "allow_headers": ["Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID"],
    "expose_headers": ["Location", "Retry-After"],
}


def create_app(
    settings: Settings | None = None,
    assistant: Answering | None = None,
    *,
    book: AccountBook | None = None,
    articles: Articles = no_articles,
) -> FastAPI:
    """The app. Without an assistant, the real one is loaded in the lifespan, with its account book and its articles.

    Starting raises `StoreError`, `TokenKeyError` or a loader's own error, each with a sentence on what to do.
    """
    settings = settings or Settings()
    metrics, limits = Metrics(), Limits(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        loop, stopping = asyncio.get_running_loop(), asyncio.Event()
        with ExitStack() as stack:
            migrate(settings.conversations_url)
            database = Database(settings.conversations_url)
            stack.callback(database.close)
            store = ConversationStore(database)
            people = PeopleStore(database)
            tokens = Tokens(settings)
            tokens.prepare()
            parts = (assistant, book, articles) if assistant else _load(settings, stack.callback)
            mask = masking(settings.policy)
            corrections, rated = CorrectionStore(database), FeedbackStore(database)
            handovers = HandoverStore(database, corrections)
            turns = Turns(parts[0], store, handovers, metrics, mask, partial(observe, store, rated))
            app.state.services = services = Services(
                settings=settings,
                assistant=parts[0],
                database=database,
                store=store,
                audit=AuditStore(database),
                people=people,
                handovers=handovers,
                desk=DeskStore(database),
                suggestions=SuggestionStore(database),
                feedback=rated,
                corrections=corrections,
                mask=mask,
                book=parts[1],
                articles=parts[2],
                tokens=tokens,
                limits=limits,
                metrics=metrics,
                turns=turns,
                stopping=stopping,
            )
            stack.callback(services.reads.shutdown)
            stack.callback(Retention(people, settings.retention_days).close)
            stack.enter_context(on_stop_signal(lambda: loop.call_soon_threadsafe(stopping.set)))
            yield
            stopping.set()
            await turns.close()

    # Nothing here reaches outside: the usual /docs page loads its scripts from there, and FastAPI's telemetry would use
    # whatever exporter some library in this process has set up.
    app = DocumentedAPI(
        title="Pestle",
        version=version("pestle"),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
        description="A customer assistant: ask, and be answered from evidence, or be handed to a person.",
    )
    app.state.metrics = metrics
    install(app)
    app.add_middleware(ByAddress, limits=limits)
    app.add_middleware(Gate)
    if settings.origins:  # else no page of another origin may call
        app.add_middleware(CORSMiddleware, allow_origins=settings.origins, **CORS)
    for part in (chat, why, feedback, me, knowledge, audit, demo, keys, health):
        app.include_router(part.router)
    return app


def _load(
    settings: Settings, at_end: Callable[[Callable[[], None]], object]
) -> tuple[Answering, AccountBook | None, Articles]:
    from app.wiring import build  # heavy: the encoder, the index and the rails

    wired = build(settings)
    at_end(wired.close)
    at_end(wired.follow().close)
    return wired.assistant, wired.book, lambda: wired.search().index.articles
