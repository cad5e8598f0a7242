"""Asking the account part directly: an intent, a message and what was said before, without the rest of a turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from rag.account.answer import AccountAnswer, AccountAnswers
from rag.account.book import Account
from rag.account.business import Business
from rag.account.documents import order_document, prescription_document
from rag.account.generate import demo_drugs
from rag.account.memory import MemoryAccountBook
from rag.account.mentions import MentionReader, Mentions
from rag.account.resolve import Pointer, Resolved
from rag.encoder import Encoder, Vectors
from rag.turn import Focus
from tests import made


@cache
def mention_reader() -> MentionReader:
    return MentionReader(demo_drugs())


@dataclass(frozen=True)
class Desk:
    """A counter where customers of one business ask about their accounts on November 20, 2026."""

    business: Business
    encoder: Encoder
    book: MemoryAccountBook

    @classmethod
    def of(cls, business: Business, encoder: Encoder) -> Desk:
        return cls(business, encoder, MemoryAccountBook.of(business))

    def account(self, customer: str) -> Account:
        account = self.book.account(customer)
        assert account
        return account

    def mentions(self, text: str) -> Mentions:
        return mention_reader().read(text, made.TODAY)

    def pointer(self, text: str, account: Account, focus: Focus | None = None) -> Pointer:
        def vectors() -> dict[str, Vectors]:
            texts = {o.id: order_document(o, demo_drugs()) for o in account.orders}
            texts |= {p.id: prescription_document(p, demo_drugs()) for p in account.prescriptions}
            return dict(zip(texts, self.encoder.encode(list(texts.values())), strict=True)) if texts else {}

        return Pointer(self.mentions(text), self.encoder.encode([text.lower()])[0], focus or Focus(), made.NOW, vectors)

    def meant(self, which: Callable[..., Resolved], text: str, customer: str, focus: Focus | None = None) -> list[str]:
        account = self.account(customer)
        return [record.id for record in which(account, self.pointer(text, account, focus), demo_drugs()).records]

    def answer(self, intent: str, text: str, account: Account, focus: Focus | None = None) -> AccountAnswer:
        return AccountAnswers(self.book, demo_drugs()).answer(intent, account, self.pointer(text, account, focus))


def said(answer: AccountAnswer) -> str:
    return " ".join(sentence.text for sentence in answer.sentences)
