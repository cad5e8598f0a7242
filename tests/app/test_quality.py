"""What evaluators read: live traffic in figures, stored runs, reports."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.api.services import Services
from app.evaluations import report_of, stored_runs
from app.settings import Settings
from tests.app.learning_side import turn
from tests.fakes import scripted
from tests.filled import fill
from tests.stored_runs import store_run

Bearer = Callable[..., dict[str, str]]


@pytest.fixture
def served(app: FastAPI, client: TestClient) -> Services:
    found: Services = app.state.services
    return found


@pytest.fixture
def eve(bearer: Bearer) -> dict[str, str]:
    return bearer(evaluator="eve")


@pytest.fixture
def root(settings: Settings) -> Path:
    return settings.home / "eval"


def get(client: TestClient, path: str, who: dict[str, str]) -> Any:
    found = client.get(f"/v1/quality{path}", headers=who)
    assert found.status_code == 200, found.text
    return found.json()


def test_without_traffic_each_figure_says_so(client: TestClient, eve: dict[str, str]) -> None:
    live = get(client, "/live", eve)
    assert len(live["days"]) == 28
    assert live["days"][-1]["day"] == live["until"]
    for figures in (*live["days"], live["total"], live["before"]):
        shares = [
            figures["contained"],
            figures["rated"],
            figures["up"],
            figures["repeated"],
            *figures["outcomes"].values(),
        ]
        assert all(share == {"value": None, "cases": 0, "of": 0, "says": "no cases"} for share in shares)
        assert figures["latency"] == {"p50_ms": None, "p95_ms": None, "count": 0, "says": "no cases"}
        assert figures["handovers"] == []


def test_traffic_in_figures(client: TestClient, served: Services, eve: dict[str, str], bearer: Bearer) -> None:
    maria = bearer(customer="C-10001")
    key = served.store.create("C-10001")
    first = turn(served, key, "how do I pay", answer=scripted("By card."))
    turn(served, key, "and on the moon", outcome="unknown")
    client.post(f"/v1/messages/{first}/feedback", json={"rating": "up"}, headers=maria)
    served.feedback.sign(key, first, "rephrased")
    client.post(f"/v1/conversations/{key}/handover", json={"note": ""}, headers=maria)
    turn(served, served.store.create(None), "hello", answer=scripted("Hello."))
    live = get(client, "/live?days=7", eve)
    total = live["total"]
    assert (total["conversations"], total["turns"]) == (2, 3)
    assert total["contained"] == {"value": 0.5, "cases": 1, "of": 2, "says": "1 of 2"}
    assert total["outcomes"]["unknown"]["says"] == "1 of 3"
    assert total["rated"]["says"] == "1 of 3"
    assert total["up"] == {"value": 1.0, "cases": 1, "of": 1, "says": "1 of 1"}
    assert total["repeated"]["says"] == "1 of 3"
    assert total["handovers"] == [{"reason": "button", "count": 1, "cancelled": 0}]
    assert total["latency"] == {"p50_ms": 1.2, "p95_ms": 1.2, "count": 3, "says": "3 turns"}
    assert live["days"][-1] == {"day": live["until"], **total}
    assert live["before"]["turns"] == 0


def test_nobodys_text_or_id_is_told(client: TestClient, served: Services, eve: dict[str, str]) -> None:
    keys = [
        fill(served.database, who, "secret words", state) for who in ("C-10001", None) for state in ("held", "resolved")
    ]
    told = json.dumps(get(client, "/live", eve))
    assert '"conversations": 4' in told
    with served.database.reading() as db:
        ids = [id for (id,) in db.exec_driver_sql("SELECT id FROM messages UNION SELECT id FROM handovers")]
    for told_of_nobody in ("secret", "C-10001", "Sam", *keys, *ids):
        assert told_of_nobody not in told


@pytest.mark.parametrize("days", ["0", "367", "x", ""])
def test_days_have_bounds(client: TestClient, eve: dict[str, str], days: str) -> None:
    assert client.get(f"/v1/quality/live?days={days}", headers=eve).status_code == 422


def test_runs_with_their_scores(client: TestClient, root: Path, eve: dict[str, str]) -> None:
    assert get(client, "/runs", eve) == {"runs": [], "broken": []}
    store_run(root, "20261101-100000-aaaaaa", {"answers": (0.9, 200)}, report="<p>One</p>")
    store_run(root, "20261108-100000-bbbbbb", {"answers": (0.92, 200), "tone": (None, 0)}, quick=True)
    store_run(root, "20261109-100000-cccccc", None)
    (root / "lock").write_text("7")
    store_run(root / "outside", "20261109-100000-dddddd", {"mine": (1.0, 3)})
    told = get(client, "/runs", eve)
    one, two, three = told["runs"]
    assert told["broken"] == []
    assert (one["id"], one["quick"], one["has_report"], one["p50_ms"]) == ("20261101-100000-aaaaaa", False, True, 20.0)
    assert one["suites"]["answers"]["metrics"]["right"] == {"value": 0.9, "low": 0.85, "high": 0.95, "count": 200}
    assert one["versions"]["policy"] == "2026-11-24"
    assert "data" not in one["versions"]
    assert (two["quick"], two["has_report"]) == (True, False)
    assert two["suites"]["tone"]["metrics"]["right"]["value"] is None
    assert (three["ended"], three["suites"]) == (None, {})
    assert [run["id"] for run in get(client, "/runs?limit=1", eve)["runs"]] == ["20261109-100000-cccccc"]
    for limit in ("0", "201"):
        assert client.get(f"/v1/quality/runs?limit={limit}", headers=eve).status_code == 422


def test_broken_runs_are_named_and_passed_over(client: TestClient, root: Path, eve: dict[str, str]) -> None:
    store_run(root, "20261101-100000-aaaaaa", {"answers": (0.9, 200)})
    broken: dict[str, dict[str, bytes]] = {
        "b-torn": {"run.json": b'{"began": "20'},
        "c-list": {"run.json": b"[]"},
        "d-not-utf8": {"run.json": b"\xff\xfe"},
        "e-only-rows": {"rows.jsonl": b""},
        "f-no-summary": {"run.json": b'{"began": "2026-11-01T10:00:00Z", "ended": "2026-11-01T10:01:00Z"}'},
        "g-nan": {
            "run.json": b'{"began": "2026-11-01T10:00:00Z", "ended": "2026-11-01T10:01:00Z"}',
            "summary.json": b'{"suites": {"answers": {"count": 1, "metrics": {"right": {"value": NaN, "count": 1}}}}}',
        },
    }
    for name, files in broken.items():
        (root / name).mkdir()
        for file, held in files.items():
            (root / name / file).write_bytes(held)
    (root / "h-folder" / "run.json").mkdir(parents=True)
    told = get(client, "/runs", eve)
    assert [run["id"] for run in told["runs"]] == ["20261101-100000-aaaaaa"]
    assert sorted(one["id"] for one in told["broken"]) == [*broken, "h-folder"]
    for one in told["broken"]:
        assert ".json" in one["why"]
        assert str(root) not in one["why"]


def test_a_report_is_told_and_the_look_is_noted(
    client: TestClient, root: Path, served: Services, eve: dict[str, str]
) -> None:
    store_run(root, "20261101-100000-aaaaaa", {"answers": (0.9, 200)}, report="<!doctype html><p>Café</p>")
    found = client.get("/v1/quality/runs/20261101-100000-aaaaaa/report", headers=eve)
    assert found.status_code == 200
    assert found.headers["content-type"] == "text/html; charset=utf-8"
    assert found.headers["content-security-policy"].startswith("default-src 'none'")
    assert found.text == "<!doctype html><p>Café</p>"
    (noted,) = [entry for entry in served.audit.entries() if entry.action == "quality.report"]
    assert (noted.actor_id, noted.detail) == ("eve", {"run": "20261101-100000-aaaaaa"})


TRICKS = (
    "..",
    ".",
    "%2e%2e",
    "..%2f..",
    "%2e%2e%2fkeys",
    "%00",
    "a%00",
    "%C3%A9",
    "outside",
    "linked",
    "ring",
    "folder",
    "x" * 300,
)


@pytest.mark.parametrize("name", TRICKS)
def test_no_path_leads_out(client: TestClient, root: Path, eve: dict[str, str], name: str) -> None:
    store_run(root, "good", {"answers": (0.9, 200)}, report="good")
    (root.parent / "report.html").write_text("secret")
    elsewhere = store_run(root.parent / "elsewhere", "run", {"answers": (0.9, 200)}, report="secret")
    (root / "linked").symlink_to(elsewhere, target_is_directory=True)
    (root / "ring").symlink_to(root / "ring")
    (root / "folder" / "report.html").mkdir(parents=True)
    found = client.get(f"/v1/quality/runs/{name}/report", headers=eve)
    assert found.status_code == 404
    assert "secret" not in found.text


def test_a_report_that_is_a_link_is_none(root: Path) -> None:
    (root.parent / "keys").mkdir(parents=True)
    (root.parent / "keys" / "one").write_text("secret")
    folder = store_run(root, "good", {"answers": (0.9, 200)})
    (folder / "report.html").symlink_to(root.parent / "keys" / "one")
    assert report_of(root, "good") is None
    assert [run.has_report for run in stored_runs(root, 5)[0]] == [False]


@pytest.mark.parametrize("who", [{"agent": "mara"}, {"pharmacist": "pia"}, {"customer": "C-10001"}])
@pytest.mark.parametrize("path", ["/live", "/runs", "/runs/good/report"])
def test_it_is_for_evaluators_and_admins(
    client: TestClient, root: Path, bearer: Bearer, path: str, who: dict[str, str]
) -> None:
    store_run(root, "good", {"answers": (0.9, 200)}, report="good")
    assert client.get(f"/v1/quality{path}", headers=bearer(**who)).status_code == 403
    assert client.get(f"/v1/quality{path}").status_code == 401
    assert client.get(f"/v1/quality{path}", headers=bearer(admin="ada")).status_code == 200
