"""What a run says, for people: one self-contained HTML file, and a table on the terminal."""

from __future__ import annotations

from eval.report.page import write
from eval.report.terminal import table

__all__ = ["table", "write"]
