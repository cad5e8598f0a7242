"""`pestle handovers`: the conversations that a person must look at."""

from __future__ import annotations

import typer

from app.settings import Settings


def handovers() -> None:
    """List conversations that a person must look at, urgent ones first."""
    from app.store.conversations import ConversationStore
    from app.store.migrate import migrate

    settings = Settings()
    migrate(settings.conversations_url)
    store = ConversationStore(settings.conversations_url)
    try:
        for one in store.handovers():
            typer.echo(
                f"{one.created_at:%Y-%m-%d %H:%M} UTC  {one.urgency:7} {one.department:10} {one.reason:18} "
                f"conversation {one.conversation_id}  message {one.message_id}"
            )
    finally:
        store.close()
