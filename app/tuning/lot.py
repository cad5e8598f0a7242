"""Keyed hashes: who a row is from without saying who, and which customers a trial falls to."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from rag.learning.examples import VISITOR

FILE = "learning.key"
LENGTH = 32


class LotError(RuntimeError):
    """The key can't be made or read; one sentence that says what to do."""


class Lot:
    """Thread-safe. The same customer has the same hash for as long as the key stays; without the key it tells nothing."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def of(cls, home: Path) -> Lot:
        """With the key in PESTLE_HOME/keys, which is made where there is none. Raises LotError."""
        path = home / "keys" / FILE
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not path.exists():
                draft = path.with_name(f".{FILE}.{secrets.token_hex(4)}")
                with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                    file.write(secrets.token_bytes(LENGTH))
                    file.flush()
                    os.fsync(file.fileno())
                with contextlib.suppress(FileExistsError):  # two first starts agree on one key
                    os.link(draft, path)
                draft.unlink()
            key = path.read_bytes()
        except OSError as error:
            raise LotError(f"{path} can't be used ({error.strerror}): check its folder") from None
        if len(key) != LENGTH:
            raise LotError(f"{path} holds no key: move it away, and a new one is made")
        return cls(key)

    def customer(self, customer_id: str | None, conversation_id: str) -> str:
        """The hash of a customer, or of the conversation of somebody who is not signed in."""
        return self._hash("customer", customer_id) if customer_id else VISITOR + self._hash("visitor", conversation_id)

    def share(self, trial: str, who: str) -> float:
        """Where somebody falls in a trial: from 0 to 1, evenly, always the same place, another one in another trial."""
        return int(self._hash(f"trial {trial}", who)[:13], 16) / 16**13

    def _hash(self, what: str, who: str) -> str:
        return hmac.new(self._key, f"{what}\0{who}".encode(), hashlib.sha256).hexdigest()[:24]
