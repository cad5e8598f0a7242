from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import create_engine, text
from starlette.testclient import TestClient

from app.api.main import create_app
from app.settings import Settings
from app.tokens import mint
from rag.articles import parse_article
from tests.fakes import BookInMemory, ScriptedAssistant
from tests.postgres import postgres
from tests.served import served

ARTICLE = """---
id: {id}
title: About {id}
topic: {topic}
updated: 2026-11-01
questions: [one question, another question, a third question, a fourth question]
links: [{links}]
---
Text of {id} with <b>markup</b>.
"""


def article(id: str, topic: str, links: str = "") -> tuple[str, object]:
    path = Path(f"{id}.md")
    return id, parse_article(ARTICLE.format(id=id, topic=topic, links=links), path)


ON_BOTH = ("test_chat", "test_feedback", "test_handover", "test_handover_desk", "test_me", "test_review")  # databases


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.module.__name__.rpartition(".")[2] in ON_BOTH and "database_url" in metafunc.fixturenames:
        metafunc.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """Where conversations are kept: SQLite in the home, or a database of the test's own on PostgreSQL."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return ""
    url, name = str(request.getfixturevalue("postgres_server")), f"t{uuid.uuid4().hex}"
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return url.replace("/postgres?", f"/{name}?")


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return Settings(home=tmp_path / "home", database_url=database_url, _env_file=None)


@pytest.fixture
def assistant() -> ScriptedAssistant:
    return ScriptedAssistant()


@pytest.fixture
def book() -> BookInMemory:
    return BookInMemory("C-10001", "C-10002", "C-20000")


@pytest.fixture
def app(settings: Settings, assistant: ScriptedAssistant, book: BookInMemory) -> FastAPI:
    known = dict([article("a-one", "delivery", "a-two"), article("a-two", "orders")])
    return create_app(settings, assistant, book=book, articles=lambda: known)  # type: ignore[arg-type,return-value]


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as opened:
        yield opened


@pytest.fixture
def live(app: FastAPI) -> Iterator[httpx.Client]:
    """A client of a real server."""
    with served(app) as url, httpx.Client(base_url=url, timeout=30, trust_env=False) as opened:
        yield opened


@pytest.fixture
def bearer(settings: Settings) -> Callable[..., dict[str, str]]:
    """`bearer(customer="C-10001")` gives the header that signs in."""
    return lambda **who: {"Authorization": f"Bearer {mint(settings, **who)}"}
