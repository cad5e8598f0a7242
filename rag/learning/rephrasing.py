"""Learning from rephrasing: a wording that fails is linked to the one with which customers were content afterwards.

Customers who say it again in other words and then are content show what they meant. Their chains of wordings make a
graph; its absorption probabilities (`rag.learning.chain`) tell where those end who fail with a wording. A link is kept
where enough independent customers agree, and only where search itself bears it out. Nobody has to label anything.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np

from rag.encoder import Vectors
from rag.learning.base import Base, NothingToLearn
from rag.learning.chain import Chain
from rag.learning.examples import Example
from rag.learning.rewrites import OFF, Link, link_id, plain, sense, switched_off, write_rewrites
from rag.words import STOPWORDS, TOKEN

CUSTOMERS = 3  # independent ones that a link needs, and that must have written a word that is none of ours
ONE, STAFF = 1.0, 3.0  # what one customer, or one row of staff, may weigh at one wording
HALF_LIFE = dt.timedelta(days=28)
LEAST_SUPPORT = 1.5  # of links in service: three customers a half-life ago
STRENGTH = 0.5  # share of those who said it again that must end content with the article
AHEAD = 0.25  # by which that must be more than were content with the wording itself
DOUBT = 1.0  # customers who were lost, added to every wording
FIRST = 20  # articles among which search must see the one that is linked to
LIKE = 0.45  # or the likeness of the two wordings; 99 % of questions of different articles are less alike
OTHERS = 0.002  # share of known questions that may be as like another article's as the threshold
THRESHOLDS = (0.86, 0.97)  # between which it lies
LONGEST = 12  # wordings of one chain that count
MOST = 20_000  # wordings in the graph, the newest ones
VISITORS = "visitors"


@dataclass(frozen=True)
class Ground:
    """What links are held against. `found`: the articles of a wording, best first, and whether the best one answers.

    `asked`: vectors of known questions, `answer`: the article of each; `words`: those of the articles.
    """

    mended: Callable[[str], str]
    encode: Callable[[Sequence[str]], Vectors]
    dangerous: Callable[[Sequence[str]], Sequence[bool]]
    found: Callable[[str], tuple[Sequence[str], bool]]
    asked: Vectors
    answer: Sequence[str]
    words: frozenset[str]
    encoder: str = ""
    off: frozenset[str] = frozenset()

    @cached_property
    def threshold(self) -> float:
        """The likeness from which two wordings are one: hardly any known question is that like one of another article."""
        answer = np.array(self.answer)
        nearest = [0.0]
        for at in range(0, len(answer), 512):
            alike = self.asked[at : at + 512] @ self.asked.T
            alike[answer[at : at + 512, None] == answer[None, :]] = 0.0
            nearest += alike.max(axis=1).tolist()
        ranked = sorted(nearest, reverse=True)
        return float(np.clip(ranked[int(OTHERS * len(ranked))], *THRESHOLDS))


def ground(base: Base, off: frozenset[str] = frozenset()) -> Ground:
    search = base.search
    asked = [
        (search.mended(text), article.id)
        for article in search.index.articles.values()
        for text in search.index.asked(article)
    ]

    def found(text: str) -> tuple[list[str], bool]:
        got = search.find(text, top=FIRST)
        return [hit.article_id for hit in got.hits], got.answerable >= search.weights.floor_at

    texts = [*(text for text, _ in asked), *(article.body.lower() for article in search.index.articles.values())]
    words = frozenset(word for text in texts for word in TOKEN.findall(text)) | STOPWORDS
    vectors = base.encoder.encode([text for text, _ in asked])
    return Ground(search.mended, base.encoder.encode, base.dangerous, found, vectors, [id for _, id in asked], words, base.encoder.name, off)  # fmt: skip


@dataclass
class Graph:
    """Wordings that are one are one place. Weights by customer: what each said next, and how it ended there."""

    texts: list[str]  # of each place, the wording that most customers used, mended
    vectors: Vectors
    moves: dict[tuple[int, int], dict[str, float]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(float))
    )
    content: dict[tuple[int, str | None], dict[str, float]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(float))
    )
    lost: dict[int, dict[str, float]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(float)))
    newest: dict[tuple[int, str], dt.datetime] = field(default_factory=dict)  # by place and customer
    writers: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))  # of each word, up to CUSTOMERS

    @cached_property
    def ends(self) -> list[tuple[int, str | None]]:
        return list(self.content)

    @cached_property
    def onward(self) -> dict[int, list[int]]:
        """What was said next, of each place."""
        found: dict[int, list[int]] = defaultdict(list)
        for place, n in sorted(self.moves):
            found[place].append(n)
        return found

    @cached_property
    def chain(self) -> Chain:
        column = {end: n for n, end in enumerate(self.ends)}
        return Chain(
            len(self.texts), len(self.ends),
            {move: sum(who.values()) for move, who in self.moves.items()},
            {(end[0], column[end]): sum(who.values()) for end, who in self.content.items()},
            {place: sum(who.values()) for place, who in self.lost.items()}, DOUBT,
        )  # fmt: skip

    def shares(self, chances: Vectors) -> dict[str | None, float]:
        """Chances of good ends, summed by article."""
        found: dict[str | None, float] = defaultdict(float)
        for at in np.flatnonzero(chances > 0):
            found[self.ends[at][1]] += float(chances[at])
        return found


@dataclass(frozen=True)
class Found:
    links: list[Link]
    vectors: Vectors
    refused: Counter[str]
    graph: Graph


def tune(
    examples: Sequence[Example], base: Base, folder: Path, say: Callable[[str], None], seed: int = 7
) -> dict[str, float]:
    """Writes rewrites.safetensors and rewrites.json. `examples` are cleaned. Raises NothingToLearn.

    What is switched off beside the candidates is not learnt again.
    """
    rows = [one for one in examples if one.kind == "rephrasing"]
    if not any(len(one.data["said"]) > 1 for one in rows):
        raise NothingToLearn(
            "nobody has said a question again in other words, so there is no wording to learn from yet"
        )
    held = ground(base, switched_off(folder.parent / OFF))
    say(
        f"{len(rows)} questions as they were put again and again; wordings are one from a likeness of {held.threshold:.3f}"
    )
    found = links(rows, held)
    refused = ", ".join(f"{reason} {count}" for reason, count in found.refused.most_common()) or "none"
    say(f"{len(found.graph.texts)} wordings, {len(found.links)} links; refused: {refused}")
    if not found.links:
        raise NothingToLearn(
            f"no wording is linked to a better one by {CUSTOMERS} customers who agree (refused: {refused})"
        )
    write_rewrites(folder, found.links, found.vectors, held.threshold, held.encoder)
    figures = {
        "chains": len(rows),
        "wordings": len(found.graph.texts),
        "links": len(found.links),
        "threshold": held.threshold,
    }
    return {**figures, **{f"refused: {reason}": count for reason, count in found.refused.items()}}


def links(examples: Sequence[Example], held: Ground) -> Found:
    """The links that these examples bear out, strongest first. Ages are counted from the newest example."""
    graph = build(examples, held)
    now = max(one.at for one in examples)
    refused: Counter[str] = Counter()
    kept = []
    for place in graph.onward:
        link = _link(place, graph, held, now, refused)
        if link is not None:
            kept.append((link, place))
    dangers = held.dangerous([text for link, _ in kept for text in (link.failed, link.text)]) if kept else []
    safe = [pair for n, pair in enumerate(kept) if not (dangers[2 * n] or dangers[2 * n + 1])]
    refused["danger"] += len(kept) - len(safe)
    safe.sort(key=lambda pair: (-pair[0].strength, pair[0].id))
    vectors = graph.vectors[[place for _, place in safe]]
    return Found([link for link, _ in safe], vectors, +refused, graph)


def _link(place: int, graph: Graph, held: Ground, now: dt.datetime, refused: Counter[str]) -> Link | None:
    """The link of one wording, or None with a reason counted."""
    onward = graph.onward[place]
    if _voices(_all(graph.moves[place, n] for n in onward)) < CUSTOMERS:
        return None  # said again by too few to speak of a failure
    chain, after = graph.chain, graph.chain.after(place)
    shares = graph.shares(chain.ends(after))
    article, strength = max(
        ((name, p) for name, p in shares.items() if name is not None), key=lambda pair: pair[::-1], default=("", 0.0)
    )
    if strength < max(STRENGTH, chain.at_once(place) + AHEAD):
        refused["not consistent"] += 1
        return None
    backed = _all(
        graph.moves[place, n] for n in onward if graph.shares(chain.from_(n)).get(article, 0.0) >= STRENGTH / 2
    )
    visits = chain.visits(after)
    there = {at: who for (at, a), who in graph.content.items() if a == article and at != place and visits[at] > 0}
    if min(_voices(backed), _voices(_all(there.values()))) < CUSTOMERS:
        refused["too few customers"] += 1
        return None
    works = sorted(there, key=lambda at: (-visits[at] * sum(there[at].values()), at))
    to, reason = _borne_out(place, article, works, graph, held)
    support = sum(backed.values())
    until = now + HALF_LIFE * math.log2(max(support / LEAST_SUPPORT, 1e-9))
    if reason or until <= now:
        refused[reason or "too old"] += 1
        return None
    newest = max(graph.newest[place, who] for who in backed).date().isoformat()
    failed, id = graph.texts[place], link_id(graph.texts[place], article)
    return Link(
        id, failed, graph.texts[to], article, round(support, 3), len(backed), round(strength, 4), newest,
        until.isoformat(timespec="seconds"),
    )  # fmt: skip


def _borne_out(place: int, article: str, works: Sequence[int], graph: Graph, held: Ground) -> tuple[int, str]:
    """The wording to search for in place of this one, or why there is none. `works`: candidates, best first."""
    failed = graph.texts[place]
    if link_id(failed, article) in held.off:
        return place, "switched off"
    if not _common(failed, graph, held):
        return place, "private words"
    near = held.asked @ graph.vectors[place]
    if near.max(initial=0.0) >= held.threshold and held.answer[int(near.argmax())] != article:
        return place, "known question of another article"
    seen, answers = held.found(failed)
    if answers and seen and seen[0] == article:
        return place, "works by now"
    for at in works:
        first, answers = held.found(graph.texts[at])
        related = article in seen[:FIRST] or float(graph.vectors[at] @ graph.vectors[place]) >= LIKE
        if answers and first and first[0] == article and related and _common(graph.texts[at], graph, held):
            return at, ""
    return place, "search does not bear it out"


def _common(text: str, graph: Graph, held: Ground) -> bool:
    """Whether every word is one of the articles', or one that several customers have written: nobody is known by it."""
    return all(w in held.words or len(graph.writers[w]) >= CUSTOMERS for w in TOKEN.findall(text.lower()))


