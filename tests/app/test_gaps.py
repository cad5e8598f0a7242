"""Knowledge gaps, and from a gap to a served article."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.api.main import create_app
from app.api.services import Services
from app.learning.gaps import GapFinder
from app.learning.publishing import ArticleChanged, publish
from app.learning.shelf import Shelf
from app.settings import Settings
from app.store.missed import Missed
from tests import made
from tests.app.learning_side import WordWorkshop, settings_in, turn
from tests.fakes import BookInMemory, ScriptedAssistant, scripted

Bearer = Callable[..., dict[str, str]]
NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
WHOLE = """---
id: drones
title: Delivery by drone
topic: {topic}
updated: 2026-11-25
questions: [do you deliver by drone, drone delivery, can a drone come, flying parcels]
links: [{links}]
---
We do not deliver by drone.
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
def workshop(settings: Settings) -> WordWorkshop:
    return WordWorkshop(settings.knowledge / "articles")


@pytest.fixture
def app(settings: Settings, assistant: ScriptedAssistant, book: BookInMemory, workshop: WordWorkshop) -> FastAPI:
    return create_app(settings, assistant, book=book, workshop=workshop)


@pytest.fixture
def served(app: FastAPI, client: TestClient) -> Services:
    found: Services = app.state.services
    return found


@pytest.fixture
def pia(bearer: Bearer) -> dict[str, str]:
    return bearer(pharmacist="pia")


def gaps(client: TestClient, who: dict[str, str], days: int = 28) -> list[dict]:
    found = client.get(f"/v1/knowledge/gaps?days={days}", headers=who)
    assert found.status_code == 200, found.text
    return list(found.json()["gaps"])


def draft(client: TestClient, who: dict[str, str], **about: str) -> dict:
    begun = client.post("/v1/knowledge/drafts", json=about, headers=who)
    assert begun.status_code == 201, begun.text
    assert begun.headers["Location"] == f"/v1/knowledge/drafts/{begun.json()['id']}"
    return dict(begun.json())


# --- gaps


def test_unanswered_and_badly_rated_questions_are_gathered(
    client: TestClient, served: Services, pia: dict[str, str], bearer: Bearer
) -> None:
    for text in ("do you deliver by drone", "drone delivery: do you deliver?", "do you deliver by drone to Ohio"):
        turn(served, served.store.create(None), text, outcome="unknown")
    key = served.store.create("C-10001")
    message = turn(served, key, "what does the flu vaccine cost", answer=scripted("Nothing."))
    client.post(f"/v1/messages/{message}/feedback", json={"rating": "down"}, headers=bearer(customer="C-10001"))
    turn(served, key, "how do I pay", answer=scripted("By card."))
    broken = scripted("Trouble.", outcome="unknown")
    broken = type(broken)(broken.reply.model_copy(update={"reason": "internal"}), broken.focus, broken.trace)
    turn(served, key, "anything at all about cards", broken)
    first, second = gaps(client, pia)
    assert (first["count"], first["kind"], first["trend"]) == (3, "unanswered", [0, 0, 0, 3])
    assert first["question"] == "do you deliver by drone"
    assert set(first["examples"]) >= {"do you deliver by drone", "do you deliver by drone to Ohio"}
    assert (second["question"], second["kind"], second["count"]) == ("what does the flu vaccine cost", "badly_rated", 1)
    turn(served, served.store.create(None), "do you deliver by drone", outcome="unknown")
    assert gaps(client, pia)[0]["id"] == first["id"]
    assert gaps(client, pia, 90)[0]["id"] == first["id"]
    assert [entry.action for entry in served.audit.entries()].count("gaps.read") == 3


def test_gaps_use_the_question_made_whole_and_show_nobodys_data(
    client: TestClient, served: Services, pia: dict[str, str], workshop: WordWorkshop
) -> None:
    answer = scripted("I don't know.", outcome="unknown")
    answer.trace["asked"] = [{"query": "Do drones deliver to Zofia Okonkwo, FH-3180275?"}]
    turn(served, served.store.create(None), "and to her?", answer)
    (gap,) = gaps(client, pia)
    assert gap["question"] == "Do drones deliver to [name], [order]?"
    before = workshop.encoded
    gaps(client, pia)
    assert workshop.encoded == before  # vectors are remembered


