"""Whether set-up has anything to do: a mark of what it was done for, so that a second start need not look again."""

from __future__ import annotations

import datetime as dt
import hashlib

from app.settings import ROOT, Settings


def mark_prepared(settings: Settings) -> None:
    """To be called when everything is in place."""
    (settings.home / "prepared").write_text(_state(settings), encoding="utf-8")


def is_prepared(settings: Settings) -> bool:
    """True when nothing that set-up looks at has changed since: the day, the knowledge, the code, the settings."""
    try:
        marked = (settings.home / "prepared").read_text(encoding="utf-8")
    except OSError:
        return False
    needed = ("knowledge/current", "encoder/model.onnx", "reader/model.onnx", "account-documents/watermark")
    return marked == _state(settings) and all((settings.home / name).exists() for name in needed)


def _state(settings: Settings) -> str:
    files = [
        path
        for folder in (settings.knowledge, ROOT / "rag")
        for path in sorted(folder.rglob("*"))
        if path.suffix in (".md", ".yaml", ".py", ".safetensors")
    ]
    seen = [f"{path}:{path.stat().st_mtime_ns}:{path.stat().st_size}" for path in files]
    today = settings.today or dt.datetime.now(dt.UTC).date()
    return hashlib.sha256("\n".join([str(today), settings.model_dump_json(), *seen]).encode()).hexdigest()
