"""Rows of CSV, JSON and JSON Lines files with the line on which each begins."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class RowError(ValueError):
    """A file, or a line of it, that can't be read."""

    def __init__(self, line: int, said: str) -> None:
        super().__init__(said)
        self.line = line


@dataclass(frozen=True)
class Row:
    line: int
    values: dict[str, Any]
    table: bool = False  # a row of CSV

    def text(self, column: str) -> str:
        """The value as text, "" where there is none. In JSON a path such as `ship.tracking` goes down into objects."""
        found: Any = self.values.get(column)
        if found is None and "." in column:
            found = self.values
            for part in column.split("."):
                found = found.get(part) if isinstance(found, dict) else None
        if found is None or isinstance(found, dict | list):
            return ""
        return str(found).strip()

    def lacks(self, column: str) -> bool:
        """A row of a table has every column; an object may leave out what is empty."""
        return self.table and column not in self.values


def read_rows(path: Path) -> Iterator[Row]:
    """By the file's ending: .csv, .json (a list of objects), .jsonl or .ndjson. Raises `RowError`."""
    ending = path.suffix.lower()
    try:
        content = path.read_text(encoding="utf-8-sig")  # a byte order mark comes with CSV from spreadsheets
    except (OSError, UnicodeDecodeError) as error:
        raise RowError(1, f"can't be read as UTF-8 text ({error})") from error
    if ending == ".csv":
        return _csv(content)
    if ending == ".json":
        return _json(content)
    if ending in (".jsonl", ".ndjson"):
        return _json_lines(content)
    raise RowError(1, f"files ending in {ending or 'nothing'} are not read; use .csv, .json or .jsonl")


def _csv(content: str) -> Iterator[Row]:
    reader = csv.DictReader(io.StringIO(content, newline=""), strict=True)
    begins = 2
    try:
        for values in reader:
            if None in values or any(value is None for value in values.values()):
                raise RowError(begins, f"has not the {len(reader.fieldnames or ())} columns of the first line")
            yield Row(begins, values, table=True)
            begins = reader.line_num + 1
    except csv.Error as error:
        raise RowError(reader.line_num, str(error)) from error


def _json_lines(content: str) -> Iterator[Row]:
    for number, line in enumerate(content.splitlines(), 1):
        if line.strip():
            try:
                yield Row(number, _object(json.loads(line), number))
            except json.JSONDecodeError as error:
                raise RowError(number, error.msg) from error


def _json(content: str) -> Iterator[Row]:
    decoder, at = json.JSONDecoder(), _skip(content, 0)
    if content[at : at + 1] != "[":
        raise RowError(1, "a .json file must hold a list of objects")
    at, line, counted = _skip(content, at + 1), 1, 0
    while content[at : at + 1] != "]":
        line, counted = line + content.count("\n", counted, at), at
        try:
            value, end = decoder.raw_decode(content, at)
        except json.JSONDecodeError as error:
            raise RowError(error.lineno, error.msg) from error
        yield Row(line, _object(value, line))
        at = _skip(content, end)
        if content[at : at + 1] == ",":
            at = _skip(content, at + 1)
        elif content[at : at + 1] != "]":
            raise RowError(line, "a comma or the end of the list is missing after this object")


def _skip(content: str, at: int) -> int:
    while at < len(content) and content[at] in " \t\r\n":
        at += 1
    return at


def _object(value: Any, line: int) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise RowError(line, "is not an object")
    return value
