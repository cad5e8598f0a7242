"""The account book on a SQL database, SQLite or PostgreSQL. It only reads, one snapshot for a customer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, Table, bindparam, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NoSuchModuleError, ProgrammingError, SQLAlchemyError

from rag.account import schema
from rag.account.book import (
    Account,
    AccountError,
    Change,
    Customer,
    Order,
    OrderLine,
    OrderStatus,
    Prescription,
    PrescriptionStatus,
    StatusEvent,
    StockLevel,
    Transfer,
    TransferStage,
)

Record = TypeVar("Record")
BATCH = 500
LINES, EVENTS, ORDERS = schema.order_lines, schema.order_events, schema.orders


def _columns(table: Table, *left_out: str) -> list[Any]:
    return [column for column in table.columns if column.name not in left_out]


def _parts(table: Table, number: str) -> Select[Any]:
    """Lines or events of one customer's orders, by order and number."""
    of_customer = select(*_columns(table, number)).join(ORDERS, ORDERS.c.id == table.c.order_id)
    return of_customer.where(ORDERS.c.customer_id == bindparam("of")).order_by(table.c.order_id, table.c[number])


CUSTOMER = select(schema.customers).where(schema.customers.c.id == bindparam("of"))
CUSTOMER_ORDERS = (
    select(ORDERS)
    .where(ORDERS.c.customer_id == bindparam("of"))
    .order_by(ORDERS.c.placed_at.desc(), ORDERS.c.id.desc())
)
CUSTOMER_LINES, CUSTOMER_EVENTS = _parts(LINES, "line"), _parts(EVENTS, "event")
CUSTOMER_PRESCRIPTIONS = (
    select(schema.prescriptions)
    .where(schema.prescriptions.c.customer_id == bindparam("of"))
    .order_by(schema.prescriptions.c.id)
)
CUSTOMER_TRANSFERS = (
    select(schema.transfers)
    .where(schema.transfers.c.customer_id == bindparam("of"))
    .order_by(schema.transfers.c.requested_on.desc(), schema.transfers.c.id.desc())
)


class SqlAccountBook:
    """`url` is a SQLAlchemy URL; the tables are those of `rag.account.schema`. Connects on first use."""

    def __init__(self, url: str) -> None:
        try:
            self._engine = schema.open_engine(url)
        except (SQLAlchemyError, NoSuchModuleError, ModuleNotFoundError, OSError) as error:
            raise AccountError(
                "The account database can't be opened; set PESTLE_ACCOUNTS_URL to a sqlite:/// or postgresql:// URL."
            ) from error
        self._place = make_url(url).render_as_string(hide_password=True)

    def close(self) -> None:
        self._engine.dispose()

    def account(self, customer_id: str) -> Account | None:
        if "\0" in customer_id:  # PostgreSQL has no such text
            return None
        of = {"of": customer_id}
        with self._read() as connection:
            row = connection.execute(CUSTOMER, of).one_or_none()
            if row is None:
                return None
            return Account(
                customer=Customer(*row),
                orders=_orders(
                    connection.execute(CUSTOMER_ORDERS, of).all(),
                    connection.execute(CUSTOMER_LINES, of).all(),
                    connection.execute(CUSTOMER_EVENTS, of).all(),
                ),
                prescriptions=tuple(map(_prescription, connection.execute(CUSTOMER_PRESCRIPTIONS, of).all())),
                transfers=tuple(map(_transfer, connection.execute(CUSTOMER_TRANSFERS, of).all())),
            )

    def stock(self, drug_id: str) -> list[StockLevel]:
        t = schema.stock.c
        query = select(t.drug_id, t.drug, t.strength, t.form, t.center, t.units, t.back_on).where(t.drug_id == drug_id)
        with self._read() as connection:
            return [StockLevel(*row) for row in connection.execute(query.order_by(t.form, t.strength, t.center))]

    def changes(self, after: int, limit: int = 1000) -> list[Change]:
        t = schema.account_changes
        query = select(t.c.seq, t.c.kind, t.c.id, t.c.customer_id).where(t.c.seq > after).order_by(t.c.seq).limit(limit)
        with self._read() as connection:
            return [Change(*row) for row in connection.execute(query)]

    def records(self, changes: list[Change]) -> list[Order | Prescription]:
        ids = {kind: list(dict.fromkeys(c.id for c in changes if c.kind == kind)) for kind in ("order", "prescription")}
        with self._read() as connection:
            orders = _each(ids["order"], lambda part: _orders_by_id(connection, part))
            prescriptions = _each(ids["prescription"], lambda part: _prescriptions_by_id(connection, part))
        found: dict[tuple[str, str], Order | Prescription] = {("order", o.id): o for o in orders}
        found.update({("prescription", p.id): p for p in prescriptions})
        wanted = dict.fromkeys((change.kind, change.id) for change in changes)
        return [found[key] for key in wanted if key in found]

    def customer_ids(self, limit: int = 100) -> list[str]:
        query = select(schema.customers.c.id).order_by(schema.customers.c.id).limit(limit)
        with self._read() as connection:
            return list(connection.execute(query).scalars())

    def made_up(self) -> bool:
        meta = schema.account_meta.c
        with self._read() as connection:
            return bool(connection.execute(select(meta.value).where(meta.key == "origin")).scalar() == "demo")

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        """One read-only transaction; what the driver or a strange row raises becomes an `AccountError`."""
        try:
            with self._engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise AccountError(explain(error, self._place)) from error
        except (ValueError, TypeError) as error:
            said = f"The account database holds a value that can't be read ({error}); correct it there."
            raise AccountError(said) from error


