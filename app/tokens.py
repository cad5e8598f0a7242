"""Signed tokens: who somebody is, by Ed25519 keys that are made at the first run and stay in PESTLE_HOME/keys.

TokenKeyError    the key can't be made or read; the message says what to do
BadToken         the token proves nothing; the message may be shown to whoever sent it
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from app.settings import Settings

Role = Literal["customer", "agent", "pharmacist", "admin", "evaluator"]
STAFF: tuple[Role, ...] = ("agent", "pharmacist", "admin")
ALGORITHMS = ["EdDSA"]  # what a token's own header asks for decides nothing
LONGEST = 4096
LONGEST_NAME = 64
LEEWAY_S = 5


class TokenKeyError(RuntimeError):
    pass


class BadToken(ValueError):
    pass


@dataclass(frozen=True)
class Identity:
    """Somebody whose token was verified; `expires` in seconds since 1970. `name` is what others see of staff."""

    role: Role
    id: str
    expires: float
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or self.id)


class Tokens:
    """Mints and verifies. Light to make: the key is read, or made, at the first use."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def prepare(self) -> None:
        """Reads or makes the key now rather than at the first request. Raises `TokenKeyError`."""
        _ = self._key

    def mint(self, role: Role, subject: str, name: str = "") -> str:
        """A signed token, valid for `settings.token_hours`. `name`: what others see, at first the subject.

        Raises `ValueError`, `TokenKeyError`.
        """
        if not subject.strip() or max(len(subject), len(name)) > LONGEST_NAME:
            raise ValueError(f"a token needs a name of 1 to {LONGEST_NAME} characters, not {name or subject!r}")
        now = time.time()
        claims = {
            "iss": self._settings.token_issuer,
            "aud": self._settings.token_audience,
            "sub": subject,
            "role": role,
            **({"name": name} if name else {}),
            "iat": int(now),
            "exp": int(now + 3600 * self._settings.token_hours),
            "jti": secrets.token_hex(8),
        }
        return jwt.encode(claims, self._key, algorithm="EdDSA")

    def verify(self, token: str) -> Identity:
        """Who this is. Raises `BadToken` for whatever isn't ours, whole and valid now; `TokenKeyError`."""
        if len(token) > LONGEST:
            raise BadToken("The token is too long to be one of ours; sign in again.")
        key = self._key.public_key()
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self._settings.token_audience,
                issuer=self._settings.token_issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iat", "iss", "aud", "sub", "role"]},
            )
        except jwt.ExpiredSignatureError:
            raise BadToken("The token has expired; sign in again to get a new one.") from None
        except (jwt.InvalidAudienceError, jwt.InvalidIssuerError):
            raise BadToken("The token was made for another service; sign in here to get one.") from None
        except Exception:  # garbage comes in more kinds than the library's own errors
            raise BadToken("The token is not valid; sign in again, or leave out the Authorization header.") from None
        role, subject, name = claims["role"], claims["sub"], claims.get("name")
        if role not in get_args(Role) or not subject.strip() or len(subject) > LONGEST_NAME:
            raise BadToken("The token names nobody we know; sign in again to get a new one.")
        return Identity(role, subject, float(claims["exp"]), name[:LONGEST_NAME] if isinstance(name, str) else "")

    @cached_property
    def _key(self) -> Ed25519PrivateKey:
        return _read_or_make(self._settings.home / "keys" / "ed25519.pem")


def mint(
    settings: Settings,
    *,
    customer: str | None = None,
    agent: str | None = None,
    pharmacist: str | None = None,
    admin: str | None = None,
    evaluator: str | None = None,
) -> str:
    """A signed token for exactly one of them. Raises `ValueError`, `TokenKeyError`."""
    asked: dict[Role, str | None] = {
        "customer": customer,
        "agent": agent,
        "pharmacist": pharmacist,
        "admin": admin,
        "evaluator": evaluator,
    }
    named = [(role, name) for role, name in asked.items() if name is not None]
    if len(named) != 1:
        raise ValueError("name exactly one: a customer, an agent, a pharmacist, an admin or an evaluator")
    return Tokens(settings).mint(*named[0])


def _read_or_make(path: Path) -> Ed25519PrivateKey:
    try:
        if not path.exists():
            _make(path)
        path.chmod(0o600)
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise TokenKeyError(f"The signing key {path} can't be used ({error.strerror}): check its folder.") from None
    except ValueError:
        raise TokenKeyError(f"{path} holds no key: move it away, and a new one is made.") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise TokenKeyError(f"{path} is not an Ed25519 key: move it away, and a new one is made.")
    return key


def _make(path: Path) -> None:
    """Written aside and linked, so that two first starts agree on one whole key."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{secrets.token_hex(8)}")
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
