"""What a correction could become: an article's change, an evaluation case, a preference pair. Plain and quick, no model."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rapidfuzz import fuzz, process

from app.learning.shelf import Shelf
from app.store.corrections import Correction, ProposalKind
from rag.articles import ArticleErrors, parse_article
from rag.passages import pieces, sentences

SAME_SENTENCE = 60  # rapidfuzz: so close that one is the other, changed
COURTESY = re.compile(
    r"^(?:(?:hi|hello|hey|dear|good (?:morning|afternoon|evening))\b[^.!?]{0,40}[,.!]?$|(?:i'?m|we'?re|i am|we are) (?:so |very )?sorry\b"
    r"|sorry\b|thank(?:s| you)\b|you'?re welcome\b|best\b|(?:kind )?regards\b|have a\b|(?:please )?let (?:me|us) know\b|my name is\b"
    r"|(?:i|we)'?(?:ve| have| just| will|'ll)\b|(?:is|was) there anything\b|happy to help\b|this is \w+ (?:from|at)\b"
    r"|(?:is there )?anything else\b|how (?:can|may|could) (?:i|we) (?:help|assist)\b|what can (?:i|we) do for you\b"
    r"|this is [^.!?]{0,40}\bpharmacy[.!]?$|(?:i'?m|i am) \w+[,]? (?:from|at|with|here)\b|(?:just )?(?:a|one) (?:moment|second|minute)\b"
    r"|(?:please )?(?:bear with|give) (?:me|us)\b|let me (?:look|check|see)\b|(?:good)?bye\b|take care\b"
    r"|(?:i'?m|i am|we'?re|we are) (?:here|looking|reading|checking|asking|an? (?:pharmacist|colleague))\b|it should (?:not )?have\b"
    r"|(?:i|we) haven'?t heard\b|you can (?:come back|write again)\b|nothing is lost\b)",
    re.IGNORECASE,
)
GREETING = re.compile(
    r"^(?:hi|hello|hey|dear|good (?:morning|afternoon|evening))\b[ ,]*(?:(?:mr|mrs|ms|dr)\.? )?[\w'’-]*(?: [A-Z][\w'’-]*)?[,!.:]\s+",
    re.IGNORECASE,
)
OWN = re.compile(
    r"\b(?:FH|RX|TR)-?\s?\d|\b1Z\w{8}|\bC-\d{4}|\[[A-Za-z -]{3,16}\]|\b(?:mr|mrs|ms|miss)\.? [A-Z]"
    r"|(?<!if )(?<!when )(?<!once )\byour (?:order|prescription|parcel|package|refund|transfer|card|doctor) (?:was|has been|left|arrives|shipped|went)\b",
    re.IGNORECASE,
)
ROLES = {"customer": "customer", "assistant": "assistant", "agent": "assistant"}


@dataclass(frozen=True)
class Proposer:
    """Makes the three proposals of a correction. Reads one article file at most."""

    shelf: Shelf

    def __call__(self, correction: Correction) -> Mapping[ProposalKind, Mapping[str, Any]]:
        article_ids = cited(correction.evidence)
        return {
            "knowledge": self.knowledge(correction, article_ids),
            "case": {"cases": (one := case(correction, article_ids)), "yaml": as_yaml(one)},
            "preference": preference(correction),
        }

    def knowledge(self, correction: Correction, article_ids: Sequence[str]) -> dict[str, Any]:
        """A changed article with its diff, or a new one: {"article_id", "new", "title", "before", "text", "diff"}."""
        source = next((found for one in article_ids if (found := self.shelf.find(one))), None)
        today = correction.created_at.date()
        if source is None:
            text = new_article(correction.question, general(correction.chosen), today, self._taken)
        else:
            text = changed_article(source.text, correction, today)
        before = source.text if source else ""
        article_id, title = _front(text)
        return {
            "article_id": article_id,
            "new": source is None,
            "title": title,
            "before": before,
            "text": text,
            "diff": diff(before, text, source.path.as_posix() if source else f"{article_id}.md"),
            "base": source.digest if source else None,
        }

    def _taken(self, article_id: str) -> bool:
        return self.shelf.find(article_id) is not None


def cited(evidence: Collection[Mapping[str, Any]]) -> list[str]:
    """The articles among the evidence, by id, in its order: "track-order#1" is part of "track-order"."""
    ids = (str(item.get("id", "")) for item in evidence)
    return list(dict.fromkeys(one.partition("#")[0] for one in ids if re.fullmatch(r"[a-z0-9-]+(?:#\d+)?", one)))


def general(text: str) -> list[str]:
    """The sentences of an agent's answer that could hold for every customer; all of them where none seems to."""
    found = _sentences(text)
    kept = [one for one in found if _holds(one)]
    return kept or [one for one in found if not OWN.search(one)] or ["Write here what holds for every customer."]


