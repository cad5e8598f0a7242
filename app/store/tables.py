"""The tables, as SQLAlchemy Core sees them. A change here needs a new file in migrations/versions."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)


class Utc(TypeDecorator[dt.datetime]):
    """An aware instant in UTC; SQLite keeps no time zone, so it is put back when read."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        return None if value is None else value.astimezone(dt.UTC)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


metadata = MetaData()

conversations = Table(
    "conversations",
    metadata,
    Column("id", String(22), primary_key=True),  # 128 random bits; for an anonymous visitor the id is the only key
    Column("customer_id", String(64), nullable=True),
    Column("created_at", Utc, nullable=False),
    Index("conversations_by_customer", "customer_id"),
)

messages = Table(
    "messages",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("conversation_id", String(22), ForeignKey("conversations.id"), nullable=False),
    Column("seq", Integer, nullable=False),  # 1, 2, 3 … within its conversation
    Column("role", String(16), nullable=False),  # "customer" or "assistant"
    Column("text", Text, nullable=False),
    Column("reply", JSON(none_as_null=True), nullable=True),
    Column("focus", JSON(none_as_null=True), nullable=True),
    Column("idempotency_key", String(200), nullable=True),
    Column("created_at", Utc, nullable=False),
    UniqueConstraint("conversation_id", "seq", name="messages_seq"),
    UniqueConstraint("conversation_id", "idempotency_key", name="messages_key"),
)

traces = Table(
    "traces",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("conversation_id", String(22), ForeignKey("conversations.id"), nullable=False),
    Column("message_id", String(64), ForeignKey("messages.id"), nullable=False, unique=True),
    Column("data", JSON, nullable=False),
    Column("created_at", Utc, nullable=False),
)

handovers = Table(
    "handovers",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("conversation_id", String(22), ForeignKey("conversations.id"), nullable=False),
    Column("message_id", String(64), ForeignKey("messages.id"), nullable=False),
    Column("reason", String(64), nullable=False),  # the policy's category
    Column("urgency", String(16), nullable=False),  # "urgent" or "soon"
    Column("department", String(32), nullable=False),  # "pharmacist" or "care"
    Column("created_at", Utc, nullable=False),
    Index("handovers_by_conversation", "conversation_id"),
)
