"""Personal data in presidio-research's synthetic set: our masker beside Presidio's own recognisers.

The set (microsoft/presidio-research, synth_dataset_v2.json, MIT) holds invented sentences with the place and type of
each datum. Only the types that the masker covers are counted, for both. Nothing was tuned on its sentences.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.table import Figure
from rails.personal import Masker

TYPES = {
    "CREDIT_CARD": "card",
    "US_SSN": "ssn",
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "IBAN_CODE": "bank_account",
    "IP_ADDRESS": "ip",
    "US_DRIVER_LICENSE": "driver_license",
    "US_PASSPORT": "passport",
    "US_BANK_NUMBER": "bank_account",
}
OVERLAP = 0.5  # shared characters as a share of what the two spans cover together
THRESHOLDS = (0.0, 0.3, 0.4, 0.5)  # Presidio keeps what scores at least this; 0 is its default
REFERENCE = 0.618  # Presidio as shipped, over all 17 types: the authors' figure

# Presidio with its pattern recognisers alone: a blank spaCy pipeline gives words and no names, and needs no download.
# Where two types claim one place the higher score wins, as in Presidio's own anonymizer.
VANILLA = r"""
import json, sys
import spacy, tldextract
from spacy.language import Language
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import SpacyNlpEngine

class Blank(SpacyNlpEngine):
    def __init__(self):
        super().__init__()
        self.nlp = {"en": spacy.blank("en")}
        self.nlp["en"].add_pipe("lower_case_lemmas")

@Language.component("lower_case_lemmas")  # which its context words are looked up by
def lemmas(doc):
    for token in doc:
        token.lemma_ = token.lower_
    return doc

tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())  # the list in the package, not the one on the network
asked = json.load(sys.stdin)
analyzer = AnalyzerEngine(nlp_engine=Blank(), supported_languages=["en"])
found = []
for text in asked["texts"]:
    spans = []
    for r in sorted(analyzer.analyze(text, "en", entities=asked["types"]), key=lambda r: (-r.score, r.start - r.end)):
        if all(r.end <= start or end <= r.start for _, start, end, _ in spans):
            spans.append((r.entity_type, r.start, r.end, r.score))
    found.append(spans)
json.dump(found, sys.stdout)
"""

Span = tuple[str, int, int]  # kind, start, end


@dataclass(frozen=True)
class Score:
    """Spans that were found rightly, spans that were found, spans that there are."""

    right: int
    found: int
    true: int

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        return self.right / self.true if self.true else 0.0

    @property
    def f(self) -> float:
        return 2 * self.right / (self.found + self.true) if self.found + self.true else 0.0

    def __str__(self) -> str:
        return f"F {self.f:.3f} (precision {self.precision:.3f}, recall {self.recall:.3f})"


def evaluate(data: Path, presidio_python: Path | None = None) -> list[Figure]:
    """Figures of the set in the file `data`; one that says so where it is absent.

    `presidio_python` is the interpreter of an environment with presidio-analyzer; without one, or where it fails, the
    authors' own figure stands in. Raises nothing of Presidio's.
    """
    if not data.exists():
        return [Figure("personal data found (presidio-research)", "left out", on=f"{data} is absent")]
    rows: list[dict[str, Any]] = json.loads(data.read_text(encoding="utf-8"))
    texts = [str(row["full_text"]) for row in rows]
    truth = [_spans_of(row) for row in rows]
    types = sorted({str(span["entity_type"]) for row in rows for span in row["spans"]} & TYPES.keys())
    kinds = sorted({TYPES[name] for name in types})
    masker = Masker(kinds)
    ours = [[(datum.kind, datum.start, datum.end) for datum in masker.find(text)] for text in texts]
    vanilla = _vanilla(texts, types, presidio_python) if presidio_python else None
    on = f"{sum(map(len, truth))} spans in {len(texts)} sentences"
    score = _score(truth, ours)
    figures = []
    if vanilla is None:
        goal, reached = f"> {REFERENCE} (Presidio as shipped, all 17 types, by its authors)", score.f > REFERENCE
        figures.append(Figure("personal data found (presidio-research)", str(score), goal, on, reached))
    else:
        scores = {at: _score(truth, [_from(at, spans) for spans in vanilla]) for at in THRESHOLDS}
        best = max(scores, key=lambda at: scores[at].f)
        goal, reached = f"> {scores[best].f:.3f} (Presidio's patterns)", score.f > scores[best].f
        figures.append(Figure("personal data found (presidio-research)", str(score), goal, on, reached))
        figures += [Figure(f"Presidio's patterns, from score {at}", str(score), "", on) for at, score in scores.items()]
    for kind in kinds:
        score = _score(truth, ours, kind)
        beside = "" if vanilla is None else f"Presidio {_score(truth, [_from(best, s) for s in vanilla], kind)}"
        figures.append(Figure(f"of these, {kind}", str(score), beside, f"{score.true} spans"))
    return figures


def _spans_of(row: Mapping[str, Any]) -> list[Span]:
    return [
        (TYPES[span["entity_type"]], int(span["start_position"]), int(span["end_position"]))
        for span in row["spans"]
        if span["entity_type"] in TYPES
    ]


def _vanilla(
    texts: Sequence[str], types: Sequence[str], python: Path
) -> list[list[tuple[str, int, int, float]]] | None:
    """What Presidio finds, with its scores, or None where it can't run."""
    asked = json.dumps({"texts": texts, "types": types})
    try:
        run = subprocess.run(
            [python, "-c", VANILLA], input=asked, capture_output=True, text=True, check=True, timeout=600
        )
        return [
            [(TYPES[name], start, end, score) for name, start, end, score in spans] for spans in json.loads(run.stdout)
        ]
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def _from(threshold: float, spans: Iterable[tuple[str, int, int, float]]) -> list[Span]:
    return [(kind, start, end) for kind, start, end, score in spans if score >= threshold]


def _score(truth: Sequence[Sequence[Span]], found: Sequence[Sequence[Span]], kind: str | None = None) -> Score:
    """Each true span counts once, for one found span of its kind that overlaps it enough."""
    right = hits = total = 0
    for true_spans, found_spans in zip(truth, found, strict=True):
        left = [span for span in true_spans if kind in (None, span[0])]
        mine = [span for span in found_spans if kind in (None, span[0])]
        total, hits = total + len(left), hits + len(mine)
        for span in mine:
            match = next((true for true in left if true[0] == span[0] and _overlap(true, span) >= OVERLAP), None)
            if match:
                left.remove(match)
                right += 1
    return Score(right, hits, total)


def _overlap(one: Span, other: Span) -> float:
    shared = min(one[2], other[2]) - max(one[1], other[1])
    return shared / (max(one[2], other[2]) - min(one[1], other[1])) if shared > 0 else 0.0
