"""The checks of the output rail, each a guardrails-ai validator of our own.

Each reads `metadata["evidence"]`: the texts that the sentence cites, as strings or `Reading`s. `metadata["sentence"]`
may hold the sentence's own Reading, so that it is read once for all checks.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from rails.engine import (
    FailResult,
    OnFailAction,
    PassResult,
    ValidationResult,
    Validator,
    register_validator,
)
from rails.figures import Figure, stands
from rails.reading import Reading, Unit

Metadata = dict[str, Any]

# Shares of a sentence's content words that must stand in its evidence at all, and in two neighbouring sentences of it.
# Tried on the 121 articles of knowledge_base: lightly reworded sentences against their own article pass in 99 of 100
# cases, sentences against another article in 2 of 100 (nearly all of them true there too).
SUPPORT = 0.6
NEARBY = 0.5
OPPOSITES = (
    ("befor", "after"), ("least", "most"), ("more", "less"), ("earli", "late"), ("over", "under"), ("older", "younger"),
    ("alway", "never"), ("includ", "exclud"), ("accept", "refus"), ("allow", "forbid"), ("open", "close"),
    ("increas", "decreas"), ("first", "last"), ("minimum", "maximum"), ("with", "without"),
)  # fmt: skip
MARKUP = re.compile(
    r"</?[a-z!][^>]*>?|!\[|\]\(|&(?:#\d+|#x[0-9a-f]+|lt|gt);|\b(?:javascript|data|vbscript):|```|\bon\w+\s*=",
    re.IGNORECASE,
)
ECHO = re.compile(
    r"not_in_evidence|system prompt|my (?:instructions|prompt|guidelines)|as an ai\b|language model|numbered evidence"
    r"|(?:ignore|disregard) (?:all|any|the|previous)|</?evidence|i (?:was|am|'m) (?:told|instructed) to",
    re.IGNORECASE,
)
_count = r"(?:\d+(?:\.\d+)?|an?|one|two|three|four|five|six|half|another|extra|more|up to \d+)"
_form = r"(?:tablets?|pills?|capsules?|doses?|puffs?|drops?|units?|injections?|patch(?:es)?|mg|mcg|g|ml|teaspoons?)"
_drug = (
    r"(?:your |the |this |that |an? |any )?(?:\w+ ){0,2}"
    r"(?:doses?|medicines?|medications?|tablets?|pills?|treatment|drug|insulin|inhaler|antibiotics?)"
)
_change = r"(?:skip|double|halve|increase|decrease|reduce|lower|raise|adjust)"
ADVICE = re.compile(
    "|".join((
        r"\b(?:take|use|inject|swallow|inhale|apply|give|try) (?:only |just |up to )?"
        rf"{_count}[ -](?:\w+ )?(?:\d+ ?)?{_form}\b",
        r"\b(?:stop|start|keep|continue|quit|avoid|resume|restart) (?:taking|using|giving|injecting)\b",
        r"\b(?:you|he|she|they|i|we) (?:should|must|can|could|may|need to|have to|ought to) (?:safely |just |also )?"
        rf"(?:{_change}|stop|start|cut|split|crush|change|combine|mix|take|use) (?:{_drug}|it|them|these|two|both)\b",
        rf"\b{_change} (?:your|the|a|his|her|their) (?:\w+ )?dos(?:e|es|age)\b",
        r"\b(?:is|are|it's) (?:perfectly |completely |generally )?safe "
        r"(?:to (?:take|use|combine|mix|drink|stop)|with|together|during|for)\b",
        r"\b(?:every|each) (?:\w+ (?:to \w+ )?)?hours\b",
        r"\b(?:once|twice|three times|\d+ times|four times) (?:a day|daily|per day|each day)\b",
        r"\b(?:with|without|on) (?:food|an empty stomach)\b",
        r"\bdos(?:e|age) (?:is|should be|of) \d",
    )),
    re.IGNORECASE,
)  # fmt: skip
# "Apt 4B" is no number to `figures`, and a parcel to 4C goes astray.
ROOM = re.compile(r"\b(?:apt|apartment|unit|suite|ste|room|floor|bldg|building)\b\.? ?#?(\d+-?[a-z]{1,2}|[a-z]-?\d+)\b")
SHINGLE = 6
NAME_PART = re.compile(r"[a-z0-9]+")
PASS = PassResult()


def readings(metadata: Metadata) -> Sequence[Reading]:
    """The evidence as Readings."""
    texts: Iterable[str | Reading] = metadata.get("evidence") or ()
    return [text if isinstance(text, Reading) else Reading(text) for text in texts]


def sentence_of(value: str, metadata: Metadata) -> Reading:
    reading = metadata.get("sentence")
    return reading if isinstance(reading, Reading) else Reading(value)


def is_literal(sentence: Reading, evidence: Sequence[Reading]) -> bool:
    """Whether every sentence in it stands in one of the evidence texts as it is, from full stop to full stop."""
    return bool(sentence.keys) and any(sentence.keys <= text.keys for text in evidence)


def _fail(detail: str) -> FailResult:
    return FailResult(error_message=detail)


class Check(Validator):  # type: ignore[misc, unused-ignore]
    """A validator that only says yes or no; what happens then is the rail's business."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(on_fail=OnFailAction.NOOP, **settings)

    def validate(self, value: str, metadata: Metadata) -> ValidationResult:
        sentence, evidence = sentence_of(value, metadata), readings(metadata)
        literal = metadata["literal"] if "literal" in metadata else is_literal(sentence, evidence)
        detail = self.fault(sentence, evidence, literal)
        return PASS if detail is None else _fail(detail)

    def fault(self, sentence: Reading, evidence: Sequence[Reading], literal: bool) -> str | None:
        """What is wrong with the sentence, or None."""
        raise NotImplementedError


