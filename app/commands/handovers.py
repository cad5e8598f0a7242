"""`pestle handovers`: the conversations that wait for a person, or are held by one."""

from __future__ import annotations

import typer

from app.settings import Settings


def handovers() -> None:
    """List conversations that a person must look at, urgent ones first."""
    from app.store.database import Database
    from app.store.desk import DeskStore
    from app.store.migrate import migrate

    settings = Settings()
    migrate(settings.conversations_url)
    database = Database(settings.conversations_url)
    try:
        for one in (queued.handover for queued in DeskStore(database).queue()):
            typer.echo(
                f"{one.created_at:%Y-%m-%d %H:%M} UTC  {one.urgency:7} {one.department:10} {one.reason:18} "
                f"{one.agent_name or 'waiting':16} conversation {one.conversation_id}"
            )
    finally:
        database.close()
