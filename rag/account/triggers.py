"""The change feed's triggers: whoever changes an order or a prescription, by any program, leaves a row in the feed.

A changed line or event raises its order's version, and the order's own trigger writes the change. On PostgreSQL the
feed is written when the transaction commits, one transaction at a time, so that numbers appear in the order of the
commits: a reader that has seen number 5 will never find a number 4 later. SQLite has one writer at a time anyway.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, text

RECORDS = {"orders": "order", "prescriptions": "prescription"}  # table: kind in the feed
PARTS = ("order_lines", "order_events")
FEED_LOCK = 7_301_002
OPERATIONS = ("INSERT", "UPDATE", "DELETE")


def create_triggers(connection: Connection) -> None:
    """Create the triggers that are missing."""
    statements = _sqlite if connection.dialect.name == "sqlite" else _postgresql
    present = set(connection.execute(text(_NAMES[connection.dialect.name])).scalars())
    for name, statement in statements():
        if name not in present:
            connection.exec_driver_sql(statement)


def drop_triggers(connection: Connection) -> None:
    """Silence the feed for a bulk load in the same transaction; `create_triggers` brings it back."""
    present = connection.execute(text(_NAMES[connection.dialect.name])).scalars().all()
    for name in present:
        on = f" ON {name.removeprefix('feed_').rsplit('_', 1)[0]}" if connection.dialect.name == "postgresql" else ""
        connection.exec_driver_sql(f"DROP TRIGGER {name}{on}")


_NAMES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'feed\\_%' ESCAPE '\\'",
    "postgresql": "SELECT tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
    "WHERE tgname LIKE 'feed\\_%' AND pg_table_is_visible(pg_class.oid)",
}


def _sqlite() -> Iterator[tuple[str, str]]:
    change = "INSERT INTO account_changes (kind, id, customer_id)"
    for table, kind in RECORDS.items():
        bodies = {
            "INSERT": f"{change} VALUES ('{kind}', NEW.id, NEW.customer_id);",
            "UPDATE": f"UPDATE {table} SET version = OLD.version + 1 WHERE id = NEW.id AND NEW.version = OLD.version; "
            f"{change} VALUES ('{kind}', NEW.id, NEW.customer_id); "
            f"{change} SELECT '{kind}', OLD.id, OLD.customer_id WHERE OLD.id <> NEW.id;",
            "DELETE": f"{change} VALUES ('{kind}', OLD.id, OLD.customer_id);",
        }
        yield from _on_each(table, bodies)
    for table in PARTS:
        bump = "UPDATE orders SET version = version + 1 WHERE id"
        yield from _on_each(
            table,
            {
                "INSERT": f"{bump} = NEW.order_id;",
                "UPDATE": f"{bump} IN (OLD.order_id, NEW.order_id);",
                "DELETE": f"{bump} = OLD.order_id;",
            },
        )


def _on_each(table: str, bodies: dict[str, str]) -> Iterator[tuple[str, str]]:
    for operation, body in bodies.items():
        name = f"feed_{table}_{operation.lower()}"
        yield name, f"CREATE TRIGGER {name} AFTER {operation} ON {table} FOR EACH ROW BEGIN {body} END"


def _postgresql() -> Iterator[tuple[str, str]]:
    for name, body in _FUNCTIONS.items():
        definition = f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$"
        yield f"{name}()", definition
    for table, kind in RECORDS.items():
        bump, write = f"feed_{table}_version", f"feed_{table}_change"
        yield bump, f"CREATE TRIGGER {bump} BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION account_version()"
        yield (
            write,
            (
                f"CREATE CONSTRAINT TRIGGER {write} AFTER INSERT OR UPDATE OR DELETE ON {table} "
                f"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION account_change('{kind}')"
            ),
        )
    for table in PARTS:
        name = f"feed_{table}_part"
        yield (
            name,
            (
                f"CREATE TRIGGER {name} AFTER INSERT OR UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION account_part()"
            ),
        )


_FUNCTIONS = {
    "account_version": """
        BEGIN
            IF NEW.version = OLD.version THEN NEW.version := OLD.version + 1; END IF;
            RETURN NEW;
        END""",
    "account_change": f"""
        BEGIN
            PERFORM pg_advisory_xact_lock({FEED_LOCK});
            IF TG_OP <> 'DELETE' THEN
                INSERT INTO account_changes (kind, id, customer_id) VALUES (TG_ARGV[0], NEW.id, NEW.customer_id);
            END IF;
            IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND OLD.id <> NEW.id) THEN
                INSERT INTO account_changes (kind, id, customer_id) VALUES (TG_ARGV[0], OLD.id, OLD.customer_id);
            END IF;
            RETURN NULL;
        END""",
    "account_part": """
        BEGIN
            IF TG_OP <> 'INSERT' THEN UPDATE orders SET version = version + 1 WHERE id = OLD.order_id; END IF;
            IF TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND NEW.order_id <> OLD.order_id) THEN
                UPDATE orders SET version = version + 1 WHERE id = NEW.order_id;
            END IF;
            RETURN NULL;
        END""",
}
