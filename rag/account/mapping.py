"""The mapping of a business's own files to our fields, and how one value is read. See docs/accounts.md."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator

from rag.account.book import OrderStatus, PrescriptionStatus
from rails.strict_yaml import read_strict

NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,39}")
TRUE, FALSE = {"true", "yes", "y", "1", "t", "on"}, {"false", "no", "n", "0", "f", "off", ""}


class Section(BaseModel):
    """One kind of record: where it stands, which of their columns is which of our fields, their words for a status."""

    model_config = ConfigDict(extra="forbid")

    file: str | None = Field(None, description="File beside the one that is imported; left out: that file itself.")
    columns: dict[str, str] = Field(description="Our field: their column (for JSON also a path: ship.tracking).")
    line_columns: dict[str, str] = Field(default_factory=dict, description="The same for the lines of an order.")
    lines_in: str | None = Field(None, description="JSON only: the list that holds an order's lines.")
    statuses: dict[str, str] = Field(default_factory=dict, description="Their word for a status: ours.")
    defaults: dict[str, str | int | bool] = Field(default_factory=dict, description="Our field: value if empty.")


class Mapping(BaseModel):
    model_config = ConfigDict(extra="forbid")

    dates: str = Field("%Y-%m-%d", description="strptime format of dates.")
    times: str | None = Field(None, description="strptime format of times; left out: ISO 8601.")
    time_zone: str = Field("UTC", description="Zone of times that name none.")
    money: Literal["cents", "dollars"] = Field(description="Unit of amounts.")
    orders: Section | None = None
    prescriptions: Section | None = None
    customers: Section | None = None

    @field_validator("time_zone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (KeyError, ValueError) as error:
            raise ValueError(f"{name} is not a time zone such as America/New_York") from error
        return name

    def sections(self) -> dict[str, Section]:
        """In the order in which they must be stored."""
        named = {"customers": self.customers, "prescriptions": self.prescriptions, "orders": self.orders}
        return {kind: section for kind, section in named.items() if section}


Read = Callable[[str, "Mapping", Section], Any]  # the text of one value -> ours; raises ValueError


def text(value: str, _: Mapping, __: Section) -> str:
    return value


def number(value: str, _: Mapping, __: Section) -> str:
    """An id; it becomes part of addresses and sentences."""
    if not NUMBER.fullmatch(value):
        raise ValueError(f"{value!r} is no number of at most 40 letters, digits and . _ : -")
    return value


def state(value: str, _: Mapping, __: Section) -> str:
    if len(value) != 2:
        raise ValueError(f"{value!r} is not a state's two letters")
    return value.upper()


def last4(value: str, _: Mapping, __: Section) -> str:
    """Only the last four characters of a member number are ever stored."""
    return value[-4:]


def whole(value: str, _: Mapping, __: Section) -> int:
    if not value.isdecimal() or len(value) > 9:
        raise ValueError(f"{value!r} is not a whole number")
    return int(value)


def flag(value: str, _: Mapping, __: Section) -> bool:
    if value.lower() in TRUE:
        return True
    if value.lower() in FALSE:
        return False
    raise ValueError(f"{value!r} is neither yes nor no")


def money(value: str, mapping: Mapping, _: Section) -> int:
    """Cents."""
    try:
        amount = Decimal(value.replace("$", "").replace(",", "").strip())
        cents = amount * 100 if mapping.money == "dollars" else amount
        whole_cents = int(cents)
    except (InvalidOperation, ValueError, OverflowError):
        raise ValueError(f"{value!r} is not an amount in {mapping.money}") from None
    if whole_cents != cents or not 0 <= whole_cents < 1_000_000_000:
        raise ValueError(f"{value!r} is not a whole amount of cents")
    return whole_cents


def date(value: str, mapping: Mapping, _: Section) -> dt.date:
    try:
        return dt.datetime.strptime(value, mapping.dates).date()
    except ValueError:
        raise ValueError(f"{value!r} is not a date like {mapping.dates}") from None


def time(value: str, mapping: Mapping, _: Section) -> dt.datetime:
    """Aware, UTC."""
    try:
        found = dt.datetime.strptime(value, mapping.times) if mapping.times else dt.datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value!r} is not a time like {mapping.times or '2026-11-20T14:30:00Z'}") from None
    return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(mapping.time_zone))).astimezone(dt.UTC)


def _status(words: type[OrderStatus] | type[PrescriptionStatus]) -> Read:
    def read(value: str, _: Mapping, section: Section) -> str:
        mapped = section.statuses.get(value, value)
        if mapped not in list(words):
            raise ValueError(f"{value!r} is no status; map it under statuses to one of {', '.join(words)}")
        return str(mapped)

    return read


def _choice(*words: str) -> Read:
    def read(value: str, _: Mapping, __: Section) -> str:
        if value.lower() not in words:
            raise ValueError(f"{value!r} is none of {', '.join(words)}")
        return value.lower()

    return read


# Our fields: how a value is read, and whether a record can't do without it.
FIELDS: dict[str, dict[str, tuple[Read, bool]]] = {
    "customers": {
        "id": (number, True),
        "name": (text, True),
        "email": (text, False),
        "phone": (text, False),
        "address": (text, False),
        "state": (state, False),
        "time_zone": (text, False),
        "insurance": (text, False),
        "insurance_last4": (last4, False),
        "plus_member": (flag, False),
    },
    "prescriptions": {
        "id": (number, True),
        "customer_id": (number, True),
        "drug_id": (text, False),
        "drug": (text, True),
        "strength": (text, True),
        "form": (text, True),
        "directions": (text, True),
        "days_supply": (whole, True),
        "refills_left": (whole, True),
        "written_on": (date, True),
        "expires_on": (date, True),
        "last_filled_on": (date, False),
        "next_refill_on": (date, False),
        "prescriber": (text, True),
        "status": (_status(PrescriptionStatus), True),
        "auto_refill": (flag, False),
    },
    "orders": {
        "id": (number, True),
        "customer_id": (number, True),
        "placed_at": (time, True),
        "updated_at": (time, False),
        "status": (_status(OrderStatus), True),
        "center": (text, False),
        "speed": (_choice("standard", "expedited", "overnight"), False),
        "delivery_fee_cents": (money, False),
        "address": (text, False),
        "promised_on": (date, False),
        "delivered_on": (date, False),
        "carrier": (text, False),
        "tracking": (text, False),
        "insurance": (text, False),
        "waiting_for": (_choice("insurance", "prescriber", "payment", "stock", "customer"), False),
    },
    "lines": {
        "prescription_id": (number, False),
        "drug_id": (text, False),
        "drug": (text, True),
        "strength": (text, False),
        "form": (text, False),
        "quantity": (whole, True),
        "days_supply": (whole, False),
        "price_cents": (money, True),
        "insured_cents": (money, False),
    },
}
MAPPING = TypeAdapter(Mapping)


def read_mapping(path: Path) -> tuple[Mapping, list[str]]:
    """The mapping, and what is wrong with it beyond its shape. Raises `FileErrors` for the shape."""
    mapping = read_strict(path, MAPPING)
    wrong = [] if mapping.sections() else [f"{path}:1: name at least one of orders, prescriptions, customers"]
    for kind, section in mapping.sections().items():
        wrong += _unfit(f"{path}: {kind}", FIELDS[kind], section.columns, section.defaults)
        if kind == "orders":
            wrong += _unfit(f"{path}: {kind}.line_columns", FIELDS["lines"], section.line_columns, {})
        elif section.line_columns or section.lines_in:
            wrong.append(f"{path}: {kind}: only orders have lines")
    return mapping, wrong


def _unfit(
    where: str,
    fields: dict[str, tuple[Read, bool]],
    columns: dict[str, str],
    defaults: dict[str, Any],
) -> list[str]:
    unknown = [name for name in (*columns, *defaults) if name not in fields]
    missing = [name for name, (_, needed) in fields.items() if needed and name not in columns and name not in defaults]
    found = [f"{where}: {name} is no field of ours; ours are {', '.join(fields)}" for name in unknown]
    return found + [f"{where}: {name} has no column and no default" for name in missing]
