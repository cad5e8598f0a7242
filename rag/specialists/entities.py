"""Entities of a message without a large model: numbers of records, medicines, strengths, days, sums, contacts, cards.

Each type has a finder of its own in `entities_*.py`; where two finds overlap, the more specific type stands.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from rag.account.drugs import DrugTable
from rag.specialists.entities_amounts import money, quantities, strengths
from rag.specialists.entities_contacts import emails, insurance, phones
from rag.specialists.entities_dates import dates
from rag.specialists.entities_drugs import DrugFinder
from rag.specialists.entities_found import Found, Message, settled
from rag.specialists.entities_numbers import parcels, records

RECORDS = frozenset(("order", "prescription", "transfer", "tracking"))


@dataclass(frozen=True)
class Entity:
    """Something that a message names. `value` is `text[start:end]`.

    `canonical` is its one spelling: "FH-1234567" for an order (RX- and TR- likewise), a parcel's number in capitals
    without spaces, a medicine's id, "10 mg", an ISO date or two with "/" between, "12.50" dollars, "30 tablet" or
    "90 day" (of supply), an address in lower case, a phone number as +1 and ten digits, an insurance number in
    capitals. A bare number that fits nothing is of type "number".
    """

    type: str
    value: str
    start: int
    end: int
    canonical: str
    own: bool | None = None  # for records: whether it is among the customer's own; None: those were not given
    note: str = ""  # "wrong length", "misspelt", "everyday name", "no such number", or which insurance number it is


class EntityReader:
    """Finds entities. Built once over the table of medicines; thread-safe."""

    def __init__(self, drugs: DrugTable) -> None:
        self._drugs = DrugFinder(drugs)
        every = [strength for drug in drugs for strength in drug.strengths]
        self._pairs = {s.removesuffix(" mg"): s for s in every if re.fullmatch(r"[\d./]+/[\d./]+ mg|[\d.]+%", s)}

    def read(self, text: str, today: dt.date, own: Collection[str] = ()) -> list[Entity]:
        """The entities of a text, in its order and without overlaps. Never raises.

        `own` holds the customer's own numbers ("FH-1234567", "1Z…"); with it, a bare number that is one of them is read
        as that record.
        """
        mine = {_compact(number): number for number in own}
        by_digits = {re.sub(r"\D", "", number) if number[:3].upper() in ("FH-", "RX-", "TR-") else compact: number
                     for compact, number in mine.items()}  # fmt: skip
        found = settled(self._found(Message.of(text), today, by_digits), len(text))
        return [_entity(text, one, mine) for one in found]

    def _found(self, message: Message, today: dt.date, own: dict[str, str]) -> Iterator[Found]:
        yield from self._drugs.find(message.text)
        yield from strengths(message, self._pairs)
        yield from dates(message, today)
        yield from money(message)
        yield from quantities(message)
        yield from emails(message)
        yield from insurance(message)
        if message.digits >= 3:
            yield from records(message, own)
        if message.digits >= 10:
            yield from parcels(message)
            yield from phones(message)


def _entity(text: str, one: Found, mine: dict[str, str]) -> Entity:
    kind = "strength" if one.type == "bare_strength" else one.type
    own = _compact(one.canonical) in mine if mine and kind in RECORDS else None
    return Entity(kind, text[one.start : one.end], one.start, one.end, one.canonical, own, one.note)


def _compact(number: str) -> str:
    return re.sub(r"[\s-]", "", number).upper()
