"""`pestle export`: what people said, as rows for training, without anybody's personal data, and a card that tells of it."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from app.learning import rows
from app.learning.personal import Person, PersonalFinder
from app.learning.rows import Row, Turn
from app.learning.surrogates import Surrogates
from app.store.corrections import Correction
from app.store.database import Database
from app.store.exported import Told, opted_out, told
from rag.account.book import AccountBook
from rag.articles import Article
from rag.passages import passages

What = Literal["preferences", "feedback", "conversations"]
WHATS: tuple[str, ...] = get_args(What)
BEFORE = 8  # turns before a question that go into its prompt
FORMATS = {
    "preferences": '{"prompt", "chosen", "rejected"}: an agent\'s text chosen, the assistant\'s rejected, accepted on the review page',
    "feedback": '{"prompt", "completion", "label"}: an answer, and whether its customer rated it up',
    "conversations": '{"messages": [{"role", "content"}]}: customers as "user", assistant and agents as "assistant"',
}


@dataclass
class Card:
    """What stands in the data card. `held_back`: rows in which a real value was still to be seen."""

    what: str
    chat: bool
    rows: int = 0
    conversations: int = 0
    opted_out: int = 0
    doubles: int = 0
    held_back: int = 0
    first: dt.datetime | None = None
    last: dt.datetime | None = None
    labels: Counter[str] = field(default_factory=Counter)
    surrogates: Counter[str] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)

    def saw(self, at: dt.datetime, versions: Mapping[str, Any]) -> None:
        self.first = at if self.first is None else min(self.first, at)
        self.last = at if self.last is None else max(self.last, at)
        self.versions[
            ", ".join(f"{name} {value}" for name, value in sorted(versions.items()) if value) or "unknown"
        ] += 1


class Exporter:
    """Makes the rows. `articles` are those of the evidence; `book` knows the customers' own names."""

    def __init__(
        self,
        database: Database,
        personal: PersonalFinder,
        book: AccountBook | None,
        articles: Sequence[Article],
        chat: bool = False,
    ) -> None:
        self._db, self._personal, self._book, self._chat = database, personal, book, chat
        self._passages = {part.id: part for article in articles for part in passages(article)}

    def export(self, what: What, out: Path, since: dt.datetime) -> Card:
        """Writes the rows to `out`, whole or not at all, with the card beside it. Raises `StoreError`, `AccountError`."""
        card = Card(what, self._chat, opted_out=opted_out(self._db, since))
        seen: set[str] = set()
        out.parent.mkdir(parents=True, exist_ok=True)
        beside = out.with_name(f".{out.name}.new")
        try:
            with beside.open("w", encoding="utf-8") as file:
                for one in told(self._db, since):
                    made = 0
                    for row, at, versions in self._rows(what, one, card):
                        line = json.dumps(row, ensure_ascii=False)
                        if line in seen:
                            card.doubles += 1
                            continue
                        seen.add(line)
                        file.write(f"{line}\n")
                        made += 1
                        card.saw(at, versions)
                        if "label" in row:
                            card.labels["up" if row["label"] else "down"] += 1
                    card.rows += made
                    card.conversations += bool(made)
            card_path(out).write_text(text_of(card), encoding="utf-8")
            beside.replace(out)
        finally:
            beside.unlink(missing_ok=True)
        return card

    def _rows(self, what: What, one: Told, card: Card) -> Iterator[tuple[Row, dt.datetime, dict[str, Any]]]:
        """Rows of one conversation, with when they were said and with which versions."""
        makes: dict[str, Callable[[Told, Surrogates], Iterator[tuple[Row, dt.datetime, dict[str, Any]]]]] = {
            "preferences": self._preferences,
            "feedback": self._feedback,
            "conversations": self._conversation,
        }
        if (what == "preferences" and not one.pairs) or (what == "feedback" and not one.ratings):
            return
        surrogates = Surrogates(self._personal, one.id, self._person(one))
        surrogates.learn([*(said.text for said in one.messages), *(t for pair in one.pairs for t in _texts(pair))])
        for row, at, versions in makes[what](one, surrogates):
            if surrogates.shows("\n".join(_strings(row))):
                card.held_back += 1
            else:
                yield row, at, versions
        card.surrogates.update(surrogates.counts)

    def _person(self, one: Told) -> Person:
        account = self._book.account(one.customer_id) if self._book and one.customer_id else None
        return Person.of(account, {said.author for said in one.messages if said.author})

    def _conversation(self, one: Told, made: Surrogates) -> Iterator[tuple[Row, dt.datetime, dict[str, Any]]]:
        said = rows.turns([(message.role, made.replace(message.text)) for message in one.messages])
        if len(said) > 1:
            versions: dict[str, Any] = next((v for m in one.messages if (v := m.trace.get("versions"))), {})
            yield rows.conversation(said), one.messages[0].at, versions

    def _feedback(self, one: Told, made: Surrogates) -> Iterator[tuple[Row, dt.datetime, dict[str, Any]]]:
        for n, message in enumerate(one.messages):
            rating = one.ratings.get(message.id)
            if rating is None or not message.text.strip():
                continue
            said = rows.turns([(m.role, made.replace(m.text)) for m in one.messages[:n]])
            if not said or said[-1][0] != "user":
                continue
            evidence = self._evidence(message.trace.get("evidence") or ())
            prompt = rows.prompt(_recent(said[:-1]), said[-1][1], evidence, self._chat)
            completion = made.replace(message.text)
            yield rows.rated(prompt, completion, rating.rating == "up"), rating.changed_at, rating.versions

    def _preferences(self, one: Told, made: Surrogates) -> Iterator[tuple[Row, dt.datetime, dict[str, Any]]]:
        for pair in one.pairs:
            chosen, rejected = made.replace(pair.chosen).strip(), made.replace(pair.rejected).strip()
            if not chosen or not rejected or chosen == rejected:
                continue
            told = [(str(turn.get("role")), made.replace(str(turn.get("text", "")))) for turn in pair.context]
            question = made.replace(pair.question)
            before = rows.turns(told)
            if before and before[-1][0] == "user":  # the question itself, or what the prompt joins to it
                last = before.pop()[1]
                question = question if last.endswith(question) else f"{last}\n\n{question}"
            evidence = [
                {"title": made.replace(str(item.get("title", ""))), "text": made.replace(str(item.get("text", "")))}
                for item in pair.evidence
            ]
            prompt = rows.prompt(_recent(before), question, evidence, self._chat)
            yield rows.preference(prompt, chosen, rejected), pair.created_at, pair.versions

    def _evidence(self, ids: Sequence[str]) -> list[dict[str, str]]:
        """The passages of articles among the evidence; what came from an account is nobody else's business."""
        parts = (self._passages[one] for one in ids if one in self._passages)
        return [{"title": part.title, "text": part.text} for part in parts]


