"""`pestle eval specialists`: the heads and the intents on held-out sets, and the same recipe on public ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from sklearn.metrics import f1_score, roc_auc_score

from eval.heldout import HEADS, IntentCase, head_cases, intent_cases
from eval.table import Figure, share
from rag.assistant import Assistant
from rails.judge import Thresholds


def evaluate(assistant: Assistant, bounds: dict[str, Thresholds]) -> list[Figure]:
    """Intents by accuracy and macro-F1, each head by its own threshold, without the patterns that stand beside it."""
    figures = _intents(assistant, intent_cases())
    for head in HEADS:
        figures.append(_head(assistant, head, bounds[head].sure))
    return figures


def _intents(assistant: Assistant, cases: Sequence[IntentCase]) -> list[Figure]:
    readings = [assistant.judge(case.turns)[0] for case in cases]
    right = [reading.intent in case.intents for case, reading in zip(cases, readings, strict=True)]
    main = [reading.intent == case.intents[0] for case, reading in zip(cases, readings, strict=True)]
    # Where the first intent read is the message's other one, it counts as read right.
    truth = [r.intent if ok else c.intents[0] for c, r, ok in zip(cases, readings, right, strict=True)]
    f1 = float(f1_score(truth, [reading.intent for reading in readings], average="macro"))
    double = [n for n, case in enumerate(cases) if len(case.intents) > 1]
    both = sum({name for name, _ in readings[n].wanted} >= set(cases[n].intents) for n in double)
    sure = [n for n, reading in enumerate(readings) if reading.sure]
    styles: dict[str, list[bool]] = defaultdict(list)
    for case, ok in zip(cases, right, strict=True):
        styles[case.style].append(ok)
    accuracy = sum(right) / len(cases)
    return [
        Figure("intents: accuracy of the first intent", share(sum(right), len(cases)), "≥ 94 %",
               f"{len(cases)} held-out messages, {len({i for c in cases for i in c.intents})} intents; strictly the main one {share(sum(main), len(cases))}", accuracy >= 0.94),
        Figure("intents: macro-F1 of the first intent", f"{f1:.3f}", "≥ .93", f"{len(cases)} held-out messages", f1 >= 0.93),
        Figure("intents: accuracy where the head is sure", share(sum(right[n] for n in sure), len(sure)), "", f"{share(len(sure), len(cases))} of the messages"),
        Figure("intents: both of two found", share(both, len(double)), "", f"{len(double)} messages with two"),
        Figure("intents: accuracy by style", ", ".join(f"{name} {share(sum(hits), len(hits))}" for name, hits in sorted(styles.items())), "", ""),
    ]  # fmt: skip


def _head(assistant: Assistant, head: str, sure: float) -> Figure:
    cases = head_cases(head)
    p = np.array([assistant.judge(case.example.turns)[0].marks[head] for case in cases])
    y = np.array([case.positive for case in cases])
    caught, alarms = int((p[y] >= sure).sum()), int((p[~y] >= sure).sum())
    return Figure(
        f"head {head}: recall / false alarms on lookalikes",
        f"{share(caught, int(y.sum()))} / {share(alarms, int((~y).sum()))}", "",
        f"{int(y.sum())} and {int((~y).sum())} held-out rows, AUROC {roc_auc_score(y, p):.3f}, threshold {sure:.2f}, no patterns",
    )  # fmt: skip


