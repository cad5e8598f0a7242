"""Corrections become proposals, and proposals what a person accepts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.api.main import create_app
from app.api.services import Services
from app.handover.canned import read_canned
from app.learning.proposals import case, changed_article, general, new_article, tells
from app.settings import Settings
from app.store.corrections import Correction
from rag.account.book import AccountError
from rag.articles import parse_article
from tests.app.learning_side import VERSIONS, WordWorkshop, correct, settings_in, turn
from tests.fakes import BookInMemory, ScriptedAssistant
from tests.made import ROOT

Bearer = Callable[..., dict[str, str]]
LATE = "Where is my parcel?"
EVIDENCE = [
    {
        "id": "parcel-late#0",
        "title": "A late parcel",
        "text": "If your parcel is late, wait 2 business days and then write to us.",
    }
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
def app(settings: Settings, assistant: ScriptedAssistant, book: BookInMemory) -> FastAPI:
    return create_app(settings, assistant, book=book, workshop=WordWorkshop(settings.knowledge / "articles"))


@pytest.fixture
def served(app: FastAPI, client: TestClient) -> Services:
    served: Services = app.state.services
    return served


@pytest.fixture
def pia(bearer: Bearer) -> dict[str, str]:
    return bearer(pharmacist="pia")


def opened(client: TestClient, who: dict[str, str], kind: str | None = None) -> list[dict]:
    found = client.get("/v1/review/proposals", params={"kind": kind} if kind else {}, headers=who)
    assert found.status_code == 200, found.text
    return list(found.json()["proposals"])


def decided(client: TestClient, who: dict[str, str], proposal: dict, decision: str = "accept", note: str = "") -> dict:
    said = client.post(f"/v1/review/proposals/{proposal['id']}", json={"decision": decision, "note": note}, headers=who)
    assert said.status_code == 200, said.text
    return dict(said.json())


def test_one_correction_gives_three_proposals(client: TestClient, served: Services, pia: dict[str, str]) -> None:
    key = served.store.create("C-10001")
    turn(served, key, LATE)
    correct(served, key, "Wait 3 business days, then write to us.", evidence=EVIDENCE)
    found = opened(client, pia)
    assert {one["kind"] for one in found} == {"knowledge", "case", "preference"}
    for one in found:
        assert one["correction"]["versions"] == VERSIONS
        assert client.get(f"/v1/review/proposals/{one['id']}", headers=pia).json() == one
    assert len(opened(client, pia, "case")) == 1
    actions = [entry.action for entry in served.audit.entries()]
    assert actions.count("proposal.read") == 3
    assert "proposal.list" in actions


def test_a_changed_article_shows_its_diff_and_becomes_a_draft(
    client: TestClient, served: Services, pia: dict[str, str]
) -> None:
    key = served.store.create(None)
    turn(served, key, LATE)
    rejected = "If your parcel is late, wait 2 business days and then write to us."
    correct(
        served, key, "Hi Zofia! If your parcel is late, wait 3 business days and then write to us. You can also chat.",
        evidence=EVIDENCE, rejected=rejected, kind="edited",
    )  # fmt: skip
    (one,) = opened(client, pia, "knowledge")
    data = one["data"]
    assert (data["article_id"], data["new"], data["title"]) == ("parcel-late", False, "A late parcel")
    assert "-If your parcel is late, wait 2 business days" in data["diff"]
    assert "+If your parcel is late, wait 3 business days" in data["diff"]
    assert "+You can also chat." in data["diff"]
    assert "Zofia" not in data["text"]
    assert parse_article(data["text"], Path("x")).id == "parcel-late"
    accepted = decided(client, pia, one, note="good")
    assert accepted["state"] == "accepted"
    assert accepted["decided_by"] == "pia"
    draft = client.get(f"/v1/knowledge/drafts/{accepted['draft_id']}", headers=pia).json()
    assert (draft["article_id"], draft["text"], draft["state"], draft["errors"]) == (
        "parcel-late",
        data["text"],
        "open",
        [],
    )
    assert draft["source"]["proposal_id"] == one["id"]
    assert served.learning.shelf.find("parcel-late").text != data["text"]  # type: ignore[union-attr]


def test_without_an_article_a_new_one_is_proposed(client: TestClient, served: Services, pia: dict[str, str]) -> None:
    key = served.store.create(None)
    turn(served, key, "my name is Zofia Okonkwo, do you deliver by drone?")
    correct(served, key, "We do not deliver by drone.", question="my name is Zofia Okonkwo, do you deliver by drone?")
    (one,) = opened(client, pia, "knowledge")
    assert one["data"]["new"] is True
    assert "We do not deliver by drone." in one["data"]["text"]
    assert "Zofia" not in one["data"]["text"]
    draft = client.get(f"/v1/knowledge/drafts/{decided(client, pia, one)['draft_id']}", headers=pia).json()
    assert draft["new"] is True
    assert "questions" in {error["field"] for error in draft["errors"]}  # a person adds more ways to ask


def test_a_case_is_appended_with_surrogates(
    client: TestClient, served: Services, settings: Settings, pia: dict[str, str]
) -> None:
    key = served.store.create("C-10001")
    question = "Where is FH-3180275? I am Demo, born 03/14/1962"
    turn(served, key, question)
    correct(
        served, key, "FH-3180275 left today, Demo. Write to demo@example.com no more.", question=question, evidence=EVIDENCE,
        context=[
            {"role": "assistant", "text": "Hello!"}, {"role": "customer", "text": "hi"}, {"role": "agent", "text": "Yes?"},
            {"role": "customer", "text": question},
        ],
    )  # fmt: skip
    for one in opened(client, pia, "case"):
        before = one["data"]["yaml"]
        assert decided(client, pia, one)["data"]["yaml"] == before
    text = (settings.home / "cases.yaml").read_text(encoding="utf-8")
    (kept,) = yaml.safe_load(text)
    assert kept["turns"][:2] == ["hi", "Yes?"]
    assert len(kept["turns"]) == 3
    assert kept["articles"] == ["parcel-late"]
    assert kept["versions"] == VERSIONS
    for canary in ("3180275", "1962", "demo@", "Demo"):
        assert canary not in text
    number = kept["turns"][2].split("?")[0].rsplit(" ", 1)[1]
    assert number.startswith("FH-0")
    assert number in kept["answer"]


def test_cases_grow_and_a_person_may_change_the_file(
    client: TestClient, served: Services, settings: Settings, pia: dict[str, str]
) -> None:
    for n in range(3):
        key = served.store.create(None)
        turn(served, key, f"What about {n} & <b>more</b>: 'yes'?")
        correct(served, key, f"So\nit is: {n}", question=f"What about {n} & <b>more</b>: 'yes'?")
    cases = opened(client, pia, "case")
    decided(client, pia, cases[0])
    path = settings.home / "cases.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "# a remark\n", encoding="utf-8")
    for one in cases[1:]:
        decided(client, pia, one)
    text = path.read_text(encoding="utf-8")
    assert "# a remark" in text
    assert [kept["turns"] for kept in yaml.safe_load(text)] == [
        [f"What about {n} & <b>more</b>: 'yes'?"] for n in range(3)
    ]


def test_a_pair_is_kept_and_a_decision_is_made_once(
    client: TestClient, served: Services, pia: dict[str, str], bearer: Bearer
) -> None:
    key = served.store.create(None)
    turn(served, key, LATE)
    correct(served, key, "Tomorrow.", evidence=EVIDENCE)
    (one,) = opened(client, pia, "preference")
    assert (one["data"]["chosen"], one["data"]["rejected"]) == ("Tomorrow.", "I don't know that.")
    decided(client, pia, one, "reject", "no")
    for decision in ("accept", "reject"):
        again = client.post(
            f"/v1/review/proposals/{one['id']}", json={"decision": decision}, headers=bearer(admin="ada")
        )
        assert again.status_code == 409
        assert "rejected before" in again.json()["detail"]
    assert client.get("/v1/review/proposals?state=rejected", headers=pia).json()["proposals"][0]["data"]["note"] == "no"
    assert len(opened(client, pia)) == 2


def test_nothing_of_a_customer_who_opted_out_is_accepted_for_training(
    client: TestClient, served: Services, pia: dict[str, str], bearer: Bearer
) -> None:
    key = served.store.create("C-10001")
    turn(served, key, LATE)
    correct(served, key, "Tomorrow.", evidence=EVIDENCE)
    chosen = client.put("/v1/me/choices", json={"no_training": True}, headers=bearer(customer="C-10001"))
    assert chosen.status_code == 200
    for one in opened(client, pia):
        said = client.post(f"/v1/review/proposals/{one['id']}", json={"decision": "accept"}, headers=pia)
        assert said.status_code == (200 if one["kind"] == "knowledge" else 409)
        if one["kind"] != "knowledge":
            decided(client, pia, one, "reject")


def test_without_the_account_book_cases_wait(
    client: TestClient, served: Services, book: BookInMemory, pia: dict[str, str]
) -> None:
    key = served.store.create("C-10001")
    turn(served, key, LATE)
    correct(served, key, "Tomorrow.")
    book.away = AccountError("away")
    (one,) = opened(client, pia, "case")
    said = client.post(f"/v1/review/proposals/{one['id']}", json={"decision": "accept"}, headers=pia)
    assert said.status_code == 503
    assert opened(client, pia, "case")[0]["state"] == "open"


@pytest.mark.parametrize("who", [{"agent": "mara"}, {"customer": "C-10001"}, {"evaluator": "eve"}])
def test_only_reviewers_review(client: TestClient, bearer: Bearer, who: dict[str, str]) -> None:
    assert client.get("/v1/review/proposals", headers=bearer(**who)).status_code == 403
    assert client.get("/v1/review/proposals").status_code == 401


def test_a_missing_proposal_and_strange_decisions(client: TestClient, pia: dict[str, str]) -> None:
    for name in ("f" * 32, "%00", "%C3%A9"):
        assert client.get(f"/v1/review/proposals/{name}", headers=pia).status_code == 404
        said = client.post(f"/v1/review/proposals/{name}", json={"decision": "accept"}, headers=pia)
        assert said.status_code == 404
    assert client.post("/v1/review/proposals/x", json={"decision": "maybe"}, headers=pia).status_code == 422
    assert client.get("/v1/review/proposals?state=lost", headers=pia).status_code == 422


def correction(**told: object) -> Correction:
    usual = {
        "conversation_id": "c", "message_id": "m", "kind": "edited", "question": LATE, "context": (), "evidence": (),
        "rejected": "", "chosen": "", "agent_id": "mara", "versions": {}, "created_at": dt.datetime.now(dt.UTC), "id": "1" * 32,
    }  # fmt: skip
    return Correction(**usual | told)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Hi Maria, refunds take 5 days. Best, Mara", ["refunds take 5 days."]),
        ("I'm sorry about that! Your order FH-1234567 left today. Parcels travel 2 days.", ["Parcels travel 2 days."]),
        (
            "Thanks for waiting. I have sent it again. Let me know!",
            ["Thanks for waiting.", "I have sent it again.", "Let me know!"],
        ),
        ("Your order FH-1234567 left today.", ["Write here what holds for every customer."]),
        ("", ["Write here what holds for every customer."]),
    ],
)
def test_only_what_holds_for_everybody_goes_into_an_article(text: str, kept: list[str]) -> None:
    assert general(text) == kept


def test_a_case_begins_and_ends_with_the_customer() -> None:
    told = [
        ("assistant", "Welcome"),
        ("customer", "a"),
        ("customer", "b"),
        ("agent", "c"),
        ("notice", "joined"),
        ("assistant", "d"),
        ("customer", LATE),
    ]
    made = case(correction(context=tuple({"role": role, "text": text} for role, text in told)), [])
    assert made["turns"] == ["a\nb", "c\nd", LATE]
    assert case(correction(), [])["turns"] == [LATE]


def test_a_new_article_is_a_file_that_can_be_read() -> None:
    asked = "# What: 'is' \"this\"?\nand --- that"
    text = new_article(
        asked, ["So: it is."], dt.date(2026, 11, 25), lambda one: not one.endswith("-2"), [asked, "b", "c", "d"]
    )
    article = parse_article(text, Path("x"))
    assert article.id.endswith("-2")
    assert article.body == "So: it is."
    assert len(article.questions) == 4


def test_what_the_article_says_already_is_not_added() -> None:
    text = "---\nid: a\ntitle: About\ntopic: other\nupdated: 2026-01-01\nquestions: [a, b, c, d]\n---\nOne day. Two days.\n"
    same = changed_article(text, correction(chosen="Two days.", rejected="One day."), dt.date(2026, 11, 25))
    assert same == text.replace("2026-01-01", "2026-11-25")


COURTESIES = {
    "hello",
    "one-moment",
    "more-details",
    "sorry-trouble",
    "anything-else",
    "goodbye",
    "no-reply",
    "pharmacist-reads",
}


def test_courtesies_answer_nothing() -> None:
    canned = read_canned(ROOT / "knowledge_base")
    assert {one.id for one in canned if not tells(one.text)} == COURTESIES
    assert not tells("Hi Maria, I'm Ana from customer care. How can I help you today?")
    assert tells("I'm afraid it can't be shipped abroad.")
