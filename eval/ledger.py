"""What a server acknowledged, held against what its database holds: what is lost, and what is there by half or twice."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

Rating = tuple[str, str]  # "up" or "down", and the comment
AFTER = {"waiting": ("waiting", "held", "resolved"), "held": ("held", "resolved"), "resolved": ("resolved",)}


@dataclass
class Ledger:
    """All that was acknowledged so far.

    `messages`: text and the reply's id by conversation and Idempotency-Key. `said`: agents' texts by message id.
    `corrected`: those of `said` that changed a suggestion. `ratings`: the last one by message id; `trying`: one that was
    sent and may or may not have been kept. `handovers`: the state that was reached, by id.
    """

    messages: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    corrected: set[str] = field(default_factory=set)
    ratings: dict[str, Rating] = field(default_factory=dict)
    trying: dict[str, Rating] = field(default_factory=dict)
    handovers: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.messages) + len(self.said) + len(self.corrected) + len(self.ratings) + len(self.handovers)

    def lost(self, path: Path) -> set[str]:
        """One line for each acknowledged thing that the database doesn't hold as it was acknowledged."""
        with sqlite3.connect(path) as db:
            rows = db.execute("SELECT id, conversation_id, seq, role, text, idempotency_key FROM messages").fetchall()
            rated = {
                id: (rating, comment)
                for id, rating, comment in db.execute("SELECT message_id, rating, comment FROM feedback")
            }
            states = dict(db.execute("SELECT id, state FROM handovers").fetchall())
            corrected = _corrected(db)
        by_key = {(key, idempotency): (id, seq, text) for id, key, seq, _, text, idempotency in rows if idempotency}
        texts = {id: (role, text) for id, _, _, role, text, _ in rows}
        missing = set()
        for (conversation, key), (text, reply) in self.messages.items():
            kept = by_key.get((conversation, key))
            if kept is None or kept[2] != text:
                missing.add(f"message {key}")
            if reply not in texts:
                missing.add(f"reply {reply}")
        missing |= {f"agent's message {id}" for id, text in self.said.items() if texts.get(id) != ("agent", text)}
        missing |= {f"correction of {id}" for id in self.corrected if corrected.get(id) != 3}
        for id, rating in self.ratings.items():
            if rated.get(id) not in (rating, self.trying.get(id, rating)):
                missing.add(f"rating of {id}")
        for id, state in self.handovers.items():
            if states.get(id) not in AFTER[state]:
                missing.add(f"hand-over {id}")
        return missing


def broken(path: Path) -> set[str]:
    """One line for each thing that is in the database by half or twice, whether it was acknowledged or not."""
    found = set()
    with sqlite3.connect(path) as db:
        rows = db.execute(
            "SELECT id, conversation_id, seq, role, reply IS NULL, text FROM messages ORDER BY seq"
        ).fetchall()
        traced = {id for (id,) in db.execute("SELECT message_id FROM traces")}
        opened = db.execute("SELECT conversation_id FROM handovers WHERE state IN ('waiting', 'held')").fetchall()
        corrected = _corrected(db)
    conversations = defaultdict(list)
    for id, conversation, seq, role, unanswered, text in rows:
        conversations[conversation].append((id, seq, role, unanswered, text))
    for conversation, said in conversations.items():
        if [seq for _, seq, *_ in said] != list(range(1, len(said) + 1)):
            found.add(f"numbers of messages in {conversation}")
        for (id, _, role, unanswered, _), following in zip(said, [*said[1:], None], strict=True):
            if role == "customer" and unanswered and (following is None or following[2] != "assistant"):
                found.add(f"half a turn: {id}")
            if (role == "assistant" or (role == "customer" and not unanswered)) and id not in traced:
                found.add(f"no trace of {id}")
        twice = Counter((role, text) for _, _, role, _, text in said if role in ("customer", "agent"))
        found |= {f"kept {times} times: {text}" for (_, text), times in twice.items() if times > 1}
    found |= {f"{n} proposals of the correction by {id}" for id, n in corrected.items() if n != 3}
    found |= {f"open {n} times in {key}" for (key,), n in Counter(opened).items() if n > 1}
    return found


def whole(path: Path) -> bool:
    """Whether SQLite finds its file undamaged, references from table to table included."""
    with sqlite3.connect(path) as db:
        sound = db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return sound and not db.execute("PRAGMA foreign_key_check").fetchall()


def _corrected(db: sqlite3.Connection) -> dict[str, int]:
    """How many kinds of proposals each agent's message led to, which are three where it corrected the assistant."""
    counted = "SELECT c.message_id, COUNT(DISTINCT p.kind) FROM corrections c LEFT JOIN proposals p ON p.correction_id = c.id GROUP BY c.id"
    return dict(db.execute(counted).fetchall())
