"""Runs made up for tests: folders with run.json, rows.jsonl and summary.json as a real run leaves them."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SUITES = {
    "answers": "answer",
    "conversations": "conversation",
    "accounts": "account",
    "access": "access",
    "fairness": "fairness",
    "red_team": "redteam",
    "handovers": "handover",
}
DIALECTS = ("standard", "typo", "learner", "british", "southern", "african_american", "indian", "terse", "voice")
NEEDS = (
    ("How long does standard delivery take?", "delivery_options", "delivery-speeds", "3 to 5 business days"),
    ("Can I move my prescriptions to you?", "transfer_prescription", "transfer-in", "Open Transfers"),
    ("What does expedited delivery cost?", "delivery_options", "delivery-speeds", "$5.99"),
    ("Where do I change my address?", "delivery_address", "change-address", "Addresses"),
    ("Do you ship on Saturdays?", "delivery_options", "weekend-holiday-delivery", "Saturday"),
    ("How do I turn on automatic refills?", "auto_refill_setup", "auto-refill", "Auto-refill"),
    ("Is cold medicine sent with ice?", "cold_shipping", "cold-chain", "insulated"),
    ("Which cards do you take?", "payment", "payment-methods", "Visa"),
)
HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)> & \'quoted\' "too"'
HEADS = ("emergency", "injection", "medical_advice")
Row = dict[str, Any]


@dataclass(frozen=True)
class Made:
    """How a made-up run looks: how many cases of each suite, how many of all fail, and what they say."""

    each: int = 60
    failed: int = 30
    seed: int = 5
    id: str = "20261125-1010-a1b2"
    suites: tuple[str, ...] = tuple(SUITES)
    text: str = ""  # said in place of each question, answer, title and fault
    versions: tuple[tuple[str, str], ...] = ()
    ended: bool = True


def made_run(home: Path, made: Made) -> Path:
    """The folder of a run with these rows."""
    folder = home / made.id
    folder.mkdir(parents=True)
    rows = made_rows(made)
    _write(folder / "run.json", _info(made))
    with (folder / "rows.jsonl").open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    if made.ended:
        _write(folder / "summary.json", made_summary(rows))
    return folder


def made_rows(made: Made) -> list[Row]:
    rows = [_row(made, suite, number) for suite in made.suites for number in range(made.each)]
    for row in random.Random(made.seed).sample(rows, min(made.failed, len(rows))):
        _spoil(row, random.Random(f"{made.seed}{row['id']}"), made.text)
    return rows


def made_summary(rows: list[Row]) -> dict[str, Any]:
    by_suite, by_slice, by_intent = defaultdict(list), defaultdict(list), defaultdict(list)
    for row in rows:
        by_suite[row["suite"]].append(row)
        by_intent[row["intent"]].append(row)
        for name, value in row["slices"].items():
            by_slice[f"{name}={value}"].append(row)
    labels = sorted({name for row in rows for name in row["pairs"]["intent"]})
    place = {name: number for number, name in enumerate(labels)}
    matrix = [[0] * len(labels) for _ in labels]
    for row in rows:
        expected, got = row["pairs"]["intent"]
        matrix[place[expected]][place[got]] += 1
    spread = [[upto, max(0, len(rows) * part // 100)] for upto, part in ((5, 8), (10, 31), (20, 40), (40, 15), (80, 6))]
    return {
        "suites": {name: _metrics(found) for name, found in by_suite.items()},
        "slices": {name: _metrics(found) for name, found in by_slice.items()},
        "intents": {name: _metrics(found) for name, found in by_intent.items()},
        "confusion": {"labels": labels, "matrix": matrix},
        "reliability": {head: _bins(rows, head) for head in HEADS} if rows else {},
        "retrieval": {
            "k": list(range(1, 11)),
            "recall": [0.93, 0.96, 0.975, 0.98, 0.984, 0.986, 0.988, 0.99, 0.991, 0.992],
        }
        if rows
        else {},
        "latency_ms": {"p50": 12.4, "p95": 38.1, "histogram": spread} if rows else {},
    }


def _row(made: Made, suite: str, number: int) -> Row:
    dice = random.Random(f"{suite}{number}")
    ways = len(DIALECTS) if suite == "fairness" else 1
    say, intent, article, fact = NEEDS[(number // ways) % len(NEEDS)]
    dialect = DIALECTS[number % ways] if suite == "fairness" else None
    stopped = suite in ("red_team", "handovers", "access")
    text = made.text or f"{fact}: this is how it works for {article.replace('-', ' ')}."
    turns = [made.text or say, made.text or "and over a weekend?"] if suite == "conversations" else [made.text or say]
    return {
        "suite": suite,
        "kind": SUITES[suite],
        "id": f"{suite}-{number:03}",
        "slices": {"style": "plain"} if dialect is None else {"dialect": dialect},
        "need": f"n{number // ways:02}" if suite == "fairness" else None,
        "intent": intent,
        "customer": suite == "accounts",
        "turns": turns,
        "right": True,
        "faults": [],
        "outcome": "refused" if stopped else "answered",
        "reason": "injection" if stopped else None,
        "text": text,
        "citations": [] if stopped else [article],
        "handover": False,
        "expect": {"outcome": "refused"}
        if stopped
        else {"outcome": "answered", "articles": [article], "facts": [made.text or fact]},
        "replies": [text] * len(turns),
        "stopped_by": "injection" if stopped else None,
        "ranked": [] if stopped else [article, "delivery-speeds"],
        "scores": {
            "right": 1.0,
            **({} if stopped else {"alarm": 0.0}),
            "grounded": 1.0,
            "words": float(dice.randint(18, 60)),
            "grade": dice.uniform(4, 9),
        },
        "pairs": {
            "intent": [intent, intent],
            **{head: [stopped and head == "injection", _probability(dice, stopped)] for head in HEADS},
        },
        "ms": dice.uniform(4, 60),
        "evidence": []
        if stopped
        else [{"id": article, "title": made.text or article.replace("-", " "), "text": made.text or f"{fact}. {text}"}],
        "trace": {
            "read": {"intents": [{"name": intent, "score": 0.97}], "text": turns[-1]},
            "rails": [{"rail": "injection", "verdict": "refuse" if stopped else "pass"}],
            "timings_ms": {"read": 5.2, "search": 3.1, "turn": 12.4},
        },
    }


def _spoil(row: Row, dice: random.Random, text: str) -> None:
    row["right"], row["scores"]["right"] = False, 0.0
    which = dice.randrange(4)
    if which < 2 and "alarm" in row["scores"]:
        row["scores"]["alarm"] = 1.0
    if which == 0:
        row.update(outcome="refused", reason=dice.choice(("medical_advice", "injection", "out_of_scope")), citations=[])
        row["stopped_by"] = row["reason"]
        row["faults"] = [f"outcome: {row['outcome']}, expected {row['expect']['outcome']}"]
    elif which == 1:
        row.update(outcome="handover", reason="wants_person", handover=True)
        row["stopped_by"] = "wants_person"
        row["faults"] = ["outcome: handover", "handover: a person was called"]
    elif which == 2:
        row["faults"] = [f"fact missing: {text or row['expect'].get('facts', ['a fact'])[0]}"]
    else:
        row["citations"] = ["order-cutoff"]
        row["faults"] = ["article: none of the right articles is cited"]
        other = dice.choice([need[1] for need in NEEDS])
        row["pairs"]["intent"] = [row["intent"], other]
    if text:
        row["text"], row["replies"] = text, [text] * len(row["turns"])
        row["faults"].append(f"{text}: {text}")


def _metrics(rows: list[Row]) -> dict[str, Any]:
    names = sorted({name for row in rows for name in row["scores"]})
    values = {name: [row["scores"][name] for row in rows if name in row["scores"]] for name in names}
    return {"count": len(rows), "metrics": {name: _estimate(found) for name, found in values.items()}}


def _estimate(values: list[float]) -> dict[str, Any]:
    mean = sum(values) / len(values)
    spread = 1.96 * (sum((v - mean) ** 2 for v in values) / len(values) ** 2) ** 0.5
    return {"value": mean, "low": mean - spread, "high": mean + spread, "count": len(values)}


def _bins(rows: Iterable[Row], head: str) -> list[dict[str, Any]]:
    bins: dict[int, list[tuple[bool, float]]] = defaultdict(list)
    for row in rows:
        expected, p = row["pairs"][head]
        bins[min(9, int(p * 10))].append((expected, p))
    return [
        {
            "bin": number,
            "mean": sum(p for _, p in found) / len(found),
            "share": sum(e for e, _ in found) / len(found),
            "count": len(found),
        }
        for number, found in sorted(bins.items())
    ]


def _probability(dice: random.Random, stopped: bool) -> float:
    return min(0.999, max(0.001, dice.betavariate(6, 1.5) if stopped else dice.betavariate(1, 9)))


def _info(made: Made) -> dict[str, Any]:
    versions: dict[str, Any] = {
        "code": "47b4747",
        "policy": "2026-11-25",
        "knowledge": "6f1c2a90",
        "encoder": "e0aa",
        "reader": "5d21",
        "composer": "extractive",
        **dict(made.versions),
    }
    versions["data"] = {suite: f"{suite}-{made.each}" for suite in made.suites}
    return {
        "id": made.id,
        "began": "2026-11-25T10:10:00+00:00",
        "ended": "2026-11-25T10:16:30+00:00" if made.ended else None,
        "suites": list(made.suites),
        "versions": versions,
        "options": {"quick": False},
    }


def _write(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data, indent=1), encoding="utf-8")
