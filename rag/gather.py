"""Gathering: evidence from the articles and from the verified customer's account, and what is said without any."""

from __future__ import annotations

from rag.account.answer import AccountAnswer
from rag.account.book import Account
from rag.account.resolve import Pointer
from rag.calling import department_of
from rag.compose.draft import DraftSentence, Evidence
from rag.compose.extractive import Chosen, choose
from rag.compose.variants import variants
from rag.followup import wants_more
from rag.listen import Heard
from rag.made_of import Parts
from rag.plan import Plan, ruled, saying
from rag.retrieve import Search
from rag.route import Asked
from rag.turn import Focus, Message
from rails.judge import wished
from rails.policy import Wording

WORDS, PART_WORDS, MORE_WORDS = 118, 56, 320
CLOSEST = 3
PHARMACIST = "pharmacist"  # topic of the articles on asking one
GENERAL = 0.7  # how sure an article must be to answer a visitor who asked as if signed in
WISHED = 0.3  # how much of a wish for a person is enough where there is nothing to answer from
CERTAIN = 0.93  # and how sure that only the account can answer, for the article to be left out


class Gatherer:
    """Gathers what a reply may say. Thread-safe."""

    def __init__(self, made_of: Parts) -> None:
        self._is = made_of

    @property
    def _wording(self) -> Wording:
        return self._is.rails.policy.wording

    def gather(
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
            question.vector,
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
        wording = self._wording.sign_in
        general = question.found.answerable >= max(GENERAL, search.weights.floor_at) and not question.mentions.numbers
        if general and question.reading.routes["account"] < CERTAIN:
            self._gather_article(plan, question, focus, search, PART_WORDS)
            plan.after.append(self._wording.sign_in_more)
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
        if wants_more(question.text) and focus.articles:
            best = focus.articles[0]
        chosen = self._choice(plan, search, best, question, words)
        plan.add(chosen.sentences, chosen.evidence)
        plan.articles.append(best)
        plan.suggestions.extend(search.index.articles[best].next_steps)

    def _choice(self, plan: Plan, search: Search, article_id: str, question: Asked, words: int) -> Chosen:
        """The answer from an article: what fits best, or of several the one that people prefer. The rails still come."""
        ranker, vector = self._is.ranker, question.found.vector
        if ranker is None or words > WORDS:  # who wants more is told all of it
            return choose(search.index, article_id, question.query, vector, words)
        several = variants(search.index, article_id, question.query, vector, words)
        best = ranker.best(question.query, vector, several) if len(several) > 1 else 0
        plan.ranked.append({"article": article_id, "of": len(several), "chosen": best})
        return several[best]

    def how_to_ask(self, plan: Plan, heard: Heard, search: Search) -> None:
        """No advice, but the article on asking a pharmacist about just this, where there is one."""
        found = search.find(heard.text, heard.vector)
        if found.best and search.index.articles[found.best].topic == PHARMACIST:
            chosen = choose(search.index, found.best, heard.text, found.vector, PART_WORDS, frozenset())
            plan.add(chosen.sentences, chosen.evidence)
            plan.articles.append(found.best)

    def _without_evidence(self, question: Asked, focus: Focus, search: Search) -> Plan:
        """Small talk, a wish for a person, things that are not ours, and the honest "I don't know"."""
        where = question.route.where
        if where in ("greeting", "thanks", "goodbye"):
            plan = saying(self._wording, where, "answered", None)
            plan.suggestions = ["Where is my order?", "How do I order a refill?"] if where == "greeting" else []
            plan.articles, plan.items, plan.listed = list(focus.articles), list(focus.items), list(focus.listed)
            return plan
        asked_for = where != "out_of_scope" and question.reading.marks["wants_human"] >= WISHED
        if where == "person" or asked_for:
            policy = self._is.rails.policy
            return ruled(wished(policy), department_of(policy.handover, question.text, ()))
        known = search.speller.known_share(question.text)
        if known < 0.5 and len(question.text.split()) > 2:
            return saying(self._wording, "other_language", "clarify", "other_language")
        if where == "out_of_scope":
            return saying(self._wording, "out_of_scope", "unknown", "out_of_scope")
        near = [hit.article_id for hit in question.found.hits[:CLOSEST]]
        plan = Plan(
            outcome="unknown",
            reason="no_evidence",
            fixed=[self._wording.unknown_closest if near else self._wording.unknown],
        )
        for article_id in near:
            article = search.index.articles[article_id]
            item = Evidence(article_id, article_id, article.title, f"?article={article_id}", article.title)
            plan.add((DraftSentence(article.title, (article_id,), "bullet"),), (item,))
        plan.after.append(self._wording.person)
        plan.suggestions = [search.index.articles[article_id].title for article_id in near]
        return plan