def test_who_opted_out_is_in_no_gap(client: TestClient, served: Services, pia: dict[str, str]) -> None:
    turn(served, served.store.create("C-10001"), "do you deliver by drone", outcome="unknown")
    turn(served, served.store.create("C-10002"), "are vaccines free", outcome="unknown")
    served.people.choose("C-10001", True)
    served.people.choose("C-10002", False)
    assert [gap["question"] for gap in gaps(client, pia)] == ["are vaccines free"]


def test_without_a_question_there_is_no_gap_and_days_have_bounds(
    client: TestClient, pia: dict[str, str], bearer: Bearer
) -> None:
    assert gaps(client, pia) == []
    for days in ("0", "183", "x"):
        assert client.get(f"/v1/knowledge/gaps?days={days}", headers=pia).status_code == 422
    for who, status in ((bearer(agent="mara"), 403), (bearer(customer="C-10001"), 403), (None, 401)):
        assert client.get("/v1/knowledge/gaps", headers=who).status_code == status
        assert client.get("/v1/knowledge/drafts", headers=who).status_code == status


def asked(text: str, days_ago: float, kind: str = "unanswered") -> Missed:
    return Missed(f"{text}{days_ago}", text, kind, NOW - dt.timedelta(days=days_ago))  # type: ignore[arg-type]


def test_trend_and_period() -> None:
    finder = GapFinder(WordWorkshop(Path()).encode)
    missed = [asked("drones deliver", n) for n in (0.1, 1, 8, 8.5, 9, 27, 40)]
    (gap,) = finder.find(missed, 28, NOW)
    assert (gap.count, gap.trend) == (6, (1, 0, 3, 2))
    assert gap.newest == NOW - dt.timedelta(days=0.1)
    assert finder.find(missed, 1, NOW)[0].trend == (1,)
    assert finder.find(missed, 1, NOW)[0].id == gap.id
    assert finder.find(missed[-1:], 28, NOW) == []
    (later,) = finder.find([asked("drones deliver", -1), *missed], 28, NOW + dt.timedelta(days=1))
    assert later.id == gap.id


def test_many_questions_are_gathered_by_meaning() -> None:
    encoder = made.encoder()
    finder = GapFinder(encoder.encode)
    drones = ["do you deliver by drone", "is there drone delivery", "can a drone bring my parcel"]
    jobs = ["are you hiring", "do you have any open jobs", "I want to apply for a job with you"]
    missed = [asked(text, n / 10) for n, text in enumerate((*drones, *jobs))]
    found = finder.find(missed, 28, NOW)
    assert {frozenset(gap.examples) for gap in found} == {frozenset(jobs), frozenset(drones)}


# --- drafts


def test_a_gap_becomes_a_draft_and_then_an_article(
    client: TestClient, served: Services, settings: Settings, workshop: WordWorkshop, pia: dict[str, str]
) -> None:
    for text in (
        "do you deliver by drone",
        "do drones deliver",
        "do you deliver by drone?",
        "do you deliver by flying drone",
    ):
        turn(served, served.store.create(None), text, outcome="unknown")
    gap = gaps(client, pia)[0]
    begun = draft(client, pia, gap_id=gap["id"])
    assert begun["question"] == gap["question"]
    assert all(example in begun["text"] for example in gap["examples"])
    assert gaps(client, pia)[0]["draft_id"] == begun["id"]
    url = f"/v1/knowledge/drafts/{begun['id']}"
    saved = client.put(
        url, json={"text": WHOLE.format(topic="delivery", links="parcel-late").replace("\n", "\r\n")}, headers=pia
    )
    assert saved.status_code == 200, saved.text
    assert (saved.json()["article_id"], saved.json()["errors"]) == ("drones", [])
    assert client.get("/v1/knowledge/drafts", headers=pia).json()["drafts"] == [saved.json()]
    preview = client.post(f"{url}/preview", json={}, headers=pia).json()
    assert preview["before"]["outcome"] == "unknown"
    assert preview["answer"]["text"].startswith(gap["question"])
    assert workshop.ingested == 0
    out = client.post(f"{url}/publish", json={}, headers=pia)
    assert out.status_code == 200, out.text
    assert (out.json()["state"], out.json()["knowledge"]) == ("published", "k1")
    path = settings.knowledge / "articles" / "delivery" / "drones.md"
    assert path.read_text(encoding="utf-8") == WHOLE.format(topic="delivery", links="parcel-late")
    assert [entry.name for entry in path.parent.iterdir()] == ["drones.md"]
    assert gaps(client, pia) == []  # filled, until it is asked again
    turn(served, served.store.create(None), "do you deliver by drone", outcome="unknown")
    assert gaps(client, pia)[0]["id"] == gap["id"]
    for call in (
        client.post(f"{url}/publish", headers=pia),
        client.delete(url, headers=pia),
        client.put(url, json={"text": WHOLE.format(topic="x", links="")}, headers=pia),
    ):
        assert call.status_code in (409, 422)
    assert client.post(f"{url}/publish", headers=pia).status_code == 409
    assert [entry.action for entry in served.audit.entries() if entry.action.startswith("draft")] == [
        "draft.begin",
        "draft.publish",
    ]


