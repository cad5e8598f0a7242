"""What a run was made of, as short hashes: two runs of the same versions give the same rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from app.settings import ROOT, Settings
from app.tuning.serving import ServingFile
from eval.cases import Suite
from rag.encoder import exported_name
from rag.index import current_generation
from rails.policy import read_policy

CODE = ("app", "rag", "guardrails/rails", "eval")
SHORT = 16


def versions(settings: Settings, suites: Sequence[Suite]) -> dict[str, Any]:
    """Raises PolicyError. What has not been set up yet is None; the loaders say what to run."""
    trained = settings.knowledge / "trained"
    served = current_generation(settings.home / "knowledge")
    manifest = json.loads((served / "manifest.json").read_text(encoding="utf-8")) if served else {}
    policy = read_policy(settings.policy).version
    return {
        "code": _digest(path for folder in CODE for path in (ROOT / folder).rglob("*.py")),
        "policy": f"{policy} {_digest([settings.policy])}",
        "knowledge": str(manifest["content_hash"])[:SHORT] if manifest else None,
        "trained": _digest([*trained.glob("*"), *settings.knowledge.glob("*.yaml")]),
        "encoder": exported_name(settings.encoder or settings.home / "encoder"),
        "reader": exported_name(settings.reader or settings.home / "reader"),
        "composer": settings.model or "extractive",
        "learnt": " ".join(ServingFile(settings.serving_file).read().learnt.values()) or None,
        "data": {suite.name: suite.digest for suite in suites},
    }


def _digest(paths: Iterable[Path]) -> str:
    """Of names and contents, wherever the files lie."""
    files = sorted(path for path in paths if path.is_file())
    hashes = [(path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in files]
    return hashlib.sha256(json.dumps(hashes).encode()).hexdigest()[:SHORT]
