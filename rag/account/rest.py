"""The account book of a business's own system, over the small REST contract of docs/accounts.md.

Answers are validated strictly and fail closed: a record of another customer, an unknown status or a time without a
zone is refused as a whole, and nothing of it is shown.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import TypeAdapter, ValidationError

from rag.account.book import Account, AccountError, Change, Order, Prescription, StockLevel

Answer = TypeVar("Answer")
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
MAX_BYTES = 16 * 1024 * 1024
NEXT = "check PESTLE_ACCOUNTS_URL and PESTLE_ACCOUNTS_KEY, and that the service runs"


@dataclass(frozen=True)
class _Stock:
    stock: tuple[StockLevel, ...]


@dataclass(frozen=True)
class _Changes:
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class _Records:
    orders: tuple[Order, ...]
    prescriptions: tuple[Prescription, ...]


@dataclass(frozen=True)
class _Customers:
    customer_ids: tuple[str, ...]


ACCOUNT, STOCK, CHANGES = TypeAdapter(Account), TypeAdapter(_Stock), TypeAdapter(_Changes)
RECORDS, CUSTOMERS = TypeAdapter(_Records), TypeAdapter(_Customers)


class RestAccountBook:
    """`base_url` stands before /v1; `key` is sent as a bearer token; `timeout` in seconds is for a whole look-up."""

    def __init__(self, base_url: str, key: str | None = None, timeout: float = 3.0) -> None:
        self._client = httpx.Client(
            base_url=base_url.rstrip("/"),
            timeout=httpx.Timeout(timeout, connect=min(timeout, 2.0)),
            trust_env=False,
            headers={"Accept": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {}),
            limits=httpx.Limits(max_connections=20, max_keepalive_connections=10),
            follow_redirects=False,
            transport=httpx.HTTPTransport(retries=1),  # a connection that broke off is tried once more
        )

    def close(self) -> None:
        self._client.close()

    def account(self, customer_id: str) -> Account | None:
        if not ID.fullmatch(customer_id):
            return None
        response = self._send("GET", f"/v1/customers/{quote(customer_id, safe='')}/account")
        if response.status_code == 404 and _says_unknown(response):
            return None
        account = self._read(response, ACCOUNT)
        owners = {account.customer.id, *(order.customer_id for order in account.orders)}
        owners |= {record.customer_id for record in account.prescriptions}
        owners |= {transfer.customer_id for transfer in account.transfers}
        if owners != {customer_id}:
            raise AccountError("The account service sent another customer's record; it was not used. Correct it there.")
        for order in account.orders:
            _zoned(order)
        return account

    def stock(self, drug_id: str) -> list[StockLevel]:
        if not ID.fullmatch(drug_id):
            return []
        levels = self._read(self._send("GET", f"/v1/stock/{quote(drug_id, safe='')}"), STOCK).stock
        return [level for level in levels if level.drug_id == drug_id]

    def changes(self, after: int, limit: int = 1000) -> list[Change]:
        response = self._send("GET", "/v1/changes", params={"after": after, "limit": limit})
        changes = list(self._read(response, CHANGES).changes)
        numbers = [after, *(change.seq for change in changes)]
        if any(later <= earlier for earlier, later in pairwise(numbers)):
            raise AccountError("The account service's change feed does not grow; seq must rise from entry to entry.")
        return changes

    def records(self, changes: list[Change]) -> list[Order | Prescription]:
        wanted = dict.fromkeys((change.kind, change.id) for change in changes)
        if not wanted:
            return []
        asked = [{"kind": kind, "id": number} for kind, number in wanted]
        found = self._read(self._send("POST", "/v1/records", json={"records": asked}), RECORDS)
        present: dict[tuple[str, str], Order | Prescription] = {("order", o.id): _zoned(o) for o in found.orders}
        present.update({("prescription", p.id): p for p in found.prescriptions})
        return [present[key] for key in wanted if key in present]

    def customer_ids(self, limit: int = 100) -> list[str]:
        return list(self._read(self._send("GET", "/v1/customers", params={"limit": limit}), CUSTOMERS).customer_ids)

    def made_up(self) -> bool:
        return False

    def _send(self, method: str, path: str, **rest: Any) -> httpx.Response:
        try:
            return self._client.request(method, path, **rest)
        except httpx.TimeoutException as error:
            raise AccountError(f"The account service did not answer in time; {NEXT}.") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise AccountError(f"The account service can't be reached; {NEXT}.") from error

    def _read(self, response: httpx.Response, kind: TypeAdapter[Answer]) -> Answer:
        if response.status_code != 200:
            raise AccountError(f"The account service answered with status {response.status_code}; {NEXT}.")
        if len(response.content) > MAX_BYTES:
            raise AccountError("The account service's answer is too long; ask it for fewer records.")
        try:
            return kind.validate_json(response.content, strict=True)
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors()[0]["loc"])
            said = f"The account service's answer does not follow docs/accounts.md at {where or 'its start'}."
            raise AccountError(f"{said} Correct it there.") from None  # the error itself holds the customer's data


def _says_unknown(response: httpx.Response) -> bool:
    """A 404 of the contract, not one of a wrong address."""
    try:
        return bool(response.json().get("error") == "unknown_customer")
    except (ValueError, AttributeError):
        return False


def _zoned(order: Order) -> Order:
    times = (order.placed_at, *(event.at for event in order.history))
    if any(at.tzinfo is None or at.utcoffset() != dt.timedelta(0) for at in times):
        raise AccountError("The account service sent a time that is not UTC; times must end in Z.")
    return order