def tells(text: str) -> bool:
    """Whether an agent's message answers something, for whoever asks: more than a greeting, thanks or one's own affairs."""
    return any(map(_holds, _sentences(text)))


def _sentences(text: str) -> list[str]:
    return sentences(GREETING.sub("", text.strip()))


def _holds(sentence: str) -> bool:
    """Whether a sentence could hold for every customer."""
    return not sentence.endswith("?") and not COURTESY.match(sentence) and not OWN.search(sentence)


def changed_article(text: str, correction: Correction, today: dt.date) -> str:
    """The article with sentences changed where the agent changed the assistant's, and the rest added to its end."""
    head, body = _split(text)
    kept = general(correction.chosen)
    here = [piece.text for piece in pieces(body)]
    new = [one for one in kept if one not in here]
    for old in here:
        if old in correction.rejected and old not in correction.chosen and body.count(old) == 1:
            close = process.extractOne(old, new, scorer=fuzz.ratio, score_cutoff=SAME_SENTENCE)
            if close:
                body = body.replace(old, close[0])
                new.remove(close[0])
    if new:
        body = f"{body.rstrip()}\n\n## {_heading(correction.question)}\n{' '.join(new)}\n"
    head = re.sub(r"^updated:.*$", f"updated: {today.isoformat()}", head, count=1, flags=re.MULTILINE)
    return head + body


def new_article(
    question: str,
    text: Sequence[str],
    today: dt.date,
    taken: Callable[[str], bool] = lambda article_id: False,
    questions: Sequence[str] = (),
) -> str:
    """The file of a new article that answers a question. A person fills in what only a person knows."""
    asked = _heading(question)
    stem = "-".join(re.findall(r"[a-z0-9]+", asked.lower())[:6])[:60].strip("-") or "new-article"
    article_id = next(one for one in (stem, *(f"{stem}-{n}" for n in range(2, 1_000))) if not taken(one))
    front = {
        "id": article_id,
        "title": asked[:1].upper() + asked[1:],
        "topic": "new",
        "updated": today,
        "questions": [_heading(one) for one in questions] or [asked],
        "next_steps": [],
        "links": [],
    }
    return article_file(front, " ".join(text))


def article_file(front: Mapping[str, Any], body: str) -> str:
    """An article in the form of its file."""
    head = yaml.safe_dump(dict(front), sort_keys=False, allow_unicode=True, width=10_000)
    return f"---\n{head}---\n{body.strip()}\n"


def diff(before: str, after: str, name: str) -> str:
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), f"a/{name}" if before else "/dev/null", f"b/{name}", lineterm="", n=2
    )
    return "\n".join(lines)


def case(correction: Correction, article_ids: Sequence[str]) -> dict[str, Any]:
    """A conversation for eval: turns that alternate and end with the customer's, and what an answer must hold to."""
    said: list[tuple[str, str]] = []
    for turn in (*correction.context, {"role": "customer", "text": correction.question}):
        speaker, text = ROLES.get(str(turn.get("role"))), str(turn.get("text", "")).strip()
        if (
            speaker is None
            or not text
            or (not said and speaker != "customer")
            or (said and said[-1] == (speaker, text))
        ):
            continue
        if said and said[-1][0] == speaker:
            said[-1] = (speaker, f"{said[-1][1]}\n{text}")
        else:
            said.append((speaker, text))
    return {
        "id": f"c{correction.id[:8]}",
        "turns": [text for _, text in said],
        "articles": list(article_ids),
        "answer": correction.chosen,
        "not": correction.rejected,
        "from": correction.kind,
        "versions": correction.versions,
    }


def as_yaml(one: Mapping[str, Any]) -> str:
    """A case as one item of a suite's YAML list."""
    return yaml.safe_dump([dict(one)], sort_keys=False, allow_unicode=True, width=110)


def preference(correction: Correction) -> dict[str, Any]:
    return {
        "question": correction.question,
        "context": list(correction.context),
        "evidence": list(correction.evidence),
        "chosen": correction.chosen,
        "rejected": correction.rejected,
    }


def _split(text: str) -> tuple[str, str]:
    """Front matter with both of its lines of dashes, and the body."""
    end = text.index("\n---", 3)
    end = text.index("\n", end + 1) + 1
    return text[:end], text[end:]


def _front(text: str) -> tuple[str, str]:
    """Id and title of an article's file, whether or not the rest of it is right."""
    try:
        article = parse_article(text, Path("draft"))
        return article.id, article.title
    except ArticleErrors:
        front = yaml.safe_load(_split(text)[0].strip().strip("-")) or {}
        return str(front.get("id", "")), str(front.get("title", ""))


def _heading(question: str) -> str:
    """A question as one line, short enough for a title."""
    line = " ".join(question.split()).lstrip("#-> ")
    return line if len(line) <= 110 else f"{line[:107].rsplit(' ', 1)[0]}..."
