"""Demo sign-in opens nothing but the demo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from app.api.main import create_app
from app.settings import Settings
from rag.account import schema
from rag.account.rest import RestAccountBook
from rag.account.sql import SqlAccountBook
from tests import made
from tests.fakes import BookInMemory, ScriptedAssistant

CALLS: tuple[tuple[str, str, Any], ...] = (
    ("GET", "/v1/demo/customers", None),
    ("POST", "/v1/demo/token", {"customer_id": "C-10001"}),
    ("POST", "/v1/demo/staff-token", {"role": "admin", "name": "Eve"}),
)


class Imported(BookInMemory):
    def made_up(self) -> bool:
        return False


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
@pytest.mark.parametrize("why", ["turned off", "a business's own accounts", "no accounts"])
def test_no_demo_where_real_customers_are(why: str, method: str, path: str, body: Any, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, demo=why != "turned off", _env_file=None)  # type: ignore[call-arg]
    book = {"turned off": BookInMemory("C-10001"), "no accounts": None}.get(why, Imported("C-10001"))
    with TestClient(create_app(settings, ScriptedAssistant(), book=book)) as client:
        assert client.request(method, path, json=body).status_code == 404


@pytest.mark.parametrize("role", ["agent", "pharmacist", "admin", "evaluator"])
def test_staff_signs_in_under_any_name(role: str, client: TestClient) -> None:
    told = client.post("/v1/demo/staff-token", json={"role": role, "name": " Sam <b>Field</b> "})
    signed_in = {"Authorization": f"Bearer {told.json()['token']}"}
    expected = 403 if role == "evaluator" else 200
    assert client.get("/v1/agent/queue", headers=signed_in).status_code == expected
    assert client.get("/v1/audit", headers=signed_in).status_code == (200 if role == "admin" else 403)


def test_one_name_in_two_roles_is_two_people(client: TestClient) -> None:
    key = client.post("/v1/conversations").json()["conversation_id"]
    called = client.post(f"/v1/conversations/{key}/handover", json={}).json()["handover_id"]
    agent, admin = (
        {
            "Authorization": f"Bearer {client.post('/v1/demo/staff-token', json={'role': role, 'name': 'Sam'}).json()['token']}"
        }
        for role in ("agent", "admin")
    )
    told = client.post(f"/v1/agent/handovers/{called}/claim", headers=agent).json()
    assert (told["agent_id"], told["agent_name"]) == ("Sam (agent)", "Sam")
    assert client.post(f"/v1/agent/handovers/{called}/reply", json={"text": "x"}, headers=admin).status_code == 409


@pytest.mark.parametrize(
    "wrong",
    [{}, {"role": "customer", "name": "x"}, {"role": "admin"}, {"role": "admin", "name": "  "},
     {"role": "admin", "name": "x" * 65}, {"role": "admin", "name": 7}, {"role": ["admin"], "name": "x"}],
)  # fmt: skip
def test_a_strange_sign_in(wrong: Any, client: TestClient) -> None:
    assert client.post("/v1/demo/staff-token", json=wrong).status_code == 422


def test_only_the_demos_own_database_is_made_up(tmp_path: Path) -> None:
    settings = made.home_in(tmp_path / "home")
    book = SqlAccountBook(settings.accounts)
    assert book.made_up()
    with schema.open_engine(settings.accounts).begin() as db:
        db.execute(update(schema.account_meta).where(schema.account_meta.c.key == "origin").values(value="import"))
    assert not book.made_up()
    book.close()
    empty = SqlAccountBook(f"sqlite:///{tmp_path / 'other.db'}")
    schema.create_schema(schema.open_engine(f"sqlite:///{tmp_path / 'other.db'}"))
    assert not empty.made_up(), "a database that doesn't say where it comes from is a business's own"
    empty.close()
    assert not RestAccountBook("http://127.0.0.1:9").made_up()