@register_validator(name="pestle/cited", data_type="string")
class Cited(Check):
    """At least one piece of evidence with something in it."""

    def fault(self, sentence: Reading, evidence: Sequence[Reading], literal: bool) -> str | None:
        return None if any(text.plain for text in evidence) else "cites no evidence"


@register_validator(name="pestle/markup", data_type="string")
class NoMarkup(Check):
    """No HTML, script, entity, code fence or Markdown link or image."""

    def fault(self, sentence: Reading, evidence: Sequence[Reading], literal: bool) -> str | None:
        return "carries markup" if MARKUP.search(sentence.text) else None


@register_validator(name="pestle/links", data_type="string")
class AllowedLinks(Check):
    """No link to a host outside `allowed` (a host stands for its subdomains too)."""

    def __init__(self, allowed: Sequence[str] = ()) -> None:
        super().__init__(allowed=list(allowed))
        self._allowed = tuple(host.lower().strip().removeprefix("https://").strip("/") for host in allowed)

    def fault(self, sentence: Reading, evidence: Sequence[Reading], literal: bool) -> str | None:
        if "." not in sentence.text and "://" not in sentence.text:
            return None
        return next((f"links to {link}" for link in _links(sentence) if not self._allows(link)), None)

    def _allows(self, link: str) -> bool:
        host = re.split(r"[/?#]", link, maxsplit=1)[0].split("@")[-1].split(":")[0]
        return any(host == allowed or host.endswith(f".{allowed}") for allowed in self._allowed)


def _links(sentence: Reading) -> list[str]:
    if not re.search(r"\w\.\w|://", sentence.text):
        return []
    return [figure.value for figure in sentence.figures if figure.kind == "link"]


@register_validator(name="pestle/echo", data_type="string")
class NoEcho(Check):
    """No talk of instructions, and no six words in a row of the texts in `hidden` (the system prompt)."""

    def __init__(self, hidden: Sequence[str] = ()) -> None:
        super().__init__()
        self._shingles = frozenset(shingle for text in hidden for shingle in _shingles(text))

    def fault(self, sentence: Reading, evidence: Sequence[Reading], literal: bool) -> str | None:
        if ECHO.search(sentence.text):
            return "speaks of its instructions"
        if literal or not self._shingles.intersection(_shingles(sentence.text)):
            return None
        return "repeats its instructions"


