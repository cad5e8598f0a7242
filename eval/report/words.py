"""How figures and names are worded, on the page, the terminal and the service card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

SPACE = "\u00a0"  # keeps a figure and its unit on one line
DASH = "–"
MINUS = "\u2212"

METRICS = {
    "right": "right",
    "recall@1": "right article first",
    "recall@3": "right article in the first three",
    "recall@10": "right article in the first ten",
    "mrr": "mean reciprocal rank",
    "ndcg@10": "nDCG at 10",
    "facts": "wanted facts said",
    "similarity": "likeness to the reference answer",
    "grounded": "sentences that stand in the evidence",
    "citation_precision": "cited sources that are right",
    "citation_recall": "right sources that are cited",
    "complete": "every part answered",
    "order_facts": "account facts exact",
    "grade": "reading grade",
    "words": "words",
    "abstain": "saying “I don't know”",
    "escalate": "calling a person",
    "refuse": "refusing",
    "intent": "intent",
    "precision": "precision",
    "recall": "recall",
    "false_alarms": "false alarms",
    "alarm": "ordinary questions stopped by a rail",
    "handover": "handed over to a person",
    "refused": "refused",
}
PLAIN_NUMBERS = {"grade": 1, "words": 0, "mrr": 3, "ndcg@10": 3, "similarity": 3, "ms": 0, "turns": 1}  # decimals
SLICES = {
    "standard": "standard English",
    "plain": "plain wording",
    "typo": "with typos",
    "typos": "with typos",
    "learner": "learner of English",
    "american": "American English",
    "british": "British English",
    "southern": "Southern American English",
    "african_american": "African-American English",
    "aave": "African-American English",
    "indian": "Indian English",
    "terse": "terse",
    "rambling": "at length",
    "long": "at length",
    "voice": "voice transcript",
}


class Estimate(Protocol):
    @property
    def value(self) -> float | None: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...
    @property
    def count(self) -> int: ...


def metric_label(name: str) -> str:
    if name in METRICS:
        return METRICS[name]
    if name.endswith("_ece"):
        return f"{label(name.removesuffix('_ece'))}: calibration error"
    for suffix in ("_precision", "_recall", "_false_alarms"):
        if name.endswith(suffix):
            what = suffix[1:].replace("_", " ")
            return f"{METRICS.get(name.removesuffix(suffix), label(name.removesuffix(suffix)))}: {what}"
    return label(name)


def label(name: str) -> str:
    return name.replace("_", " ").replace("-", " ")


def slice_label(value: str) -> str:
    return SLICES.get(value.lower().replace(" ", "_").replace("-", "_"), label(value))


def kind_of(fault: str) -> str:
    """A fault's kind: what stands before its first colon (else its first two words), to be counted and filtered."""
    kind, colon, _ = fault.partition(":")
    return " ".join((kind if colon else " ".join(fault.split()[:2])).split())[:40] or "other"


def share(value: float | None) -> str:
    """A share between 0 and 1 as per cent. Never rounded up to 100 %, nor down to 0."""
    if value is None:
        return "no cases"
    percent = 100 * value
    for decimals in (1, 2, 3):
        said = f"{percent:.{decimals}f}"
        if not (float(said) in (0.0, 100.0) and 0 < value < 1):
            break
    return f"{said}{SPACE}%"


def figure(name: str, value: float | None) -> str:
    if value is None:
        return "no cases"
    decimals = 3 if name.endswith("_ece") else PLAIN_NUMBERS.get(name)
    return share(value) if decimals is None else f"{value:,.{decimals}f}"


def interval(name: str, low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return ""
    ends = figure(name, low), figure(name, high)
    return f"{ends[0].removesuffix(SPACE + '%')} to {ends[1]}"


def estimate(name: str, found: Mapping[str, Any]) -> str:
    """Such as "94.5 % (93.2 to 95.6 %)"."""
    within = interval(name, found.get("low"), found.get("high"))
    said = figure(name, found.get("value"))
    return f"{said} ({within})" if within and found.get("value") is not None else said


def points(value: float | None) -> str:
    """A difference of two shares, with its sign, in percentage points."""
    if value is None:
        return DASH
    said = f"{abs(100 * value):.1f}"
    if said == "0.0":
        return "0.0"
    return f"{'+' if value > 0 else MINUS}{said}"


def chance(p: float | None) -> str:
    if p is None:
        return ""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def count(number: int, one: str, many: str = "") -> str:
    return f"{number:,}{SPACE}{one if number == 1 else many or one + 's'}"


def listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]
