"""`import guardrails` is the library, however Python is started; it tells nobody, keeps nothing and leaks no thread."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = """
    import guardrails, pathlib
    assert guardrails.Guard.__module__ == "guardrails.guard"
    assert "site-packages" in guardrails.__file__, guardrails.__file__
"""
QUIET = """
    import os, socket, threading
    asked = []
    def refuse(*args, **kwargs):
        asked.append(args)
        raise OSError("no network in this test")
    socket.getaddrinfo = socket.socket.connect = refuse
    os.environ.pop("GUARDRAILS_RUN_SYNC", None)

    from rails.output import OutputRail
    from guardrails.settings import settings
    from guardrails.utils.hub_telemetry_utils import HubTelemetry
    assert os.environ["GUARDRAILS_RUN_SYNC"] == "true"

    rail = OutputRail()
    evidence = ["Standard delivery is free and takes 3 to 5 business days."]
    before = None
    for number in range(300):
        assert rail.check("Standard delivery takes 3 to 5 business days.", evidence).ok
        assert not rail.check("Standard delivery takes 9 business days.", evidence).ok
        before = before or threading.active_count()
    assert threading.active_count() <= before, threading.enumerate()
    assert len(rail._guard.history) == 0
    assert settings.rc.enable_metrics is False
    assert settings.disable_tracing is True
    assert HubTelemetry()._enabled is False
    HubTelemetry()._processor.force_flush(2000)
    assert asked == [], asked
"""


def python(*arguments: str) -> None:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_guard_is_the_librarys_under_python_m_pytest(tmp_path: Path) -> None:
    test = tmp_path / "test_it.py"
    test.write_text(f"def test_it():\n{textwrap.indent(textwrap.dedent(LIBRARY), '    ')}")
    python("-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(ROOT), str(test))


def test_nothing_leaves_nothing_stays_and_no_thread_leaks() -> None:
    python("-c", textwrap.dedent(LIBRARY) + textwrap.dedent(QUIET))


def test_no_package_of_ours_shadows_the_library() -> None:
    assert not (ROOT / "guardrails" / "__init__.py").exists()
