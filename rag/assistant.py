"""The turn: from a message to a reply, on one page."""

from __future__ import annotations

import datetime as dt
import logging
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rag.account.answer import AccountAnswer, AccountAnswers
from rag.account.book import Account, AccountBook, AccountError
from rag.account.cues import cue
from rag.account.documents import AccountDocuments
from rag.account.mentions import MentionReader, Mentions
from rag.account.resolve import Pointer
from rag.classify import classification
from rag.compose.draft import Brief, Composer, DraftSentence, Evidence, ModelFailed
from rag.compose.extractive import choose
from rag.encoder import Vectors
from rag.followup import leans, wants_more, whole
from rag.parts import halves, parts
from rag.release import Gate
from rag.retrieve import Search
from rag.route import SAME, Asked, route, two_topics
from rag.screen import EvidenceScreen
from rag.specialists.reader import Reader, Reading
from rag.specialists.votes import voted, votes
from rag.trace import Trace
from rag.turn import Answer, Emit, Event, Focus, Handover, Intent, Message, Outcome, PastTurn, Reply, silent
from rails.input import Cleaned, clean
from rails.judge import Ruling, danger
from rails.live import LiveRails
from rails.output import OutputRail
from rails.personal import Masker
from rails.policy import Policy

log = logging.getLogger("pestle")

WORDS, PART_WORDS, MORE_WORDS = 118, 56, 320
CLOSEST = 3
PHARMACIST = "pharmacist"  # topic of the articles on asking one
SKIMMED = 2_000  # characters at each end of an endless message that are read for danger
OUTCOMES: dict[str, Outcome] = {
    "emergency": "emergency", "refuse": "refused", "calm": "refused", "pharmacist": "refused", "person": "answered",
    "explain": "unknown",
}  # fmt: skip
GENERAL = 0.7  # how sure an article must be to answer a visitor who asked as if signed in
OWN_PARCEL = re.compile(
    r"^order\b|\b(my|the|todays|today's) (\w+ )?(order|package|parcel|box|delivery|shipment|one)\b", re.IGNORECASE
)
DESCRIBED = 0.38  # least likeness of a message to an order-status document that it describes
CERTAIN = 0.93  # and how sure that only the account can answer, for the article to be left out


@dataclass
class Plan:
    """What the composers may use, and what the reply will carry besides sentences."""

    drafts: list[DraftSentence] = field(default_factory=list)
    evidence: dict[str, Evidence] = field(default_factory=dict)
    fixed: list[str] = field(default_factory=list)  # policy wording, said first and as it stands
    after: list[str] = field(default_factory=list)  # and said last
    outcome: Outcome = "answered"
    reason: str | None = None
    suggestions: list[str] = field(default_factory=list)
    cards: list[dict[str, Any]] = field(default_factory=list)
    articles: list[str] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    listed: list[str] = field(default_factory=list)
    intent: str | None = None
    plain: bool = True  # a chat model may word the answer
    handover: Handover | None = None

    def add(self, drafts: tuple[DraftSentence, ...], evidence: tuple[Evidence, ...]) -> None:
        self.drafts.extend(drafts)
        self.evidence.update({item.id: item for item in evidence})


@dataclass(frozen=True)
class Parts:
    """What an assistant is made of; `app.wiring` puts it together."""

    search: Callable[[], Search]  # the generation that serves now
    reader: Reader
    mentions: MentionReader
    book: AccountBook
    answers: AccountAnswers
    documents: AccountDocuments
    rails: LiveRails  # the input rails of the policy in force
    masker: Masker
    rail: OutputRail
    screen: EvidenceScreen
    clock: Callable[[], dt.datetime]
    composer: Composer | None = None
    longest: int = 4000


@dataclass(frozen=True)
class Heard:
    """A message as it was read: its text, the same with its words mended, the encoder's vector, the turns, the heads."""

    text: str
    mended: str
    vector: Vectors
    turns: tuple[str, ...]
    reading: Reading


