"""A simulated customer: from what is seen, what is said next. Knows nothing of the assistant and nothing of the check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from eval.simulated.goals import Goal, Titles
from eval.simulated.manner import FAREWELLS, dressed
from eval.simulated.personas import Persona
from eval.simulated.records import Target
from eval.simulated.seen import Need, Seen, follow_up_of, need_of

Ending = Literal["content", "called", "went the way told", "left", "left unheard"]
Call = Literal["", "asked for", "offer accepted", "unasked"]
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")
WISHES = (
    "This isn't helping. I'd like to talk to a person now.",
    "Please put me through to somebody at your company.",
    "Okay, I give up, let me speak with a human being.",
    "Can a real person take over from here?",
)
YES = ("Yes please.", "yes", "Yes, do that.", "ok yes, please ask someone")
NO = ("No thanks, not yet.", "No.", "I'd rather not wait for someone.")
MOST_CHOICES = 2  # after so many lists it is no help any more


@dataclass(frozen=True)
class SignIn:
    """The customer signs in and starts over with this."""

    say: str


Next = str | SignIn | None  # what is said, or None: the customer goes


@dataclass
class Customer:
    goal: Goal
    target: Target | None
    persona: Persona
    dice: Random
    titles: Titles
    ending: Ending | None = None
    call: Call = ""  # how a person came to be called
    repeated: int = 0  # times that the question had to be put again
    met_at: int | None = None  # the message, from 1, whose reply met the goal
    followed_at: int | None = None  # the same for the follow-up
    said: list[str] = field(default_factory=list)
    _unhelped: int = 0
    _choices: int = 0
    _last: Literal["question", "choice", "follow-up", "wish", "yes", "farewell"] = "question"

    def __post_init__(self) -> None:
        self.need = need_of(self.goal, self.target, self.titles)
        self.follow_up = follow_up_of(self.goal, self.target, self.titles) if self.persona.curious else None
        *softer, blunt = self.goal.say
        self.dice.shuffle(softer)
        self._wordings = [blunt, *softer] if self.persona.style == "terse" else [*softer, blunt]
        self._words: Mapping[str, str] = self.target.words if self.target else {}

    @property
    def asking(self) -> Need:
        return self.follow_up if self.met_at and self.follow_up else self.need

    def begin(self) -> str:
        return self._say(self._wording(), "question")

    def hears(self, seen: Seen) -> Next:
        """What the customer does on seeing the reply to what was said last."""
        if seen.called or seen.outcome in ("handover", "emergency", "with_agent"):
            self.call = {"wish": "asked for", "yes": "offer accepted"}.get(self._last, "unasked")  # type: ignore[assignment]
            return self._end("called")
        if self._last == "farewell":
            return self._end("content")
        if self._last in ("wish", "yes"):
            return self._end("left unheard")
        if seen.wants_sign_in and self.target and self.persona.signed_out and not self._signed_in:
            return SignIn(self._say(self.said[-1], "question"))
        if self.goal.person:
            if seen.way and seen.outcome == "answered" and self.persona.leaves:
                return self._end("went the way told")
            return self._unhappy(seen)
        if self.asking.looks_met(seen):
            return self._met()
        if choice := self._choice(seen):
            return self._say(choice, "choice")
        return self._unhappy(seen)

    @property
    def _signed_in(self) -> bool:
        return len(self.said) > 1 and self.said[-1] == self.said[-2]

    def _met(self) -> Next:
        if self.met_at is None:
            self.met_at = len(self.said)
            if self.follow_up and self.goal.then:
                return self._say(self._dressed(self.goal.then.say, plain=True), "follow-up")
        else:
            self.followed_at = len(self.said)
        if self.persona.style in ("polite", "rambling"):
            return self._say(self.dice.choice(FAREWELLS), "farewell")
        return self._end("content")

    def _choice(self, seen: Seen) -> str:
        """How the customer names their record among those listed; empty where it is not there."""
        if not self.target or self.target.number not in seen.listed or self._choices >= MOST_CHOICES:
            return ""
        self._choices += 1
        place = seen.listed.index(self.target.number)
        medicine = self._words.get("medicine", "")
        lines = [line for line in seen.text.splitlines() if medicine and medicine.lower() in line.lower()]
        if self.persona.chooses == "ordinal" and place < len(ORDINALS):
            return f"the {ORDINALS[place]} one"
        if self.persona.chooses == "name" and len(lines) == 1 and self.target.number in lines[0]:
            return f"the one with {medicine}"
        return self.target.number

    def _unhappy(self, seen: Seen) -> Next:
        self._unhelped += 1
        if seen.offers and self.persona.accepts:
            return self._say(self.dice.choice(YES), "yes")
        if self._last == "follow-up" or self._unhelped >= self.persona.patience or not self._wordings:
            if self.persona.leaves and not self.goal.person:
                return self._end("left")
            return self._say(self.dice.choice(WISHES), "wish")
        self.repeated += 1
        no = f"{self.dice.choice(NO)} " if seen.offers else ""
        return self._say(no + self._wording(), "question")

    def _wording(self) -> str:
        text = self._wordings.pop(0).format_map(self._words)
        return self._dressed(text, plain=bool(self.said))

    def _dressed(self, text: str, plain: bool) -> str:
        """In the customer's manner; nobody greets twice."""
        style = self.persona.style
        return text if plain and style in ("polite", "rambling") else dressed(text, style, self.dice)

    def _say(self, text: str, what: Literal["question", "choice", "follow-up", "wish", "yes", "farewell"]) -> str:
        self._last = what
        self.said.append(text)
        return text

    def _end(self, ending: Ending) -> Next:
        """Says nothing more."""
        self.ending = ending
        return None
