"""Order-status documents: one short text for each order and prescription, embedded into Chroma by its number.

A customer's documents are fetched by the ids that the verified customer owns, never by a filter: a filtered query over
everybody's documents is slower by far and one mistake away from showing another's. The facts of an answer always come
from the account book; a document only helps to find which order "the one for my sugar" is.
"""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from rag.account.book import Account, AccountBook, Change, Drug, Order, OrderStatus, Prescription
from rag.account.drugs import DrugTable
from rag.encoder import Encoder, Vectors
from rag.vectors import collection, open_chroma

STATUS_WORDS = {
    OrderStatus.RECEIVED: "just received",
    OrderStatus.IN_REVIEW: "in review by a pharmacist",
    OrderStatus.WAITING: "waiting",
    OrderStatus.PREPARING: "being prepared",
    OrderStatus.SHIPPED: "shipped, on its way",
    OrderStatus.OUT_FOR_DELIVERY: "out for delivery",
    OrderStatus.DELIVERED: "delivered",
    OrderStatus.CANCELLED: "cancelled",
    OrderStatus.RETURNED: "returned to us",
}
BATCH = 128


def describe_drug(drug: Drug | None, name: str, strength: str, form: str) -> str:
    words = [f"{name} {strength} {form}"]
    if drug:
        words += [", ".join(drug.brands[:3]), drug.drug_class, ", ".join((*drug.uses[:3], *drug.everyday_names[:3]))]
        if drug.refrigerated:
            words.append("needs a fridge, kept cold")
    return "; ".join(word for word in words if word)


def order_document(order: Order, drugs: DrugTable) -> str:
    lines = ". ".join(
        describe_drug(drugs.by_id.get(line.drug_id), line.drug, line.strength, line.form) for line in order.lines
    )
    waiting = f" for {order.waiting_for}" if order.waiting_for else ""
    return f"Order {order.id}, {STATUS_WORDS[order.status]}{waiting}. {lines}."


def prescription_document(prescription: Prescription, drugs: DrugTable) -> str:
    drug = drugs.by_id.get(prescription.drug_id)
    what = describe_drug(drug, prescription.drug, prescription.strength, prescription.form)
    return f"Prescription {prescription.id}, {prescription.status.value.replace('_', ' ')}. {what}."


class AccountDocuments:
    """The collection of order-status documents, and the watermark up to which it follows the change feed.

    One process owns an embedded collection (Chroma in process is not made for two); any other process that opens it
    finds `owned` False and encodes the few documents of its customer on the spot instead.
    """

    def __init__(self, folder: Path, encoder: Encoder, drugs: DrugTable, chroma_url: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._encoder, self._drugs = encoder, drugs
        self._watermark = folder / "watermark"
        self._lock: IO[str] = (folder / "owner.lock").open("w")
        self.owned = bool(chroma_url) or _taken(self._lock)
        if self.owned:
            self._client = open_chroma(folder / "chroma", chroma_url)
            self._store = collection(self._client, "account-documents", encoder)

    def close(self) -> None:
        if self.owned:
            self._client.close()
        self._lock.close()

    def text(self, record: Order | Prescription) -> str:
        if isinstance(record, Order):
            return order_document(record, self._drugs)
        return prescription_document(record, self._drugs)

    def sync(
        self,
        book: AccountBook,
        progress: Callable[[int, int], None] | None = None,
        limit: int = 500,
        stop: Callable[[], bool] = bool,
    ) -> int:
        """Follow the change feed once: embed what changed, drop what is gone. Returns the number of changes taken."""
        if not self.owned:
            return 0
        after, taken = self.watermark, 0
        while not stop() and (changes := book.changes(after, limit)):
            self._take(book, changes)
            after = changes[-1].seq
            self._remember(after)
            taken += len(changes)
            if progress:
                progress(taken, taken + (limit if len(changes) == limit else 0))
        return taken

    @property
    def watermark(self) -> int:
        with contextlib.suppress(FileNotFoundError, ValueError):
            return int(self._watermark.read_text())
        return 0

    def _remember(self, seq: int) -> None:
        beside = self._watermark.with_suffix(".new")
        beside.write_text(str(seq))
        beside.replace(self._watermark)

    def _take(self, book: AccountBook, changes: list[Change]) -> None:
        records = {record.id: record for record in book.records(changes)}
        gone = sorted({change.id for change in changes} - set(records))
        if gone:
            self._store._collection.delete(ids=gone)
        present = list(records.values())
        for start in range(0, len(present), BATCH):
            part = present[start : start + BATCH]
            texts = [self.text(record) for record in part]
            self._store._collection.upsert(
                ids=[record.id for record in part],
                embeddings=list(self._encoder.encode(texts)),
                documents=texts,
                metadatas=[{"customer_id": record.customer_id, "version": record.version} for record in part],
            )

    def vectors(self, account: Account) -> dict[str, Vectors]:
        """The vectors of this customer's orders and prescriptions, by number.

        A document that is missing, or is of an older version than the record, is encoded on the spot.
        """
        owned: tuple[Order | Prescription, ...] = (*account.orders, *account.prescriptions)
        records = {record.id: record for record in owned}
        found = dict(self._stored(records)) if self.owned and records else {}
        missing = [number for number in records if number not in found]
        if missing:
            encoded = self._encoder.encode([self.text(records[number]) for number in missing])
            found.update(zip(missing, encoded, strict=True))
        return found

    def _stored(self, records: dict[str, Order | Prescription]) -> Iterator[tuple[str, Vectors]]:
        got = self._store._collection.get(ids=list(records), include=["embeddings", "metadatas"])
        metadatas = got["metadatas"] or []
        embeddings: Sequence[Sequence[float]] = got["embeddings"] if got["embeddings"] is not None else []  # type: ignore[assignment]
        for number, meta, vector in zip(got["ids"], metadatas, embeddings, strict=True):
            record = records[number]
            if meta["customer_id"] == record.customer_id and meta["version"] == record.version:
                yield number, np.asarray(vector, dtype=np.float32)


def _taken(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
