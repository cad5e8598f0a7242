"""Signed tokens: who somebody is, by our own keys (`app.keys`) or by an outside identity provider's (`app.jwks`).

BadToken    the token proves nothing; the message may be shown to whoever sent it
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any, Literal, get_args

import jwt

from app.jwks import KeysAway, ProviderKeys
from app.keys import KeyRing, TokenKeyError
from app.settings import Settings

__all__ = ["STAFF", "BadToken", "Identity", "KeysAway", "Role", "TokenKeyError", "Tokens", "mint"]

Role = Literal["customer", "agent", "pharmacist", "admin", "evaluator"]
STAFF: tuple[Role, ...] = ("agent", "pharmacist", "admin")
OURS = ["EdDSA"]  # what a token's own header asks for decides nothing
REQUIRED = ["exp", "iat", "iss", "aud", "sub"]
LONGEST = 4096
LONGEST_NAME = 64
LEEWAY_S = 5
INVALID = "The token is not valid; sign in again, or leave out the Authorization header."


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
    """Mints and verifies. Light to make: keys are read, or made, at the first use."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.keys = KeyRing(settings.home / "keys")
        self._provider = ProviderKeys(settings.jwks) if settings.jwks else None

    @property
    def may_wait(self) -> bool:
        """Whether `verify` may wait for another machine: then it must not run in an event loop."""
        return self._provider is not None

    def prepare(self) -> None:
        """Reads or makes the keys now rather than at the first request. Raises `TokenKeyError`."""
        self.keys.all()
        if self._provider:
            self._provider.look_up()

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
        key = self.keys.newest()
        return jwt.encode(claims, key.private, algorithm="EdDSA", headers={"kid": key.kid})

    def verify(self, token: str) -> Identity:
        """Who this is. Raises `BadToken` for whatever isn't whole, valid now and signed by a key that we trust.

        Also `TokenKeyError`, and `KeysAway` where only the provider could tell.
        """
        if len(token) > LONGEST:
            raise BadToken("The token is too long to be one of ours; sign in again.")
        try:
            kid = jwt.get_unverified_header(token).get("kid")
        except Exception:  # garbage comes in more kinds than the library's own errors
            raise BadToken(INVALID) from None
        if not isinstance(kid, str):
            raise BadToken(INVALID)
        if ours := self.keys.all().get(kid):
            return self._ours(token, ours.private.public_key())
        if self._provider and (key := self._provider.key(kid)):
            return self._providers(token, key.public, key.algorithms)
        raise BadToken(INVALID)

    def _ours(self, token: str, key: Any) -> Identity:
        claims = _claims(token, key, OURS, self._settings.token_issuer, self._settings.token_audience)
        return _identity(claims.get("role"), claims["sub"], claims, get_args(Role))

    def _providers(self, token: str, key: Any, algorithms: list[str]) -> Identity:
        """A provider vouches for its own issuer only, and for no more roles than it was given."""
        settings = self._settings
        claims = _claims(token, key, algorithms, settings.jwks_issuer, settings.token_audience)
        role, subject = claims.get(settings.jwks_role_claim), claims.get(settings.jwks_id_claim)
        return _identity(role, subject, claims, settings.provider_roles)


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


def _claims(token: str, key: Any, algorithms: list[str], issuer: str, audience: str) -> dict[str, Any]:
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=algorithms,
            audience=audience,
            issuer=issuer,
            leeway=LEEWAY_S,
            options={"require": REQUIRED},
        )
    except jwt.ExpiredSignatureError:
        raise BadToken("The token has expired; sign in again to get a new one.") from None
    except (jwt.InvalidAudienceError, jwt.InvalidIssuerError):
        raise BadToken("The token was made for another service; sign in here to get one.") from None
    except Exception:  # garbage comes in more kinds than the library's own errors
        raise BadToken(INVALID) from None
    return claims


def _identity(role: Any, subject: Any, claims: dict[str, Any], allowed: tuple[str, ...]) -> Identity:
    if role not in allowed or not isinstance(subject, str) or not subject.strip() or len(subject) > LONGEST_NAME:
        raise BadToken("The token names nobody we know; sign in again to get a new one.")
    name = claims.get("name")
    return Identity(role, subject, float(claims["exp"]), name[:LONGEST_NAME] if isinstance(name, str) else "")
