"""Exports for training: formats, planted canaries, opt-outs, and the card that tells of it."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from app.cli import app as cli
from app.learning.export import Card, Exporter, card_path
from app.learning.kit import LearningKit
from app.learning.personal import Person
from app.learning.surrogates import Surrogates, marked
from app.settings import Settings
from app.store.conversations import ConversationStore
from app.store.corrections import CorrectionStore
from app.store.database import Database
from app.store.feedback import FeedbackStore
from app.store.migrate import migrate
from app.store.people import PeopleStore
from rag.account.book import AccountError
from rag.account.memory import MemoryAccountBook
from rag.articles import parse_article
from tests import made
from tests.app.learning_side import VERSIONS, correct, turn
from tests.fakes import BookInMemory, scripted

EVER = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
KIT = LearningKit(Settings(_env_file=None))  # type: ignore[call-arg]
ARTICLE = "---\nid: late\ntitle: A late parcel\ntopic: delivery\nupdated: 2026-01-01\nquestions: [a, b, c, d]\n---\nWait 2 days.\n"


class Stores:
    """What the helpers of the learning side need of the services."""

    def __init__(self, url: str) -> None:
        migrate(url)
        self.database = Database(url)
        self.store, self.feedback = ConversationStore(self.database), FeedbackStore(self.database)
        self.corrections, self.people = CorrectionStore(self.database), PeopleStore(self.database)

    def accepted(self, key: str, text: str, **told: Any) -> None:
        correct(self, key, text, **told)  # type: ignore[arg-type]
        (one,) = self.corrections.proposals("open", "preference", key)
        self.corrections.decide(one.id, "accepted", "pia")


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[Stores]:
    opened = Stores(f"sqlite:///{tmp_path / 'pestle.db'}")
    yield opened
    opened.database.close()


def exported(
    stores: Stores, what: str, folder: Path, book: Any = None, chat: bool = False
) -> tuple[list[dict], str, Card]:
    exporter = Exporter(stores.database, KIT.personal, book, [parse_article(ARTICLE, Path("late.md"))], chat)
    out = folder / f"{what}.jsonl"
    card = exporter.export(what, out, EVER)  # type: ignore[arg-type]
    text = out.read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    assert len(rows) == card.rows
    return rows, text, card


def test_conversations(stores: Stores, tmp_path: Path) -> None:
    key = stores.store.create(None)
    turn(stores, key, "hello\nthere", scripted("Hi. How can I help?"))  # type: ignore[arg-type]
    turn(stores, key, "when?", scripted(""))  # type: ignore[arg-type]
    correct(stores, key, "Tomorrow.")  # type: ignore[arg-type]
    (row,), _, card = exported(stores, "conversations", tmp_path)
    assert row == {
        "messages": [
            {"role": "user", "content": "hello\nthere"},
            {"role": "assistant", "content": "Hi. How can I help?"},
            {"role": "user", "content": "when?"},
            {"role": "assistant", "content": "Tomorrow."},
        ]
    }
    assert card.versions == {"composer extractive, encoder e1, knowledge k1, policy p1, reader r1": 1}


def test_feedback_has_prompts_completions_and_labels(stores: Stores, tmp_path: Path) -> None:
    key = stores.store.create(None)
    answer = scripted("Wait 2 days.")
    answer.trace["evidence"] = ["late#0", "FH-3180275"]
    first = turn(stores, key, "hello", scripted("Hi."))  # type: ignore[arg-type]
    second = turn(stores, key, "where is it?", answer)  # type: ignore[arg-type]
    stores.feedback.rate(first, None, "up")
    stores.feedback.rate(second, None, "down", ["wrong"])
    rows, text, card = exported(stores, "feedback", tmp_path)
    assert [list(row) for row in rows] == [["prompt", "completion", "label"]] * 2
    assert rows[1] == {
        "prompt": "Evidence:\n[1] A late parcel: Wait 2 days.\n\nCustomer: hello\nAssistant: Hi.\nCustomer: where is it?\nAssistant:\n",
        "completion": "Wait 2 days.",
        "label": False,
    }
    assert (card.labels["up"], card.labels["down"]) == (1, 1)
    assert "3180275" not in text
    stores.feedback.withdraw(second, None)
    assert len(exported(stores, "feedback", tmp_path)[0]) == 1


def test_preferences_are_accepted_pairs_only(stores: Stores, tmp_path: Path) -> None:
    evidence = [{"id": "late#0", "title": "A late parcel", "text": "Wait 2 days."}]
    keys = [stores.store.create(None) for _ in range(3)]
    for key in keys:
        turn(stores, key, "where is it?")  # type: ignore[arg-type]
    context = [
        {"role": "customer", "text": "hi"},
        {"role": "assistant", "text": "Hello."},
        {"role": "customer", "text": "where is it?"},
    ]
    stores.accepted(keys[0], "Wait 3 days.", context=context, question="where is it?", evidence=evidence)
    stores.accepted(keys[1], "The same.", rejected="The same.")
    correct(stores, keys[2], "Not decided.")  # type: ignore[arg-type]
    rows, _, _ = exported(stores, "preferences", tmp_path)
    assert rows == [
        {
            "prompt": "Evidence:\n[1] A late parcel: Wait 2 days.\n\nCustomer: hi\nAssistant: Hello.\nCustomer: where is it?\nAssistant:\n",
            "chosen": "Wait 3 days.",
            "rejected": "I don't know that.",
        }
    ]
    (row,), _, _ = exported(stores, "preferences", tmp_path, chat=True)
    assert [message["role"] for message in row["prompt"]] == ["system", "user", "assistant", "user"]
    assert row["chosen"] == [{"role": "assistant", "content": "Wait 3 days."}]


def test_nothing_of_a_customer_who_opted_out(stores: Stores, tmp_path: Path) -> None:
    for customer, canary in (("C-10001", "canaryone"), ("C-10002", "canarytwo"), (None, "canarythree")):
        key = stores.store.create(customer)
        message = turn(stores, key, f"do you sell {canary}?", scripted(f"No {canary}."))  # type: ignore[arg-type]
        stores.feedback.rate(message, customer, "up")
        stores.accepted(key, f"Yes, {canary}.", question=f"do you sell {canary}?")
    stores.people.choose("C-10001", True)
    stores.people.choose("C-10002", False)
    for what in ("preferences", "feedback", "conversations"):
        rows, text, card = exported(stores, what, tmp_path)
        assert len(rows) == 2
        assert "canaryone" not in text
        assert "canarytwo" in text
        assert "canarythree" in text
        assert card.opted_out == 1


CANARIES = (
    "my name is {name} and my order {order} is late",
    "{first} here, {order} again! mail me at {email}",
    "I'm {name}, born on {birthday}, customer {customer}",
    "hi this is {lower}, dob {birthday}; call {phone}",
    "i live at {address}. prescription {prescription}",
    "please ask {third} about transfer {transfer}, tracking {tracking}",
    "my wife {third}'s member id is {insurance}",
    "{upper} SAYS ORDER {order} NEVER CAME",
    "It's {last}, {first}. Send it to {address} please",
    "Dr. {doctor} sent {prescription}. Regards, {name}",
)


@pytest.fixture(scope="module")
def people() -> list[dict[str, str]]:
    """Sixty customers with everything about them that must not get out."""
    thirds = ("Zofia", "Nkechi", "Jamal", "Renée", "Robert", "Xiomara", "Thandiwe", "Emily", "Bjørn", "María José")
    found = []
    for n, customer in enumerate(made.business().customers):
        first, _, last = customer.name.partition(" ")
        found.append(
            {
                "customer": customer.id, "name": customer.name, "first": first, "last": last, "lower": customer.name.lower(),
                "upper": customer.name.upper(), "email": f"me{n}x@mail{n}.example.org", "phone": f"({503 + n}) 876-{4000 + n}",
                "address": f"{4100 + n} Quail Hollow Rd, Apt {n}B, Dayton, OH {45000 + n}", "order": f"FH-{3180275 + n}",
                "prescription": f"RX-{12345678 + n}", "transfer": f"TR-{123456 + n}", "tracking": f"1Z999AA10{123456000 + n}",
                "insurance": f"W{98765400 + n}", "birthday": f"0{n % 9 + 1}/1{n % 9}/19{50 + n % 40}", "third": thirds[n % len(thirds)],
                "doctor": ("Adair", "Lindqvist", "Okonkwo", "Petrov")[n % 4],
            }
        )  # fmt: skip
    return found


def test_planted_canaries_do_not_get_out(stores: Stores, people: list[dict[str, str]], tmp_path: Path) -> None:
    for n, person in enumerate(people):
        key = stores.store.create(person["customer"])
        for k in range(4):
            text = CANARIES[(n + k) % len(CANARIES)].format(**person)
            answer = scripted(
                f"Thank you, {person['first']}. Your order {person['order']} goes to {person['address']}."
            )
            message = turn(stores, key, text, answer)  # type: ignore[arg-type]
            stores.feedback.rate(message, person["customer"], "up")
        stores.accepted(
            key, f"Hi {person['first']}, {person['order']} left. {person['third']} will call {person['phone']}.", question=text,
            context=[{"role": "customer", "text": CANARIES[n % len(CANARIES)].format(**person)}],
            evidence=[{"id": person["order"], "title": f"Order {person['order']}", "text": f"For {person['name']}, {person['address']}"}],
        )  # fmt: skip
    book = MemoryAccountBook.of(made.business())
    for what in ("preferences", "feedback", "conversations"):
        rows, _, card = exported(stores, what, tmp_path, book)
        if card.held_back:
            print("HELD", what, card.held_back)
        assert card.surrogates["name"] > 100
        assert {person["customer"] for person in people}
        by_person = exported_texts(rows)
        leaked = [
            (canary, person[canary])
            for person in people
            for canary in person
            for text in by_person
            if person[canary].lower() in text
            and canary not in ("first", "last", "third", "doctor", "name", "lower", "upper")
        ]
        assert leaked == []
        surrogates = {
            "alex",
            "robin",
            "sam",
            "jamie",
            "casey",
            "morgan",
            "taylor",
            "jordan",
            "riley",
            "avery",
            "quinn",
            "rowan",
        }
        real = {
            w.lower() for p in people for k in ("name", "third", "doctor") for w in re.findall(r"\w+", p[k])
        } - surrogates
        ordinary = {"may", "long", "park", "young", "lee", "grace", "hall", "bell", "le"}
        seen = {word for text in by_person for word in re.findall(r"\w+", text)}
        assert seen & (real - ordinary) == set()


def exported_texts(rows: list[dict]) -> list[str]:
    return [json.dumps(row, ensure_ascii=False).replace("\\n", " ").lower() for row in rows]


def test_the_same_value_has_the_same_surrogate_within_a_conversation_only(stores: Stores, tmp_path: Path) -> None:
    for _ in range(2):
        key = stores.store.create(None)
        turn(stores, key, "where is fh 318 0275? I am Zofia Okonkwo", scripted("FH-3180275 left. FH-3180276 waits."))  # type: ignore[arg-type]
        turn(stores, key, "thanks, and zofia's other one, FH3180276?", scripted("Zofia, it waits."))  # type: ignore[arg-type]
    rows, text, card = exported(stores, "conversations", tmp_path)
    assert card.doubles == 0
    found = [re.findall(r"FH-\d{7}", json.dumps(row)) for row in rows]
    for numbers in found:
        assert numbers[0] == numbers[1]
        assert numbers[2] == numbers[3] != numbers[0]
        assert all(number.startswith("FH-0") for number in numbers)
    assert found[0] != found[1]
    assert exported(stores, "conversations", tmp_path)[1] == text  # a second export says the same
    for row in rows:
        said = [message["content"] for message in row["messages"]]
        name = said[0].split()[-2]
        assert said[3].startswith(f"{name}, ")
        assert f"{name.lower()}'s other" in said[2]


def test_what_is_nobodys_stays() -> None:
    made_up = Surrogates(KIT.personal, "x", Person())
    for text in (
        "Take 10 mg of metformin, 30 tablets, $12.50, on 11/21/2026 at 5 pm.",
        "Call 1-800-555-0142 or write to help@fernhollow.example.",
        "Does Medicare Part D cover Jardiance or Ozempic in Ohio? NDC 12345-678-90",
        "It took 3 days to drive. 45 business days on the way. I live in St. Louis.",
        "Write to P.O. Box 4410, Columbus, OH 43216. Texts from 55542. I live in Georgia. Will you come?",
        "May I mark it? Will the price change? My card is [card].",
    ):
        assert made_up.replace(text) == text
        assert marked(KIT.personal, text) == text


@pytest.mark.parametrize(
    "text",
    ["", "\x00", "\ud800", "🙂" * 50, "a" * 20_000, "1 " * 3_000, "Dr. " * 2_000, "my name is " * 500, "FH-" * 999],
)
def test_strange_texts_are_taken(text: str) -> None:
    made_up = Surrogates(KIT.personal, "x", Person())
    made_up.learn([text])
    assert isinstance(made_up.replace(text), str)


def test_without_the_account_book_nothing_is_written(stores: Stores, tmp_path: Path) -> None:
    turn(stores, stores.store.create("C-10001"), "hi", scripted("Hello."))  # type: ignore[arg-type]
    with pytest.raises(AccountError):
        exported(stores, "conversations", tmp_path, BookInMemory(away=AccountError("away")))
    assert [path.name for path in tmp_path.iterdir() if "jsonl" in path.name] == []


def test_the_command_writes_rows_and_a_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PESTLE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    stores = Stores(Settings().conversations_url)
    key = stores.store.create(None)
    stores.feedback.rate(turn(stores, key, "I am Zofia. how long?", scripted("Two days.")), None, "up")  # type: ignore[arg-type]
    ran = CliRunner().invoke(cli, ["export", "feedback"])
    assert ran.exit_code == 0, ran.output
    assert "1 rows from 1 conversations" in ran.output
    assert json.loads((tmp_path / "feedback.jsonl").read_text())["label"] is True
    card = card_path(tmp_path / "feedback.jsonl").read_text(encoding="utf-8")
    today = dt.datetime.now(dt.UTC).date()
    for said in (
        "Rows: 1",
        "1 up, 0 down",
        f"{today} to {today}",
        f"policy {VERSIONS['policy']}",
        "name: 1 places",
        "opted out: 0",
    ):
        assert said in card
    ran = CliRunner().invoke(cli, ["export", "conversations", str(tmp_path / "x" / "y.jsonl"), "--since", "2999-01-01"])
    assert ran.exit_code == 0
    assert (tmp_path / "x" / "y.jsonl").read_text() == ""
    assert CliRunner().invoke(cli, ["export", "secrets"]).exit_code == 2
    stores.database.close()
