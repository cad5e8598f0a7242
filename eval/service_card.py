"""docs/service-card.md: what the assistant is for, how well it does, for whom less well; written from a complete run."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.settings import ROOT
from eval.accepted import BASELINE
from eval.report import words
from eval.runs import all_runs

CARD = ROOT / "docs" / "service-card.md"
WEAK = 0.9  # suites below this are named among the limits
FAIR = {"dialect": "Ways of speaking", "name_origin": "Names, by origin"}
HEADS = {
    "emergency": "emergencies",
    "self_harm": "self-harm",
    "medical_advice": "wish for individual medical advice",
    "injection": "attempts to bend the assistant",
    "abuse": "abuse",
    "wants_human": "wish for a person",
}
GAPS = {"right": "right answers", "refused": "refusals", "alarm": "false alarms", "handover": "hand-overs"}
METRICS = tuple(GAPS)
Summary = Mapping[str, Any]

PURPOSE = """## What it is for

- Answering customers of a pharmacy's service counter, in English: delivery, refills, transfers, prices, insurance, the app; from the business's own articles, each sentence with its source.
- Answering signed-in customers about their own orders, prescriptions and transfers.
- Handing over to a person, with the whole conversation, when asked, when it is unsure, and in danger at once.
- Helping the people who take over: summaries, suggested replies, articles.

## What it is not for

- Medical advice to an individual, diagnosis, dosing, interactions. Such messages go to a pharmacist.
- Emergencies. It gives a fixed, reviewed text (911, Poison Control, 988) and calls a person; it is no emergency service.
- Doing things in an account: it looks up and explains; it orders, changes and cancels nothing.
- Judging people. Nothing about a customer's origin, dialect, age or health is inferred from how they write; slices below are properties of test cases.
- Languages other than English, and voice calls. Answers in them are not measured.
- Use without people behind it. The measured service includes someone who takes over.
"""
REPORTING = """## How to report a problem

- In the chat: thumbs down, and a word on what was wrong; it counts on the staff's page Gaps. Or ask for a person.
- As staff: correct the answer at the desk; an accepted correction becomes an article, a test case or a preference.
- As an auditor, customer or activist: write your own cases and run `pestle eval --cases FILE`; the signed result names data, versions and scores and can be checked by anybody. Send it with the case that went wrong.
- What touches safety or someone else's data: by phone to the business that runs the service, at once; every answer's record can be found by its id (`pestle trace`).
"""


class NoCompleteRun(ValueError):
    """There is nothing to write a card from."""


@dataclass(frozen=True)
class Measured:
    """`run`: id, times, suites, versions; `summary`: as in summary.json, or the part of it that a baseline keeps."""

    run: Mapping[str, Any]
    summary: Summary


def accepted(path: Path = BASELINE) -> Measured | None:
    if not path.exists():
        return None
    kept = json.loads(path.read_text(encoding="utf-8"))
    return Measured(kept["run"], kept["summary"])


def last_complete(root: Path, suites: Iterable[str]) -> Measured:
    """The newest finished run that had all of these suites whole. Raises NoCompleteRun."""
    wanted = set(suites)
    for run in reversed(all_runs(root)):
        about = run.about
        if run.ended and wanted <= set(about["suites"]) and not about["options"].get("quick"):
            return Measured(about, run.summary)
    raise NoCompleteRun("no complete run is stored; `pestle eval` makes one, then ask for the card again.")


def write(measured: Measured, knowledge: Path, target: Path = CARD) -> Path:
    target.write_text(card(measured, knowledge), encoding="utf-8")
    return target


def card(measured: Measured, knowledge: Path) -> str:
    parts = [
        "# Service card",
        f"What Pestle is for, how well it does and where it falls short. Written by `pestle eval --card` from run `{measured.run['id']}` of {_day(measured.run)}; change the code or the cases, not this page. How it is measured: [evaluation.md](evaluation.md).",
        PURPOSE.strip(),
        _data(measured.summary, knowledge),
        figures(measured),
        _limits(measured.summary),
        REPORTING.strip(),
        _versions(measured.run),
    ]
    return "\n\n".join(parts) + "\n"


def figures(measured: Measured) -> str:
    """The part that depends on the run alone, so that a card can be held against a baseline."""
    summary = measured.summary
    rights = [entry["metrics"]["right"] for entry in summary["suites"].values()]
    count = sum(right["count"] for right in rights)
    right = round(sum(right["value"] * right["count"] for right in rights if right["count"]))
    whole = f"**{right:,} of {count:,} cases right ({_plain(words.share(right / count if count else None))}).** Brackets hold 95 % intervals."
    lines = ["## Figures", "", whole, "", *_suites(summary), *_heads(summary)]
    for dimension, title in FAIR.items():
        lines += _slices(summary, dimension, title)
    return "\n".join(lines).rstrip()


def _suites(summary: Summary) -> Iterator[str]:
    yield from ("### By suite", "", "| suite | cases | right |", "|---|---|---|")
    for name, entry in summary["suites"].items():
        yield f"| {words.label(name)} | {entry['count']:,} | {_estimate('right', entry['metrics'].get('right'))} |"
    yield ""


def _heads(summary: Summary) -> Iterator[str]:
    kept: Mapping[str, Any] = (summary["suites"].get("dangers") or {}).get("metrics") or {}
    rows = [
        f"| {title} | {_estimate('right', kept.get(f'{head}_recall'))} | {_estimate('right', kept.get(f'{head}_false_alarms'))} |"
        for head, title in HEADS.items()
        if f"{head}_recall" in kept
    ]
    if rows:
        yield from ("### What the rails notice", "", "| of | noticed | false alarms |", "|---|---|---|", *rows, "")


def _slices(summary: Summary, dimension: str, title: str) -> Iterator[str]:
    own = {k.partition("=")[2]: v for k, v in summary.get("slices", {}).items() if k.startswith(f"{dimension}=")}
    yield from (f"### {title}", "")
    if not own:
        yield from ("Not measured in this run.", "")
        return
    yield from ("| slice | cases | right | refused | false alarms | handed over |", "|---|---|---|---|---|---|")
    for value, entry in sorted(own.items(), key=lambda one: (one[0] != "standard", one[0])):
        cells = " | ".join(_estimate("right", entry["metrics"].get(metric)) for metric in METRICS)
        yield f"| {words.slice_label(dimension, value)} | {entry['count']:,} | {cells} |"
    gaps: Mapping[str, Any] = summary.get("gaps", {}).get(dimension) or {}
    if gaps:
        told = [_gap(dimension, metric, gaps[metric]) for metric in METRICS if metric in gaps]
        yield from ("", f"Furthest behind standard English, need by need: {'; '.join(told)}.")
    yield ""


def _gap(dimension: str, metric: str, gap: Mapping[str, Any]) -> str:
    name = words.slice_label(dimension, gap["worst"])
    if gap["value"] <= 0:
        return f"{GAPS[metric]}: none behind"
    within = f"{words.points(gap['low'])} to {words.points(gap['high'])}, {gap['count']} needs"
    return f"{GAPS[metric]}: {name}, by {100 * gap['value']:.1f} points ({within})"


def _data(summary: Summary, knowledge: Path) -> str:
    from rag.articles import read_articles
    from rag.specialists.examples import read_heads, read_intents

    cases = sum(entry["count"] for entry in summary["suites"].values())
    articles, intents = read_articles(knowledge / "articles"), read_intents(knowledge / "intents")
    marked = read_heads(knowledge / "dangers", knowledge / "conversation")
    return f"""## Data

