"""The whole API as its own description says, for every role: no server error, and no answer that isn't described."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given
from hypothesis import settings as bounded
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

from app.api.main import create_app
from app.settings import Settings
from tests.app.conftest import article
from tests.app.test_access import NO_INDEX, OPERATIONS, ROLES, TABLE, World
from tests.fakes import BookInMemory, ScriptedAssistant

CHECKS = [
    status_code_conformance, content_type_conformance, response_schema_conformance, response_headers_conformance,
]  # fmt: skip
EXAMPLES, REFUSED = 8, 2  # for each endpoint, as a role that may call it and as one that may not


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    settings = Settings(home=tmp_path_factory.mktemp("fuzzed"), rate_identity=0, explain=True, _env_file=None)  # type: ignore[call-arg]
    known = dict([article("a-one", "delivery", "a-two"), article("a-two", "orders")])
    book = BookInMemory("C-10001", "C-10002", "C-10003")
    app: FastAPI = create_app(settings, ScriptedAssistant(), book=book, articles=lambda: known)  # type: ignore[arg-type,return-value]
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with TestClient(app, raise_server_exceptions=False) as client:
        app.state.services.stopping.set()  # event streams tell what there is, and end
        yield World(app, client, settings)


@pytest.fixture(scope="module")
def schema(world: World) -> schemathesis.schemas.BaseSchema:
    return schemathesis.openapi.from_dict(world.app.openapi())


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", OPERATIONS)
def test_every_answer_is_described(name: str, role: str, world: World, schema: schemathesis.schemas.BaseSchema) -> None:
    method, path = name.split(" ", 1)
    operation = schema[path][method]
    row = TABLE[name]
    owner = None if role == "nobody" else "C-10001"
    signed_in = world.headers(role)
    fitting, wrong = (operation.as_strategy(generation_mode=mode) for mode in GenerationMode)

    @bounded(
        max_examples=EXAMPLES if role in row.who else REFUSED,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=st.one_of(fitting, wrong), real=st.booleans(), usual=st.booleans())
    def call(case: schemathesis.Case, real: bool, usual: bool) -> None:
        """`real`: with ids of things that are there; `usual`: with a body as the pages send it."""
        if real and case.path_parameters:
            ids, _ = world.thing(owner, row.state)
            case.path_parameters = {key: ids.get(key, value) for key, value in case.path_parameters.items()}
        if usual and row.body is not None:
            case.body = row.body
        case.headers = {key: value for key, value in (case.headers or {}).items() if key.lower() != "authorization"}
        sent = case.as_transport_kwargs(base_url="http://testserver", headers=signed_in)
        answer = world.client.request(
            sent["method"],
            sent["url"],
            params=sent.get("params"),
            headers=dict(sent.get("headers") or {}) | signed_in,
            json=sent.get("json"),
        )
        assert answer.status_code < 500 or row.also == NO_INDEX == {answer.status_code}, answer.text
        case.validate_response(answer, checks=CHECKS)

    call()
