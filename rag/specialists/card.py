"""The model card of what was trained: counts, scores on kept-back rows, thresholds, calibration, hashes."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rag.specialists.examples import HEADS
from rag.specialists.finetune import Recipe
from rag.specialists.reader import FILE, Heads
from rag.specialists.rows import KEPT_BACK, Rows
from rag.specialists.train import DOUBTED, LOOKALIKES, MISSED, ORDINARY, OTHERS, SURE_ACCURACY, FitReport

CARD, CURVE = "card.md", "curve.json"


def write_card(folder: Path, rows: Rows, heads: Heads, report: FitReport, curve: Sequence[dict[str, float]] | None) -> None:
    """`card.md` beside the artefacts. Without a new `curve` the last one is kept (`curve.json`)."""
    if curve:
        (folder / CURVE).write_text(json.dumps(list(curve), indent=1) + "\n", encoding="utf-8")
    points = json.loads((folder / CURVE).read_text(encoding="utf-8")) if (folder / CURVE).exists() else []
    parts = [_head(), _data(rows), _scores(report), _curve(points), _choice(), _files(folder, heads)]
    (folder / CARD).write_text("\n\n".join(part.strip() for part in parts) + "\n", encoding="utf-8")


def _head() -> str:
    return """# Model card: Pestle's reader and its heads

Written by `pestle train`. A LoRA adapter on all-MiniLM-L6-v2 (22 M weights), and linear heads over its vector, the plain encoder's vector and lexical signs. They read a customer's message with the turns before it.

**For:** deciding, before anything is answered, what a message wants and whether it may be answered: intents, emergencies, self-harm, individual medical advice, attempts to bend the assistant, abuse, a wish for a person, frustration, follow-ups, scope. English.

**Not for:** diagnosing anybody, judging people, languages other than English, texts that are not messages to a pharmacy. A probability is a sign for a rail, never a fact about a customer. Patterns in guardrails/policy.yaml stand beside the heads and work without them.

**Examples:** original writing, by scenario lists, in separate batches; no customer's words. Held-out sets (eval/suites) were written by others who did not see them; their figures are in docs/measurements.md.
"""


def _data(rows: Rows) -> str:
    intents = Counter(name for row in rows.rows if not row.added for name, _ in row.shares)
    lines = ["## Data", "", "| head | positive | hard negative | of them conversations |", "|---|---|---|---|"]
    for n, head in enumerate(HEADS):
        own = [row for row in rows.rows if row.head == head and not row.added]
        if own:
            yes = sum(row.marks[n] == 1 for row in own)
            lines.append(f"| {head} | {yes} | {len(own) - yes} | {sum(len(row.turns) > 1 for row in own)} |")
    lines += ["", f"Intents: {len(intents)}, {sum(intents.values())} rows (the articles' own and labelled questions among them):"]
    lines += ["", ", ".join(f"{name} {count}" for name, count in sorted(intents.items()))]
    lines += ["", f"One row in {KEPT_BACK}, chosen by a hash of its text, is kept back from the reader and the heads; all figures below are of those rows."]
    return "\n".join(lines)


def _scores(report: FitReport) -> str:
    lines = [
        "## Scores on kept-back rows", "",
        f"Intents: first intent right {report.accuracy:.1%} of {report.kept_back} rows with one, route right {report.route_accuracy:.1%}, expected calibration error {report.calibration_error:.3f}, sure of {report.sure_share:.0%} of them.",
        "",
        "| head | AUROC | recall | false alarms on lookalikes | on ordinary messages | rows | calibration error | no under | yes from |",
        "|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name, s in report.heads.items():
        lines.append(
            f"| {name} | {s.auroc:.3f} | {s.recall:.1%} | {s.false_alarms:.1%} | {s.ordinary_alarms:.2%} | {s.positives} + {s.negatives} "
            f"| {s.calibration_error:.3f} | {s.bounds.unsure:.3f} | {s.bounds.sure:.3f} |"
        )
    lines += ["", "Between the two thresholds a head abstains.", "", "Most frequent confusions: " + "; ".join(f"{w} read as {g} ({n})" for w, g, n in report.confusions[:10]) + "."]
    return "\n".join(lines)


def _curve(points: Sequence[dict[str, float]]) -> str:
    if not points:
        return "## Learning curve\n\nNot measured; `pestle train --curve` does."
    names = [name for name in points[0] if name not in ("share", "rows")]
    lines = ["## Learning curve", "", "Does more data still help? Heads on the plain encoder's vectors and the signs, fitted on a part of the rows; accuracy of the intents and AUROC of the heads on all kept-back rows. (The tuned reader's vectors would say nothing here: it has seen every row.)", ""]
    lines += ["| share of rows | rows | " + " | ".join(names) + " |", "|---" * (len(names) + 2) + "|"]
    lines += [f"| {p['share']:.1%} | {p['rows']:.0f} | " + " | ".join(f"{p[name]:.3f}" for name in names) + " |" for p in points]
    return "\n".join(lines)


def _choice() -> str:
    budgets = ", ".join(f"{name} {share:.1%}" for name, share in LOOKALIKES.items())
    return f"""## How thresholds were chosen

"Yes from" is the lowest probability at which no more than this share of kept-back lookalikes would be false alarms: {budgets}; for the heads that stop a turn also no more than a share of ordinary messages ({", ".join(f"{name} {share:.1%}" for name, share in ORDINARY.items())}) and {OTHERS:.0%} of the rows of any other head. "No under" is where at most {MISSED:.1%} of positives lie below, but no more than {DOUBTED:.1%} of ordinary messages above. An intent is sure from the probability above which {SURE_ACCURACY:.0%} are right. guardrails/policy.yaml may set another threshold."""


def _files(folder: Path, heads: Heads) -> str:
    lines = ["## Files", "", "| file | bytes | SHA-256 |", "|---|---|---|"]
    for path in (folder / FILE, folder / "reader" / "adapter_model.safetensors", folder / "reader" / "adapter_config.json"):
        if path.exists():
            data = path.read_bytes()
            lines.append(f"| {path.relative_to(folder)} | {len(data)} | `{hashlib.sha256(data).hexdigest()}` |")
    recipe = ", ".join(f"{name} {value}" for name, value in asdict(Recipe()).items())
    lines += ["", f"Encoder `{heads.encoder}`, reader `{heads.reader}`, examples `{heads.examples}`.", "", f"Recipe: {recipe}."]
    return "\n".join(lines)
