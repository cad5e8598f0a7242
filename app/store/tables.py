"""The tables, as SQLAlchemy Core sees them. A change here needs a new file in migrations/versions."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import (
    JSON,
    Boolean,
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
    Column("role", String(16), nullable=False),  # "customer", "assistant", "agent" or "notice"
    Column("author", String(64), nullable=True),  # the name that the customer sees of an agent
    Column("text", Text, nullable=False),
    Column("reply", JSON(none_as_null=True), nullable=True),
    Column("focus", JSON(none_as_null=True), nullable=True),
    Column("idempotency_key", String(200), nullable=True),
    Column("created_at", Utc, nullable=False),
    UniqueConstraint("conversation_id", "seq", name="messages_seq"),
    UniqueConstraint("conversation_id", "idempotency_key", name="messages_key"),
    Index("messages_by_time", "created_at"),
)

traces = Table(
    "traces",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("conversation_id", String(22), ForeignKey("conversations.id"), nullable=False),
    Column("message_id", String(64), ForeignKey("messages.id"), nullable=False, unique=True),
    Column("data", JSON, nullable=False),
    Column("created_at", Utc, nullable=False),
    Index("traces_by_time", "created_at"),
)

handovers = Table(
    "handovers",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("conversation_id", String(22), ForeignKey("conversations.id"), nullable=False),
    Column(
        "message_id", String(64), ForeignKey("messages.id"), nullable=True
    ),  # the reply that called; None: the button
    Column("reason", String(64), nullable=False),  # the policy's category, or "button"
    Column("urgency", String(16), nullable=False),  # "urgent" or "soon"
    Column("department", String(32), nullable=False),  # "pharmacist", "care" or "billing"
    Column("created_at", Utc, nullable=False),
    Column("state", String(16), nullable=False),  # "waiting", "held", "resolved", "returned" or "cancelled"
    Column("open_for", String(22), nullable=True),  # the conversation while waiting or held, so that it is open once
    Column("summary", Text, nullable=False),
    Column("facts", JSON, nullable=False),  # the account facts involved
    Column("note", Text, nullable=False),  # what the customer left for the person
    Column("agent_id", String(64), nullable=True),
    Column("agent_name", String(64), nullable=True),
    Column("claimed_at", Utc, nullable=True),
    Column("seen_at", Utc, nullable=True),  # when the agent who holds it was last there
    Column("answered_at", Utc, nullable=True),  # the person's first words
    Column("ended_at", Utc, nullable=True),
    Column("code", String(32), nullable=True),  # how it was resolved
    UniqueConstraint("open_for", name="handovers_open_once"),
    Index("handovers_by_conversation", "conversation_id"),
    Index("handovers_by_state", "state", "created_at"),
)

notes = Table(
    "notes",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("conversation_id", String(22), ForeignKey("conversations.id"), nullable=False),
    Column("author_id", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("created_at", Utc, nullable=False),
    Index("notes_by_conversation", "conversation_id"),
)

suggestions = Table(  # replies that the assistant drafted for an agent
    "suggestions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("conversation_id", String(22), ForeignKey("conversations.id"), nullable=False),
    Column("question", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("citations", JSON, nullable=False),
    Column("evidence", JSON, nullable=False),  # [{"id", "title", "text"}]
    Column("versions", JSON, nullable=False),
    Column("created_at", Utc, nullable=False),
    Index("suggestions_by_conversation", "conversation_id"),
)

feedback = Table(
    "feedback",
    metadata,
    Column("message_id", String(64), ForeignKey("messages.id"), primary_key=True),
    Column("conversation_id", String(22), ForeignKey("conversations.id"), nullable=False),
    Column("rating", String(8), nullable=False),  # "up" or "down"
    Column("reasons", JSON, nullable=False),
    Column("comment", Text, nullable=False),
    Column("earlier", JSON, nullable=False),  # what it was before each change of mind
    Column("versions", JSON, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("changed_at", Utc, nullable=False),
    Index("feedback_by_conversation", "conversation_id"),
)

signs = Table(  # what customers did after an answer
    "signs",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("conversation_id", String(22), ForeignKey("conversations.id"), nullable=False),
    Column("message_id", String(64), ForeignKey("messages.id"), nullable=False),  # the assistant's message it is about
    Column("kind", String(32), nullable=False),  # "rephrased", "asked_person", "left", "took_suggestion", "thanked"
    Column("data", JSON, nullable=False),
    Column("created_at", Utc, nullable=False),
    UniqueConstraint("message_id", "kind", name="signs_once"),
    Index("signs_by_conversation", "conversation_id"),
)

corrections = Table(
    "corrections",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("conversation_id", String(22), ForeignKey("conversations.id"), nullable=False),
    Column("message_id", String(64), ForeignKey("messages.id"), nullable=False),  # the agent's message
    Column("kind", String(32), nullable=False),  # "edited" a suggestion, or "answered" after a failed answer
    Column("question", Text, nullable=False),
    Column("context", JSON, nullable=False),  # the turns before, [{"role", "text"}]
    Column("evidence", JSON, nullable=False),
    Column("rejected", Text, nullable=False),
    Column("chosen", Text, nullable=False),
    Column("agent_id", String(64), nullable=False),
    Column("versions", JSON, nullable=False),
    Column("created_at", Utc, nullable=False),
    UniqueConstraint("message_id", name="corrections_once"),
)

proposals = Table(  # what a correction could become, for a person to accept or reject
    "proposals",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("correction_id", String(64), ForeignKey("corrections.id"), nullable=False),
    Column("kind", String(16), nullable=False),  # "knowledge", "case" or "preference"
    Column("data", JSON, nullable=False),
    Column("state", String(16), nullable=False),  # "open", "accepted" or "rejected"
    Column("decided_by", String(64), nullable=True),
    Column("decided_at", Utc, nullable=True),
    Column("created_at", Utc, nullable=False),
    UniqueConstraint("correction_id", "kind", name="proposals_once"),
)

drafts = Table(  # articles in the making
    "drafts",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("article_id", String(64), nullable=False),
    Column("base", String(64), nullable=True),  # hash of the article that it changes; None: a new one
    Column("text", Text, nullable=False),
    Column("question", Text, nullable=False),  # what it is to answer
    Column("source", JSON, nullable=False),  # the gap or the proposal that it came from
    Column("author_id", String(64), nullable=False),
    Column("state", String(16), nullable=False),  # "open", "published" or "discarded"
    Column("created_at", Utc, nullable=False),
    Column("changed_at", Utc, nullable=False),
)

audit = Table(  # append-only: triggers refuse changes
    "audit",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Utc, nullable=False),
    Column("actor_id", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("action", String(64), nullable=False),
    Column("conversation_id", String(22), nullable=True),
    Column("customer_id", String(64), nullable=True),
    Column("detail", JSON, nullable=False),
    Index("audit_by_customer", "customer_id", "at"),
)

choices = Table(  # what customers decided about their data
    "choices",
    metadata,
    Column("customer_id", String(64), primary_key=True),
    Column("no_training", Boolean, nullable=False),
    Column("changed_at", Utc, nullable=False),
)
