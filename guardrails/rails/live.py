"""The policy in force: the file is read again when it changes, so that a changed policy needs no restart."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from rails.judge import InputJudge, Thresholds
from rails.personal import Found, Masker
from rails.policy import Policy, PolicyError, read_policy

log = logging.getLogger("pestle")


class LivePolicy:
    """The policy as it stands on disk. Thread-safe.

    Raises PolicyError when it is built from a file with a mistake; a mistake that comes later is logged once and the
    last good policy stays.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._stamp()
        self._policy = read_policy(path)
        self._lock = threading.Lock()

    def __call__(self) -> Policy:
        stamp = self._stamp()
        if stamp != self._seen:
            with self._lock:
                if stamp != self._seen:
                    self._read_again(stamp)
        return self._policy

    def _read_again(self, stamp: tuple[int, int] | None) -> None:
        try:
            self._policy = read_policy(self._path)
            log.warning("the policy is now version %s", self._policy.version)
        except PolicyError as error:
            log.error("the changed policy can't be used, version %s stays: %s", self._policy.version, error)
        self._seen = stamp

    def _stamp(self) -> tuple[int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size


class LiveRails:
    """The input rails of the policy in force. Thread-safe."""

    def __init__(self, policy: Callable[[], Policy], trained: Mapping[str, Thresholds]) -> None:
        self._policy, self._trained = policy, dict(trained)
        self._judge = InputJudge(policy(), self._trained)

    def __call__(self) -> InputJudge:
        judge, policy = self._judge, self._policy()
        if judge.policy is not policy:
            judge = self._judge = InputJudge(policy, self._trained)
        return judge

    @property
    def policy(self) -> Policy:
        return self().policy


class LiveMasker(Masker):
    """The masker of the policy in force: its kinds, but not the business's own addresses and numbers. Thread-safe."""

    def __init__(self, policy: Callable[[], Policy]) -> None:
        self._policy = policy
        self._made = _made(policy())

    def find(self, text: str, keep: Collection[str] = ()) -> tuple[Found, ...]:
        (of, masker), policy = self._made, self._policy()
        if of is not policy:
            self._made = _, masker = _made(policy)
        return masker.find(text, keep)


def _made(policy: Policy) -> tuple[Policy, Masker]:
    return policy, Masker(policy.masks.kinds, keep=policy.masks.keep)
