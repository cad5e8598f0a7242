"""Collecting: from what people said of answers to examples, without anybody's personal data.

Nothing of customers who opted out, nothing of a turn in which a rail spoke, nothing in which a real value is still to be
seen. Each example names the rows that it came from, and its customer by a keyed hash.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.learning import rows
from app.learning.personal import Person, PersonalFinder
from app.learning.proposals import cited
from app.learning.surrogates import Surrogates
from app.store.corrections import Correction
from app.store.database import Database
from app.store.exported import Said
from app.store.feedback import Feedback
from app.store.heard import Heard, heard, how_many
from app.tuning.lot import Lot
from rag.account.book import AccountBook
from rag.articles import Article
from rag.learning.cleaning import DANGERS
from rag.learning.examples import Example, Kind, example_id
from rag.passages import Passage, passages

HORIZON = dt.timedelta(days=182)
MOST = 50_000  # conversations; the newest
CONTENT, FAILED = frozenset(("thanked", "took_suggestion")), frozenset(("asked_person", "left"))
WRONG = frozenset(("wrong", "not_what_i_asked", "outdated"))  # reasons that speak against the article
RULED = frozenset(("emergency", "refused", "with_agent"))  # outcomes from which nothing is learnt

Progress = Callable[[int, int], None]  # conversations done, of how many


def quiet(done: int, total: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class Turn:
    """A question and its answer, with what was said of it."""

    question: Said
    answer: Said
    before: tuple[Said, ...]
    rating: Feedback | None
    signs: frozenset[str]

    @property
    def trace(self) -> Mapping[str, Any]:
        return self.answer.trace

    @property
    def outcome(self) -> str:
        return str(self.trace.get("outcome", ""))

    @property
    def ruled(self) -> bool:
        """Whether a rail spoke: from what a danger or a wish for a person looks like nobody learns here."""
        return self.outcome in RULED or (self.trace.get("rails") or {}).get("acted") is not None

    @property
    def passages(self) -> list[str]:
        """Of articles; what came from an account is not among them."""
        evidence: list[str] = self.trace.get("evidence") or []
        return [one for one in evidence if cited([{"id": one}])] if self.answered else []

    @property
    def answered(self) -> bool:
        return self.outcome == "answered"

    @property
    def article(self) -> str | None:
        return self.passages[0].partition("#")[0] if self.passages else None

    @property
    def intent(self) -> str | None:
        asked = self.trace.get("asked") or ()
        intents = asked[0].get("intents") if asked else None
        return str(intents[0][0]) if intents else None

    @property
    def whole(self) -> str:
        """The question, made whole with what it follows."""
        asked: list[dict[str, Any]] = self.trace.get("asked") or []
        return str(asked[0].get("query") or self.question.text) if len(asked) == 1 else self.question.text

    @property
    def own(self) -> bool:
        """Whether it was about the customer's own account."""
        return any(one.get("where") in ("account", "both") for one in self.trace.get("asked") or ())

    @property
    def up(self) -> bool:
        return self.rating is not None and self.rating.rating == "up"

    @property
    def down(self) -> bool:
        return self.rating is not None and self.rating.rating == "down"

    @property
    def content(self) -> bool:
        return self.up or (self.answered and not self.down and bool(self.signs & CONTENT))

    @property
    def failed(self) -> bool:
        return self.down or self.outcome == "unknown" or bool(self.signs & FAILED)

    @property
    def said(self) -> str:
        """The row of the store that speaks of it: the rating, or else a sign."""
        if self.rating:
            return f"rating:{self.answer.id}"
        found = sorted(self.signs & (CONTENT | FAILED))
        return f"sign:{self.answer.id}:{found[0]}" if found else f"turn:{self.answer.id}"

    @property
    def origin(self) -> str:
        if self.rating:
            return "rating"
        return "sign" if self.signs else "missed"


