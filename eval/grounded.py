"""The output rail as measured: the grounded check on public sets of human judgements, and the whole rail on false figures.

WiCE (Kamoi et al. 2023): claims of Wikipedia against the pages they cite; "supported" against the rest. BEGIN (Dziri et al.
2022): chat models' replies against the knowledge they were given; "fully attributable" against the rest. The check has
never been fitted on either.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import random
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from eval.table import Figure, share
from rag.account.answer import ORDER_INTENTS, PRESCRIPTION_INTENTS, AccountAnswers
from rag.account.business import Business
from rag.account.drugs import DrugTable
from rag.account.memory import MemoryAccountBook
from rag.account.mentions import Mentions
from rag.account.resolve import Pointer
from rag.articles import Article
from rag.passages import passages
from rag.turn import Focus
from rails.grounded import Embed, Grounded, Likeness
from rails.output import OutputRail
from rails.reading import Reading

AHEAD, CAUGHT, RELEASED = 0.05, 0.99, 0.99
SEED = 5
TRAINED = Path(__file__).resolve().parents[1] / "knowledge_base" / "trained" / "grounded.safetensors"


@dataclass(frozen=True)
class Claim:
    """A sentence with the texts that it cites."""

    text: str
    evidence: tuple[str, ...]
    supported: bool = True


def evaluate(data: Path, embed: Embed, grounded: Grounded | None = None) -> list[Figure]:
    """AUROC of the check, with and without vectors, beside that of cosine alone. `data` holds wice/ and begin/.

    Raises GroundedError where no check is given and none is trained.
    """
    grounded = grounded or Grounded.load(TRAINED)
    return [
        *_judged("WiCE", data / "wice" / "oracle_chunks_claim_dev.jsonl", wice, embed, grounded),
        *_judged("BEGIN", data / "begin", begin, embed, grounded),
    ]


def wice(path: Path) -> list[Claim]:
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [Claim(row["claim"], ("\n".join(row["evidence"]),), row["label"] == "supported") for row in rows]


def begin(folder: Path) -> list[Claim]:
    claims: list[Claim] = []
    for path in sorted(folder.glob("*.tsv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t"):
                claims.append(Claim(row["response"], (row["knowledge"],), row["begin_label"] == "Fully attributable"))
    return claims


def _judged(
    name: str, path: Path, read: Callable[[Path], list[Claim]], embed: Embed, grounded: Grounded
) -> list[Figure]:
    if not path.exists():
        return [Figure(f"grounded check, {name}", "left out", "", f"{path} is not there")]
    claims = read(path)
    truth = [claim.supported for claim in claims]
    likeness = Likeness(embed)
    columns: list[tuple[float, float, float, float]] = []
    for claim in claims:
        sentence, evidence = Reading(claim.text), [Reading(text) for text in claim.evidence]
        similarity = likeness(sentence, evidence)
        words, meaning = grounded.probability(sentence, evidence), grounded.probability(sentence, evidence, similarity)
        columns.append((similarity.best, similarity.whole, words, meaning))
    best, whole, words, meaning = (float(roc_auc_score(truth, column)) for column in np.array(columns).T)
    cosine, on = max(best, whole), f"{len(claims)} claims, {sum(truth)} supported"
    goal = f"≥ {cosine + AHEAD:.3f} (cosine alone + {AHEAD})"
    return [
        Figure(f"cosine alone, {name}, AUROC", f"{cosine:.3f}", "", f"{on}; nearest sentence {best:.3f}, whole {whole:.3f}"),
        Figure(f"grounded check by words, {name}, AUROC", f"{words:.3f}", goal, on, words >= cosine + AHEAD),
        Figure(f"grounded check with vectors, {name}, AUROC", f"{meaning:.3f}", goal, on, meaning >= cosine + AHEAD),
    ]


def article_claims(articles: Sequence[Article]) -> list[Claim]:
    """Every sentence, step and bullet of the articles, with its passage as evidence."""
    return [
        Claim(piece.text, (passage.text,))
        for article in articles
        for passage in passages(article)
        for piece in passage.pieces
        if len(piece.text.split()) > 3
    ]


def account_claims(business: Business, drugs: DrugTable) -> list[Claim]:
    """The sentences with evidence that the account part answers each customer with, by every intent."""
    book, claims = MemoryAccountBook.of(business), dict[Claim, None]()
    answers = AccountAnswers(book, drugs)
    now = dt.datetime.combine(business.today, dt.time(17), dt.UTC)
    pointer = Pointer(Mentions(), np.zeros(384, dtype=np.float32), Focus(), now, dict)
    for customer in business.customers:
        account = book.account(customer.id)
        for intent in (*ORDER_INTENTS, *PRESCRIPTION_INTENTS, "order_list", "prescription_list", "transfer_status"):
            answer = answers.answer(intent, account, pointer) if account else None
            if answer is None:
                continue
            texts = {item.id: item.text for item in answer.evidence}
            for draft in answer.sentences:
                if draft.evidence:
                    claims[Claim(draft.text, tuple(texts[item] for item in draft.evidence if item in texts))] = None
    return list(claims)


def mutations(claims: Sequence[Claim], rail: OutputRail, drugs: Collection[str], most: int = 1500) -> list[Figure]:
    """True sentences through the whole rail, as they are and with one wrong figure or medicine put in.

    At most `most` falsified sentences of a kind. `drugs` are the names to put in.
    """
    dice = random.Random(SEED)
    released = sum(rail.check(claim.text, claim.evidence).ok for claim in claims)
    figures = [
        Figure("true sentences released", share(released, len(claims)), f"≥ {RELEASED:.0%}", f"{len(claims)} sentences",
               released >= RELEASED * len(claims))
    ]  # fmt: skip
    made: dict[str, list[tuple[str, Claim]]] = {}
    for claim in dice.sample(list(claims), len(claims)):
        for kind, wrong in falsified(claim, sorted(drugs), dice):
            if len(made.setdefault(kind, [])) < most:
                made[kind].append((wrong, claim))
    caught = {kind: sum(not rail.check(wrong, claim.evidence).ok for wrong, claim in rows) for kind, rows in made.items()}
    for kind, rows in sorted(made.items()):
        figures.append(Figure(f"wrong {kind} caught", share(caught[kind], len(rows)), "", f"{len(rows)} sentences"))
    total, held = sum(map(len, made.values())), sum(caught.values())
    all_of_them = Figure("false sentences caught", share(held, total), f"≥ {CAUGHT:.0%}", f"{total} sentences",
                         total > 0 and held >= CAUGHT * total)  # fmt: skip
    return [all_of_them, *figures]


KINDS = {
    "order number": re.compile(r"\b(?:FH|RX|TR)-\d{5,}\b"),
    "price": re.compile(r"\$\d[\d,]*(?:\.\d\d)?"),
    "strength": re.compile(r"\b\d+(?:\.\d+)? ?(?:mg|mcg|mL|units?)\b"),
    "date": re.compile(
        r"\b(?:January|February|March|April|May|June|July|August|September|October|November|December) \d{1,2}\b"
    ),
    "number": re.compile(r"(?<![\w$.,/-])\d{1,3}(?![\w.,/-]*\d)(?! ?(?:mg|mcg|mL|units?)\b)"),
}


def falsified(claim: Claim, drugs: Sequence[str], dice: random.Random) -> Iterator[tuple[str, str]]:
    """The sentence with one thing wrong in it, by kind; the wrong figure or name stands nowhere in the sentence."""
    for kind, pattern in KINDS.items():
        if found := [m for m in pattern.finditer(claim.text) if not _in_date(claim.text, m, kind)]:
            match = dice.choice(found)
            yield kind, claim.text[: match.start()] + _other(match[0], dice) + claim.text[match.end() :]
    lowered = claim.text.lower()
    names = [name for name in drugs if len(name) > 4 and re.search(rf"\b{re.escape(name.lower())}\b", lowered)]
    if names:
        name = max(names, key=len)
        other = dice.choice([drug for drug in drugs if drug.lower() not in lowered and drug.lower() not in name.lower()])
        yield "drug", re.sub(rf"\b{re.escape(name)}\b", other, claim.text, count=1, flags=re.IGNORECASE)


def _in_date(text: str, match: re.Match[str], kind: str) -> bool:
    return kind == "number" and any(d.start() <= match.start() < d.end() for d in KINDS["date"].finditer(text))


def _other(said: str, dice: random.Random) -> str:
    """Another number in the place of the last one said, with as many digits."""
    match = list(re.finditer(r"\d+", said))[-1]
    size = len(match[0])
    low = 1 if size == 1 else 10 ** (size - 1)
    high = 28 if said[0].isalpha() and size <= 2 else 10**size - 1
    while (other := str(dice.randint(1 if high == 28 else low, high)).zfill(size if said[0] == "$" else 1)) == match[0]:
        pass
    return said[: match.start()] + other + said[match.end() :]
