"""The keys of an outside identity provider, from a JWKS at a URL or in a file. What can't be verified is refused.

KeysAway    the provider's keys have never been had, or are too old to be trusted; another try makes sense later
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

log = logging.getLogger("pestle.jwks")

TIMEOUT_S = 5.0
LARGEST = 1 << 20  # bytes
FRESH_S = 3600.0  # after it the keys are looked up again, so that a withdrawn one ends
TRUSTED_S = 86_400.0  # while the provider is away, its last keys hold this long
AGAIN_S = 60.0  # at most one look-up in this time, whatever is asked
LEAST_RSA_BITS = 2048
EC = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")


class KeysAway(RuntimeError):
    retry_after = 60


@dataclass(frozen=True)
class ProviderKey:
    """`algorithms`: what may be verified with it; what a token's own header asks for decides nothing."""

    public: Any
    algorithms: list[str]


class ProviderKeys:
    """Thread-safe. Only one caller looks keys up; the others go on with those that are there."""

    def __init__(self, source: str, clock: Callable[[], float] = time.monotonic) -> None:
        """`source`: http(s):// or a file. `clock` in seconds that never jump."""
        self._source = source
        self._clock = clock
        self._keys: dict[str, ProviderKey] = {}
        self._had_at = self._tried_at = float("-inf")
        self._looking = threading.Lock()

    def key(self, kid: str) -> ProviderKey | None:
        """None: the provider has no such key. Raises `KeysAway`."""
        if kid not in self._keys or self._clock() - self._had_at > FRESH_S:
            self._look_up(wait=not self._keys)
        if self._clock() - self._had_at > TRUSTED_S:
            raise KeysAway("The identity provider's keys can't be had just now; try again in a minute.")
        return self._keys.get(kid)

    def look_up(self) -> None:
        """Fetches the keys before they are needed; a provider that is away is only logged."""
        self._look_up(wait=True)

    def _look_up(self, wait: bool) -> None:
        if not self._looking.acquire(blocking=wait):
            return
        try:
            if self._clock() - self._tried_at < AGAIN_S:
                return
            self._tried_at = self._clock()
            self._keys = usable(json.loads(self._text()))
            self._had_at = self._clock()
        except (OSError, ValueError, httpx.HTTPError, httpx.InvalidURL) as error:
            log.warning("The keys at %s can't be had (%s); the ones before stay.", self._source, type(error).__name__)
        finally:
            self._looking.release()

    def _text(self) -> bytes:
        if not self._source.startswith(("http://", "https://")):
            with Path(self._source).open("rb") as file:
                return _small(file.read(LARGEST + 1))
        until = time.monotonic() + TIMEOUT_S
        body = bytearray()
        with httpx.stream("GET", self._source, timeout=TIMEOUT_S, follow_redirects=False) as answer:
            if answer.status_code != 200:
                raise ValueError(f"status {answer.status_code}")
            for part in answer.iter_bytes():
                body += part
                _small(body)
                if time.monotonic() > until:
                    raise ValueError("too slow")
        return bytes(body)


def usable(document: Any) -> dict[str, ProviderKey]:
    """The signing keys of a JWKS by kid: asymmetric, strong enough, named. Others are left out.

    Raises `ValueError` where it is no JWKS at all or nothing in it is of use.
    """
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise ValueError("no JWKS")
    found: dict[str, ProviderKey] = {}
    for raw in listed:
        try:
            public = jwt.PyJWK.from_dict(raw).key
            kid, purpose, only = raw.get("kid"), raw.get("use", "sig"), raw.get("alg")
        except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError):
            continue
        algorithms = [name for name in _fitting(public) if only in (None, name)]
        if isinstance(kid, str) and purpose == "sig" and algorithms:
            found[kid] = ProviderKey(public, algorithms)
    if not found:
        raise ValueError("no usable key")
    return found


def _fitting(public: Any) -> list[str]:
    """Only asymmetric algorithms, and only those for this kind of public key; a private or shared one has none."""
    if isinstance(public, RSAPublicKey):
        return list(RSA) if public.key_size >= LEAST_RSA_BITS else []
    if isinstance(public, EllipticCurvePublicKey):
        return [EC[public.curve.name]] if public.curve.name in EC else []
    return ["EdDSA"] if isinstance(public, Ed25519PublicKey) else []


def _small(data: bytes | bytearray) -> bytes:
    if len(data) > LARGEST:
        raise ValueError("too large")
    return bytes(data)
