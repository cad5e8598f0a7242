"""What cases may name: the articles and intents that there are, and the customers and records of the demo business."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from eval.account import CUSTOMERS
from rag.account.generate import generate
from rag.articles import read_articles
from rag.specialists.examples import read_intents

if TYPE_CHECKING:
    from eval.cases import Case


@cache
def owners(seed: int, today: dt.date) -> dict[str, str]:
    """The customer of each record, and of each customer himself."""
    business = generate(seed, today, CUSTOMERS)
    found = {customer.id: customer.id for customer in business.customers}
    found.update((order.id, order.customer_id) for order in business.orders)
    found.update((prescription.id, prescription.customer_id) for prescription in business.prescriptions)
    found.update((transfer.id, transfer.customer_id) for transfer in business.transfers)
    return found


@dataclass(frozen=True)
class Known:
    articles: frozenset[str]
    intents: frozenset[str]

    @classmethod
    def of(cls, knowledge: Path) -> Known:
        """Raises ArticleErrors or ExamplesError."""
        articles = frozenset(article.id for article in read_articles(knowledge / "articles"))
        return cls(articles, frozenset(read_intents(knowledge / "intents").routes))

    def faults(self, case: Case, seed: int, today: dt.date, alternating: bool = False) -> Iterator[str]:
        """What the case names and there is not."""
        if alternating and len(case.said) % 2 == 0:
            yield "a reading has an odd number of turns: customer and assistant alternate, the customer last"
        if case.intent and case.intent not in self.intents:
            yield f"there is no intent {case.intent!r}; see knowledge_base/intents"
        who = owners(seed, today)
        if case.customer and who.get(case.customer) != case.customer:
            yield f"there is no customer {case.customer!r} in the demo business of seed {seed}"
        for _, expect in case.expected:
            for article in (*expect.articles, *expect.all_articles):
                if article not in self.articles:
                    yield f"there is no article {article!r} (any more); see knowledge_base/articles"
            for record in expect.records:
                if record not in who:
                    yield f"there is no record {record!r} in the demo business of seed {seed}"
                elif case.customer and who[record] != case.customer:
                    yield f"{record} is not a record of {case.customer}"