@dataclass
class Collected:
    """What was found. `held_back`: examples in which a real value was still to be seen."""

    examples: list[Example] = field(default_factory=list)
    conversations: int = 0
    there: int = 0  # conversations with feedback, those left out among them
    held_back: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Collector:
    """`book` knows the customers' own names; `articles` are those of the evidence. Raises the store's and the book's errors."""

    database: Database
    personal: PersonalFinder
    book: AccountBook | None
    articles: Sequence[Article]
    lot: Lot
    as_messages: bool = True  # chat rows as messages rather than as text

    def collect(
        self,
        now: dt.datetime,
        kinds: frozenset[str] = frozenset(),
        horizon: dt.timedelta = HORIZON,
        most: int = MOST,
        without: str | None = None,
        progress: Progress = quiet,
    ) -> Collected:
        """Examples of these kinds (none named: of all), oldest first; `without` a customer, by id."""
        since = now - horizon
        found = Collected(there=how_many(self.database, since))
        total = min(most, found.there)
        texts = {part.id: part for article in self.articles for part in passages(article)}
        for one in heard(self.database, since, most):
            if without is None or one.told.customer_id != without:
                self._add(found, one, kinds, texts)
            found.conversations += 1
            progress(found.conversations, total)
        found.examples.sort(key=lambda example: (example.at, example.id))
        return found

    def _add(self, found: Collected, one: Heard, kinds: frozenset[str], texts: Mapping[str, Passage]) -> None:
        told = one.told
        account = self.book.account(told.customer_id) if self.book and told.customer_id else None
        person = Person.of(account, {said.author for said in told.messages if said.author})
        made = Surrogates(self.personal, told.id, person)
        turns = turns_of(one)
        corrected = [proposal.correction for proposal in one.proposals]
        made.learn(
            [
                *(said.text for said in told.messages),
                *(turn.whole for turn in turns),
                *(text for fix in corrected for text in (fix.question, fix.chosen, fix.rejected)),
            ]
        )
        who = self.lot.customer(told.customer_id, told.id)
        for row in _Maker(one, turns, made, texts, self.as_messages).all():
            if kinds and row.kind not in kinds:
                continue
            if made.shows("\n".join(_strings(row.data))):
                found.held_back += 1
                continue
            example = Example(
                example_id(row.kind, row.source, row.what),
                row.kind,
                row.source,
                who,
                row.staff,
                row.at,
                row.data,
                one.new(row.at),
                row.origin,
            )
            found.examples.append(example)
            found.by_kind[row.kind] += 1


@dataclass(frozen=True)
class Row:
    """An example in the making."""

    kind: Kind
    source: tuple[str, ...]
    at: dt.datetime
    origin: str
    data: Mapping[str, Any]
    staff: bool = False
    what: str = ""


@dataclass(frozen=True)
class _Maker:
    """The rows of one conversation."""

    heard: Heard
    turns: Sequence[Turn]
    made: Surrogates
    texts: Mapping[str, Passage]
    as_messages: bool

    def all(self) -> Iterator[Row]:
        for turn in self.turns:
            if not turn.ruled:
                yield from self._of_turn(turn)
        yield from self._chains()
        yield from self._departments()
        yield from self._corrections()

    def _of_turn(self, turn: Turn) -> Iterator[Row]:
        source, question = (turn.said,), self.made.replace(turn.whole)
        reasons = list(turn.rating.reasons) if turn.rating else []
        at = turn.rating.changed_at if turn.rating else turn.answer.at
        if turn.down and "not_what_i_asked" in reasons and turn.intent:
            data = {"turns": self._before(turn), "why": "not_what_i_asked", "was": turn.intent, "intent": None}
            yield Row("routing", source, at, turn.origin, data)
        if turn.article and not turn.own:
            against = turn.down and bool(WRONG & set(reasons))
            if turn.content or against:
                matched = {
                    "question": question,
                    "article": turn.article,
                    "passage": turn.passages[0],
                    "good": not against,
                }
                yield Row("retrieval", source, at, turn.origin, matched)
            if turn.content or turn.down:
                answer = self.made.replace(turn.answer.text)
                judged = {"question": question, "answer": answer, "article": turn.article, "passages": turn.passages}
                yield Row("ranking", source, at, turn.origin, {**judged, "good": not turn.down, "reasons": reasons})
        if turn.rating and turn.answer.text.strip():
            said = rows.turns([(m.role, self.made.replace(m.text)) for m in turn.before])
            evidence = [
                {"title": self.texts[one].title, "text": self.texts[one].text}
                for one in turn.passages
                if one in self.texts
            ]
            asked = self.made.replace(turn.question.text)
            prompt = rows.prompt(_recent(said), asked, evidence, self.as_messages)
            row = rows.rated(prompt, self.made.replace(turn.answer.text), turn.up)
            yield Row("chat", source, at, turn.origin, {"question": asked, **row})

    def _chains(self) -> Iterator[Row]:
        """Questions that were put again in other words, and how that ended; also those put once, with a clear end."""
        for chain in chains(self.turns):
            last, first = chain[-1], chain[0]
            ended = "content" if last.content else "failed" if last.failed else "open"
            if len(chain) == 1 and ended == "open":
                continue
            source = (*(f"sign:{turn.answer.id}:rephrased" for turn in chain[:-1]), last.said)
            said = [self.made.replace(turn.whole) for turn in chain]
            data = {
                "said": said,
                "articles": [t.article for t in chain],
                "outcomes": [t.outcome for t in chain],
                "ended": ended,
            }
            yield Row("rephrasing", source, last.answer.at, "sign" if len(chain) > 1 else last.origin, data)
            if ended != "content" or len(chain) == 1 or last.own:
                continue
            if last.article and first.article != last.article:
                against = list(dict.fromkeys(t.article for t in chain[:-1] if t.article and t.article != last.article))
                matched = {"question": said[0], "article": last.article, "passage": last.passages[0], "good": True}
                yield Row("retrieval", source, last.answer.at, "sign", {**matched, "against": against}, what="again")
            if last.intent and first.intent and first.intent != last.intent:
                routed = {"turns": [said[0]], "why": "content", "intent": last.intent, "was": first.intent}
                yield Row("routing", source, last.answer.at, "sign", routed)

    def _departments(self) -> Iterator[Row]:
        """A person passed it on: it was read as another department's."""
        for passed in self.heard.transfers:
            turn = next((turn for turn in reversed(self.turns) if turn.answer.at <= passed.at), None)
            if turn is None or turn.outcome in RULED or dangerous(turn):
                continue
            was = None if turn.outcome == "handover" else turn.intent
            data = {
                "turns": self._before(turn),
                "why": "department",
                "department": passed.to,
                "intent": None,
                "was": was,
            }
            yield Row("routing", (f"audit:{passed.id}",), passed.at, "department", data, staff=True)

    def _corrections(self) -> Iterator[Row]:
        """What a person said in place of the assistant, unless a reviewer rejected it."""
        for proposal in self.heard.proposals:
            fix, source = proposal.correction, (f"correction:{proposal.correction.id}", f"proposal:{proposal.id}")
            if proposal.state == "rejected":
                continue
            accepted, question = proposal.state == "accepted", self.made.replace(fix.question)
            origin, at = ("proposal" if accepted else "correction"), proposal.decided_at or fix.created_at
            if proposal.kind == "preference":
                yield from self._preferred(fix, source, at, origin, accepted, question)
            elif accepted:
                known = proposal.data.get("article_id") if proposal.kind == "knowledge" else None
                article = known or next(iter(cited(fix.evidence)), None)
                if article:
                    turns = [self.made.replace(text) for text in _alternating(fix)]
                    yield Row(
                        "routing",
                        source,
                        at,
                        origin,
                        {"turns": turns, "why": "accepted", "article": article},
                        staff=True,
                    )
                    matched = {"question": question, "article": article, "good": True}
                    yield Row("retrieval", source, at, origin, matched, staff=True)

    def _preferred(
        self, fix: Correction, source: tuple[str, ...], at: dt.datetime, origin: str, accepted: bool, question: str
    ) -> Iterator[Row]:
        chosen, rejected = self.made.replace(fix.chosen).strip(), self.made.replace(fix.rejected).strip()
        if not chosen or not rejected or chosen == rejected:
            return
        article = next(iter(cited(fix.evidence)), None)
        pair = {"question": question, "chosen": chosen, "rejected": rejected, "article": article}
        yield Row("ranking", source, at, origin, pair, staff=True)
        if accepted:
            told = [(str(t.get("role")), self.made.replace(str(t.get("text", "")))) for t in fix.context]
            evidence = [
                {"title": self.made.replace(str(i.get("title", ""))), "text": self.made.replace(str(i.get("text", "")))}
                for i in fix.evidence
            ]
            prompt = rows.prompt(_recent(rows.turns(told)), question, evidence, self.as_messages)
            row = rows.preference(prompt, chosen, rejected)
            yield Row("chat", source, at, origin, {"question": question, **row}, staff=True)

    def _before(self, turn: Turn) -> list[str]:
        """The turns up to the question; they alternate."""
        said = rows.turns([(m.role, self.made.replace(m.text)) for m in turn.before])
        if said and said[-1][0] == "user":
            said.pop()
        return [*(text for _, text in _recent(said)), self.made.replace(turn.question.text)]