def test_an_article_that_is_there_is_changed_in_its_place(
    client: TestClient, settings: Settings, pia: dict[str, str]
) -> None:
    begun = draft(client, pia, article_id="pay-card")
    assert (begun["new"], begun["errors"], begun["changed_meanwhile"]) == (False, [], False)
    text = begun["text"].replace("We take Visa", "We take Amex, Visa")
    url = f"/v1/knowledge/drafts/{begun['id']}"
    assert client.put(url, json={"text": text, "question": "amex?"}, headers=pia).json()["question"] == "amex?"
    assert client.post(f"{url}/publish", headers=pia).status_code == 200
    assert (settings.knowledge / "articles" / "pay-card.md").read_text(encoding="utf-8") == text


def test_a_draft_of_an_article_that_changed_meanwhile_is_refused(
    client: TestClient, settings: Settings, workshop: WordWorkshop, pia: dict[str, str]
) -> None:
    one, other = draft(client, pia, article_id="pay-card"), draft(client, pia, article_id="pay-card")
    for n, begun in enumerate((one, other)):
        text = begun["text"].replace("We take Visa", f"We take {n} cards, Visa")
        assert client.put(f"/v1/knowledge/drafts/{begun['id']}", json={"text": text}, headers=pia).status_code == 200
    assert client.post(f"/v1/knowledge/drafts/{one['id']}/publish", headers=pia).status_code == 200
    assert client.get(f"/v1/knowledge/drafts/{other['id']}", headers=pia).json()["changed_meanwhile"] is True
    refused = client.post(f"/v1/knowledge/drafts/{other['id']}/publish", headers=pia)
    assert refused.status_code == 409
    assert "begin a new draft" in refused.json()["detail"]
    assert "0 cards" in (settings.knowledge / "articles" / "pay-card.md").read_text(encoding="utf-8")
    assert workshop.ingested == 1
    (settings.knowledge / "articles" / "pay-card.md").unlink()
    assert client.post(f"/v1/knowledge/drafts/{other['id']}/publish", headers=pia).status_code == 409


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "text"),
        ("no front matter", "text"),
        ("---\nid: drones\n", "text"),
        ("---\n: [\n---\nx", "text"),
        (WHOLE.format(topic="delivery", links="nowhere"), "links"),
        (WHOLE.format(topic="../../etc", links=""), "topic"),
        (WHOLE.format(topic="delivery", links="").replace("drones", "parcel-late", 1), "id"),
        (WHOLE.format(topic="delivery", links="").replace("id: drones", "id: " + "x" * 70), "id"),
        (WHOLE.format(topic="delivery", links="").replace("id: drones", "id: ../x"), "id"),
        (WHOLE.format(topic="delivery", links="").replace("2026-11-25", "2026-02-30"), "text"),
        (WHOLE.format(topic="delivery", links="").replace("2026-11-25", "soon"), "updated"),
        (WHOLE.format(topic="delivery", links="").replace(", flying parcels", ""), "questions"),
        (WHOLE.format(topic="delivery", links="").replace("links", "lynx"), "lynx"),
        (WHOLE.format(topic="delivery", links="").replace("We do not deliver by drone.", ""), "text"),
    ],
)  # fmt: skip
def test_a_draft_that_is_no_article_is_not_saved(
    client: TestClient, pia: dict[str, str], text: str, field: str
) -> None:
    begun = draft(client, pia, question="drones?")
    url = f"/v1/knowledge/drafts/{begun['id']}"
    refused = client.put(url, json={"text": text}, headers=pia)
    assert refused.status_code == 422
    assert field in {error["field"] for error in refused.json()["errors"]}, refused.text
    assert client.get(url, headers=pia).json()["text"] == begun["text"]
    for action in ("preview", "publish"):
        assert client.post(f"{url}/{action}", headers=pia).status_code == 422  # the beginning is none yet, either


