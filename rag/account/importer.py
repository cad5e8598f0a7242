"""Import a business's own customers, prescriptions and orders: all of them, or none and a list of what is wrong.

Records of the same number are replaced, others stay. Demo data is removed first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from rag.account import schema
from rag.account.book import AccountError
from rag.account.business import clear, writing
from rag.account.mapping import FIELDS, Mapping, Section, read_mapping
from rag.account.rows import Row, RowError, read_rows
from rag.account.sql import explain
from rag.account.triggers import create_triggers, drop_triggers
from rails.strict_yaml import FileErrors

BATCH = 500
BLANKS: dict[str, dict[str, Any]] = {  # what columns that must not be null hold where a business has nothing
    "customers": {"email": "", "phone": "", "address": "", "state": "", "plus_member": False},
    "prescriptions": {"auto_refill": False},
    "orders": {"center": "", "speed": "standard", "delivery_fee_cents": 0, "address": ""},
    "lines": {"strength": "", "form": "", "days_supply": 0, "insured_cents": 0},
}


class ImportErrors(FileErrors):
    """Nothing was imported; one line a mistake: `file:line: reason`."""


@dataclass(frozen=True)
class Imported:
    """How many records were stored."""

    customers: int
    prescriptions: int
    orders: int


@dataclass
class _Batch:
    """Everything read so far, by our table's columns."""

    customers: dict[str, dict[str, Any]] = field(default_factory=dict)
    prescriptions: dict[str, dict[str, Any]] = field(default_factory=dict)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    lines: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # by order
    owners: list[tuple[str, str]] = field(default_factory=list)  # `file:line`, customer id


def import_accounts(path: Path, mapping_path: Path, url: str) -> Imported:
    """Read `path` (and files that the mapping names beside it) and store it. Raises `ImportErrors`, `AccountError`."""
    try:
        mapping, mistakes = read_mapping(mapping_path)
    except FileErrors as error:
        raise ImportErrors(error.mistakes) from error
    if mistakes:
        raise ImportErrors(mistakes)
    batch = _Batch()
    for kind, section in mapping.sections().items():
        mistakes += _read(path.parent / section.file if section.file else path, kind, section, mapping, batch)
    if mistakes:
        raise ImportErrors(mistakes)
    return _store(batch, mapping, url)


def _read(path: Path, kind: str, section: Section, mapping: Mapping, batch: _Batch) -> list[str]:
    """Take the rows of one file into the batch; returns the mistakes."""
    mistakes: list[str] = []
    try:
        for row in read_rows(path):
            if row_mistakes := list(_take(row, f"{path}:{row.line}", kind, section, mapping, batch)):
                mistakes += [f"{path}:{row.line}: {said}" for said in row_mistakes]
    except RowError as error:
        mistakes.append(f"{path}:{error.line}: {error}")
    return mistakes


def _take(row: Row, where: str, kind: str, section: Section, mapping: Mapping, batch: _Batch) -> Iterator[str]:
    absent = [column for column in (*section.columns.values(), *section.line_columns.values()) if row.lacks(column)]
    if absent:
        yield f"the column {absent[0]!r} of the mapping is missing"
        return
    record, wrong = _record(row, kind, section.columns, section, mapping)
    yield from wrong
    lines = list(_lines(row, section, mapping)) if kind == "orders" else []
    for _, line_wrong in lines:
        yield from line_wrong
    number = record.get("id")
    if not number or wrong:
        return
    known: dict[str, dict[str, Any]] = getattr(batch, kind)
    if number in known and (kind != "orders" or section.lines_in):
        yield f"{number} stands in the file twice"
    elif number in known and known[number] != record:
        yield f"order {number} differs from its line above in more than the medicine"
    known[number] = record
    if kind == "orders":
        batch.lines.setdefault(number, []).extend(line for line, _ in lines)
    if kind != "customers":
        batch.owners.append((where, record["customer_id"]))


def _lines(row: Row, section: Section, mapping: Mapping) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """An order's lines: those of the list inside its object, or the row itself as one line."""
    if section.lines_in is None:
        yield _record(row, "lines", section.line_columns, section, mapping)
        return
    inside = row.values.get(section.lines_in)
    if not isinstance(inside, list) or not inside or not all(isinstance(line, dict) for line in inside):
        yield {}, [f"{section.lines_in} is not a list of lines"]
        return
    for line in inside:
        yield _record(Row(row.line, line), "lines", section.line_columns, section, mapping)


