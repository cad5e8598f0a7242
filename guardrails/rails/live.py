"""The policy in force: the file is read again when it changes, so that a changed policy needs no restart."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from pathlib import Path

from rails.judge import InputJudge, Thresholds
from rails.policy import Policy, PolicyError, read_policy

log = logging.getLogger("pestle")


class LiveRails:
    """The input rails of the policy as it stands on disk. Thread-safe.

    Raises PolicyError when it is built from a file with a mistake; a mistake that comes later is logged once and the
    last good policy stays.
    """

    def __init__(self, path: Path, trained: Mapping[str, Thresholds]) -> None:
        self._path, self._trained = path, dict(trained)
        self._seen = self._stamp()
        self._judge = InputJudge(read_policy(path), self._trained)
        self._lock = threading.Lock()

    def __call__(self) -> InputJudge:
        stamp = self._stamp()
        if stamp != self._seen:
            with self._lock:
                if stamp != self._seen:
                    self._read_again(stamp)
        return self._judge

    @property
    def policy(self) -> Policy:
        return self().policy

    def _read_again(self, stamp: tuple[int, int] | None) -> None:
        try:
            self._judge = InputJudge(read_policy(self._path), self._trained)
            log.warning("the policy is now version %s", self._judge.policy.version)
        except PolicyError as error:
            log.error("the changed policy can't be used, version %s stays: %s", self._judge.policy.version, error)
        self._seen = stamp

    def _stamp(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size
