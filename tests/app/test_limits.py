"""Rate limits by person and by address, and who may call from another origin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from app.api.limits import EXEMPT, URGENT, Bucket, counted
from app.api.main import create_app
from app.settings import Settings
from app.tokens import mint
from tests.fakes import BookInMemory, ScriptedAssistant
from tests.served import served


class Clock:
    now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Any]:
    def make(**settings: Any) -> Any:
        return create_app(
            Settings(home=tmp_path / "home", _env_file=None, **settings), ScriptedAssistant(), book=BookInMemory("C-1")
        )

    return make


@contextmanager
def opened(app: Any, address: str = "203.0.113.7") -> Iterator[TestClient]:
    with TestClient(app, client=(address, 50_000)) as client:
        yield client


def test_a_minutes_worth_at_once_and_then_evenly() -> None:
    clock = Clock()
    bucket = Bucket(60, clock)
    assert [bucket.wait("a") for _ in range(60)] == [0.0] * 60
    assert bucket.wait("a") == pytest.approx(1.0)
    assert bucket.wait("b") == 0.0
    clock.now += 0.4
    assert bucket.wait("a") == pytest.approx(0.6)
    clock.now += 0.7
    assert bucket.wait("a") == 0.0
    assert bucket.wait("a") > 0
    clock.now += 3600
    assert [bucket.wait("a") for _ in range(60)] == [0.0] * 60, "a quiet hour is worth no more than a minute"
    assert bucket.wait("a") > 0


def test_no_more_than_the_rate_over_a_long_time() -> None:
    clock = Clock()
    bucket = Bucket(30, clock)
    through = 0
    for _ in range(6000):  # ten minutes of ten requests a second
        through += bucket.wait("a") == 0.0
        clock.now += 0.1
    assert 30 * 10 <= through <= 30 * 11


def test_it_stays_small_and_forgets_the_longest_unused() -> None:
    bucket = Bucket(1, Clock(), most=100)
    bucket.wait("keeps asking")
    for n in range(1000):
        bucket.wait(n)
        assert bucket.wait("keeps asking") > 0
    assert len(bucket) == 100


def test_no_limit() -> None:
    bucket = Bucket(0, Clock())
    assert not any(bucket.wait("a") for _ in range(1000))
    assert len(bucket) == 0


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2::7", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", None),
        ("::1", None),
        ("::ffff:127.0.0.1", None),
        ("", None),
        ("testclient", None),
    ],
)
def test_what_counts_as_one_address(host: str, key: str | None) -> None:
    assert counted(host) == key


def test_an_address_that_asks_too_often_is_told_when_to_come_again(made: Callable[..., Any]) -> None:
    with opened(made(rate_address=5)) as client:
        for _ in range(5):
            assert client.get("/v1/knowledge/articles").status_code == 200
        refused = client.post("/v1/conversations")
        assert refused.status_code == 429
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["type"] == "urn:pestle:problem:rate-limited"
        assert 1 <= int(refused.headers["retry-after"]) <= 12
        assert refused.headers["x-content-type-options"] == "nosniff"
        for path in EXEMPT:
            assert client.get(path).status_code == 200


def test_one_person_does_not_use_up_anothers(made: Callable[..., Any], tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", _env_file=None)  # type: ignore[call-arg]
    one, two, staff = (
        {"Authorization": f"Bearer {mint(settings, **who)}"}
        for who in ({"customer": "C-1"}, {"customer": "C-2"}, {"agent": "C-1"})
    )
    with opened(made(rate_identity=3), "127.0.0.1") as client:
        for _ in range(3):
            assert client.get("/v1/me/choices", headers=one).status_code == 200
        assert client.get("/v1/me/choices", headers=one).status_code == 429
        another = {"Authorization": f"Bearer {mint(settings, customer='C-1')}"}
        assert client.get("/v1/me/choices", headers=another).status_code == 429, "a new token is the same person"
        assert client.get("/v1/me/choices", headers=two).status_code == 200
        assert client.get("/v1/me/choices", headers=staff).status_code == 403
        assert client.post("/v1/conversations").status_code == 201


def test_the_pages_name_the_browser(made: Callable[..., Any]) -> None:
    """The pages' server asks from this machine for everybody: what it forwards is counted, and nobody else's word."""
    with (
        served(made(rate_address=2)) as url,
        httpx.Client(base_url=url, trust_env=False, headers={"X-Forwarded-For": "203.0.113.9"}) as http,
    ):
        assert [http.get("/v1/features").status_code for _ in range(3)] == [200, 200, 429]
        other = {"X-Forwarded-For": "203.0.113.10"}
        assert http.get("/v1/features", headers=other).status_code == 200
        del http.headers["X-Forwarded-For"]
        assert {http.get("/v1/features").status_code for _ in range(5)} == {200}
    with opened(made(rate_address=2)) as client:
        answers = [client.get("/v1/features", headers={"X-Forwarded-For": f"198.51.100.{n}"}) for n in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429], "a stranger's word about himself"


def test_other_origins_are_let_in_by_name_only(made: Callable[..., Any]) -> None:
    ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    good, bad = "https://www.example.com", "https://www.example.com.evil.example"
    with opened(made(cors_origins=f"{good}, http://localhost:3000")) as client:
        allowed = client.options("/v1/conversations", headers={"Origin": good, **ask})
        assert allowed.status_code == 200
        assert allowed.headers["access-control-allow-origin"] == good
        assert "access-control-allow-credentials" not in allowed.headers
        assert client.post("/v1/conversations", headers={"Origin": good}).headers["access-control-allow-origin"] == good
        missing = client.get("/v1/me/data", headers={"Origin": good})
        assert (missing.status_code, missing.headers["access-control-allow-origin"]) == (401, good)
        for origin in (bad, "null", "http://www.example.com"):
            refused = client.options("/v1/conversations", headers={"Origin": origin, **ask})
            assert refused.status_code == 400
            assert "access-control-allow-origin" not in refused.headers
            answer = client.post("/v1/conversations", headers={"Origin": origin})
            assert "access-control-allow-origin" not in answer.headers


def test_a_limit_stops_no_message_of_danger(made: Callable[..., Any], tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", _env_file=None)  # type: ignore[call-arg]
    me = {"Authorization": f"Bearer {mint(settings, customer='C-1')}"}
    for limit in ("rate_identity", "rate_address"):
        with opened(made(**{limit: 1})) as client:
            app = client.app
            key = app.state.services.store.create("C-1")  # type: ignore[attr-defined]
            path = f"/v1/conversations/{key}/messages"
            assert client.get(path, headers=me).status_code == 200
            assert client.get(path, headers=me).status_code == 429
            refused = client.post(path, json={"text": "where is my order"}, headers=me)
            assert (refused.status_code, refused.json()["type"]) == (429, "urn:pestle:problem:rate-limited")
            told = [client.post(path, json={"text": "I took too many pills"}, headers=me) for _ in range(URGENT + 1)]
            assert {one.status_code for one in told[:-1]} == {200}
            assert told[-1].status_code == 429, "nor does it open the gate to a flood"