def _record(
    row: Row,
    kind: str,
    columns: dict[str, str],
    section: Section,
    mapping: Mapping,
) -> tuple[dict[str, Any], list[str]]:
    """Our record of a row, and what is wrong with it."""
    record: dict[str, Any] = dict.fromkeys(FIELDS[kind]) | BLANKS[kind]
    wrong: list[str] = []
    for name, (read, needed) in FIELDS[kind].items():
        value = row.text(columns[name]) if name in columns else ""
        if not value and kind != "lines" and name in section.defaults:
            value = str(section.defaults[name])
        if not value:
            wrong += [f"{columns.get(name, name)} ({name}) is empty"] if needed else []
            continue
        try:
            record[name] = read(value, mapping, section)
        except ValueError as error:
            wrong.append(f"{columns.get(name, 'default of ' + name)}: {error}")
    if "drug_id" in record and not record["drug_id"]:
        record["drug_id"] = re.sub(r"[^a-z0-9]+", "-", str(record["drug"]).lower()).strip("-")
    if kind == "customers" and not record["time_zone"]:
        record["time_zone"] = mapping.time_zone
    return record, wrong


def _store(batch: _Batch, mapping: Mapping, url: str) -> Imported:
    engine = schema.open_engine(url)
    try:
        with writing(engine) as connection, connection.begin():
            schema.create_in(connection)
            _end_demo(connection)
            _upsert(connection, schema.customers, list(batch.customers.values()))
            if unknown := _strangers(connection, batch):
                raise ImportErrors([f"{where}: there is no customer {of}; import them too" for where, of in unknown])
            _upsert(connection, schema.prescriptions, list(batch.prescriptions.values()))
            _store_orders(connection, batch)
    except SQLAlchemyError as error:
        raise AccountError(explain(error, engine.url.render_as_string(hide_password=True))) from error
    finally:
        engine.dispose()
    return Imported(len(batch.customers), len(batch.prescriptions), len(batch.orders))


def _end_demo(connection: Connection) -> None:
    meta = {str(key): str(value) for key, value in connection.execute(select(schema.account_meta))}
    if meta.get("origin") == "demo":
        drop_triggers(connection)
        gone = clear(connection)
        if gone:
            connection.execute(insert(schema.account_changes), gone)
        create_triggers(connection)
    if meta.get("origin") != "import":
        connection.execute(insert(schema.account_meta), [{"key": "origin", "value": "import"}])


def _strangers(connection: Connection, batch: _Batch) -> list[tuple[str, str]]:
    wanted = sorted({number for _, number in batch.owners})
    known = _present(connection, schema.customers, wanted)
    return [(where, number) for where, number in batch.owners if number not in known]


def _store_orders(connection: Connection, batch: _Batch) -> None:
    orders, lines, events = [], [], []
    for number, order in batch.orders.items():
        updated = order["updated_at"] or order["placed_at"]
        orders.append({name: value for name, value in order.items() if name != "updated_at"})
        lines += [{"order_id": number, "line": n, **line} for n, line in enumerate(batch.lines[number], 1)]
        happened = [("received", order["placed_at"])]
        if order["status"] != "received":
            happened.append((order["status"], updated))
        events += [{"order_id": number, "event": n, "status": s, "at": at} for n, (s, at) in enumerate(happened, 1)]
    _upsert(connection, schema.orders, orders)
    for table, rows in ((schema.order_lines, lines), (schema.order_events, events)):
        for start in range(0, len(orders), BATCH):
            ids = [order["id"] for order in orders[start : start + BATCH]]
            connection.execute(delete(table).where(table.c.order_id.in_(ids)))
        if rows:
            connection.execute(insert(table), rows)


def _upsert(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert new records and update those that are there, so that versions go on and nothing is cascaded away."""
    present = _present(connection, table, [row["id"] for row in rows])
    if new := [row for row in rows if row["id"] not in present]:
        connection.execute(insert(table), new)
    if old := [{f"new_{name}": value for name, value in row.items()} for row in rows if row["id"] in present]:
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in rows[0] if name != "id"}
        connection.execute(update(table).where(table.c.id == bindparam("new_id")).values(values), old)


def _present(connection: Connection, table: Table, ids: list[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(ids), BATCH):
        found.update(connection.execute(select(table.c.id).where(table.c.id.in_(ids[start : start + BATCH]))).scalars())
    return found