def card_path(out: Path) -> Path:
    return out.with_name(f"{out.stem}.card.md")


def text_of(card: Card) -> str:
    """The data card, as Markdown."""
    period = f"{card.first:%Y-%m-%d} to {card.last:%Y-%m-%d}" if card.first and card.last else "nothing yet"
    form = FORMATS[card.what] + ("; prompts and answers as chat messages" if card.chat else "")
    labels = [f"- Labels: {card.labels['up']} up, {card.labels['down']} down"] if card.labels else []
    lines = [
        f"# Data card: {card.what}",
        "",
        f"- Format: JSON Lines, {form}",
        f"- Rows: {card.rows}, from {card.conversations} conversations",
        *labels,
        f"- Period: {period}",
        f"- Left out because their customers opted out: {card.opted_out} conversations",
        f"- Left out as doubles: {card.doubles} rows",
        f"- Held back because a real value was still to be seen: {card.held_back} rows",
        "",
        "## Versions",
        "What the answers were made with, and how many rows each.",
        "",
        *(f"- {names}: {count}" for names, count in card.versions.most_common()),
        "",
        "## Personal data",
        "Replaced by invented values, the same for the same value within a conversation and unrelated between two. Card, "
        "bank, passport, license and social security numbers are marks. States of addresses, dates other than birthdays, "
        "medicines and strengths stay.",
        "",
        *(f"- {kind}: {count} places" for kind, count in card.surrogates.most_common()),
        "",
        "Values are found by rules and lists, and customers' own by the account book. A name in small letters that is on no "
        "list and that nothing introduces can remain: treat the file as pseudonymous, not as anonymous.",
        "",
    ]
    return "\n".join(lines)


def _recent(said: Sequence[Turn]) -> Sequence[Turn]:
    """The last turns, beginning with the user's."""
    kept = list(said[-BEFORE:])
    return kept[1:] if kept and kept[0][0] != "user" else kept


def _strings(value: Any) -> Iterator[str]:
    """All texts of a row."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)


def _texts(pair: Correction) -> list[str]:
    items = (
        *(str(turn.get("text", "")) for turn in pair.context),
        *(str(item.get("text", "")) for item in pair.evidence),
    )
    return [*items, pair.question, pair.chosen, pair.rejected]
