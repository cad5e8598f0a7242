"""The REST account book fails closed: whatever is wrong with an answer, none of it is shown."""

from __future__ import annotations

import copy
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.settings import Settings
from rag.account import open_book
from rag.account.book import AccountError
from rag.account.memory import MemoryAccountBook
from rag.account.rest import RestAccountBook
from rag.account.sql import SqlAccountBook
from tests.contracts.account_service import KEY, account_service
from tests.served import served

DOCS = Path(__file__).resolve().parents[2] / "docs" / "accounts.md"
Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope="module")
def documented() -> dict[str, Any]:
    found = re.search(r"```json\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert found
    return dict(json.loads(found[1]))


@contextmanager
def answering(content: object, status: int = 200, delay: float = 0) -> Iterator[RestAccountBook]:
    """A book whose service gives this one answer to everything."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()

    def answer(_: Request) -> Response:
        time.sleep(delay)
        return Response(body, status, media_type="application/json")

    with served(Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])) as url:
        book = RestAccountBook(url, KEY, timeout=0.5 if delay else 20)
        yield book
        book.close()


def test_the_documented_account_is_read(documented: dict[str, Any]) -> None:
    with answering(documented) as book:
        account = book.account("C-10001")
    assert account is not None
    assert account.orders[0].lines[0].drug == "metformin"
    assert account.transfers[0].other_pharmacy.startswith("Lakeside")


CHANGES: dict[str, Change] = {
    "another customer": lambda a: a["customer"].update(id="C-10002"),
    "another's order": lambda a: a["orders"][0].update(customer_id="C-10002"),
    "another's prescription": lambda a: a["prescriptions"][0].update(customer_id="C-10002"),
    "another's transfer": lambda a: a["transfers"][0].update(customer_id="C-10002"),
    "unknown status": lambda a: a["orders"][0].update(status="lost"),
    "number as text": lambda a: a["orders"][0]["lines"][0].update(quantity="60"),
    "amount as fraction": lambda a: a["orders"][0].update(delivery_fee_cents=5.5),
    "yes for true": lambda a: a["customer"].update(plus_member="yes"),
    "a missing field": lambda a: a["prescriptions"][0].pop("refills_left"),
    "a time without zone": lambda a: a["orders"][0].update(placed_at="2026-11-18T14:39:00"),
    "an event without zone": lambda a: a["orders"][0]["history"][0].update(at="2026-11-18T14:39:00"),
    "a time of another zone": lambda a: a["orders"][0].update(placed_at="2026-11-18T14:39:00-05:00"),
    "a date with a time": lambda a: a["orders"][0].update(promised_on="2026-11-24T10:00:00"),
}


@pytest.mark.parametrize("wrong", CHANGES)
def test_a_wrong_account_is_refused_as_a_whole(documented: dict[str, Any], wrong: str) -> None:
    account = copy.deepcopy(documented)
    CHANGES[wrong](account)
    with answering(account) as book, pytest.raises(AccountError) as caught:
        book.account("C-10001")
    assert "Maria" not in str(caught.value)
    assert "C-1000" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 200),
        (b"<html>", 200),
        (b"null", 200),
        (b"[]", 200),
        ({}, 500),
        ({"error": "x"}, 401),
        (b"not found", 404),
        ({"detail": "Not Found"}, 404),
        ([], 404),
        (b"", 302),
        (b"", 204),
    ],
)
def test_an_answer_that_is_none(content: object, status: int) -> None:
    with answering(content, status) as book:
        looks = (lambda: book.account("C-10001"), lambda: book.stock("x"), lambda: book.changes(0), book.customer_ids)
        for look in looks:
            with pytest.raises(AccountError):
                look()


def test_slow_and_absent_services() -> None:
    with answering({}, delay=1.5) as book, pytest.raises(AccountError, match="in time"):
        book.account("C-10001")
    book = RestAccountBook("http://127.0.0.1:9", KEY, timeout=1)
    with pytest.raises(AccountError, match="PESTLE_ACCOUNTS_URL"):
        book.account("C-10001")


def test_a_feed_that_does_not_grow_is_refused() -> None:
    entry = {"seq": 4, "kind": "order", "id": "A", "customer_id": "C"}
    for entries in ([entry, entry], [entry | {"seq": 3}]):
        with answering({"changes": entries}) as book, pytest.raises(AccountError, match="grow"):
            book.changes(3)


def test_a_wrong_key_is_an_account_error() -> None:
    with served(account_service(MemoryAccountBook())) as url:
        with pytest.raises(AccountError, match="401"):
            RestAccountBook(url, "another").account("C-10001")
        assert RestAccountBook(url, KEY).account("C-10001") is None


def test_the_address_says_which_book(tmp_path: Path) -> None:
    def settings(url: str) -> Settings:
        return Settings(home=tmp_path, accounts_url=url, accounts_key=SecretStr("k"), _env_file=None)

    assert isinstance(open_book(settings("")), SqlAccountBook)
    assert isinstance(open_book(settings(f"sqlite:///{tmp_path}/x.db")), SqlAccountBook)
    assert isinstance(open_book(settings("https://orders.example/api")), RestAccountBook)
