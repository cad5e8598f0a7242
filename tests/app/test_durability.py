"""Nothing that was acknowledged is lost: killed in mid-turn, the disk full, the database held by another."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import event, text

from app.store.conversations import ConversationStore
from app.store.engine import open_engine
from app.store.errors import StoreAway, StoreBusy, StoreError, StoreFull
from app.store.migrate import migrate
from tests.fakes import scripted

WRITER = """
import sys
from app.store.conversations import ConversationStore
from tests.fakes import scripted
store, key = ConversationStore(sys.argv[1]), sys.argv[2]
for number in range(100_000):
    answer = scripted(f"answer {number}. " * 40)
    store.record(key, f"question {number}", answer, f"key-{number}")
    print(number, answer.reply.message_id, flush=True)
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    made = f"sqlite:///{tmp_path / 'pestle.db'}"
    migrate(made)
    return made


@pytest.mark.parametrize("after_lines", [1, 7, 23])
def test_killed_in_mid_transaction(url: str, after_lines: int) -> None:
    key = ConversationStore(url).create(None)
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, url, key],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONPATH": "."},
    )
    assert writer.stdout is not None
    acknowledged = [next(writer.stdout).split() for _ in range(after_lines)]
    writer.send_signal(signal.SIGKILL)
    acknowledged += [line.split() for line in writer.stdout if len(line.split()) == 2 and len(line.split()[1]) == 32]
    writer.wait(20)
    store = ConversationStore(url)
    found = store.messages(key, limit=100_000)
    replies = {message.id: message for message in found if message.role == "assistant"}
    for number, message_id in acknowledged:
        assert replies[message_id].text.startswith(f"answer {number}.")
        assert store.trace(message_id) is not None
        again = store.replay(key, f"key-{number}")
        assert again is not None
        assert again.reply.message_id == message_id
    assert [message.seq for message in found] == list(range(1, len(found) + 1))
    assert len(found) % 2 == 0
    with sqlite3.connect(url.removeprefix("sqlite:///")) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    store.record(key, "and on it goes", scripted("yes"))


def test_every_commit_is_synced(url: str) -> None:
    with open_engine(url).connect() as db:
        assert db.scalar(text("PRAGMA synchronous")) == 2
        assert db.scalar(text("PRAGMA journal_mode")) == "wal"
        assert db.scalar(text("PRAGMA foreign_keys")) == 1


def test_a_full_disk_loses_nothing(url: str) -> None:
    store = ConversationStore(url)
    event.listen(store._db.engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count=160"))
    key = store.create(None)
    recorded = 0

    def fill() -> None:
        nonlocal recorded
        while recorded < 1000:
            store.record(key, f"question {recorded}", scripted("x" * 4000))
            recorded += 1

    with pytest.raises(StoreFull, match="free some disk space"):
        fill()
    assert recorded > 0
    assert len(store.messages(key, limit=5000)) == 2 * recorded
    store.close()
    roomy = ConversationStore(url)
    roomy.record(key, "there is room again", scripted("good"))
    assert len(roomy.messages(key, limit=5000)) == 2 * recorded + 2


def test_a_held_database_is_named(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.store.engine.BUSY_TIMEOUT_MS", 50)
    store = ConversationStore(url)
    key = store.create(None)
    with sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy, match="try again"):
            store.record(key, "hello", scripted("x"))
        other.execute("ROLLBACK")
    store.record(key, "hello", scripted("x"))
    assert len(store.messages(key)) == 2


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "pestle.db"
    path.write_bytes(b"this is not a database at all" * 400)
    with pytest.raises(StoreAway):
        migrate(f"sqlite:///{path}")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "mysql://localhost/x",
        "sqlite://",
        "sqlite:////proc/nowhere/pestle.db",
        "postgresql://nobody@127.0.0.1:9/none",
    ],
)
def test_a_wrong_address_is_one_sentence(url: str) -> None:
    with pytest.raises(StoreError) as caught:
        migrate(url)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250
    assert json.dumps(str(caught.value))
