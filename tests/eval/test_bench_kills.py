"""The bench that kills the server: what it counts as lost, and a few kills of the real thing."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from app.settings import Settings
from app.store.conversations import ConversationStore
from app.store.corrections import CorrectionStore
from app.store.database import Database
from app.store.feedback import FeedbackStore
from app.store.handovers import HandoverStore
from app.store.migrate import migrate
from app.tokens import Identity
from eval.bench_kills import kills
from eval.ledger import Ledger, broken, whole
from rag.turn import Handover
from tests.fakes import scripted


@pytest.fixture
def kept(tmp_path: Path) -> tuple[Ledger, Path]:
    """A ledger, and a database that holds all of it."""
    path = tmp_path / "pestle.db"
    migrate(f"sqlite:///{path}")
    database = Database(f"sqlite:///{path}")
    store, handovers = ConversationStore(database), HandoverStore(database, CorrectionStore(database))
    key, agent = store.create("C-1"), Identity("agent", "ana", 9e9)
    answer = scripted("I don't know.", outcome="unknown")
    store.record(key, "Well?", answer, "key-1")
    FeedbackStore(database).rate(answer.reply.message_id, "C-1", "down", (), "no")
    called, _ = handovers.call(key, Handover("button", "soon", "care"))
    handovers.claim(called.id, agent, "Ana has joined.")
    said = handovers.reply(called.id, agent, "It is like this.")
    handovers.resolve(called.id, agent, "answered", "", "Ana has left.")
    database.close()
    reply = answer.reply.message_id
    return Ledger(
        messages={(key, "key-1"): ("Well?", reply)},
        said={said.id: said.text},
        corrected={said.id},
        ratings={reply: ("down", "no")},
        handovers={called.id: "resolved"},
    ), path


def test_nothing_is_missed_where_nothing_is_missing(kept: tuple[Ledger, Path]) -> None:
    ledger, path = kept
    assert len(ledger) == 5
    assert ledger.lost(path) == set()
    assert broken(path) == set()
    assert whole(path)


@pytest.mark.parametrize(
    ("change", "lost", "half"),
    [
        ("DELETE FROM proposals WHERE kind = 'case'", "correction", "2 proposals"),
        ("DELETE FROM proposals; DELETE FROM corrections", "correction", ""),
        ("UPDATE feedback SET rating = 'up'", "rating", ""),
        ("DELETE FROM feedback", "rating", ""),
        ("UPDATE messages SET text = 'other' WHERE role = 'agent'", "agent's message", ""),
        ("UPDATE messages SET idempotency_key = NULL", "message key-1", ""),
        ("DELETE FROM messages WHERE role = 'assistant'", "reply", "half a turn"),
        ("DELETE FROM traces", "", "no trace"),
        ("DELETE FROM messages WHERE role = 'notice'", "", "numbers of messages"),
        ("UPDATE messages SET role = 'customer', text = 'Well?' WHERE role = 'notice'", "", "kept 3 times"),
        ("UPDATE handovers SET state = 'held'", "hand-over", ""),
        (
            "INSERT INTO handovers SELECT id || '2', conversation_id, message_id, reason, urgency, department, created_at, 'held',"
            " NULL, summary, facts, note, agent_id, agent_name, claimed_at, seen_at, answered_at, ended_at, code FROM handovers;"
            " UPDATE handovers SET state = 'held'",
            "hand-over",
            "open 2 times",
        ),
    ],
)
def test_what_is_missing_is_found(kept: tuple[Ledger, Path], change: str, lost: str, half: str) -> None:
    ledger, path = kept
    with sqlite3.connect(path) as db:
        db.executescript(change)
    for found, wanted in ((ledger.lost(path), lost), (broken(path), half)):
        assert any(wanted in one for one in found) if wanted else not found, found


def test_a_rating_in_flight_may_stand_or_not(kept: tuple[Ledger, Path]) -> None:
    ledger, path = kept
    message, before = next(iter(ledger.ratings.items()))
    ledger.ratings[message] = ("up", "yes")
    assert ledger.lost(path)
    assert not replace(ledger, trying={message: before}).lost(path)


def test_three_kills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eval.bench_kills.EARLY", 0.0)
    monkeypatch.setattr("eval.bench_kills.LIFE_S", (1.0, 2.0))
    lost, half, sound, refused, _ = kills(Settings(home=tmp_path, _env_file=None), 3)
    assert lost.reached, lost
    assert half.reached, half
    assert sound.value == "3 of 3"
    assert refused.reached, refused
    assert not list(tmp_path.iterdir())
