"""The loop, up to a candidate: collect, clean, train. What is compared and promoted comes after, by a person's word.

One tuning at a time. A tuning that was ended goes on where its tuner can; what serves is never touched.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.tuning.alone import alone
from app.tuning.aside import AsideFile
from app.tuning.candidates import Candidate, Candidates
from app.tuning.collect import Collected
from app.tuning.tuners import Tuner
from rag.learning.base import Base, NothingToLearn
from rag.learning.cleaning import Cleaned, clean, newest, same_dangers
from rag.learning.examples import Example, Kind, digest
from rag.specialists.reader import FILE as HEADS
from rag.specialists.reader import Heads

log = logging.getLogger("pestle")
Say = Callable[[str], None]
MOST = 50_000  # examples of a kind
SEED = 7


@dataclass(frozen=True)
class Tuned:
    """What became of one kind: a candidate, or why there is none."""

    kind: Kind
    candidate: Candidate | None
    why: str = ""
    aside: int = 0
    failed: bool = False  # it broke, rather than having nothing to learn from


@dataclass(frozen=True)
class Round:
    """One round over some kinds. `base` is loaded when something is to be trained."""

    home: Path
    tuners: Mapping[Kind, Tuner]
    collect: Callable[[frozenset[str]], Collected]
    base: Callable[[], Base]
    say: Say

    def run(self, kinds: Sequence[Kind], seed: int = SEED, now: dt.datetime | None = None) -> list[Tuned]:
        """Tunes these kinds, one after the other; the one's failing is no reason to leave out the next.

        Raises Busy where another round is going on.
        """
        with alone(self.home / "tuning" / "lock", "a tuning"):
            found = self.collect(frozenset(kinds))
            if not found.examples:
                why = nothing_said(found)
                self.say(why)
                return [Tuned(kind, None, why) for kind in kinds]
            if found.held_back:
                self.say(f"{found.held_back} examples were held back: a real value was still to be seen in them.")
            return [self._tried(kind, found.examples, seed, now) for kind in kinds]

    def _tried(self, kind: Kind, examples: Sequence[Example], seed: int, now: dt.datetime | None) -> Tuned:
        try:
            return self._tune(kind, examples, seed, now)
        except (RuntimeError, ValueError, OSError) as error:
            log.debug("tuning %s failed", kind, exc_info=True)
            self.say(f"{kind}: {error}")
            return Tuned(kind, None, str(error), failed=True)

    def _tune(self, kind: Kind, examples: Sequence[Example], seed: int, now: dt.datetime | None) -> Tuned:
        mine = [one for one in examples if one.kind == kind]
        self.say(f"{kind}: {len(mine)} examples")
        if why := one_sided(kind, mine):
            self.say(f"{kind}: {why}")
            return Tuned(kind, None, why)
        if len(mine) > MOST:
            self.say(f"{kind}: of {len(mine)} examples the newest {MOST} count")
            mine = newest(mine, MOST)
        base = self.base()
        cleaned = clean(mine, base.dangerous)
        self._keep_aside(kind, cleaned)
        store, aside = Candidates(self.home), len(cleaned.aside)
        key = _key(cleaned.kept, base, seed)
        folder = store.begin(kind, key)
        try:
            if not cleaned.kept:
                raise NothingToLearn("all examples wait for a person to look at them: see `pestle candidates --aside`")
            figures = self.tuners[kind](cleaned.kept, base, folder, lambda text: self.say(f"{kind}: {text}"), seed)
            if (folder / HEADS).exists():
                same_dangers(base.heads, Heads.load(folder))
        except NothingToLearn as error:
            shutil.rmtree(folder, ignore_errors=True)
            self.say(f"{kind}: {error}.")
            return Tuned(kind, None, f"{error}.", aside)
        made = store.finish(folder, kind, cleaned.kept, base.versions(), seed, figures, now)
        self.say(f"{kind}: made {made.id}")
        return Tuned(kind, made, "", aside)

    def _keep_aside(self, kind: Kind, cleaned: Cleaned) -> None:
        if cleaned.aside:
            told = ", ".join(f"{count} {reason}" for reason, count in sorted(cleaned.reasons.items()))
            self.say(f"{kind}: set aside {len(cleaned.aside)} ({told})")
        AsideFile(self.home).keep(kind, cleaned.aside)


def nothing_said(found: Collected) -> str:
    if found.there:
        return (
            f"There is nothing to learn from: of {found.there} conversations with feedback, all are of customers who opted "
            "out, or rails spoke in them, or nothing was said of an answer."
        )
    return "There is no feedback yet: ratings, signs and corrections come with conversations; chat, rate some answers and tune again."


def one_sided(kind: Kind, examples: Sequence[Example]) -> str:
    """Why these can't teach anything, as a sentence; empty where they may."""
    if not examples:
        return f"Nobody has said anything yet that {kind} learns from."
    pairs = [one for one in examples if "chosen" in one.data]
    if pairs and len(pairs) == len(examples) and all(one.data["chosen"] == one.data["rejected"] for one in pairs):
        return "Both sides of every pair are the same; there is nothing to prefer."
    good = {one.good for one in examples} if not pairs else {True, False}
    if kind in ("ranking", "retrieval") and good == {False}:
        return "All of it is thumbs down: that tells what is wrong and not what would be right; corrections by agents would."
    return ""


def _key(examples: Sequence[Example], base: Base, seed: int) -> str:
    """The same where the same would be made."""
    parts = [digest(examples), json.dumps(base.versions(), sort_keys=True), str(seed), str(base.model or "")]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