def _shingles(text: str) -> list[tuple[str, ...]]:
    words = re.findall(r"[a-z0-9']+", text.lower())
    return [tuple(words[at : at + SHINGLE]) for at in range(len(words) - SHINGLE + 1)]


@register_validator(name="pestle/figures", data_type="string")
class FiguresStand(Check):
    """Every figure of the sentence stands in the evidence, and there about the same thing."""

    def fault(self, sentence: Reading, evidence: Sequence[Reading], literal: bool) -> str | None:
        if literal:
            return None
        rooms = set(ROOM.findall(sentence.plain)).difference(*(ROOM.findall(text.plain) for text in evidence))
        if rooms:
            return f"{min(rooms)} stands in no evidence"
        known = frozenset(figure for text in evidence for figure in text.figures)
        for figure in sentence.figures:
            if not stands(figure, known):
                return f"{figure} stands in no evidence"
        return _taken_from_elsewhere(sentence, evidence)


def _taken_from_elsewhere(sentence: Reading, evidence: Sequence[Reading]) -> str | None:
    """A figure that the evidence gives for something else ("overnight" with the price of expedited delivery).

    A word of the figure's clause tells: it stands beside another figure of the same kind, and never beside this one.
    """
    levels = (_with_subjects([unit for text in evidence for unit in text.sentences]),
              [unit for text in evidence for unit in text.clauses])  # fmt: skip
    for clause in sentence.clauses:
        for figure in clause.figures:
            for units in levels:
                ours = [unit for unit in units if stands(figure, unit.figures)]
                others = [unit for unit in units if unit not in ours and any(_rival(figure, f) for f in unit.figures)]
                beside = frozenset(word for unit in ours for word in unit.words)
                rivals = frozenset(word for unit in others for word in unit.words)
                if ours and (clause.words - beside) & rivals:
                    return f"{figure} belongs to something else in the evidence"
    return None


def _rival(figure: Figure, other: Figure) -> bool:
    return other.kind == figure.kind and other != figure


def _with_subjects(units: Sequence[Unit]) -> list[Unit]:
    """Sentences that begin with "it" or "they" take over the words of the one before."""
    whole: list[Unit] = []
    for unit in units:
        if unit.refers and whole:
            words = unit.words | whole[-1].words
            unit = Unit(words, unit.figures, unit.denied, unit.near, unit.denies, unit.refers)
        whole.append(unit)
    return whole


@register_validator(name="pestle/drugs", data_type="string")
class DrugsStand(Check):
    """Every medicine of the vocabulary that the sentence names stands in the evidence under the same name.

    The longest name counts: "acetaminophen and codeine" does not vouch for "acetaminophen".
    """

    def __init__(self, drugs: Collection[str] = ()) -> None:
        super().__init__(drugs=sorted(drugs))
        self._names: dict[str, list[tuple[str, ...]]] = {}
        for name in sorted({tuple(NAME_PART.findall(drug.lower())) for drug in drugs}, key=len, reverse=True):
            if name:
                self._names.setdefault(name[0], []).append(name)

    def fault(self, sentence: Reading, evidence: Sequence[Reading], literal: bool) -> str | None:
        if literal or not self._names or not (named := set(self._named(sentence.plain))):
            return None
        foreign = named.difference(*(self._named(text.plain) for text in evidence))
        return f"names {min(foreign)}, which stands in no evidence" if foreign else None

    def _named(self, plain: str) -> Iterator[str]:
        words, at = NAME_PART.findall(plain), 0
        while at < len(words):
            names = self._names.get(words[at], ())
            name = next((name for name in names if tuple(words[at : at + len(name)]) == name), None)
            if name:
                yield " ".join(name)
            at += len(name) if name else 1


