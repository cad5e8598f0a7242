"""What the grounded check learns from: sentences made out of the articles, said truly in other words, or falsified.

Everything comes from knowledge_base/articles and from the paraphrases that were written by hand beside them. Rows are
made the same way each time.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from rag.articles import Article
from rag.passages import sentences
from rails.strict_yaml import FileErrors, read_strict

SEED = 11
PARAPHRASES = Path("grounded") / "paraphrases.yaml"
SYNONYMS = {
    "medicine": "medication", "medicines": "medications", "parcel": "package", "parcels": "packages", "choose": "select",
    "ask": "request", "call": "phone", "right away": "immediately", "costs": "is priced at", "need": "require",
    "needs": "requires", "shows": "displays", "order": "purchase", "within": "in no more than", "usually": "normally",
    "prescriber": "doctor", "change": "alter", "free": "at no charge", "arrives": "comes", "begins": "starts",
    "often": "frequently", "about": "around", "get": "receive", "sends": "mails", "tells": "lets you know",
    "picks": "selects", "keep": "store", "before": "prior to", "also": "as well", "refund": "give back the money for",
}  # fmt: skip
CONTRACTIONS = {
    "cannot": "can't", "do not": "don't", "does not": "doesn't", "is not": "isn't", "are not": "aren't",
    "will not": "won't", "we are": "we're", "you are": "you're", "it is": "it's", "that is": "that's", "has not": "hasn't",
    "you will": "you'll", "we will": "we'll", "did not": "didn't",
}  # fmt: skip
ADDITIONS = (
    "free of charge", "within 24 hours", "on weekends too", "for members only", "without asking anyone", "at any pharmacy",
    "by phone only", "after a short survey", "for an extra fee", "if your doctor agrees in writing", "in every state",
    "up to three times a year", "as long as you pay in advance", "even when you are abroad", "in the evening",
    "through our partner", "with a signed form", "by certified mail", "for children under 12", "in the first month",
    "and we send you a gift card for it", "and our team will call you the same day", "and a supervisor confirms it",
    "and you get double points", "because the government demands it", "as your doctor told us", "unless it is Friday",
)  # fmt: skip
STRONGER = (
    ("can", "must"), ("may", "will always"), ("usually", "always"), ("often", "always"), ("some", "all"),
    ("most", "all"), ("up to", "at least"), ("up to", "exactly"), ("about", "never more than"), ("sometimes", "every time"),
    ("can", "can only"), ("asks", "forces you"), ("within", "no sooner than"), ("unless", "even if"), ("if", "even if not"),
    ("after", "before"), ("before", "after"), ("until", "after"), ("only", "also"), ("more", "less"), ("first", "last"),
    ("free", "charged"), ("any", "no"), ("every", "no"), ("with", "without"), ("new", "old"), ("pharmacist", "insurer"),
    ("insurer", "prescriber"), ("prescriber", "pharmacist"), ("you", "your doctor"), ("we", "the carrier"),
    ("carrier", "pharmacist"), ("customer care", "a supervisor"), ("plan", "pharmacy"),
)  # fmt: skip
SUBJECT = re.compile(r"^(?:The|A|An|Your|Our|Most|Some|All|Each) (?:[\w'-]+ ){1,3}?(?=(?:is|are|can|has|have|must|may|cannot|shows?|needs?|comes?|takes?|goes|go)\b)")  # fmt: skip
TAIL = re.compile(r",? (?:because|so that|such as|for example|as|since|including|even when|even if)\b[^.]*(?=\.$)")
CONDITION = re.compile(r"^(If|When|Once|After|Before|Until) ([^,]+), ([^.]+)\.$")
AUXILIARY = re.compile(r"\b(is|are|can|will|must|may|has|do|does)\b(?! not\b)")
DENIAL = re.compile(r"\b(?:is|are|can|will|must|may|has|do|does)( not)\b|\bcan(not)\b")
NUMBER = re.compile(r"(?<![\w-])\d+(?:\.\d+)?(?![\w-])")


class ParaphraseErrors(FileErrors):
    """Mistakes in the paraphrases."""


class Paraphrase(BaseModel):
    """A sentence reworded from an article by hand: faithfully, or with one thing in it that is not so."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    sentence: str = Field(min_length=8)
    article: str
    faithful: bool


_PARAPHRASES = TypeAdapter(Annotated[list[Paraphrase], Field(min_length=1)])


@dataclass(frozen=True)
class Row:
    """A sentence, the texts that it cites, and whether they support it. `how` it was made; `article` it belongs to."""

    sentence: str
    evidence: tuple[str, ...]
    supported: bool
    article: str
    how: str


def read_paraphrases(knowledge: Path) -> list[Paraphrase]:
    """Raises ParaphraseErrors."""
    return read_strict(knowledge / PARAPHRASES, _PARAPHRASES, ParaphraseErrors)


def rows(articles: Sequence[Article], paraphrases: Sequence[Paraphrase]) -> list[Row]:
    """All rows, in the same order each time. Raises ParaphraseErrors where a paraphrase names no article."""
    dice = random.Random(SEED)
    by_id = {article.id: article for article in articles}
    if unknown := sorted({line.article for line in paraphrases} - set(by_id)):
        raise ParaphraseErrors([f"{PARAPHRASES}: there is no article {name}" for name in unknown])
    made: list[Row] = []
    for article in sorted(articles, key=lambda article: article.id):
        made += _of_article(article, [other for other in articles if other.id != article.id], dice)
    for line in paraphrases:
        article = by_id[line.article]
        for evidence in ((article.body,), tuple(section.text for section in article.sections)):
            made.append(Row(line.sentence, evidence, line.faithful, article.id, "by hand"))
    return made


