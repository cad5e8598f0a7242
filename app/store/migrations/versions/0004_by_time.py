"""Messages and traces by time, for figures of a period."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("messages_by_time", "messages", ["created_at"])
    op.create_index("traces_by_time", "traces", ["created_at"])


def downgrade() -> None:
    op.drop_index("traces_by_time", "traces")
    op.drop_index("messages_by_time", "messages")