def turns_of(one: Heard) -> list[Turn]:
    """A conversation's questions with the assistant's answers; what a person answered is not among them."""
    messages, ratings = one.told.messages, one.told.ratings
    signs: dict[str, set[str]] = {}
    for sign in one.signs:
        signs.setdefault(sign.message_id, set()).add(sign.kind)
    return [
        Turn(messages[n - 1], answer, messages[: n - 1], ratings.get(answer.id), frozenset(signs.get(answer.id, ())))
        for n, answer in enumerate(messages)
        if n and answer.role == "assistant" and messages[n - 1].role == "customer"
    ]


def chains(turns: Sequence[Turn]) -> list[list[Turn]]:
    """Each question with its further wordings. A turn in which a rail spoke ends a chain and is in none."""
    found: list[list[Turn]] = []
    going_on = False
    for turn in turns:
        if turn.ruled:
            going_on = False
            continue
        if going_on:
            found[-1].append(turn)
        else:
            found.append([turn])
        going_on = "rephrased" in turn.signs or ("took_suggestion" in turn.signs and not turn.answered)
    return found


def dangerous(turn: Turn) -> bool:
    """Whether a danger was heard in it."""
    acted = str((turn.trace.get("rails") or {}).get("acted") or "")
    return any(acted.startswith(head) for head in DANGERS)


def _recent(said: Sequence[rows.Turn]) -> list[rows.Turn]:
    """The last whole exchanges before a question."""
    kept = [*said[-4:]]
    if kept and kept[0][0] != "user":
        kept = kept[1:]
    return kept[:-1] if kept and kept[-1][0] == "user" else kept


def _alternating(fix: Correction) -> list[str]:
    told = rows.turns([(str(turn.get("role")), str(turn.get("text", ""))) for turn in fix.context])
    return [*(text for _, text in _recent(told)), fix.question]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)