def _of_article(article: Article, others: Sequence[Article], dice: random.Random) -> Iterator[Row]:
    akin = [other for other in others if other.topic == article.topic] or list(others)
    body = set(sentences(article.body))
    for section in article.sections:
        said = [sentence for sentence in sentences(section.text) if len(sentence.split()) > 3]
        for at, sentence in enumerate(said):
            other = dice.choice(akin)
            evidence = dice.choice([(section.text,), (article.body,), (article.body, other.body), (other.body, section.text)])
            apart = [s for s in sentences(dice.choice([*akin, dice.choice(others)]).body) if len(s.split()) > 3 and s not in body]
            after = said[at + 1] if at + 1 < len(said) else None
            for how, true in dice.sample(kinds := list(_true(sentence, after, dice)), min(3, len(kinds))):
                yield Row(true, evidence, True, article.id, how)
            wrongs = list(_false(sentence, dice.choice(apart), dice)) if apart else []
            for how, wrong in dice.sample(wrongs, min(3, len(wrongs))):
                yield Row(_reworded(wrong, dice) if dice.random() < 0.5 else wrong, evidence, False, article.id, how)
            if apart:
                foreign = dice.choice(apart)
                theirs = evidence if not any(foreign in text for text in evidence) else (article.body,)
                yield Row(_reworded(foreign, dice) if dice.random() < 0.5 else foreign, theirs, False, article.id, "elsewhere")


def _true(sentence: str, after: str | None, dice: random.Random) -> Iterator[tuple[str, str]]:
    yield "literal", sentence
    yield "reworded", _reworded(sentence, dice)
    yield "reworded", _reworded(sentence, dice)
    if (shorter := TAIL.sub("", sentence)) != sentence:
        yield "shortened", _reworded(shorter, dice)
    if match := CONDITION.match(sentence):
        yield "reordered", f"{match[3][0].upper()}{match[3][1:]} {match[1].lower()} {match[2]}."
    if SUBJECT.match(sentence):
        yield "pronoun", SUBJECT.sub("They " if " are " in sentence[:40] else "It ", sentence)
    if after and after.endswith(".") and sentence.endswith("."):
        yield "merged", _reworded(f"{sentence[:-1]}, and {_lower(after)}", dice)
        yield "merged", f"{after[:-1]}; {_lower(sentence)}"


def _false(sentence: str, foreign: str, dice: random.Random) -> Iterator[tuple[str, str]]:
    if numbers := list(NUMBER.finditer(sentence)):
        match = dice.choice(numbers)
        other = str(int(float(match[0])) + dice.choice([1, 2, 3, 5, 10]))
        yield "figure", sentence[: match.start()] + other + sentence[match.end() :]
    if denial := DENIAL.search(sentence):
        start, end = denial.span(1) if denial[1] else denial.span(2)
        yield "denied", sentence[:start] + sentence[end:]
    elif verb := AUXILIARY.search(sentence):
        yield "denied", f"{sentence[: verb.end()]} not{sentence[verb.end() :]}"
    if (ours := SUBJECT.match(sentence)) and (theirs := SUBJECT.match(foreign)) and ours[0] != theirs[0]:
        yield "subject", theirs[0] + sentence[ours.end() :]
    head, tail = sentence.split(), foreign.split()
    yield "joined", " ".join([*head[: (len(head) + 1) // 2], *tail[len(tail) // 2 :]])
    if sentence.endswith("."):
        yield "added", f"{sentence[:-1]} {dice.choice(ADDITIONS)}."
        yield "added", f"{sentence[:-1]}, and {_lower(foreign)}"
    changes = [pair for pair in STRONGER if re.search(rf"\b{pair[0]}\b", sentence, re.IGNORECASE)]
    for word, other in dice.sample(changes, min(2, len(changes))):
        yield "turned", re.sub(rf"\b{word}\b", other, sentence, count=1, flags=re.IGNORECASE)
    content = [at for at, word in enumerate(head) if len(word) > 4 and word.isalpha()]
    foreign_content = [word for word in tail if len(word) > 4 and word.isalpha() and word not in sentence]
    for count in (1, 2):
        if len(content) >= count and len(foreign_content) >= count:
            swapped = list(head)
            for at, word in zip(dice.sample(content, count), dice.sample(foreign_content, count), strict=True):
                swapped[at] = word.lower()
            yield "swapped", " ".join(swapped)


def _reworded(sentence: str, dice: random.Random) -> str:
    """With contractions, and about half of the words that have a synonym replaced."""
    for table, chance in ((CONTRACTIONS, 0.8), (SYNONYMS, 0.5)):
        for word, other in table.items():
            if dice.random() < chance:
                sentence = re.sub(rf"\b{word}\b", other, sentence)
    return sentence


def _lower(sentence: str) -> str:
    """To follow a comma: lower case at its start, unless it starts with a name."""
    first = sentence.split()[0]
    return sentence if first.isupper() or sum(map(str.isupper, first)) > 1 else sentence[0].lower() + sentence[1:]