class Assistant:
    """Answers messages. Thread-safe; never raises for what a customer writes."""

    def __init__(self, made_of: Parts) -> None:
        self._is = self.made_of = made_of

    @property
    def _policy(self) -> Policy:
        return self._is.rails.policy

    def answer(self, message: Message, emit: Emit = silent) -> Answer:
        """One turn. Sentences are emitted as the output rail lets them out; the reply holds all of them."""
        trace = Trace()
        focus = message.past[-1].focus if message.past else Focus()
        plan, gate, asked, ruling = Plan(), Gate(self._is.rail, (), emit), [], Ruling()
        try:
            with trace.step("input"):
                cleaned = clean(message.text, self._is.longest)
                alarm = danger(cleaned.text, self._policy)
                cleaned = replace(cleaned, text=self._is.masker.mask(cleaned.text).text)
            if alarm:
                ruling = Ruling("emergency", alarm.category, alarm.text, "pattern")
                plan = self._ruled(ruling)
            elif cleaned.problem and not (cleaned.problem == "too_long" and (ruling := self._skim(cleaned, message)).action):
                plan = self._say(cleaned.problem, "clarify", cleaned.problem)
            else:
                search = self._is.search()
                heard = self._hear(cleaned.text, message, search, trace)
                with trace.step("judge"):
                    ruling = self._judge(heard, focus) if ruling.action is None else ruling
                if ruling.action:
                    plan = self._ruled(ruling)
                    if ruling.action == "pharmacist":
                        self._how_to_ask(plan, heard, focus, search)
                else:
                    with trace.step("account"):
                        account, away = self._account(message.customer_id)
                    asked = self._read(heard, account, message, focus, search, trace)
                    if away and any(a.route.where in ("account", "both") for a in asked):
                        raise away
                    with trace.step("gather"):
                        plan = self._gather(asked, account, message, focus, search)
                    plan.after.extend(ruling.doubts)
            gate = Gate(self._is.rail, plan.evidence.values(), emit)
            with trace.step("compose"):
                self._compose(plan, cleaned.text, message, gate, trace)
        except AccountError as error:
            trace.note(error=type(error).__name__)
            plan, gate = self._broken("account_away", "account_away", gate)
        except Exception as error:
            log.exception("a turn failed")
            trace.note(error=type(error).__name__)
            plan, gate = self._broken("trouble", "internal", gate)
        return self._finish(message, plan, gate, asked, focus, ruling, trace, emit)

    def _hear(self, text: str, message: Message, search: Search, trace: Trace) -> Heard:
        """The message read with the turns before it: the encoder's vector of it, and the reader's heads."""
        with trace.step("read"):
            mended = search.mended(text)
            vector = search.encoder.encode([mended])[0]
            turns = (*(part for turn in message.past[-2:] for part in (turn.text, turn.reply)), text)
            return Heard(text, mended, vector, turns, self._is.reader.read(turns, vector))

    def _judge(self, heard: Heard, focus: Focus) -> Ruling:
        return self._is.rails().rule(heard.turns, heard.reading.marks, frozenset(focus.spoken))

    def _skim(self, cleaned: Cleaned, message: Message) -> Ruling:
        """The ruling on a message that is too long to answer: its beginning and its end are read for danger."""
        search = self._is.search()
        text = f"{cleaned.text[:SKIMMED]} {cleaned.text[-SKIMMED:]}"
        ruling = self._judge(self._hear(text, message, search, Trace()), Focus())
        return ruling if ruling.action == "emergency" else Ruling()

    def _ruled(self, ruling: Ruling) -> Plan:
        """What is said when an input rail speaks: the policy's words, and nothing else."""
        outcome = OUTCOMES[ruling.action or "refuse"]
        handover: Handover | None = None
        if ruling.action == "emergency":
            handover = Handover(ruling.category, "urgent", "pharmacist")
        elif ruling.action == "calm" and ruling.repeated:
            handover = Handover(ruling.category, "soon", "care")
        return Plan(fixed=[ruling.text], outcome=outcome, reason=ruling.category, handover=handover)

    def _how_to_ask(self, plan: Plan, heard: Heard, focus: Focus, search: Search) -> None:
        """No advice, but the article on asking a pharmacist about just this, where there is one."""
        found = search.find(heard.text, heard.vector)
        if found.best and search.index.articles[found.best].topic == PHARMACIST:
            chosen = choose(search.index, found.best, heard.text, found.vector, PART_WORDS, frozenset())
            plan.add(chosen.sentences, chosen.evidence)
            plan.articles.append(found.best)

    def _account(self, customer_id: str | None) -> tuple[Account | None, AccountError | None]:
        """The verified customer's account. That the book is away matters only to a question that needs it."""
        try:
            return (self._is.book.account(customer_id) if customer_id else None), None
        except AccountError as error:
            return None, error

    def classify(self, text: str) -> dict[str, Any]:
        """A message's reading without an answer: heads, entities and what the input rail decides."""
        cleaned, alarm = clean(text, self._is.longest), danger(clean(text, self._is.longest).text, self._policy)
        if not cleaned.text:
            return classification(cleaned, alarm, None, None, None, self._is.mentions)
        search, message, trace = self._is.search(), Message(text), Trace()
        heard = self._hear(cleaned.text, message, search, trace)
        asked = self._ask(heard, None, message, Focus(), search, trace)
        return classification(cleaned, alarm, asked.reading, self._judge(heard, Focus()), asked, self._is.mentions)

    def judge(self, turns: Sequence[str]) -> tuple[Reading, Ruling]:
        """The reading of a conversation's last message, and what the input rails would do about it.

        `turns` alternate and end with the customer's message.
        """
        *past, text = turns
        text = self._is.masker.mask(clean(text, self._is.longest).text).text
        pairs = tuple(PastTurn(said, reply) for said, reply in zip(past[::2], past[1::2], strict=True))
        search, heads = self._is.search(), self._is.reader.heads
        heard = self._hear(text, Message(text, past=pairs), search, Trace())
        cast = votes(search.find(text, heard.vector), heads.of_article)
        alarm = danger(text, self._policy)
        ruling = Ruling("emergency", alarm.category, alarm.text, "pattern") if alarm else self._judge(heard, Focus())
        return voted(heard.reading, cast, heads.vote, heads.routes), ruling

    def _read(
        self, heard: Heard, account: Account | None, message: Message, focus: Focus, search: Search, trace: Trace
    ) -> list[Asked]:
        """Each question of the message: what it wants, what it mentions, what the articles have on it."""
        whole_message = self._ask(heard, account, message, focus, search, trace)
        known = bool(whole_message.found.hits) and whole_message.found.hits[0].signs[0] >= SAME
        certain = parts(heard.text)
        for questions in (certain, *(() if known else halves(heard.text))):
            asked: list[Asked] = []
            for question in questions:
                before = Focus(articles=(asked[-1].found.best or "",), question=asked[-1].text) if asked else focus
                part = self._hear(question, Message(question), search, trace)
                asked.append(self._ask(part, account, message, before, search, trace))
            if two_topics(whole_message, asked, search.weights.floor_at, sure=questions is certain):
                return asked
        return [whole_message]

    def _own(self, text: str, mentions: Mentions, vector: Vectors, account: Account | None) -> bool:
        """Whether the message speaks of a medicine that the signed-in customer has here, by name or by description."""
        if account is None:
            return False
        if mentions.drugs:
            return self._is.answers.owned(account, mentions)
        if cue(text) is None:
            return False
        if "cold" in mentions.states or mentions.forms or (mentions.days and OWN_PARCEL.search(text)):
            return True
        documents = self._is.documents.vectors(account)
        return any(float(document @ vector) >= DESCRIBED for document in documents.values())

    def _ask(
        self, heard: Heard, account: Account | None, message: Message, focus: Focus, search: Search, trace: Trace
    ) -> Asked:
        text, mended, vector, reading = heard.text, heard.mended, heard.vector, heard.reading
        with trace.step("read"):
            now = message.now or self._is.clock()
            mentions = self._is.mentions.read(text, now.date(), mended)
        with trace.step("search"):
            found, query, leaning = search.find(text, vector), text, leans(text, focus)
            if leaning and focus.question and focus.articles:
                query = whole(text, focus)
                found = search.follow(found, query, search.index.neighbourhood(focus.articles[0]))
        heads = self._is.reader.heads
        reading = voted(reading, votes(found, heads.of_article), heads.vote, heads.routes)
        floor = search.weights.floor_at
        where = route(
            mended,
            reading,
            self._is.reader.route_of,
            mentions,
            found,
            floor,
            focus,
            leaning,
            self._own(mended, mentions, vector, account),
            account is not None and self._is.answers.moving(account, text),
            account is not None,
        )
        return Asked(text, query, mentions, reading, found, where, leaning)

    def _gather(
        self, asked: list[Asked], account: Account | None, message: Message, focus: Focus, search: Search
    ) -> Plan:
        """Evidence from the articles and from the account of the verified customer, and nobody else's."""
        plan = Plan()
        for question in asked:
            words = MORE_WORDS if wants_more(question.text) else WORDS if len(asked) == 1 else PART_WORDS
            where = question.route.where
            if where in ("account", "both"):
                self._gather_account(plan, question, message, focus, account, search)
                if where == "both" and account:
                    self._gather_article(plan, question, focus, search, PART_WORDS)
            elif where == "knowledge":
                self._gather_article(plan, question, focus, search, words)
            elif len(asked) == 1:
                return self._without_evidence(question, focus, search)
        return plan

    def _gather_account(
        self, plan: Plan, question: Asked, message: Message, focus: Focus, account: Account | None, search: Search
    ) -> None:
        now = message.now or self._is.clock()
        pointer = Pointer(
            question.mentions,
            question.found.vector,
            focus,
            now,
            lambda: self._is.documents.vectors(account) if account else {},
        )
        if account:
            answer = self._is.answers.answer(question.route.intent, account, pointer)
        elif question.route.intent == "stock" and question.mentions.drugs:
            answer = self._is.answers.stock(pointer, None, None)
        else:
            self._ask_to_sign_in(plan, question, focus, search)
            return
        self._add_account(plan, answer, question.route.intent)

    def _ask_to_sign_in(self, plan: Plan, question: Asked, focus: Focus, search: Search) -> None:
        """Without a verified customer there is the general answer, if there is one, and the way to the own one."""
        wording = self._policy.wording.sign_in
        general = question.found.answerable >= max(GENERAL, search.weights.floor_at) and not question.mentions.numbers
        if general and question.reading.routes["account"] < CERTAIN:
            self._gather_article(plan, question, focus, search, PART_WORDS)
            plan.after.append(self._policy.wording.sign_in_more)
        elif wording not in plan.fixed:
            plan.fixed.append(wording)
            if not plan.drafts:
                plan.outcome, plan.reason = "clarify", "sign_in"

    def _add_account(self, plan: Plan, answer: AccountAnswer, intent: str) -> None:
        plan.add(answer.sentences, answer.evidence)
        plan.cards.extend(answer.cards)
        plan.items.extend(item for item in answer.items if item not in plan.items)
        plan.listed.extend(item for item in answer.listed if item not in plan.listed)
        plan.suggestions.extend(answer.suggestions)
        plan.intent, plan.plain = intent, False
        if answer.outcome == "clarify" and len(plan.drafts) == len(answer.sentences):
            plan.outcome, plan.reason = "clarify", "which_one"

    def _gather_article(self, plan: Plan, question: Asked, focus: Focus, search: Search, words: int) -> None:
        best = question.found.best
        if best is None:
            return
        said = frozenset[str]()
        if wants_more(question.text) and focus.articles:
            best = focus.articles[0]
        chosen = choose(search.index, best, question.query, question.found.vector, words, said)
        plan.add(chosen.sentences, chosen.evidence)
        plan.articles.append(best)
        plan.suggestions.extend(search.index.articles[best].next_steps)

    def _without_evidence(self, question: Asked, focus: Focus, search: Search) -> Plan:
        """Small talk, a wish for a person, things that are not ours, and the honest "I don't know"."""
        where = question.route.where
        if where in ("greeting", "thanks", "goodbye"):
            plan = self._say(where, "answered", None)
            plan.suggestions = ["Where is my order?", "How do I order a refill?"] if where == "greeting" else []
            plan.articles, plan.items, plan.listed = list(focus.articles), list(focus.items), list(focus.listed)
            return plan
        if where == "person":
            return self._say("person", "answered", "wants_person")
        if where == "out_of_scope":
            return self._say("out_of_scope", "unknown", "out_of_scope")
        known = search.speller.known_share(question.text)
        if known < 0.5 and len(question.text.split()) > 2:
            return self._say("other_language", "clarify", "other_language")
        near = [hit.article_id for hit in question.found.hits[:CLOSEST]]
        plan = Plan(
            outcome="unknown",
            reason="no_evidence",
            fixed=[self._policy.wording.unknown_closest if near else self._policy.wording.unknown],
        )
        for article_id in near:
            article = search.index.articles[article_id]
            item = Evidence(article_id, article_id, article.title, f"?article={article_id}", article.title)
            plan.add((DraftSentence(article.title, (article_id,), "bullet"),), (item,))
        plan.after.append(self._policy.wording.person)
        plan.suggestions = [search.index.articles[article_id].title for article_id in near]
        return plan

    def _compose(self, plan: Plan, text: str, message: Message, gate: Gate, trace: Trace) -> None:
        """Policy wording first, then the chat model's sentences or else the extractive ones, each through the rail."""
        for words in plan.fixed:
            gate.fixed(words)
        composer = "extractive"
        if self._is.composer and plan.drafts and plan.plain and plan.outcome == "answered":
            mask = self._is.masker.mask
            history = tuple((mask(turn.text).text, turn.reply) for turn in message.past[-4:] if not turn.focus.items)
            try:
                brief = Brief(text, self._unsteered(plan, trace), history, WORDS)
                released = [gate.offer(draft) for draft in self._is.composer.sentences(brief)]
                composer = self._is.composer.name if any(released) else composer
                trace.note(model="released" if any(released) else "nothing passed the rails")
            except ModelFailed as failure:
                composer = self._is.composer.name if gate.released.citations else composer
                trace.note(model_failed=failure.reason)
        if composer == "extractive":
            for draft in plan.drafts:
                if draft.evidence:
                    gate.offer(draft)
                else:
                    gate.fixed(draft.text)
        for words in dict.fromkeys(plan.after):
            gate.fixed(words)
        trace.note(composer=composer)

    def _unsteered(self, plan: Plan, trace: Trace) -> tuple[Evidence, ...]:
        """The evidence without sentences that try to command whoever reads them: a chat model would obey."""
        kept = []
        for item in plan.evidence.values():
            text, steering = self._is.screen.clean(item.text)
            kept.append(replace(item, text=text) if steering else item)
            if steering:
                trace.note(steering=[*trace.notes.get("steering", ()), item.id])
        return tuple(item for item in kept if item.text.strip())

    def _say(self, wording: str, outcome: Outcome, reason: str | None) -> Plan:
        return Plan(fixed=[getattr(self._policy.wording, wording)], outcome=outcome, reason=reason)

    def _broken(self, wording: str, reason: str, gate: Gate) -> tuple[Plan, Gate]:
        plan = self._say(wording, "unknown", reason)
        gate.fixed(plan.fixed[0])
        return plan, gate

    def _finish(
        self,
        message: Message,
        plan: Plan,
        gate: Gate,
        asked: list[Asked],
        focus: Focus,
        ruling: Ruling,
        trace: Trace,
        emit: Emit,
    ) -> Answer:
        released = gate.released
        if not released.sentences:  # the rail held everything back: better nothing than something wrong
            plan = self._say("unknown", "unknown", "held_back")
            gate.fixed(plan.fixed[0])
            gate.fixed(self._policy.wording.person)
        # A person is called once in a conversation, and once more when it turns urgent.
        handover = plan.handover if plan.handover and plan.handover.urgency not in focus.called else None
        suggestions = tuple(dict.fromkeys(plan.suggestions))[:3]
        for text in suggestions:
            emit(Event("suggestion", {"text": text}))
        reply = Reply(
            message_id=uuid.uuid4().hex,
            trace_id=uuid.uuid4().hex,
            text=released.text,
            citations=tuple(released.citations),
            intents=tuple(Intent(name=n, score=round(s, 4)) for a in asked for n, s in a.reading.wanted),
            outcome=plan.outcome,
            reason=plan.reason,
            suggestions=suggestions,
            handover_id=uuid.uuid4().hex if handover else None,
            sentences=tuple(released.sentences),
            cards=tuple(plan.cards),
        )
        index = self._is.search().index if asked else None
        trace.note(
            text=" | ".join(a.text for a in asked),
            customer_id=message.customer_id,
            outcome=plan.outcome,
            reason=plan.reason,
            asked=[_asked_note(a) for a in asked],
            rails={
                "acted": ruling.category if ruling.action else None,
                "sign": ruling.sign,
                "unsure": sorted(ruling.unsure),
                "verdicts": [list(verdict) for verdict in ruling.verdicts],
            },
            evidence=list(plan.evidence),
            held_back=released.held_back,
            released=[s.text for s in released.sentences],
            versions={"policy": self._policy.version, "knowledge": index.version if index else None},
        )
        question = asked[0].query if asked and (plan.articles or plan.items) else focus.question
        spoken = tuple(dict.fromkeys((*focus.spoken, *([ruling.category] if ruling.action else []))))
        called = tuple(dict.fromkeys((*focus.called, *([handover.urgency] if handover else []))))
        listed = plan.listed or (focus.listed if set(plan.items) <= set(focus.listed) else ())
        after = Focus(
            articles=tuple(plan.articles),
            items=tuple(plan.items),
            listed=tuple(listed),
            intent=plan.intent,
            question=question[:300],
            spoken=spoken,
            called=called,
        )
        keep = plan.outcome in ("emergency", "unknown") or not (plan.articles or plan.items or plan.listed)
        kept = focus.model_copy(update={"spoken": spoken, "called": called})
        return Answer(reply, kept if keep else after, trace.record(), handover)


def _asked_note(asked: Asked) -> dict[str, Any]:
    return {
        "text": asked.text,
        "query": asked.query,
        "intents": [[name, round(score, 3)] for name, score in asked.reading.intents[:3]],
        "routes": {name: round(share, 3) for name, share in asked.reading.routes.items()},
        "where": asked.route.where,
        "why": asked.route.why,
        "answerable": round(asked.found.answerable, 3),
        "articles": [[hit.article_id, round(hit.score, 3)] for hit in asked.found.hits[:3]],
    }
