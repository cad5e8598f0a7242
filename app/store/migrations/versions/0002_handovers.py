"""Conversations that a person must look at."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "handovers",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("conversation_id", sa.String(22), sa.ForeignKey("conversations.id"), nullable=False),
        sa.Column("message_id", sa.String(64), sa.ForeignKey("messages.id"), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("urgency", sa.String(16), nullable=False),
        sa.Column("department", sa.String(32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("handovers_by_conversation", "handovers", ["conversation_id"])


def downgrade() -> None:
    op.drop_table("handovers")
