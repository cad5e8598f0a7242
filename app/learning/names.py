"""People's names in what customers and staff write: by titles, introductions, lists and capitals."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from app.learning.name_lists import AMBIGUOUS, FAMILY, GIVEN
from rag.specialists.entities_words import common
from rag.words import STOPWORDS
from rails.figures import MONTHS, WEEKDAYS

WORD = re.compile(r"[^\W\d_](?:[\w'’-]*\w)?")
TITLE = re.compile(r"\b(?:mr|mrs|ms|miss|mx|dr|doctor|prof|professor|nurse|pharmacist|sir|madam)\b\.?\s*$", re.I)
_is = r"(?:\s+(?:is|was|are)|'s|’s|\s*[:=])?"
SURE = re.compile(  # what follows is a name, however it is written
    rf"\b(?:my|his|her|their|the|whose|patient'?s?|customer'?s?|full|first|last|maiden|legal|married|new|old|sur|user)\s*names?"
    rf"(?:\s+on\s+[\w ]{{2,24}}?)?{_is}(?:\s+(?:now|still|just))?\s*$"
    r"|\bname\s*[:=]\s*$|\b(?:call me|known as|goes by|signed|sincerely|regards|yours truly|cheers)[\s,:–-]*$"
    rf"|\b(?:under|in) the names?(?: of)?{_is}\s*$|\bnamed\s*$",
    re.I,
)
LIKELY = re.compile(  # what follows may be a name: with a capital, or known as one
    r"(?:\b(?:i am|i'm|i’m|im|this is|it's|it’s|here is|ask for|speak (?:to|with)|spoke (?:to|with)|talk(?:ed)? (?:to|with)"
    r"|for|by|from|with|to|and|tell|told|hi|hello|hey|dear|morning|afternoon|evening|thanks|thank you|best|love)[\s,:–-]*"
    r"|\b(?:my|his|her|our|your|their)\s+(?:late |ex-?|step-?|grand-?)?(?:wife|husband|spouse|son|daughter|mother|mom|mum|mama"
    r"|father|dad|papa|brother|sister|partner|fianc[eé]e?|boyfriend|girlfriend|friend|neighbou?r|aunt|uncle|grandma|grandmother"
    r"|grandpa|grandfather|grandson|granddaughter|niece|nephew|cousin|child|kid|baby|roommate|caregiver|carer|nurse|doctor|boss)"
    r"(?:'s|’s)?,?\s*|(?:^|\n)\s*[-–—~]\s*)$",
    re.I,
)
PARTICLES = frozenset(
    ("de", "del", "la", "las", "los", "van", "von", "der", "den", "bin", "ibn", "al", "el", "da", "di", "dos", "st")
)
USUAL = frozenset((*STOPWORDS, *MONTHS, *WEEKDAYS, "fernhollow", "pestle", "plus", "ok", "mr", "mrs", "ms", "miss", "dr", "doctor", "not", "no", "yes", "sorry", "sure", "still", "now", "trying", "waiting", "calling", "writing", "looking", "going", "very", "really", "also", "here", "there", "new", "never", "correct", "wrong", "misspelled", "different", "same", "what", "again", "both", "only", "being", "since", "without"))  # fmt: skip
TITLES = frozenset(("mr", "mrs", "ms", "dr", "prof", "st"))
PLACES = frozenset(("washington", "georgia", "virginia", "carolina", "dakota", "austin", "houston", "charlotte", "jackson", "madison"))  # fmt: skip
SAINT = re.compile(r"\b(?:St|Saint)\.? $")  # St. Louis is a city
ABBREVIATED = re.compile(r"[A-Z]{2,4}")  # PPO, NY
MOST = 4  # words of a name


@dataclass(frozen=True)
class Name:
    """One word of a name. `family`: rather a family name than a given one."""

    start: int
    end: int
    family: bool


class NameFinder:
    """Finds names. `words` are those that are nobody's: English, medicines, the business's own. Thread-safe."""

    def __init__(self, words: Collection[str]) -> None:
        self._words = frozenset(words)

    def find(self, text: str, known: Collection[str] = ()) -> list[Name]:
        """The words of names, in order. `known` are name words in lower case that were met elsewhere."""
        places = list(WORD.finditer(text))
        marked: dict[int, bool] = {}
        shouting = _shouting(text)
        for n in range(len(places)):
            if n in marked:
                continue
            for k, family in self._from(n, places, text, frozenset(known), shouting):
                marked[k] = family
        return [Name(places[n].start(), _end(places[n]), marked[n]) for n in sorted(marked)]

    def _from(
        self, n: int, places: list[re.Match[str]], text: str, known: frozenset[str], shouting: bool
    ) -> Iterator[tuple[int, bool]]:
        """The words of a name that begins with word n, and whether each is a family name."""
        before = text[max(0, places[n].start() - 60) : places[n].start()]
        word = _bare(places[n])
        capital = places[n][0][0].isupper() and not shouting
        titled = bool(TITLE.search(before)) and (capital or not self._usual(word))
        sure = bool(SURE.search(before)) and (capital or not self._usual(word)) and word not in USUAL
        likely = bool(LIKELY.search(before)) and word not in USUAL and word not in PLACES
        listed = word in GIVEN or word in FAMILY
        plain = listed and word not in AMBIGUOUS
        starts = (titled and word not in USUAL) or sure or self._known(n, places, text, capital or shouting, known)
        if likely:
            starts = starts or (capital and (listed or not self._usual(word))) or (word in GIVEN and plain)
        if plain and (capital or word in GIVEN) and not SAINT.search(before):
            starts = True
        if not starts and capital and (word not in USUAL or word in GIVEN):
            following = places[n + 1] if n + 1 < len(places) else None
            beside = following is not None and _beside(places[n], following, text) and following[0][0].isupper()
            next_word = _bare(following) if beside and following else ""
            if listed and next_word in FAMILY | GIVEN and (word not in USUAL or not _opens(before)):
                starts = True  # "Grace Park", "Will Young"
            elif self._strange(places[n], at_start=not beside and _opens(before)):
                starts = True  # no word that anybody knows
        if not starts:
            return
        yield n, titled or (word in FAMILY and word not in GIVEN)
        yield from self._going_on(n, places, text, known, shouting, sure)

    def _going_on(
        self, n: int, places: list[re.Match[str]], text: str, known: frozenset[str], shouting: bool, sure: bool
    ) -> Iterator[tuple[int, bool]]:
        waiting: list[int] = []  # particles that only count with a name after them
        for k in range(n + 1, min(n + MOST, len(places))):
            turned = sure and k == n + 1 and text[places[n].end() : places[k].start()] == ", "  # "O'Brien, Pat"
            if not _beside(places[k - 1], places[k], text) and not turned:
                return
            word, capital = _bare(places[k]), places[k][0][0].isupper() and not shouting
            if word in PARTICLES:
                waiting.append(k)
                continue
            initial = len(places[k][0]) == 1 and places[k][0].isupper() and word != "i"
            listed = word in FAMILY or word in GIVEN or word in known
            fits = (listed and (capital or word not in AMBIGUOUS or sure)) or not self._usual(word)
            if word in USUAL or not (initial or fits) or (turned and word not in GIVEN):
                return
            yield from ((w, True) for w in waiting)
            waiting.clear()
            yield k, not initial

    def _strange(self, place: re.Match[str], at_start: bool) -> bool:
        """Whether a word with a capital is none that anybody knows; one that begins a sentence may be misspelt."""
        word = _bare(place)
        if self._usual(word) or ABBREVIATED.fullmatch(place[0]):
            return False
        return not at_start or (len(word) > 2 and not _misspelt(word))

    def _usual(self, word: str) -> bool:
        plain = re.sub(r"['’]", "", word)
        known = word in USUAL or word in self._words or plain in self._words
        return known or ("-" in word and all(part in self._words for part in plain.split("-") if part))

    def _known(self, n: int, places: list[re.Match[str]], text: str, capital: bool, known: frozenset[str]) -> bool:
        """Whether a name that was met elsewhere is meant here; beside another such name it always is."""
        word = _bare(places[n])
        if word not in known:
            return False
        for one, other in ((n - 1, n), (n, n + 1)):
            beside = one >= 0 and other < len(places) and _beside(places[one], places[other], text)
            if beside and _bare(places[one]) in known and _bare(places[other]) in known:
                return True
        if word in STOPWORDS or word in MONTHS:
            return False
        return capital or word not in self._words or (word in GIVEN | FAMILY and word not in AMBIGUOUS)


def _misspelt(word: str) -> bool:
    """Whether it is close to a common word that is nobody's name."""
    close = process.extractOne(word, common().get(word[0], ()), scorer=fuzz.ratio, score_cutoff=80)
    return close is not None and close[0] not in GIVEN and close[0] not in FAMILY


def _bare(place: re.Match[str]) -> str:
    return re.sub(r"['’]s?$", "", place[0].lower())


def _end(place: re.Match[str]) -> int:
    return place.start() + len(re.sub(r"['’][sS]?$", "", place[0]))


def _beside(one: re.Match[str], other: re.Match[str], text: str) -> bool:
    """Whether two words stand side by side; a full stop may lie between after an initial or a title."""
    between = text[one.end() : other.start()]
    short = len(one[0]) == 1 or one[0].lower() in TITLES
    return (between in (" ", "  ", "-") or (short and between == ". ")) and not re.search(r"['’]s$", one[0])


def _opens(before: str) -> bool:
    """Whether a sentence begins here, where a capital says nothing."""
    return not before.strip() or bool(re.search(r"[.!?:\n\"“(]\s*$", before))


def _shouting(text: str) -> bool:
    letters = [character for character in text if character.isalpha()]
    return len(letters) > 8 and sum(character.isupper() for character in letters) > 0.7 * len(letters)
