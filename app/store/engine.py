"""One SQLAlchemy engine per database URL, set up so that what was committed survives a crash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url

from app.store.errors import StoreAway

WRITING = "pestle_writing"  # execution option: this transaction will write
BUSY_TIMEOUT_MS = 5_000


def open_engine(url: str) -> Engine:
    """An engine for SQLite (its folder is made) or PostgreSQL. Raises `StoreAway` where the URL makes no sense."""
    try:
        parsed = make_url(url)
    except Exception:
        raise StoreAway("PESTLE_DATABASE_URL is not a database URL; an example: sqlite:////var/lib/pestle.db") from None
    common: dict[str, Any] = {"json_serializer": _json, "json_deserializer": from_json, "hide_parameters": True}
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, common)
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername != "postgresql+psycopg":
        raise StoreAway(f"The store runs on sqlite or postgresql, not on {parsed.drivername}: set PESTLE_DATABASE_URL.")
    return create_engine(
        parsed,
        pool_size=16,
        max_overflow=8,
        pool_timeout=10,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 5},
        **common,
    )


def _sqlite(url: URL, common: dict[str, Any]) -> Engine:
    if not url.database or url.database == ":memory:":
        raise StoreAway("The store needs a file: give PESTLE_DATABASE_URL as sqlite:////path/to/pestle.db")
    try:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = f"The folder of {url.database} can't be made ({error.strerror})"
        raise StoreAway(f"{why}: make it, or change PESTLE_HOME.") from None
    engine = create_engine(url, pool_size=16, max_overflow=8, pool_timeout=10, **common)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, record: object) -> None:
    connection.isolation_level = None  # Python's own BEGIN comes too late for a write; ours is below
    for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later can be refused half-way; taking the lock first can only wait.
    writing = connection.get_execution_options().get(WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _json(value: Any) -> str:
    return to_json(value, fallback=_plain, inf_nan_mode="null").decode()


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)  # NumPy's scalars; whatever else a trace may hold
