"""A temporary PostgreSQL server on a unix socket, run by somebody who is not root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NEEDED = ("initdb", "pg_ctl")


def _runner() -> str | None:
    """The account that the server runs under: ours, or a lesser one, since it refuses root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    pytest.skip("PostgreSQL doesn't run as root, and there is no other account here")


@contextmanager
def postgres() -> Iterator[str]:
    """The server's SQLAlchemy URL. Skips, with the reason, where PostgreSQL is not installed and CI is not true."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        assert os.environ.get("CI") != "true", f"CI needs {', '.join(missing)} on the PATH"
        pytest.skip(f"PostgreSQL is not installed ({', '.join(missing)} not on the PATH)")
    user = _runner()
    home = Path(tempfile.mkdtemp(prefix="pestle-pg-", dir="/tmp"))  # a unix socket's path has to be short
    if user:
        shutil.chown(home, user)

    def run(*command: str) -> None:
        subprocess.run(command, check=True, user=user, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    data = str(home / "data")
    try:
        run("initdb", "-D", data, "-U", "pestle", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        run("pg_ctl", "-D", data, "-w", "-l", str(home / "log"), "-o", f"-c listen_addresses='' -k {home}", "start")
        yield f"postgresql+psycopg://pestle@/postgres?host={home}"
    finally:
        subprocess.run(
            ("pg_ctl", "-D", data, "-m", "immediate", "stop"),
            user=user,
            cwd=home,
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        shutil.rmtree(home, ignore_errors=True)
