"""Alembic runs this file; `app.store.migrate` hands it the connection, whose transaction is committed there."""

from __future__ import annotations

from alembic import context

from app.store.tables import metadata

if context.is_offline_mode():
    raise SystemExit("Pestle migrates a database that it is connected to: call app.store.migrate.migrate(url).")

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
