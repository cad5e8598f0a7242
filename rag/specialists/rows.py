"""The rows that the reader and its heads learn from: all examples with what is known of each, in a fixed order.

A seventh of them, chosen by their text, is never shown to the reader while it is tuned: on those, probabilities are
calibrated and thresholds chosen.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rag.articles import Article
from rag.encoder import Vectors
from rag.labelled import Labelled
from rag.specialists.examples import HEADS, Intents, Marked, read_heads, read_intents
from rag.specialists.finetune import Task
from rag.specialists.marks import OUT_OF_SCOPE, of_head_row, of_intent_row
from rag.specialists.window import window

KEPT_BACK = 7  # one row in so many
SEED = 7
OFTEN = {"articles": 0.3}
COPIES = 0.4
PAST_SHARE = 0.18  # share of single messages that are also learnt after an unrelated exchange
FOLDERS = ("intents", "dangers", "conversation")


@dataclass(frozen=True)
class Learnt:
    """One row: the turns, its intents as shares, its marks in the order of HEADS, and where it comes from."""

    turns: tuple[str, ...]
    shares: tuple[tuple[str, float], ...]
    marks: tuple[float, ...]
    source: str
    head: str = ""  # of a row written for a head
    added: bool = False  # a copy with another past, made here

    @property
    def kept_back(self) -> bool:
        return int(hashlib.sha256("\n".join(self.turns).lower().encode()).hexdigest(), 16) % KEPT_BACK == 0


@dataclass(frozen=True)
class Rows:
    rows: tuple[Learnt, ...]
    routes: dict[str, str]
    of_article: dict[str, str] = field(default_factory=dict)

    @property
    def intents(self) -> list[str]:
        return list(self.routes)

    def classes(self) -> Vectors:
        """Float32 (rows, intents): shares that sum to 1, or zeros."""
        place = {name: n for n, name in enumerate(self.intents)}
        out = np.zeros((len(self.rows), len(place)), dtype=np.float32)
        for n, row in enumerate(self.rows):
            for name, share in row.shares:
                out[n, place[name]] = share
        return out

    def marks(self) -> Vectors:
        """Float32 (rows, heads): 1, 0 or NaN."""
        return np.array([row.marks for row in self.rows], dtype=np.float32)

    def windows(self) -> list[str]:
        return [window(row.turns) for row in self.rows]

    def groups(self) -> list[int]:
        """The class of each row for the contrast: its intent, or its head and side; -1 for none."""
        names: dict[str, int] = {}
        found = []
        for row in self.rows:
            if row.head and row.head not in ("follow_up", "frustration"):
                name = f"{row.head}:{row.marks[HEADS.index(row.head)]:.0f}"
            else:
                name = row.shares[0][0] if len(row.shares) == 1 else ""
            found.append(names.setdefault(name, len(names)) if name else -1)
        return found

    def own(self) -> list[int]:
        """The head that each row was written for; -1 for none."""
        return [HEADS.index(row.head) if row.head else -1 for row in self.rows]

    def often(self) -> list[float]:
        """The share of passes in which each row is learnt: articles' questions are many, and the copies are copies."""
        return [OFTEN.get(row.source, COPIES if row.added else 1.0) for row in self.rows]

    def task(self) -> Task:
        """These rows as the reader learns them."""
        return Task(self.windows(), self.classes(), self.marks(), self.groups(), self.own(), self.often())

    def only(self, kept_back: bool) -> Rows:
        """Those that the reader never sees (without the copies made here), or those that it learns from."""
        if kept_back:
            return Rows(tuple(row for row in self.rows if row.kept_back and not row.added), self.routes, self.of_article)
        return Rows(tuple(row for row in self.rows if not row.kept_back), self.routes, self.of_article)


def examples_digest(knowledge: Path) -> str:
    """A hash of every examples file, by which a trained head knows its examples."""
    digest = hashlib.sha256()
    for folder in FOLDERS:
        for path in sorted((knowledge / folder).glob("*.yaml")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def read_rows(
    knowledge: Path, articles: Sequence[Article], asked: Sequence[Labelled], stray: Sequence[Labelled]
) -> Rows:
    """All rows. `asked` are further questions that articles answer, `stray` ones that nothing here answers.

    Raises ExamplesError.
    """
    intents = read_intents(knowledge / "intents")
    heads = read_heads(knowledge / "dangers", knowledge / "conversation")
    rows = [
        Learnt(example.turns, ((name, 1.0),), of_intent_row(name, fresh=False), example.source)
        for example, name in intents.rows
    ]
    rows += _questions(intents, articles, asked)
    rows += [
        Learnt((row.question,), ((OUT_OF_SCOPE, 1.0),), of_intent_row(OUT_OF_SCOPE, fresh=True), "unanswerable")
        for row in stray
    ]
    rows += [Learnt(m.example.turns, (), of_head_row(m), m.example.source, m.head) for m in heads]
    unique = list({(*tuple(turn.lower() for turn in row.turns), row.head): row for row in rows}.values())
    return Rows((*unique, *_with_pasts(unique, heads)), dict(intents.routes), dict(intents.of_article))


def _questions(intents: Intents, articles: Sequence[Article], asked: Sequence[Labelled]) -> list[Learnt]:
    """What articles are asked, with the intents of those articles."""
    rows = []
    pairs = [(question, (article.id,)) for article in articles for question in article.questions]
    for question, of in [*pairs, *((row.question, row.articles) for row in asked)]:
        names = list(dict.fromkeys(intents.of_article[id] for id in of if id in intents.of_article))
        shares = tuple((name, 1.0 / len(names)) for name in names)
        rows.append(Learnt((question,), shares, of_intent_row(names[0] if names else None, fresh=True), "articles"))
    return rows


def _with_pasts(rows: Sequence[Learnt], heads: Sequence[Marked]) -> list[Learnt]:
    """Copies of single messages after an exchange that has nothing to do with them: what counts is the message."""
    dice = random.Random(SEED)
    replies = [turn for m in heads for turn in m.example.turns[1::2] if m.head not in ("emergency", "self_harm")]
    openers = [row.turns[0] for row in rows if not row.head and len(row.turns) == 1 and 4 <= len(row.turns[0].split()) <= 18]
    if not replies or not openers:
        return []
    made = []
    for row in rows:
        if len(row.turns) > 1 or dice.random() >= PAST_SHARE or row.kept_back:
            continue
        marks = list(row.marks)
        marks[HEADS.index("follow_up")] = 0.0 if len(row.turns[0].split()) > 6 else float("nan")
        turns = (dice.choice(openers), dice.choice(replies), row.turns[0])
        made.append(Learnt(turns, row.shares, tuple(marks), row.source, row.head, added=True))
    return made

