"""Where the parts are put together: the one place in which heavy things are loaded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.settings import Settings
from app.tuning.candidates import Candidates
from app.tuning.loading import Ground, Learnt, Shelf
from app.tuning.serving import Serving, ServingFile
from rag.account import open_book
from rag.account.answer import AccountAnswers
from rag.account.book import AccountBook
from rag.account.documents import AccountDocuments
from rag.account.drugs import DrugTable, read_drugs
from rag.account.follow import Follower
from rag.account.mentions import MentionReader
from rag.assistant import Assistant
from rag.compose.load_model import load_chat_model
from rag.encoder import Encoder
from rag.made_of import Parts
from rag.retrieve import Search, Weights
from rag.screen import EvidenceScreen
from rag.serving import ServingSearch
from rag.specialists.reader import Heads, Reader
from rag.specialists.rows import examples_digest
from rails.checks_denials import SameDenials
from rails.checks_names import NamesStand
from rails.checks_personal import NoPersonal
from rails.grounded import FILE as GROUNDED_FILE
from rails.grounded import Grounded
from rails.live import LiveMasker, LivePolicy, LiveRails
from rails.output import OutputRail
from rails.personal import Masker
from rails.policy import Policy

OWN_NAMES = ("Fernhollow",)  # what a sentence may always name


@dataclass(frozen=True)
class Wired:
    """An assistant with the parts that others use too.

    `learnt` is it with its candidates, taken from the `shelf`; `plain` is the search with nothing learnt.
    """

    assistant: Assistant
    search: Callable[[], Search]
    book: AccountBook
    documents: AccountDocuments
    encoder: Encoder
    learnt: Learnt
    shelf: Shelf
    plain: ServingSearch

    def follow(self) -> Follower:
        """Keep the order-status documents in step from now on, until the follower is closed."""
        return Follower(self.documents, self.book)

    def close(self) -> None:
        self.documents.close()
        self.shelf.give_back(self.learnt)
        self.plain().index.close()


def clock(settings: Settings) -> Callable[[], dt.datetime]:
    """The present moment, or noon of the fixed day that evaluation asks for."""
    if settings.today is None:
        return lambda: dt.datetime.now(dt.UTC)
    fixed = dt.datetime.combine(settings.today, dt.time(17), dt.UTC)
    return lambda: fixed


def load_encoder(settings: Settings, threads: int = 1) -> Encoder:
    """Raises EncoderError when it has not been exported yet."""
    return Encoder(settings.encoder or settings.home / "encoder", threads)


def load_reader(settings: Settings, threads: int = 1) -> Encoder:
    """The encoder with the trained adapter. Raises EncoderError when it has not been exported yet."""
    return Encoder(settings.reader or settings.home / "reader", threads)


def load_drugs(settings: Settings) -> DrugTable:
    return read_drugs(settings.knowledge / "drugs.yaml")


def drug_names(drugs: DrugTable) -> list[str]:
    """Generic and brand names, which a sentence may use only as its evidence does."""
    return sorted({name for drug in drugs for name in (drug.generic, *drug.brands)})


def output_rail(
    settings: Settings, policy: Policy, masker: Masker, drugs: DrugTable, search: Callable[[], Search]
) -> OutputRail:
    """The output rails of a policy; `search` knows the words of the articles that are answered from."""
    return OutputRail(
        policy.links,
        drugs=drug_names(drugs),
        grounded=Grounded.load(settings.knowledge / "trained" / GROUNDED_FILE),
        grounded_at=policy.output.grounded_at,
        more=(NoPersonal(masker), NamesStand(OWN_NAMES, lambda word: search().speller.knows(word)), SameDenials()),
    )


def build(
    settings: Settings,
    book: AccountBook | None = None,
    documents: Path | None = None,
    serving: Serving | None = None,
) -> Wired:
    """Everything an assistant needs, loaded. Raises the loaders' own errors, each with what to do next.

    `book` and the folder of its `documents` stand in for the ones that the settings name; `serving` names the candidates
    in it, None: those that serve now.
    """
    trained = settings.knowledge / "trained"
    serving = ServingFile(settings.serving_file).read() if serving is None else serving
    encoder, small = load_encoder(settings), load_reader(settings)
    drugs = load_drugs(settings)
    reader = Reader(Heads.load(trained), small, encoder, examples_digest(settings.knowledge))
    policy = LivePolicy(settings.policy)
    rails = LiveRails(policy, reader.bounds)
    masker = LiveMasker(policy)
    book = book or open_book(settings)
    embedded = AccountDocuments(documents or settings.home / "account-documents", encoder, drugs, settings.chroma_url)
    mentions = MentionReader(drugs)
    search = ServingSearch(
        settings.home / "knowledge",
        settings.knowledge,
        encoder,
        Weights.read(trained / "retrieval.json"),
        mentions.vocabulary(),
        settings.chroma_url,
    )

    def rail(of: Callable[[], Search]) -> OutputRail:
        return output_rail(settings, rails.policy, masker, drugs, of)

    parts = Parts(
        search=search,
        reader=reader,
        mentions=mentions,
        book=book,
        answers=AccountAnswers(book, drugs),
        documents=embedded,
        rails=rails,
        masker=masker,
        screen=EvidenceScreen(rails.policy, reader, encoder),
        rail=rail(search),
        clock=clock(settings),
        composer=load_chat_model(settings),
        longest=settings.max_message_chars,
    )
    ground = Ground(settings, parts, encoder, small, policy, rail)
    shelf = Shelf(ground, Candidates(settings.home))
    learnt = shelf.take(serving.learnt)
    made_of = learnt.assistant.made_of
    return Wired(learnt.assistant, made_of.search, book, embedded, encoder, learnt, shelf, search)