@register_validator(name="pestle/support", data_type="string")
class Supported(Check):
    """Enough of the sentence's content words stand in the evidence."""

    def fault(self, sentence: Reading, evidence: Sequence[Reading], literal: bool) -> str | None:
        if literal:
            return None
        if not sentence.words:
            return None if sentence.figures else "says nothing that could be checked"
        if (score := support(sentence, evidence)) < SUPPORT:
            return f"only {score:.0%} of its words stand in the evidence"
        if (score := nearby(sentence, evidence)) < NEARBY:
            return f"only {score:.0%} of its words stand together in the evidence"
        return None


def support(sentence: Reading, evidence: Sequence[Reading]) -> float:
    """Share of the sentence's content words, stemmed, that stand in the evidence (0–1)."""
    known = frozenset(word for text in evidence for word in text.words)
    return len(sentence.words & known) / max(1, len(sentence.words))


def nearby(sentence: Reading, evidence: Sequence[Reading]) -> float:
    """The largest share that stands in two neighbouring sentences of one evidence text (0–1)."""
    best = 0
    for text in evidence:
        units = text.sentences
        for at in range(len(units)):
            beside = units[at].words | units[at + 1].words if at + 1 < len(units) else units[at].words
            best = max(best, len(sentence.words & beside))
    return best / max(1, len(sentence.words))


@register_validator(name="pestle/polarity", data_type="string")
class SamePolarity(Check):
    """What the evidence denies is not claimed, and what it claims is not denied ("not", "before" for "after", …)."""

    def fault(self, sentence: Reading, evidence: Sequence[Reading], literal: bool) -> str | None:
        if literal:
            return None
        units = [unit for text in evidence for unit in (*text.sentences, *text.clauses)]
        parts = [*sentence.sentences, *(clause for clause in sentence.clauses if len(clause.words) > 2)]
        return "turns its evidence around" if any(_all_turned(part, units) for part in parts) else None


def _all_turned(part: Unit, units: Sequence[Unit]) -> bool:
    """Whether each of the evidence's sentences and clauses that speak of the same says the opposite."""
    if not part.words:
        return False
    scores = [(len(part.words & unit.words) / len(part.words), unit) for unit in units]
    best = max((score for score, _ in scores), default=0.0)
    if best < 0.5:
        return part.denies and not any(unit.denies for unit in units)
    return all(_turned(part, unit) for score, unit in scores if score >= 0.85 * best)


def _turned(ours: Unit, theirs: Unit) -> bool:
    if ours.denies != theirs.denies:
        return ours.denies or bool(theirs.denied & ours.words)
    ours_denied, theirs_denied = ours.denied & theirs.words, theirs.denied & ours.words
    if ours_denied and theirs_denied and not ours.near & theirs.near:
        return True
    return any(_swapped(one, other, ours.words, theirs.words) or _swapped(other, one, ours.words, theirs.words)
               for one, other in OPPOSITES)  # fmt: skip


def _swapped(one: str, other: str, ours: frozenset[str], theirs: frozenset[str]) -> bool:
    return one in ours and other in theirs and one not in theirs and other not in ours


@register_validator(name="pestle/advice", data_type="string")
class NoAdvice(Check):
    """No dosing or treatment advice, unless these very words stand in the evidence (a label's directions)."""

    def fault(self, sentence: Reading, evidence: Sequence[Reading], literal: bool) -> str | None:
        if literal:
            return None
        for match in ADVICE.finditer(sentence.plain):
            clause = re.split(r"[.;\"]", sentence.plain[match.start() :], maxsplit=1)[0].strip(" ,!?'")
            if not any(clause in text.plain for text in evidence):
                return "gives advice on a medicine"
        return None


@register_validator(name="pestle/output", data_type="string")
class FirstFault(Check):
    """Several checks as one validator: the first that fails speaks, as "rail: detail".

    Each validator costs a Guard 0.05 ms of bookkeeping, which eight of them would pay for every sentence.
    """

    def __init__(self, *checks: Check) -> None:
        super().__init__()
        self._checks = checks

    def fault(self, sentence: Reading, evidence: Sequence[Reading], literal: bool) -> str | None:
        for check in self._checks:
            if detail := check.fault(sentence, evidence, literal):
                return f"{check.rail_alias.removeprefix('pestle/')}: {detail}"
        return None
