"""Evaluation cases that came of corrections: one YAML list in PESTLE_HOME that a person can read and change."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.learning.proposals import as_yaml

FILE = "cases.yaml"
HEAD = "# Conversations in which a person corrected the assistant. Personal data is invented. See docs/feedback.md.\n"


def append(home: Path, case: Mapping[str, Any]) -> Path:
    """Adds a case to the end of the file, whole or not at all; one that is there already is not added again."""
    path = home / FILE
    home.mkdir(parents=True, exist_ok=True)
    with (home / f".{FILE}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = path.read_text(encoding="utf-8") if path.exists() else HEAD
        if f"- id: {case['id']}\n" not in before:
            beside = path.with_name(f".{FILE}.new")
            with beside.open("w", encoding="utf-8") as file:
                file.write(f"{before.rstrip()}\n{as_yaml(case)}")
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
    return path
