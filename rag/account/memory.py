"""The account book in memory: the fake of the contract tests, and what a small business of a few records needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from rag.account.book import Account, Change, Order, Prescription, StockLevel
from rag.account.business import Business


class MemoryAccountBook:
    """Holds accounts by customer and keeps a change feed like the database's triggers."""

    def __init__(self, accounts: Iterable[Account] = (), stock: Iterable[StockLevel] = ()) -> None:
        self._accounts: dict[str, Account] = {}
        self._stock = list(stock)
        self._changes: list[Change] = []
        for account in accounts:
            self._accounts[account.customer.id] = account
            for record in _records(account):
                self._note(record)

    @classmethod
    def of(cls, business: Business) -> MemoryAccountBook:
        accounts = {customer.id: Account(customer) for customer in business.customers}
        for order in business.orders:
            account = accounts[order.customer_id]
            accounts[order.customer_id] = replace(account, orders=(*account.orders, order))
        for prescription in business.prescriptions:
            account = accounts[prescription.customer_id]
            accounts[prescription.customer_id] = replace(account, prescriptions=(*account.prescriptions, prescription))
        for transfer in business.transfers:
            account = accounts[transfer.customer_id]
            accounts[transfer.customer_id] = replace(account, transfers=(*account.transfers, transfer))
        return cls(map(_sorted, accounts.values()), business.stock)

    def account(self, customer_id: str) -> Account | None:
        return self._accounts.get(customer_id)

    def stock(self, drug_id: str) -> list[StockLevel]:
        levels = [level for level in self._stock if level.drug_id == drug_id]
        return sorted(levels, key=lambda level: (level.form, level.strength, level.center))

    def changes(self, after: int, limit: int = 1000) -> list[Change]:
        return [change for change in self._changes if change.seq > after][:limit]

    def records(self, changes: list[Change]) -> list[Order | Prescription]:
        present: dict[tuple[str, str], Order | Prescription] = {}
        for account in self._accounts.values():
            present.update({("order", order.id): order for order in account.orders})
            present.update({("prescription", record.id): record for record in account.prescriptions})
        wanted = dict.fromkeys((change.kind, change.id) for change in changes)
        return [present[key] for key in wanted if key in present]

    def customer_ids(self, limit: int = 100) -> list[str]:
        return sorted(self._accounts)[:limit]

    def made_up(self) -> bool:
        return True

    def put(self, record: Order | Prescription) -> None:
        """Add a record of a known customer, or replace the one of that number and raise its version."""
        account = self._accounts[record.customer_id]
        old = next((r for r in _records(account) if r.id == record.id), None)
        if old and record.version == old.version:
            record = replace(record, version=old.version + 1)
        self._change(account, record.id, record)
        self._note(record)

    def remove(self, record: Order | Prescription) -> None:
        self._change(self._accounts[record.customer_id], record.id, None)
        self._note(record)

    def _change(self, account: Account, number: str, record: Order | Prescription | None) -> None:
        orders = [order for order in account.orders if order.id != number]
        prescriptions = [prescription for prescription in account.prescriptions if prescription.id != number]
        if isinstance(record, Order):
            orders.append(record)
        elif record:
            prescriptions.append(record)
        changed = replace(account, orders=tuple(orders), prescriptions=tuple(prescriptions))
        self._accounts[account.customer.id] = _sorted(changed)

    def _note(self, record: Order | Prescription) -> None:
        kind = "order" if isinstance(record, Order) else "prescription"
        self._changes.append(Change(len(self._changes) + 1, kind, record.id, record.customer_id))


def _records(account: Account) -> list[Order | Prescription]:
    return [*account.orders, *account.prescriptions]


def _sorted(account: Account) -> Account:
    return replace(
        account,
        orders=tuple(sorted(account.orders, key=lambda order: (order.placed_at, order.id), reverse=True)),
        prescriptions=tuple(sorted(account.prescriptions, key=lambda prescription: prescription.id)),
        transfers=tuple(sorted(account.transfers, key=lambda t: (t.requested_on, t.id), reverse=True)),
    )
