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

from app.alarm import alarm_of
from app.api import (
    agent,
    audit,
    chat,
    demo,
    desk_drafts,
    desk_events,
    desk_reading,
    drafts,
    feedback,
    gaps,
    handover,
    health,
    keys,
    knowledge,
    me,
    quality,
    review,
    why,
)
from app.api.bells import DESK, Bells
from app.api.documented import DocumentedAPI
from app.api.gate import Gate
from app.api.limits import ByAddress, Limits
from app.api.metrics import Metrics
from app.api.problems import install
from app.api.services import Answering, Articles, Services, no_articles
from app.api.stopping import on_stop_signal
from app.api.turns import Turns, unobserved
from app.handover.away import Away
from app.handover.canned import read_canned
from app.handover.names import Names
from app.learning.kit import LearningKit
from app.learning.signs import observe
from app.learning.workshop import Workshop
from app.retention import Retention
from app.settings import Settings
from app.store.audit import AuditStore
from app.store.conversations import ConversationStore
from app.store.corrections import CorrectionStore
from app.store.database import Database
from app.store.desk import DeskStore
from app.store.drafts import DraftStore
from app.store.feedback import FeedbackStore
from app.store.handovers import HandoverStore
from app.store.migrate import migrate
from app.store.people import PeopleStore
from app.store.suggestions import SuggestionStore
from app.tokens import Tokens
from app.tuning.live import LiveAssistant
from app.tuning.lot import Lot
from app.tuning.serving import NOTHING, ServingFile
from rag.account.book import AccountBook
from rails.live import LiveMasker, LivePolicy

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
    workshop: Workshop | None = None,
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
            parts = (assistant, book, articles, workshop) if assistant else _load(settings, store, stack.callback)
            learning = LearningKit(settings, parts[3])
            policy = LivePolicy(settings.policy)
            masker = LiveMasker(policy)

            def mask(text: str) -> str:
                return masker.mask(text).text

            corrections, rated = CorrectionStore(database, learning.proposer), FeedbackStore(database)
            handovers = HandoverStore(database, corrections)
            desk = DeskStore(database)
            bells = Bells(loop, shared=database.engine.dialect.name != "sqlite")
            turns = Turns(
                parts[0],
                store,
                handovers,
                metrics,
                mask,
                partial(observe, store, rated, likeness=learning.likeness),
                bells.ring,
                alarm_of(policy, settings.max_message_chars),
                parts[0].shadow if isinstance(parts[0], LiveAssistant) else unobserved,
            )
            app.state.services = services = Services(
                settings=settings,
                assistant=parts[0],
                database=database,
                store=store,
                audit=AuditStore(database),
                people=people,
                handovers=handovers,
                desk=desk,
                suggestions=SuggestionStore(database),
                feedback=rated,
                corrections=corrections,
                drafts=DraftStore(database),
                learning=learning,
                policy=policy,
                canned=read_canned(settings.knowledge),
                names=Names(parts[1]),
                mask=mask,
                book=parts[1],
                articles=parts[2],
                tokens=tokens,
                limits=limits,
                metrics=metrics,
                turns=turns,
                bells=bells,
                stopping=stopping,
            )

            def stop() -> None:
                stopping.set()
                bells.ring_all()

            stack.callback(services.reads.shutdown)
            stack.callback(
                Away(
                    handovers, desk, lambda: policy().handover, settings.agent_away_s, lambda key: bells.ring(key, DESK)
                ).close
            )
            stack.callback(Retention(people, settings.retention_days, settings.home / "retention").close)
            stack.enter_context(on_stop_signal(lambda: loop.call_soon_threadsafe(stop)))
            yield
            stop()
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
    for part in (
        chat,
        handover,
        agent,
        desk_reading,
        desk_drafts,
        desk_events,
        why,
        feedback,
        me,
        knowledge,
        gaps,
        drafts,
        review,
        quality,
        audit,
        demo,
        keys,
        health,
    ):
        app.include_router(part.router)
    return app


def _load(
    settings: Settings, store: ConversationStore, at_end: Callable[[Callable[[], None]], object]
) -> tuple[Answering, AccountBook | None, Articles, Workshop | None]:
    from app.learning.live import LiveWorkshop  # heavy, as is what it needs: the encoder, the index and the rails
    from app.wiring import build

    wired = build(settings, serving=NOTHING)
    at_end(wired.close)
    live = LiveAssistant(wired.shelf, ServingFile(settings.serving_file), Lot.of(settings.home), store.note)
    at_end(live.close)
    at_end(wired.follow().close)
    return live, wired.book, lambda: wired.search().index.articles, LiveWorkshop(settings, wired)