def test_the_id_of_an_article_stays(client: TestClient, pia: dict[str, str]) -> None:
    begun = draft(client, pia, article_id="pay-card")
    text = begun["text"].replace("id: pay-card", "id: pay-by-card")
    refused = client.put(f"/v1/knowledge/drafts/{begun['id']}", json={"text": text}, headers=pia)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "id"


def test_two_editors_of_one_draft(client: TestClient, pia: dict[str, str]) -> None:
    begun = draft(client, pia, article_id="pay-card")
    url = f"/v1/knowledge/drafts/{begun['id']}"
    body = {"text": begun["text"] + "More.\n", "changed_at": begun["changed_at"]}
    assert client.put(url, json=body, headers=pia).status_code == 200
    assert client.put(url, json=body, headers=pia).status_code == 409


def test_drafts_are_discarded_and_missing_ones_are_missing(client: TestClient, pia: dict[str, str]) -> None:
    begun = draft(client, pia, question="?! <script>")
    url = f"/v1/knowledge/drafts/{begun['id']}"
    assert begun["article_id"] == "script"
    assert client.delete(url, headers=pia).status_code == 204
    assert client.delete(url, headers=pia).status_code == 409
    assert client.get(url, headers=pia).json()["state"] == "discarded"
    assert client.get("/v1/knowledge/drafts", headers=pia).json()["drafts"] == []
    for name in ("f" * 32, "%00", "%C3%A9"):
        missing = f"/v1/knowledge/drafts/{name}"
        calls = [client.get(missing, headers=pia), client.delete(missing, headers=pia)]
        calls += [client.post(f"{missing}/{action}", headers=pia) for action in ("preview", "publish")]
        calls.append(client.put(missing, json={"text": "x"}, headers=pia))
        assert {call.status_code for call in calls} == {404}
    for about in ({"article_id": "nowhere"}, {"article_id": "../facts"}, {"gap_id": "nowhere"}):
        assert client.post("/v1/knowledge/drafts", json=about, headers=pia).status_code == 404


def test_a_busy_workshop_says_when_to_come_back(
    client: TestClient, workshop: WordWorkshop, pia: dict[str, str]
) -> None:
    begun = draft(client, pia, article_id="pay-card")
    workshop.busy = True
    for action in ("preview", "publish"):
        said = client.post(f"/v1/knowledge/drafts/{begun['id']}/{action}", headers=pia)
        assert said.status_code == 503
        assert said.headers["Retry-After"]
    workshop.busy = False
    assert client.post(f"/v1/knowledge/drafts/{begun['id']}/publish", headers=pia).status_code == 200


def test_anothers_mistake_keeps_the_old_file(client: TestClient, settings: Settings, pia: dict[str, str]) -> None:
    begun = draft(client, pia, article_id="pay-card")
    url = f"/v1/knowledge/drafts/{begun['id']}"
    client.put(url, json={"text": begun["text"] + "More.\n"}, headers=pia)
    new = draft(client, pia, text=WHOLE.format(topic="delivery", links=""))
    broken = settings.knowledge / "articles" / "broken.md"
    broken.write_text("nothing", encoding="utf-8")
    assert client.post(f"{url}/publish", headers=pia).status_code == 409
    assert client.post(f"/v1/knowledge/drafts/{new['id']}/publish", headers=pia).status_code == 409
    assert (settings.knowledge / "articles" / "pay-card.md").read_text(encoding="utf-8") == begun["text"]
    assert not (settings.knowledge / "articles" / "delivery" / "drones.md").exists()
    broken.unlink()
    assert client.post(f"{url}/publish", headers=pia).status_code == 200


def test_publishing_goes_on_after_a_crash(served: Services, settings: Settings, workshop: WordWorkshop) -> None:
    shelf = Shelf(settings.knowledge / "articles")
    text = WHOLE.format(topic="delivery", links="")
    begun = served.drafts.start("drones", None, text, "", {}, "pia")
    shelf.write(Path("delivery") / "drones.md", text)  # written, and then the power failed
    assert publish(shelf, workshop, begun, settings.home) == "k1"
    other = served.drafts.start("drones", None, text.replace("do not", "never"), "", {}, "pia")
    with pytest.raises((ArticleChanged, ValueError)):
        publish(shelf, workshop, other, settings.home)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(made.write_small(tmp_path / "articles"))
    before = (shelf.folder / "pay-card.md").read_text(encoding="utf-8")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="space"):
        shelf.write(Path("pay-card.md"), "half")
    assert (shelf.folder / "pay-card.md").read_text(encoding="utf-8") == before
    assert not list(shelf.folder.glob(".draft-*"))
