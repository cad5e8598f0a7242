"""The names a medicine goes by: brand, generic, its parts, everyday names, and what it is for with its form."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from rag.account.drugs import DrugTable
from rag.specialists.entities_words import english

TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
PILL = frozenset(["pill", "tablet", "tab", "med", "medicine", "medication", "medicaton", "drug", "capsule", "cap"])
SHOT = frozenset(["shot", "injection", "jab"])
FORMS = ("cream", "gel", "ointment", "drop", "spray", "inhaler", "patch", "pen", "shampoo", "lotion")
QUALIFIER = re.compile(
    r"^(?:very )?(?:high|low|type 2|type 1|chronic|mild|severe|enlarged|overactive|underactive|poor) "
)
SHORT = {"hctz": "hydrochlorothiazide", "apap": "acetaminophen", "amox": "amoxicillin", "plan b": "plan b one-step"}
SALTS = frozenset(
    [
        "acid",
        "and",
        "with",
        "potassium",
        "chloride",
        "sulfate",
        "succinate",
        "tartrate",
        "mononitrate",
        "cypionate",
        "regular",
    ]
)
KNOWN_PARTS = frozenset(("penicillin", "ventolin", "codeine"))  # parts that stand in a list of English words too
# Names that are also everyday words or people: a medicine only beside a word that says so.
AMBIGUOUS = frozenset(
    ("iron", "prep", "sub", "heather", "camila", "errin", "yasmin", "my way", "soma", "the pill", "plan b")
)
BEFORE = frozenset(["on", "take", "taking", "took", "takes", "refill", "refilling", "prescribed"])
AFTER = frozenset(["pill", "refill", "prescription", "rx", "pack", "supplement", "copay"])

Key = tuple[str, ...]


class Name(NamedTuple):
    """The medicines that a name may mean, in file order, and whether it is a medicine's own name or a part of it."""

    ids: tuple[str, ...]
    own: bool


def token(word: str) -> str:
    """A word as names are compared: lower case, no apostrophe, no plural; words for a pill or a shot are one word."""
    word = word.lower().replace("'", "").replace("’", "")
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        word = word[:-2] if word.endswith(("ches", "xes")) else word[:-1]
    return "pill" if word in PILL else "shot" if word in SHOT else word


def key(name: str) -> Key:
    return tuple(token(match[0]) for match in TOKEN.finditer(name))


class Names:
    """All names of a table by their first token, the longest first, and the uses by their tokens."""

    def __init__(self, drugs: DrugTable) -> None:
        self._found: dict[Key, tuple[dict[str, None], bool]] = {}
        self.uses: dict[Key, tuple[str, ...]] = {}
        self.ambiguous = frozenset(key(name) for name in AMBIGUOUS)
        own = {drug.id: (drug.generic, *drug.brands) for drug in drugs}
        for drug in drugs:
            for name in own[drug.id]:
                for variant in _variants(name):
                    self._add(key(variant), drug.id, True)
        for drug in drugs:
            for name in drug.everyday_names:
                self._add(key(name), drug.id, self._found.get(key(name)[:1], ({}, False))[1])
                self._add_joined(name, drug.id)
            for name in own[drug.id]:
                self._add_joined(name, drug.id)
        for drug in drugs:
            for name in own[drug.id]:
                self._add_parts(name, drug.id, name == drug.generic)
        for short, name in SHORT.items():
            for drug_id in self._found.get(key(name), ({}, True))[0]:
                self._add(key(short), drug_id, False)
        self._add_uses(drugs)
        self.by_first: dict[str, list[tuple[Key, Name]]] = {}
        for tokens, (ids, is_own) in sorted(self._found.items(), key=lambda item: -len(item[0])):
            named = "-".join(tokens)  # "metronidazole" is first of all the medicine of that id
            means = Name(tuple(sorted(ids, key=named.__ne__)), is_own)
            self.by_first.setdefault(tokens[0], []).append((tokens, means))
        self.tokens = frozenset(part for tokens in self._found for part in tokens)

    def own_words(self) -> Iterable[str]:
        """Single words that are a medicine's own name."""
        return (tokens[0] for tokens, (_, own) in self._found.items() if own and len(tokens) == 1)

    def ids(self, word: str) -> tuple[str, ...]:
        return tuple(self._found[(word,)][0]) if (word,) in self._found else ()

    def _add(self, tokens: Key, drug_id: str, own: bool) -> None:
        if tokens and (len(tokens) > 1 or (tokens[0] not in ("pill", "shot", *FORMS[:-1]) or tokens[0] == "inhaler")):
            self._found.setdefault(tokens, ({}, own))[0][drug_id] = None

    def _add_joined(self, name: str, drug_id: str) -> None:
        """ "Z-Pak" is typed zpak, "epi pen" epipen."""
        tokens = key(name)
        joined = "".join(tokens)
        if len(tokens) == 2 and len(joined) <= 9 and joined not in english():
            self._add((joined,), drug_id, True)

    def _add_parts(self, name: str, drug_id: str, generic: bool) -> None:
        """ "Toprol" of Toprol-XL, "glargine" of insulin glargine: parts that no other medicine is named by."""
        tokens = key(name)
        if len(tokens) == 1:
            return
        for n, part in enumerate(tokens):
            fits = (len(part) >= 6 and generic) or (n == 0 and len(part) >= 4)
            if fits and part not in SALTS and (part in KNOWN_PARTS or part not in english()) and part.isalpha():
                taken = self._found.get((part,))
                if taken is None or not generic:
                    self._add((part,), drug_id, True)

    def _add_uses(self, drugs: DrugTable) -> None:
        uses: dict[str, dict[str, None]] = {}
        for drug in drugs:
            for use in drug.uses:
                for spelt in {use.lower(), QUALIFIER.sub("", use.lower())}:
                    uses.setdefault(spelt, {})[drug.id] = None
        for use, ids in uses.items():
            self.uses[key(use)] = tuple(ids)
            for drug_id in ids:
                forms = " ".join(drugs.by_id[drug_id].forms)
                self._add((*key(use), "pill"), drug_id, False)
                for form in FORMS:
                    if form in forms:
                        self._add((*key(use), form), drug_id, False)
                if "pen" in forms or "inject" in forms:
                    self._add((*key(use), "shot"), drug_id, False)


def _variants(name: str) -> set[str]:
    """ "losartan and hydrochlorothiazide" is typed losartan/hctz too."""
    name = name.lower()
    plain = {name, re.sub(r"\band\b|,", " ", name)}
    return plain | {spelt.replace("hydrochlorothiazide", "hctz") for spelt in plain if "and" in name}