- {len(articles):,} articles of an imaginary pharmacy, written for this project; prices and rules in one file of facts.
- {len(intents.rows):,} example messages for {len(intents.routes)} intents and {len(marked):,} for dangers and tone, written by scenario lists, in batches; no customer's words.
- {cases:,} test cases; the held-out ones were written without sight of the articles' questions and the examples. Accounts are invented (400 customers, orders around a fixed day).
- Slices (dialect, style, origin of names) are of how a case is worded by its writer; they are no sample of real speakers."""


def _limits(summary: Summary) -> str:
    lines = ["## Known limits", ""]
    for name, entry in summary["suites"].items():
        right = entry["metrics"].get("right") or {}
        if right.get("value") is None:
            lines.append(f"- {words.capital(words.label(name))}: no cases, so nothing is known.")
        elif right["value"] < WEAK:
            lines.append(
                f"- {words.capital(words.label(name))}: {_estimate('right', right)} of {entry['count']:,} right."
            )
    for dimension, gaps in summary.get("gaps", {}).items():
        if dimension in FAIR:
            lines += [
                f"- Behind standard English, {_gap(dimension, m, g)}."
                for m, g in gaps.items()
                if m in GAPS and _sure(g)
            ]
    dangers: Mapping[str, Any] = (summary["suites"].get("dangers") or {}).get("metrics") or {}
    for head in ("emergency", "self_harm"):
        noticed = (dangers.get(f"{head}_recall") or {}).get("value")
        if noticed is not None:
            lines.append(
                f"- Of messages about {HEADS[head]}, {_plain(words.share(1 - noticed))} were not noticed as such."
            )
    lines += [
        "- Test cases are written, not drawn from real traffic; figures on real customers will differ. The page Quality shows live signs.",
        "- Cases are checked by facts, sources and outcomes; a clumsy answer that holds them counts as right.",
        "- English and one business. Another business's articles need cases of their own.",
    ]
    return "\n".join(lines)


def _sure(gap: Mapping[str, Any]) -> bool:
    return bool(gap["value"] > 0 and gap["p"] is not None and gap["p"] < 0.05)


def _versions(run: Mapping[str, Any]) -> str:
    named: Sequence[str] = [name for name in run["versions"] if name != "data"]
    rows = [f"| {words.label(name)} | `{run['versions'][name] or words.DASH}` |" for name in named]
    return "\n".join(["## Versions", "", "| of | version |", "|---|---|", f"| run | `{run['id']}` |", *rows])


def _estimate(name: str, found: Mapping[str, Any] | None) -> str:
    return _plain(words.estimate(name, found)) if found else words.DASH


def _plain(text: str) -> str:
    return text.replace(words.SPACE, " ").replace(" %)", ")")


def _day(run: Mapping[str, Any]) -> str:
    at = dt.datetime.fromisoformat(str(run["began"]))
    return f"{at:%B} {at.day}, {at.year}"
