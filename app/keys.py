"""The keys that sign our own tokens: Ed25519, made at the first run, kept in PESTLE_HOME/keys. The newest signs, all verify.

TokenKeyError    a key can't be made, read or removed; the message says what to do
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import hashlib
import json
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

FIRST = "ed25519.pem"
LATER = re.compile(r"ed25519-(\d{1,9})\.pem")


class TokenKeyError(RuntimeError):
    pass


@dataclass(frozen=True)
class SigningKey:
    """`number` grows with each rotation; `made` is when the file was written."""

    number: int
    path: Path
    private: Ed25519PrivateKey
    made: dt.datetime

    @property
    def kid(self) -> str:
        """The thumbprint of RFC 7638: whoever has the public key can compute it."""
        required = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": self._x}, separators=(",", ":"))
        return _base64url(hashlib.sha256(required.encode()).digest())

    @property
    def public_jwk(self) -> dict[str, str]:
        return {"kty": "OKP", "crv": "Ed25519", "x": self._x, "kid": self.kid, "alg": "EdDSA", "use": "sig"}

    @property
    def _x(self) -> str:
        return _base64url(self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


class KeyRing:
    """Thread-safe. A rotation by another process is seen at the next use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: tuple[list[str], dict[str, SigningKey]] = ([], {})

    def all(self) -> dict[str, SigningKey]:
        """Every key by its kid, the newest last; the first one is made where there is none. Raises `TokenKeyError`."""
        names = self._names()
        if not names:
            self._write(FIRST)
            names = self._names()
        read, keys = self._read
        if names != read:
            found = [_load(self._folder / name) for name in names]
            keys = {key.kid: key for key in found}
            self._read = names, keys
        return keys

    def newest(self) -> SigningKey:
        """The one that signs. Raises `TokenKeyError`."""
        return list(self.all().values())[-1]

    def rotate(self) -> SigningKey:
        """A new key, which signs from now on; tokens of the older ones stay valid until they expire."""
        while True:
            number = self.newest().number + 1
            if self._write(f"ed25519-{number}.pem"):
                return self.newest()

    def remove(self, kid: str) -> None:
        """Ends a key and every token it signed, at once. Raises `TokenKeyError` for the newest: rotate first."""
        keys = self.all()
        if kid not in keys:
            raise TokenKeyError(f"There is no key {kid}; pestle keys lists them.")
        if keys[kid] == self.newest():
            raise TokenKeyError("The newest key signs; make another with pestle keys --rotate, then remove this one.")
        try:
            keys[kid].path.unlink(missing_ok=True)
        except OSError as error:
            raise TokenKeyError(f"{keys[kid].path} can't be removed ({error.strerror}): check its folder.") from None

    def _names(self) -> list[str]:
        """Files with keys, oldest first."""
        try:
            names = [entry.name for entry in os.scandir(self._folder)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise TokenKeyError(f"{self._folder} can't be read ({error.strerror}): check its rights.") from None
        return sorted((name for name in names if name == FIRST or LATER.fullmatch(name)), key=_number)

    def _write(self, name: str) -> bool:
        """Written aside and linked, so that two first starts agree on one whole key. False: the name was taken."""
        draft = self._folder / f".{secrets.token_hex(8)}"
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                file.write(pem)
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(draft, self._folder / name)
                return True
        except OSError as error:
            raise TokenKeyError(f"No key can be made in {self._folder} ({error.strerror}): check the folder.") from None
        finally:
            draft.unlink(missing_ok=True)
        return False


def _load(path: Path) -> SigningKey:
    try:
        path.chmod(0o600)
        key = load_pem_private_key(path.read_bytes(), password=None)
        made = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
    except OSError as error:
        raise TokenKeyError(f"The signing key {path} can't be used ({error.strerror}): check its folder.") from None
    except ValueError:
        raise TokenKeyError(f"{path} holds no key: move it away, and a new one is made.") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise TokenKeyError(f"{path} is not an Ed25519 key: move it away, and a new one is made.")
    return SigningKey(_number(path.name), path, key, made)


def _number(name: str) -> int:
    found = LATER.fullmatch(name)
    return int(found[1]) if found else 1


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