def _voices(who: Mapping[str, float]) -> int:
    """Independent customers. Visitors can be anybody again and again: they count as many as those who are known, or one."""
    known = sum(not name.startswith(VISITORS) for name in who)
    return known + min(len(who) - known, max(1, known))


def _all(weights: Iterable[Mapping[str, float]]) -> dict[str, float]:
    together: dict[str, float] = {}
    for some in weights:
        for who, weight in some.items():
            together[who] = together.get(who, 0.0) + weight
    return together


def build(examples: Sequence[Example], held: Ground) -> Graph:
    """The graph of the wordings. The same examples give the same in whatever order they come."""
    rows = sorted((one for one in examples if one.kind == "rephrasing"), key=lambda one: (one.at, one.id))
    mended: dict[str, str] = {}
    sayers: dict[str, set[str]] = {}
    kept: list[tuple[Example, list[tuple[str, str | None, str]]]] = []
    for one in reversed(rows):
        steps = []
        for said, article, outcome in zip(one.data["said"], one.data["articles"], one.data["outcomes"], strict=True):
            text = held.mended(said)
            if key := plain(text):
                steps.append((key, article, outcome))
                mended[key] = min(text, mended.get(key, text))
        steps = steps[-LONGEST:]
        if not steps or len(sayers.keys() | {key for key, _, _ in steps}) > MOST:
            continue
        for key, _, _ in steps:
            sayers.setdefault(key, set()).add(_who(one))
        kept.append((one, steps))
    keys = sorted(sayers, key=lambda key: (-len(sayers[key]), key))
    vectors = held.encode([mended[key] for key in keys]) if keys else np.zeros((0, 1), dtype=np.float32)
    place_of, leaders = _joined(keys, vectors, held.threshold)
    graph = Graph([mended[keys[n]] for n in leaders], vectors[leaders])
    now = rows[-1].at if rows else None
    for one, steps in reversed(kept):
        _walk(graph, one, [(place_of[key], article, outcome) for key, article, outcome in steps], now or one.at)
        for word in {word for key, _, _ in steps for word in TOKEN.findall(key)}:
            if len(graph.writers[word]) < CUSTOMERS:
                graph.writers[word].add(_who(one))
    _cap(graph)
    return graph


