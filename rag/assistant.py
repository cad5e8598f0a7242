"""The turn: from a message to a reply, on one page."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rag.account.book import Account, AccountError
from rag.calling import Talk, accepted, department_of
from rag.classify import classification
from rag.compose.draft import Brief, Evidence, ModelFailed
from rag.consent import accepts
from rag.gather import WORDS, Gatherer
from rag.listen import Heard, Listener
from rag.made_of import Parts
from rag.plan import Plan, ruled, saying
from rag.release import Gate
from rag.route import Asked
from rag.specialists.reader import Reading
from rag.trace import Trace
from rag.turn import Answer, Emit, Event, Focus, Intent, Message, PastTurn, Reply, silent
from rails.input import Cleaned, clean
from rails.judge import Ruling, alarmed, danger
from rails.policy import Policy

log = logging.getLogger("pestle")

SKIMMED = 2_000  # characters at each end of an endless message that are read for danger


class Assistant:
    """Answers messages. Thread-safe; never raises for what a customer writes."""

    def __init__(self, made_of: Parts) -> None:
        self._is = self.made_of = made_of
        self._listen, self._gather = Listener(made_of), Gatherer(made_of)

    @property
    def _policy(self) -> Policy:
        return self._is.rails.policy

    def answer(self, message: Message, emit: Emit = silent) -> Answer:
        """One turn. Sentences are emitted as the output rail lets them out; the reply holds all of them."""
        if message.held:
            return self._overhear(message)
        trace = Trace()
        focus = message.past[-1].focus if message.past else Focus()
        plan, gate, asked, ruling = Plan(), Gate(self._is.rail, (), emit), [], Ruling()
        called = focus.called if message.called is None else message.called
        talk = Talk(focus, called)
        try:
            with trace.step("input"):
                cleaned = clean(message.text, self._is.longest)
                alarm = danger(cleaned.text, self._policy)
                cleaned = replace(cleaned, text=self._is.masker.mask(cleaned.text).text)
            if alarm:
                ruling = alarmed(alarm)
                plan = ruled(ruling)
            elif cleaned.problem and not (
                cleaned.problem == "too_long" and (ruling := self._skim(cleaned, message)).action
            ):
                plan = saying(self._policy.wording, cleaned.problem, "clarify", cleaned.problem)
            else:
                search = self._is.search()
                heard = self._listen.hear(cleaned.text, message, search, trace)
                with trace.step("judge"):
                    ruling = self._judge(heard, focus) if ruling.action is None else ruling
                talk = self._talk(talk, heard)
                # a bare yes can be an attack on nobody, whatever the reader makes of the turns before it
                yes = focus.offered and not called and ruling.action != "emergency" and accepts(cleaned.text)
                ruling = replace(ruling, action=None) if yes else ruling
                if ruling.action:
                    plan = ruled(ruling, talk.department)
                    if ruling.action == "pharmacist":
                        self._gather.how_to_ask(plan, heard, search)
                elif yes:
                    plan = Plan(fixed=[self._policy.handover.wording.called], outcome="handover", reason="accepted")
                    plan.handover = accepted(focus)
                else:
                    with trace.step("account"):
                        account, away = self._account(message.customer_id)
                    asked = self._listen.read(heard, account, message, focus, search, trace)
                    if away and any(a.route.where in ("account", "both") for a in asked):
                        raise away
                    with trace.step("gather"):
                        plan = self._gather.gather(asked, account, message, focus, search)
                    plan.after.extend(ruling.doubts)
            talk = talk.going_on(plan, ruling, self._policy.handover)
            gate = Gate(self._is.rail, plan.evidence.values(), emit)
            with trace.step("compose"):
                self._compose(plan, cleaned.text, message, gate, trace)
        except AccountError as error:
            trace.note(error=type(error).__name__)
            plan, talk = self._broken("account_away", "account_away", gate, talk)
        except Exception as error:
            log.exception("a turn failed")
            trace.note(error=type(error).__name__)
            plan, talk = self._broken("trouble", "internal", gate, talk)
        return self._finish(message, plan, gate, asked, talk, ruling, trace, emit)

    def _judge(self, heard: Heard, focus: Focus) -> Ruling:
        return self._is.rails().rule(heard.turns, heard.reading.marks, frozenset(focus.spoken))

    def _skim(self, cleaned: Cleaned, message: Message) -> Ruling:
        """The ruling on a message that is too long to answer: its beginning and its end are read for danger."""
        search = self._is.search()
        text = f"{cleaned.text[:SKIMMED]} {cleaned.text[-SKIMMED:]}"
        ruling = self._judge(self._listen.hear(text, message, search, Trace()), Focus())
        return ruling if ruling.action == "emergency" else Ruling()

    def _account(self, customer_id: str | None) -> tuple[Account | None, AccountError | None]:
        """The verified customer's account. That the book is away matters only to a question that needs it."""
        try:
            return (self._is.book.account(customer_id) if customer_id else None), None
        except AccountError as error:
            return None, error

    def classify(self, text: str) -> dict[str, Any]:
        """A message's reading without an answer: heads, entities and what the input rail decides."""
        cleaned = clean(text, self._is.longest)
        alarm = danger(cleaned.text, self._policy)
        if not cleaned.text:
            return classification(cleaned, alarm, None, None, None, self._is.mentions)
        search, message, trace = self._is.search(), Message(text), Trace()
        heard = self._listen.hear(cleaned.text, message, search, trace)
        asked = self._listen.ask(heard, None, message, Focus(), search, trace)
        return classification(cleaned, alarm, asked.reading, self._judge(heard, Focus()), asked, self._is.mentions)

    def judge(self, turns: Sequence[str]) -> tuple[Reading, Ruling]:
        """The reading of a conversation's last message, and what the input rails would do about it.

        `turns` alternate and end with the customer's message.
        """
        *past, text = turns
        text = self._is.masker.mask(clean(text, self._is.longest).text).text
        pairs = tuple(PastTurn(said, reply) for said, reply in zip(past[::2], past[1::2], strict=True))
        search = self._is.search()
        heard = self._listen.hear(text, Message(text, past=pairs), search, Trace())
        alarm = danger(text, self._policy)
        ruling = alarmed(alarm) if alarm else self._judge(heard, Focus())
        return self._listen.with_votes(heard.reading, search.find(text, heard.vector)), ruling

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
        for words in dict.fromkeys(plan.after) if gate.released.sentences else ():
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

    def _broken(self, wording: str, reason: str, gate: Gate, talk: Talk) -> tuple[Plan, Talk]:
        """What is said when there is no answer to give, with the call or the offer of a person."""
        plan = saying(self._policy.wording, wording, "unknown", reason)
        talk = talk.going_on(plan, Ruling(), self._policy.handover)
        for words in (*plan.fixed, *plan.after):
            gate.fixed(words)
        return plan, talk

    def _models(self) -> dict[str, str | None]:
        """The models' names for the trace. A reader that is broken has none, and the turn is recorded all the same."""
        try:
            heads = self._is.reader.heads
        except Exception:
            return {"encoder": None, "reader": None}
        return {"encoder": heads.encoder, "reader": heads.reader}

    def _talk(self, talk: Talk, heard: Heard) -> Talk:
        """With how the customer sounds, and whom they would talk to."""
        marks, intents = heard.reading.marks, [name for name, _ in heard.reading.wanted]
        department = department_of(self._policy.handover, heard.text, [*intents, talk.focus.intent or ""])
        upset = marks["frustration"] >= self._is.reader.bounds["frustration"].sure
        return replace(talk, upset=upset, department=department)

    def _overhear(self, message: Message) -> Answer:
        """While a person holds the conversation nothing is answered. Danger is heard all the same."""
        reply = Reply(message_id=uuid.uuid4().hex, trace_id=uuid.uuid4().hex, text="", outcome="with_agent")
        try:
            cleaned = clean(message.text, self._is.longest)
            if alarm := danger(cleaned.text, self._policy):  # needs no model, so it comes first
                ruling = alarmed(alarm)
            elif cleaned.problem == "too_long":
                masked = self._is.masker.mask(cleaned.text).text
                ruling = self._skim(replace(cleaned, text=masked), message)
            else:
                past = (part for turn in message.past[-2:] for part in (turn.text, turn.reply))
                ruling = self.judge((*past, message.text))[1]
        except Exception:  # the message must reach the person whatever is broken here
            log.exception("a message to a person could not be read")
            return Answer(reply, Focus())
        if ruling.action != "emergency":
            return Answer(reply, Focus())
        told = {"text": ruling.text, "outcome": "emergency", "reason": ruling.category, "handover_id": uuid.uuid4().hex}
        return Answer(reply.model_copy(update=told), Focus(), {}, ruled(ruling).handover)

    def _finish(
        self,
        message: Message,
        plan: Plan,
        gate: Gate,
        asked: list[Asked],
        talk: Talk,
        ruling: Ruling,
        trace: Trace,
        emit: Emit,
    ) -> Answer:
        released, focus, mood = gate.released, talk.focus, talk.mood
        if not released.sentences:  # the rail held everything back: better nothing than something wrong
            plan, talk = self._broken("unknown", "held_back", gate, talk)
            mood = talk.mood
            for words in (*([] if plan.handover else [self._policy.wording.person]), *ruling.doubts):
                gate.fixed(words)
        # A person is called once until they have been, and once more when it turns urgent.
        handover = plan.handover if plan.handover and plan.handover.urgency not in talk.called else None
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
            **({"ranked": plan.ranked} if plan.ranked else {}),
            released=[s.text for s in released.sentences],
            versions={
                "policy": self._policy.version,
                "knowledge": index.version if index else None,
                **self._models(),
                "composer": trace.notes.get("composer"),
                "learnt": dict(self._is.learnt),
            },
        )
        question = asked[0].query if asked and (plan.articles or plan.items) else focus.question
        spoken = tuple(dict.fromkeys((*focus.spoken, *([ruling.category] if ruling.action else []))))
        called = tuple(dict.fromkeys((*talk.called, *([handover.urgency] if handover else []))))
        listed = plan.listed or (focus.listed if set(plan.items) <= set(focus.listed) else ())
        after = Focus(
            articles=tuple(plan.articles),
            items=tuple(plan.items),
            listed=tuple(listed),
            intent=plan.intent,
            question=question[:300],
        )
        keep = plan.outcome in ("emergency", "unknown") or not (plan.articles or plan.items or plan.listed)
        about = (focus if keep else after).model_copy(update={"spoken": spoken, "called": called, **vars(mood)})
        cited = {citation.article_id for citation in released.citations}
        evidence = tuple(item for item in plan.evidence.values() if item.source_id in cited)
        return Answer(reply, about, trace.record(), handover, evidence)


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
