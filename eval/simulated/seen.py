"""What a customer sees of a reply, and whether it looks like an answer to what they wanted. It need not be a right one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from eval.account_figures import dates_in
from eval.account_wording import refills_in
from eval.simulated.goals import Goal, OwnRecord, Then, Titles
from eval.simulated.records import Target
from eval.talks import MARK
from rag.turn import Reply

NUMBER = re.compile(r"\b(?:FH-\d{7}|RX-\d{8}|TR-\d{6})\b")
_UNIT = re.compile(r"\d[\d.]*(?:st|nd|rd|th)? (?:business |monthly )?([a-z]{2,})", re.IGNORECASE)
_WAYS = re.compile(r"1-800-555-01\d\d|@fernhollow\.example")


@dataclass(frozen=True)
class Seen:
    text: str
    titles: tuple[str, ...]
    outcome: str
    called: bool  # it says that a person is coming

    @classmethod
    def of(cls, reply: Reply) -> Seen:
        titles = tuple(citation.title for citation in reply.citations)
        return cls(MARK.sub("", reply.text), titles, reply.outcome, reply.handover_id is not None)

    @property
    def offers(self) -> bool:
        """A person is offered."""
        return "say yes" in self.text.lower()

    @property
    def wants_sign_in(self) -> bool:
        return self.outcome == "clarify" and "sign in" in self.text.lower()

    @property
    def way(self) -> bool:
        """It names a phone number or an address at which people are reached."""
        return bool(_WAYS.search(self.text))

    @property
    def listed(self) -> tuple[str, ...]:
        """The records among which one is to be chosen, in their order."""
        numbers = tuple(dict.fromkeys(NUMBER.findall(self.text)))
        return numbers if self.outcome == "clarify" and len(numbers) > 1 else ()


@dataclass(frozen=True)
class Need:
    """One thing that a customer wants, with how an answer to it looks: a title on the subject, figures of the kind.

    `articles`, `facts` and `fields` tell what is right, and only the check looks at them.
    """

    titles: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()  # what the customer calls their record
    kinds: tuple[str, ...] = ()  # each is a pattern, or "date" or "refills"
    articles: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    every: bool = False

    def looks_met(self, seen: Seen) -> bool:
        if seen.outcome != "answered":
            return False
        shown = "\n".join((seen.text, *seen.titles)).lower()
        if self.names:
            on_subject = any(name.lower() in shown for name in self.names)
        else:
            on_subject = bool(self.titles & set(seen.titles))
        return on_subject and all(_shows(kind, seen.text) for kind in self.kinds)


def need_of(goal: Goal, target: Target | None, titles: Titles) -> Need:
    if goal.account and target:
        return _own(goal.account, goal.account.fields, target)
    return _general(goal, goal, titles)


def follow_up_of(goal: Goal, target: Target | None, titles: Titles) -> Need | None:
    if goal.then is None:
        return None
    if goal.account and target and goal.then.fields:
        return _own(goal.account, goal.then.fields, target)
    return _general(goal, goal.then, titles)


def _own(own: OwnRecord, fields: list[str], target: Target) -> Need:
    kinds = tuple(kind for name in fields if (kind := _kind_of_field(name)))
    return Need(names=target.names, kinds=kinds, fields=tuple(fields), every=own.every)


def _general(goal: Goal, part: Goal | Then, titles: Titles) -> Need:
    kinds = tuple(kind for fact in part.facts if (kind := kind_of_fact(fact)))
    return Need(titles.about(goal, part.articles), (), kinds, tuple(part.articles), tuple(part.facts))


def kind_of_fact(fact: str) -> str:
    """What sort of figure the fact is, as a pattern: an amount, a number of days. Empty where it is in words."""
    wordings = fact.split("|")
    if not all(re.search(r"\d", wording) for wording in wordings):
        return ""
    if all("$" in wording for wording in wordings):
        return r"\$ ?\d"
    units = {m.group(1).lower().rstrip("s") for wording in wordings for m in _UNIT.finditer(wording)}
    return rf"\d[^.\n]{{0,20}}\b(?:{'|'.join(sorted(units))})" if units else r"\d"


def _kind_of_field(name: str) -> str:
    if name.endswith("_on"):
        return "date"
    of_field = {"paid": r"\$ ?\d", "tracking": r"\d{6}", "quantity": r"\d", "strength": r"\d", "auto_refill": "auto"}
    return "refills" if name == "refills_left" else of_field.get(name, "")


def _shows(kind: str, text: str) -> bool:
    if kind == "date":
        return bool(dates_in(text))
    if kind == "refills":
        return bool(refills_in(text))
    return bool(re.search(kind, text, re.IGNORECASE))
