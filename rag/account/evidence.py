"""Evidence from the account: for each record its fact sheet, and every sentence that may be said of it.

The output rail holds a drafted sentence against these, so a sentence about one record can't pass with another's facts.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from rag.account import orders, prescriptions
from rag.account.book import Account, Order, Prescription, StockLevel, Transfer
from rag.account.facts import Sayer, account_facts, order_facts, prescription_facts, stock_facts, transfer_facts
from rag.compose.draft import Evidence

OF_ORDERS = (
    orders.status,
    orders.arrival,
    orders.track,
    orders.contents,
    orders.price,
    orders.destination,
    orders.origin,
)
OF_PRESCRIPTIONS = (
    prescriptions.refills,
    prescriptions.due,
    prescriptions.state,
    prescriptions.expiry,
    prescriptions.directions,
    prescriptions.prescriber,
    prescriptions.auto_refill,
)


def order_evidence(order: Order, sayer: Sayer) -> Evidence:
    said = [text for say in OF_ORDERS for text in say(order, sayer)]
    text = _lines(order_facts(order, sayer), *said, f"{orders.brief(order, sayer)}.")
    return Evidence(order.id, order.id, f"Your order {order.id}", f"?order={order.id}", text, "order")


def prescription_evidence(p: Prescription, sayer: Sayer) -> Evidence:
    said = [text for say in OF_PRESCRIPTIONS for text in say(p, sayer)]
    text = _lines(prescription_facts(p, sayer), *said, f"{prescriptions.brief(p, sayer)}.")
    return Evidence(p.id, p.id, f"Your prescription {p.id}", f"?prescription={p.id}", text, "prescription")


def transfer_evidence(t: Transfer, sayer: Sayer) -> Evidence:
    said = prescriptions.transfer(t, sayer)
    text = _lines(transfer_facts(t, sayer), *said, f"{prescriptions.transfer_brief(t, sayer)}.")
    return Evidence(t.id, t.id, f"Your transfer {t.id}", f"?transfer={t.id}", text, "transfer")


def stock_evidence(drug_id: str, name: str, levels: list[StockLevel], today: dt.date, said: Iterable[str]) -> Evidence:
    source = f"stock:{drug_id}"
    return Evidence(
        source, source, f"Stock of {name}", f"?stock={drug_id}", _lines(stock_facts(levels, today), *said), "stock"
    )


def account_evidence(account: Account, *said: str) -> Evidence:
    """What is on file, and counts of what there is."""
    return Evidence("account", "account", "Your account", "?account", _lines(account_facts(account), *said), "account")


def _lines(*texts: str) -> str:
    return "\n".join(dict.fromkeys(text for text in texts if text))
