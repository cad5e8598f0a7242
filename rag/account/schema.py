"""The account database: tables for SQLite and PostgreSQL, and how an engine for them is opened."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Date,
    DateTime,
    Dialect,
    Engine,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    create_engine,
    event,
    inspect,
    text,
)
from sqlalchemy.engine import URL, make_url

from rag.account.book import OrderStatus, PrescriptionStatus, TransferStage
from rag.account.triggers import create_triggers

SCHEMA_LOCK = 7_301_001  # PostgreSQL advisory lock: two workers that start at once must not both create the tables
metadata = MetaData()


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An aware UTC time on both databases; SQLite keeps it without a zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        aware = value.astimezone(dt.UTC)
        return aware.replace(tzinfo=None) if dialect.name == "sqlite" else aware

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


def _one_of(column: str, words: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{word.value}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})")


def _version() -> Column[int]:
    return Column("version", Integer, nullable=False, server_default="1")


customers = Table(
    "customers",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("phone", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("state", String(2), nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("insurance", Text),
    Column("insurance_last4", String(4)),
    Column("plus_member", Boolean, nullable=False),
)

prescriptions = Table(
    "prescriptions",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("customer_id", ForeignKey("customers.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("drug_id", Text, nullable=False),
    Column("drug", Text, nullable=False),
    Column("strength", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("directions", Text, nullable=False),
    Column("days_supply", Integer, nullable=False),
    Column("refills_left", Integer, nullable=False),
    Column("written_on", Date, nullable=False),
    Column("expires_on", Date, nullable=False),
    Column("last_filled_on", Date),
    Column("next_refill_on", Date),
    Column("prescriber", Text, nullable=False),
    Column("status", String(20), nullable=False),
    Column("auto_refill", Boolean, nullable=False),
    _version(),
    _one_of("status", PrescriptionStatus),
)

orders = Table(
    "orders",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("customer_id", ForeignKey("customers.id", ondelete="CASCADE"), nullable=False),
    Column("placed_at", UtcDateTime, nullable=False),
    Column("status", String(20), nullable=False),
    Column("center", Text, nullable=False),
    Column("speed", String(20), nullable=False),
    Column("delivery_fee_cents", Integer, nullable=False),
    Column("address", Text, nullable=False),
    Column("promised_on", Date),
    Column("delivered_on", Date),
    Column("carrier", Text),
    Column("tracking", Text),
    Column("insurance", Text),
    Column("waiting_for", Text),
    _version(),
    _one_of("status", OrderStatus),
    Index("ix_orders_customer", "customer_id", "placed_at"),
)

order_lines = Table(
    "order_lines",
    metadata,
    Column("order_id", ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("prescription_id", String(40)),
    Column("drug_id", Text, nullable=False),
    Column("drug", Text, nullable=False),
    Column("strength", Text, nullable=False),
    Column("form", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("days_supply", Integer, nullable=False),
    Column("price_cents", Integer, nullable=False),
    Column("insured_cents", Integer, nullable=False),
)

order_events = Table(
    "order_events",
    metadata,
    Column("order_id", ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True),
    Column("event", Integer, primary_key=True),
    Column("status", String(20), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("note", Text, nullable=False, server_default=""),
    _one_of("status", OrderStatus),
)

transfers = Table(
    "transfers",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("customer_id", ForeignKey("customers.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("direction", String(3), nullable=False),
    Column("drug", Text, nullable=False),
    Column("other_pharmacy", Text, nullable=False),
    Column("stage", String(20), nullable=False),
    Column("requested_on", Date, nullable=False),
    Column("updated_on", Date, nullable=False),
    Column("expected_on", Date),
    Column("reason", Text),
    _version(),
    _one_of("stage", TransferStage),
    CheckConstraint("direction IN ('in', 'out')"),
)

stock = Table(
    "stock",
    metadata,
    Column("drug_id", String(80), primary_key=True),
    Column("strength", String(80), primary_key=True),
    Column("form", String(80), primary_key=True),
    Column("center", String(40), primary_key=True),
    Column("drug", Text, nullable=False),
    Column("units", Integer, nullable=False),
    Column("back_on", Date),
)

account_changes = Table(
    "account_changes",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(20), nullable=False),
    Column("id", String(40), nullable=False),
    Column("customer_id", String(40), nullable=False),
    sqlite_autoincrement=True,  # a number is never given twice, also after rows were deleted
)

account_meta = Table(  # where the data comes from: a business's own, or the demo of a certain day
    "account_meta",
    metadata,
    Column("key", String(40), primary_key=True),
    Column("value", Text, nullable=False),
)


def open_engine(url: str) -> Engine:
    """An engine for a SQLAlchemy URL, with safe settings; connects on first use only."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed)
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    return create_engine(
        parsed,
        pool_pre_ping=True,
        isolation_level="REPEATABLE READ",
        connect_args={"connect_timeout": 5},
    )


def _sqlite(url: URL) -> Engine:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": 10})

    @event.listens_for(engine, "connect")
    def settings(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # we send BEGIN ourselves, so that several SELECTs read one state
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def create_schema(engine: Engine) -> None:
    """Create what is missing: tables, indexes and the triggers that fill the change feed. Safe to repeat."""
    if engine.dialect.name == "sqlite" and inspect(engine).has_table("account_meta"):
        return  # created in one transaction: where one is, all are, and no lock is waited for
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        create_in(connection)


def create_in(connection: Connection) -> None:
    """The same inside a transaction that is open."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({SCHEMA_LOCK})"))
    metadata.create_all(connection)
    create_triggers(connection)
