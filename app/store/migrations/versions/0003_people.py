"""People in the loop: the life of a hand-over, notes, suggestions, feedback, corrections, drafts, audit, choices."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NEW = ("notes", "suggestions", "feedback", "signs", "corrections", "proposals", "drafts", "audit", "choices")
FORBID_SQLITE = """
CREATE TRIGGER audit_no_{verb} BEFORE {verb} ON audit BEGIN SELECT RAISE(ABORT, 'the audit record is append-only'); END
"""
FORBID_POSTGRES = (
    """
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit record is append-only'; END $$
""",
    """
CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()
""",
)


def upgrade() -> None:
    time, ids = sa.DateTime(timezone=True), sa.String(64)
    op.add_column("messages", sa.Column("author", ids, nullable=True))
    with op.batch_alter_table("handovers") as table:
        table.alter_column("message_id", existing_type=ids, nullable=True)
        table.add_column(sa.Column("state", sa.String(16), nullable=False, server_default="waiting"))
        table.add_column(sa.Column("open_for", sa.String(22), nullable=True))
        table.add_column(sa.Column("summary", sa.Text, nullable=False, server_default=""))
        table.add_column(sa.Column("facts", sa.JSON, nullable=False, server_default="[]"))
        table.add_column(sa.Column("note", sa.Text, nullable=False, server_default=""))
        for name in ("agent_id", "agent_name"):
            table.add_column(sa.Column(name, ids, nullable=True))
        for name in ("claimed_at", "seen_at", "answered_at", "ended_at"):
            table.add_column(sa.Column(name, time, nullable=True))
        table.add_column(sa.Column("code", sa.String(32), nullable=True))
        table.create_unique_constraint("handovers_open_once", ["open_for"])
    op.create_index("handovers_by_state", "handovers", ["state", "created_at"])
    # Of older calls of one conversation the most urgent, then the newest, stays open.
    op.execute("""
        UPDATE handovers SET open_for = conversation_id WHERE id IN (
            SELECT id FROM (
                SELECT id, row_number() OVER (
                    PARTITION BY conversation_id ORDER BY (urgency = 'urgent') DESC, created_at DESC, id
                ) AS place FROM handovers
            ) AS ranked WHERE place = 1
        )""")
    op.execute("UPDATE handovers SET state = 'returned', ended_at = created_at WHERE open_for IS NULL")

    def conversation() -> sa.Column[str]:
        return sa.Column("conversation_id", sa.String(22), sa.ForeignKey("conversations.id"), nullable=False)

    def message(primary: bool = False) -> sa.Column[str]:
        return sa.Column("message_id", ids, sa.ForeignKey("messages.id"), nullable=False, primary_key=primary)

    def must(name: str, kind: Any) -> sa.Column[Any]:
        return sa.Column(name, kind, nullable=False)

    op.create_table(
        "notes", sa.Column("id", ids, primary_key=True), conversation(), must("author_id", ids), must("text", sa.Text()),
        must("created_at", time),
    )  # fmt: skip
    op.create_index("notes_by_conversation", "notes", ["conversation_id"])
    op.create_table(
        "suggestions", sa.Column("id", ids, primary_key=True), conversation(), must("question", sa.Text()),
        must("text", sa.Text()), must("citations", sa.JSON()), must("evidence", sa.JSON()), must("versions", sa.JSON()),
        must("created_at", time),
    )  # fmt: skip
    op.create_index("suggestions_by_conversation", "suggestions", ["conversation_id"])
    op.create_table(
        "feedback", message(primary=True), conversation(), must("rating", sa.String(8)), must("reasons", sa.JSON()),
        must("comment", sa.Text()), must("earlier", sa.JSON()), must("versions", sa.JSON()), must("created_at", time),
        must("changed_at", time),
    )  # fmt: skip
    op.create_index("feedback_by_conversation", "feedback", ["conversation_id"])
    op.create_table(
        "signs", sa.Column("id", ids, primary_key=True), conversation(), message(), must("kind", sa.String(32)),
        must("data", sa.JSON()), must("created_at", time), sa.UniqueConstraint("message_id", "kind", name="signs_once"),
    )  # fmt: skip
    op.create_index("signs_by_conversation", "signs", ["conversation_id"])
    op.create_table(
        "corrections", sa.Column("id", ids, primary_key=True), conversation(), message(), must("kind", sa.String(32)),
        must("question", sa.Text()), must("context", sa.JSON()), must("evidence", sa.JSON()), must("rejected", sa.Text()),
        must("chosen", sa.Text()), must("agent_id", ids), must("versions", sa.JSON()), must("created_at", time),
        sa.UniqueConstraint("message_id", name="corrections_once"),
    )  # fmt: skip
    op.create_table(
        "proposals", sa.Column("id", ids, primary_key=True),
        sa.Column("correction_id", ids, sa.ForeignKey("corrections.id"), nullable=False), must("kind", sa.String(16)),
        must("data", sa.JSON()), must("state", sa.String(16)), sa.Column("decided_by", ids, nullable=True),
        sa.Column("decided_at", time, nullable=True), must("created_at", time),
        sa.UniqueConstraint("correction_id", "kind", name="proposals_once"),
    )  # fmt: skip
    op.create_table(
        "drafts", sa.Column("id", ids, primary_key=True), must("article_id", ids), sa.Column("base", ids, nullable=True),
        must("text", sa.Text()), must("question", sa.Text()), must("source", sa.JSON()), must("author_id", ids),
        must("state", sa.String(16)), must("created_at", time), must("changed_at", time),
    )  # fmt: skip
    op.create_table(
        "audit", sa.Column("id", sa.Integer, primary_key=True, autoincrement=True), must("at", time),
        must("actor_id", ids), must("role", sa.String(16)), must("action", ids),
        sa.Column("conversation_id", sa.String(22), nullable=True), sa.Column("customer_id", ids, nullable=True),
        must("detail", sa.JSON()),
    )  # fmt: skip
    op.create_index("audit_by_customer", "audit", ["customer_id", "at"])
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(FORBID_SQLITE.format(verb=verb))
    else:
        for statement in FORBID_POSTGRES:
            op.execute(statement)
    op.create_table(
        "choices", sa.Column("customer_id", ids, primary_key=True), must("no_training", sa.Boolean()), must("changed_at", time),
    )  # fmt: skip


def downgrade() -> None:
    for name in reversed(NEW):
        op.drop_table(name)
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION audit_is_append_only")
    op.drop_index("handovers_by_state", "handovers")
    op.execute("DELETE FROM handovers WHERE message_id IS NULL")
    with op.batch_alter_table("handovers") as table:
        table.drop_constraint("handovers_open_once", type_="unique")
        for name in (
            "state", "open_for", "summary", "facts", "note", "agent_id", "agent_name", "claimed_at", "seen_at", "answered_at",
            "ended_at", "code",
        ):  # fmt: skip
            table.drop_column(name)
        table.alter_column("message_id", existing_type=sa.String(64), nullable=False)
    op.drop_column("messages", "author")
