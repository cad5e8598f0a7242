"""Brings a database to this version's tables, at each start. Nothing but a look when it is there already."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from app.store.engine import WRITING, open_engine
from app.store.errors import StoreAway, store_errors

MIGRATIONS = Path(__file__).with_name("migrations")
ADVISORY_LOCK = 7_305_571_009  # any number of our own: two servers that start at once migrate one after the other


def head() -> str:
    """The newest revision, which is the number that the newest file in migrations/versions begins with."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def migrate(url: str) -> None:
    """Raises `StoreError` where the database can't be reached or was made by a newer Pestle."""
    engine = open_engine(url)
    try:
        with store_errors():
            with engine.connect() as connection:
                if _revision(connection) == head():
                    return
            with engine.connect().execution_options(**{WRITING: True}) as connection, connection.begin():
                if engine.dialect.name == "postgresql":
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
                _upgrade(connection)
    finally:
        engine.dispose()


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def _upgrade(connection: Connection) -> None:
    revision, newest = _revision(connection), head()
    if revision == newest:
        return
    if revision is not None and revision > newest:
        found = f"revision {revision}, this one knows {newest}"
        raise StoreAway(f"The database was made by a newer Pestle ({found}): update Pestle.")
    from alembic import command  # not needed at most starts, and not small
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
