"""All records of a generated business, and how they replace what a database holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select
from sqlalchemy.exc import SQLAlchemyError

from rag.account import schema
from rag.account.book import AccountError, Customer, Order, OrderLine, Prescription, StatusEvent, StockLevel, Transfer
from rag.account.sql import explain
from rag.account.triggers import create_triggers, drop_triggers

BATCH = 5_000
Progress = Callable[[int, int], None]  # rows done, rows in all


@dataclass(frozen=True)
class Business:
    """Everything that one pharmacy knows; customers by id, the rest by customer."""

    seed: int
    today: dt.date
    customers: tuple[Customer, ...]
    prescriptions: tuple[Prescription, ...]
    orders: tuple[Order, ...]
    transfers: tuple[Transfer, ...]
    stock: tuple[StockLevel, ...]


def write(business: Business, url: str, progress: Progress | None = None, meta: dict[str, str] | None = None) -> None:
    """Replace all account data of the database by this business, in one transaction. Raises `AccountError`.

    The change feed goes on: it gets one entry for each new record and one for each that is gone.
    """
    engine = schema.open_engine(url)
    try:
        with writing(engine) as connection, connection.begin():
            schema.create_in(connection)
            drop_triggers(connection)
            gone = clear(connection)
            new = _insert(connection, business, progress)
            feed = [change for change in gone if (change["kind"], change["id"]) not in new]
            feed += [{"kind": kind, "id": number, "customer_id": of} for (kind, number), of in new.items()]
            _execute(connection, schema.account_changes, feed)
            _execute(connection, schema.account_meta, [{"key": k, "value": v} for k, v in (meta or {}).items()])
            create_triggers(connection)
    except SQLAlchemyError as error:
        raise AccountError(explain(error, engine.url.render_as_string(hide_password=True))) from error
    finally:
        engine.dispose()


def writing(engine: Any) -> Connection:
    """A connection whose transaction may write."""
    options: dict[str, Any] = {"writes": True}
    if engine.dialect.name == "postgresql":
        options["isolation_level"] = "READ COMMITTED"
    connection: Connection = engine.connect().execution_options(**options)
    return connection


def clear(connection: Connection) -> list[dict[str, Any]]:
    """Delete all account data; returns the feed's entries for the records that are gone. Triggers must be off."""
    gone: list[dict[str, Any]] = []
    for kind, table in (("order", schema.orders), ("prescription", schema.prescriptions)):
        rows = connection.execute(select(table.c.id, table.c.customer_id).order_by(table.c.id))
        gone += [{"kind": kind, "id": number, "customer_id": of} for number, of in rows]
    for table in reversed(schema.metadata.sorted_tables):
        connection.execute(delete(table))
    return gone


def order_row(order: Order) -> dict[str, Any]:
    return {f.name: getattr(order, f.name) for f in fields(order) if f.name not in ("lines", "history")}


def line_rows(order_id: str, lines: Iterable[OrderLine]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        yield {"order_id": order_id, "line": number, **vars(line)}


def event_rows(order_id: str, history: Iterable[StatusEvent]) -> Iterator[dict[str, Any]]:
    for number, event in enumerate(history, 1):
        yield {"order_id": order_id, "event": number, **vars(event)}


def _insert(connection: Connection, business: Business, progress: Progress | None) -> dict[tuple[str, str], str]:
    """Insert everything; returns the owner of each order and prescription by kind and number."""
    parts: list[tuple[Table, list[dict[str, Any]]]] = [
        (schema.customers, [vars(customer) for customer in business.customers]),
        (schema.prescriptions, [vars(prescription) for prescription in business.prescriptions]),
        (schema.orders, [order_row(order) for order in business.orders]),
        (schema.order_lines, [row for order in business.orders for row in line_rows(order.id, order.lines)]),
        (schema.order_events, [row for order in business.orders for row in event_rows(order.id, order.history)]),
        (schema.transfers, [vars(transfer) for transfer in business.transfers]),
        (schema.stock, [asdict(level) for level in business.stock]),
    ]
    total, done = sum(len(rows) for _, rows in parts), 0
    for table, rows in parts:
        for start in range(0, len(rows), BATCH):
            part = rows[start : start + BATCH]
            _execute(connection, table, part)
            done += len(part)
            if progress:
                progress(done, total)
    new = {("order", order.id): order.customer_id for order in business.orders}
    return new | {("prescription", p.id): p.customer_id for p in business.prescriptions}


def _execute(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)
