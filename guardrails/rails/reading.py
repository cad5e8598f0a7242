"""Readings: a text taken apart into what can be compared, so that a sentence can be held against its evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import Stemmer  # type: ignore[import-not-found, import-untyped, unused-ignore]

from rails.figures import LIST_MARK, PLAIN, Figure, Token, scan

NEGATORS = frozenset(
    ("not", "no", "never", "cannot", "without", "neither", "nor", "none", "nothing", "nobody", "unable", "isnt", "wont")
)
STOPWORDS = frozenset(
    re.findall(
        r"\S+",
        """
        a about all also am an and any anything are as at be been being both but by can could did do does doing each
        either for from get gets getting had has have having he her here hers him his how i if in into is it its itself
        just like may me might mine must my of off on or our ours out over own per please shall she should so some such
        than that the their theirs them then there these they this those through to too under up us via was we were what
        when where whether which while who whom whose why will with would yes you your yours yourself let lets let's
        it's that's you'll you're you've we'll we're we've they're there's i'm i'll i'd i've ok okay sure hello hi
        thanks only even still already again
        """,
    )
)
PRONOUNS = frozenset(("it", "they", "this", "that", "these", "those", "he", "she"))
SENTENCE_END = re.compile(r"""(?<=[.!?])["')\]]*\s+(?=["'(]?[A-Z0-9])|\n+""")

_stemmer = Stemmer.Stemmer("english")


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence or a clause: its stemmed content words, its figures, and what it denies.

    `denied` holds the first content word after each negation, `near` the first two.
    """

    words: frozenset[str]
    figures: frozenset[Figure]
    denied: frozenset[str]
    near: frozenset[str]
    denies: bool
    refers: bool  # starts with "it", "they", …: its subject stands in the sentence before


class Reading:
    """A text's sentences, clauses, figures and words. Nothing is read before it is asked for."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def plain(self) -> str:
        """Lower case, plain quotes, single spaces, no list marks."""
        return _plain(self.text)

    @cached_property
    def keys(self) -> frozenset[str]:
        """Its sentences as they stand, for telling a literal quotation."""
        return frozenset(sentence_keys(self.text))

    @cached_property
    def sentences(self) -> tuple[Unit, ...]:
        return tuple(_unit([token for part in parts for token in part]) for parts in self._parts)

    @cached_property
    def clauses(self) -> tuple[Unit, ...]:
        """Clauses in order. One without words of its own ("or $60 a year") has those of the clause before."""
        return tuple(clause for parts in self._parts for clause in _clauses(parts))

    @cached_property
    def figures(self) -> frozenset[Figure]:
        return frozenset(figure for unit in self.sentences for figure in unit.figures)

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(word for unit in self.sentences for word in unit.words)

    @cached_property
    def _parts(self) -> list[list[list[Token]]]:
        return list(_sentences(scan(self.text)))


def sentence_keys(text: str) -> list[str]:
    return [key for part in SENTENCE_END.split(text) if (key := _plain(part).strip(" .!?\"'"))]


def _plain(text: str) -> str:
    return " ".join(LIST_MARK.sub("", text).translate(PLAIN).lower().split())


def _sentences(tokens: Sequence[Token]) -> Iterator[list[list[Token]]]:
    """Sentences as lists of clauses."""
    clauses: list[list[Token]] = [[]]
    for token in tokens:
        if token.kind == "end":
            if any(clauses):
                yield [clause for clause in clauses if clause]
            clauses = [[]]
        elif token.kind == "cut" or token.text in ("and", "or", "but", "because"):
            clauses.append([])
        else:
            clauses[-1].append(token)
    if any(clauses):
        yield [clause for clause in clauses if clause]


def _clauses(parts: list[list[Token]]) -> Iterator[Unit]:
    before: frozenset[str] = frozenset()
    for part in parts:
        unit = _unit(part)
        if not unit.words:
            unit = Unit(before, unit.figures, unit.denied, unit.near, unit.denies, unit.refers)
        before = unit.words
        yield unit


def _unit(tokens: Sequence[Token]) -> Unit:
    words: set[str] = set()
    denied: set[str] = set()
    near: set[str] = set()
    figures: set[Figure] = set()
    pending, denies = 0, False
    for token in tokens:
        if token.figure:
            figures.add(token.figure)
        elif token.text in NEGATORS or token.text.endswith("n't"):
            pending, denies = 2, True
        elif token.kind == "word" and token.text not in STOPWORDS:
            stem = _stemmer.stemWord(token.text.removesuffix("'s"))
            words.add(stem)
            if pending:
                near.add(stem)
                if pending == 2:
                    denied.add(stem)
                pending -= 1
    refers = bool(tokens) and tokens[0].text in PRONOUNS
    return Unit(frozenset(words), frozenset(figures), frozenset(denied), frozenset(near), denies, refers)