def _joined(keys: Sequence[str], vectors: Vectors, threshold: float) -> tuple[dict[str, int], list[int]]:
    """The place of each wording: with the likest of those said by more customers, or one of its own.

    Only those that begin a place draw others in, so that likeness does not creep from one to the next.
    """
    leaders: list[int] = []
    place_of: dict[str, int] = {}
    senses = [sense(key) for key in keys]
    held = np.zeros_like(vectors)
    for n, key in enumerate(keys):
        likeness = held[: len(leaders)] @ vectors[n]
        near = [
            at for at in np.argsort(-likeness)[:8] if likeness[at] >= threshold and senses[leaders[at]] == senses[n]
        ]
        if near:
            place_of[key] = int(near[0])
        else:
            place_of[key], held[len(leaders)] = len(leaders), vectors[n]
            leaders.append(n)
    return place_of, leaders


def _walk(graph: Graph, one: Example, steps: Sequence[tuple[int, str | None, str]], now: dt.datetime) -> None:
    """One chain into the graph. Where it is open how it ended, its last wording counts for nothing."""
    who, weight = _who(one), one.weight * 0.5 ** ((now - one.at) / HALF_LIFE)
    for (a, _, _), (b, _, _) in pairwise(steps):
        if a != b:
            graph.moves[a, b][who] += weight
            graph.newest[a, who] = max(one.at, graph.newest.get((a, who), one.at))
    last, article, outcome = steps[-1]
    if one.data["ended"] == "content":
        graph.content[last, article if outcome == "answered" else None][who] += weight
    elif one.data["ended"] == "failed":
        graph.lost[last][who] += weight


def _who(one: Example) -> str:
    if one.staff:
        return f"staff {one.id}"
    return one.customer if one.signed_in and one.customer else f"{VISITORS} {one.customer or one.id}"


def _cap(graph: Graph) -> None:
    """At one wording, a customer weighs at most ONE in all that they did there, and visitors together as much as the rest."""
    out: dict[int, list[dict[str, float]]] = defaultdict(list)
    for (place, _), done in (*graph.moves.items(), *graph.content.items()):
        out[place].append(done)
    for place, done in graph.lost.items():
        out[place].append(done)
    for all_done in out.values():
        capped = {
            who: min(weight, STAFF if who.startswith("staff ") else ONE) for who, weight in _all(all_done).items()
        }
        strangers = sum(weight for who, weight in capped.items() if who.startswith(VISITORS))
        share = min(1.0, max(ONE, sum(capped.values()) - strangers) / strangers) if strangers else 1.0
        scale = {
            who: capped[who] / weight * (share if who.startswith(VISITORS) else 1.0)
            for who, weight in _all(all_done).items()
            if weight > 0
        }
        for done in all_done:
            for who in done:
                done[who] *= scale.get(who, 1.0)
