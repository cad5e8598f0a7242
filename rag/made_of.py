"""What an assistant is made of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rag.account.answer import AccountAnswers
from rag.account.book import AccountBook
from rag.account.documents import AccountDocuments
from rag.account.mentions import MentionReader
from rag.compose.draft import Composer
from rag.learning.seams import NO_REWRITES, Ranker, Rewrites
from rag.retrieve import Search
from rag.screen import EvidenceScreen
from rag.specialists.reader import Reader
from rails.live import LiveRails
from rails.output import OutputRail
from rails.personal import Masker


@dataclass(frozen=True)
class Parts:
    """All that a turn needs; `app.wiring` puts it together."""

    search: Callable[[], Search]  # the generation that serves now
    reader: Reader
    mentions: MentionReader
    book: AccountBook
    answers: AccountAnswers
    documents: AccountDocuments
    rails: LiveRails  # the input rails of the policy in force
    masker: Masker
    rail: OutputRail
    screen: EvidenceScreen
    clock: Callable[[], dt.datetime]
    composer: Composer | None = None
    longest: int = 4000
    rewrites: Rewrites = NO_REWRITES
    ranker: Ranker | None = None  # None: an answer is what the extractive composer chooses
    learnt: Mapping[str, str] = field(default_factory=dict)  # the candidate of each kind that serves, for the trace