def explain(error: SQLAlchemyError, place: str) -> str:
    """What happened and what to do, without the statement and its parameters: they may hold a customer's data."""
    said = str(error.orig) if isinstance(error, DBAPIError) else ""
    if "no such table" in said or (isinstance(error, ProgrammingError) and "does not exist" in said):
        return f"The account database {place} has no tables; run `pestle accounts import`, or start with the demo."
    if isinstance(error, IntegrityError | DataError):
        return f"The account database {place} refused a record; compare its numbers and lengths with docs/accounts.md."
    if "locked" in said:
        return f"The account database {place} is locked by another program; try again when that has finished."
    return f"The account database {place} can't be reached; check that it runs and that PESTLE_ACCOUNTS_URL is right."


def _orders(rows: Iterable[Any], lines: Iterable[Any], events: Iterable[Any]) -> tuple[Order, ...]:
    lines_of: dict[str, list[OrderLine]] = defaultdict(list)
    for order_id, *line in lines:
        lines_of[order_id].append(OrderLine(*line))
    history_of: dict[str, list[StatusEvent]] = defaultdict(list)
    for order_id, status, at, note in events:
        history_of[order_id].append(StatusEvent(OrderStatus(status), at, note))
    return tuple(
        Order(row[0], row[1], row[2], OrderStatus(row[3]), tuple(lines_of[row[0]]), tuple(history_of[row[0]]), *row[4:])
        for row in rows
    )


def _prescription(row: Any) -> Prescription:
    fields: list[Any] = [*row[:14], PrescriptionStatus(row[14]), *row[15:]]
    return Prescription(*fields)


def _transfer(row: Any) -> Transfer:
    fields: list[Any] = [*row[:5], TransferStage(row[5]), *row[6:]]
    return Transfer(*fields)


def _each(ids: Sequence[str], read: Callable[[Sequence[str]], Sequence[Record]]) -> list[Record]:
    return [record for start in range(0, len(ids), BATCH) for record in read(ids[start : start + BATCH])]


def _orders_by_id(connection: Connection, ids: Sequence[str]) -> Sequence[Order]:
    lines = select(*_columns(LINES, "line")).where(LINES.c.order_id.in_(ids)).order_by(LINES.c.order_id, LINES.c.line)
    events = select(*_columns(EVENTS, "event")).where(EVENTS.c.order_id.in_(ids))
    return _orders(
        connection.execute(select(ORDERS).where(ORDERS.c.id.in_(ids))),
        connection.execute(lines),
        connection.execute(events.order_by(EVENTS.c.order_id, EVENTS.c.event)),
    )


def _prescriptions_by_id(connection: Connection, ids: Sequence[str]) -> Sequence[Prescription]:
    query = select(schema.prescriptions).where(schema.prescriptions.c.id.in_(ids))
    return [_prescription(row) for row in connection.execute(query)]
