"""Listening: a message and its questions, read by the specialists, searched for and routed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from rag.account.book import Account
from rag.account.cues import cue
from rag.account.mentions import Mentions
from rag.encoder import Vectors
from rag.followup import leans, priced, whole
from rag.learning.cleaning import DANGERS
from rag.made_of import Parts
from rag.parts import halves, parts
from rag.retrieve import Found, Search
from rag.route import SAME, Asked, route, two_topics
from rag.specialists.reader import Reading
from rag.specialists.votes import voted, votes
from rag.trace import Trace
from rag.turn import Focus, Message

OWN_PARCEL = re.compile(
    r"^order\b|\b(my|the|todays|today's) (\w+ )?(order|package|parcel|box|delivery|shipment|one)\b", re.IGNORECASE
)
# An attack or an upset shows in a message's own words too, if only a little; long replies before a short one mislead.
SHOWN_ALONE = ("injection", "frustration")
WARY = 0.5  # share of a danger's threshold of doubt from which a message is never reworded
NOT_OWN = 0.5  # share of the account's intents from which a message is about the customer's own
DESCRIBED = 0.38  # least likeness of a message to an order-status document that it describes


@dataclass(frozen=True)
class Heard:
    """A message as it was read: its text, the same with its words mended, the encoder's vector, the turns, the heads."""

    text: str
    mended: str
    vector: Vectors
    turns: tuple[str, ...]
    reading: Reading


class Listener:
    """Reads messages. Thread-safe."""

    def __init__(self, made_of: Parts) -> None:
        self._is = made_of

    def hear(self, text: str, message: Message, search: Search, trace: Trace) -> Heard:
        """The encoder's vector of the message, and the reader's heads.

        Dangers are read with the turns before. What is wanted is read from the message alone, because routing keeps
        account of what was spoken of itself and would count it twice.
        """
        with trace.step("read"):
            mended = search.mended(text)
            vector = search.plain.encode([mended])[0]
            turns = (*(part for turn in message.past[-2:] for part in (turn.text, turn.reply)), text)
            reading = self._is.reader.read((text,), vector)
            if len(turns) > 1:
                marks = self._is.reader.read(turns, vector).marks
                both = {head: (marks[head] * reading.marks[head]) ** 0.5 for head in SHOWN_ALONE}
                reading = replace(reading, marks={**marks, **both})
            return Heard(text, mended, vector, turns, reading)

    def read(
        self, heard: Heard, account: Account | None, message: Message, focus: Focus, search: Search, trace: Trace
    ) -> list[Asked]:
        """Each question of the message: what it wants, what it mentions, what the articles have on it."""
        whole_message = self.ask(heard, account, message, focus, search, trace)
        known = bool(whole_message.found.hits) and whole_message.found.hits[0].signs[0] >= SAME
        certain = parts(heard.text)
        for questions in (certain, *(() if known else halves(heard.text))):
            asked: list[Asked] = []
            for question in questions:
                before = Focus(articles=(asked[-1].found.best or "",), question=asked[-1].text) if asked else focus
                part = self.hear(question, Message(question), search, trace)
                asked.append(self.ask(part, account, message, before, search, trace))
            if two_topics(whole_message, asked, search.weights.floor_at, sure=questions is certain):
                return asked
        return [whole_message]

    def ask(
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
                found = priced(text, found, search.index)
            elif rewritten := self._rewritten(heard, mentions, search, trace):
                found, query = rewritten, rewritten.query
        reading = self.with_votes(reading, found)
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
        return Asked(text, query, mentions, reading, found, where, leaning, vector)

    def _rewritten(self, heard: Heard, mentions: Mentions, search: Search, trace: Trace) -> Found | None:
        """What is found for the wording that worked, where this one is known to fail. The rails have read the message.

        Not for messages about an own account or with a doubt of danger, nor where another article comes first by now.
        """
        bounds, marks = self._is.reader.bounds, heard.reading.marks
        if mentions.numbers or heard.reading.routes["account"] >= NOT_OWN:
            return None
        if any(marks[head] >= WARY * bounds[head].unsure for head in DANGERS):
            return None
        rewrite = self._is.rewrites.of(heard.mended, heard.vector)
        found = search.find(rewrite.text) if rewrite else None
        if not rewrite or not found or (rewrite.article and found.best != rewrite.article):
            return None
        trace.note(rewrite=rewrite.id)
        return found

    def with_votes(self, reading: Reading, found: Found) -> Reading:
        """The reading after the articles that were found have had their say on its general intents."""
        heads = self._is.reader.heads
        return voted(reading, votes(found, heads.of_article), heads.vote, heads.routes)

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
