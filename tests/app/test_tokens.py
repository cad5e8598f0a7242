from __future__ import annotations

import base64
import json
import stat
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.testclient import TestClient

from app.settings import Settings
from app.tokens import BadToken, TokenKeyError, Tokens, mint


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    usual = {"iss": "pestle-demo", "aud": "pestle", "sub": "C-10001", "role": "customer", "iat": now, "exp": now + 600}
    return {name: value for name, value in (usual | changed).items() if value is not None}


def unsigned(header: dict[str, Any], body: dict[str, Any], signature: bytes = b"") -> str:
    parts = (json.dumps(header).encode(), json.dumps(body).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def signed(settings: Settings, **changed: Any) -> str:
    key = Tokens(settings).keys.newest()
    return jwt.encode(claims(**changed), key.private, algorithm="EdDSA", headers={"kid": key.kid})


def known(settings: Settings) -> dict[str, str]:
    """The header of a forger who knows our public keys."""
    return {"kid": Tokens(settings).keys.newest().kid}


def tampered(settings: Settings) -> str:
    head, _, signature = mint(settings, customer="C-10001").split(".")
    return ".".join((head, unsigned({}, claims(sub="C-10002")).split(".")[1], signature))


def with_public_key_as_secret(settings: Settings) -> str:
    public = Tokens(settings).keys.newest().private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return jwt.encode(claims(), public, algorithm="HS256", headers=known(settings))


RSA = generate_private_key(65537, 2048)
BAD: dict[str, Callable[[Settings], str]] = {
    "expired": lambda s: signed(s, iat=int(time.time()) - 900, exp=int(time.time()) - 60),
    "issued in the future": lambda s: signed(s, iat=int(time.time()) + 600, exp=int(time.time()) + 900),
    "not valid yet": lambda s: signed(s, nbf=int(time.time()) + 600),
    "another audience": lambda s: signed(s, aud="another-shop"),
    "another issuer": lambda s: signed(s, iss="somebody"),
    "no audience": lambda s: signed(s, aud=None),
    "no issuer": lambda s: signed(s, iss=None),
    "no expiry": lambda s: signed(s, exp=None),
    "no issue time": lambda s: signed(s, iat=None),
    "no subject": lambda s: signed(s, sub=None),
    "no role": lambda s: signed(s, role=None),
    "unknown role": lambda s: signed(s, role="root"),
    "a list of roles": lambda s: signed(s, role=["customer", "admin"]),
    "blank subject": lambda s: signed(s, sub="  "),
    "forged": lambda s: jwt.encode(claims(), Ed25519PrivateKey.generate(), algorithm="EdDSA", headers=known(s)),
    "no key id": lambda s: jwt.encode(claims(), Tokens(s).keys.newest().private, algorithm="EdDSA"),
    "another key id": lambda s: jwt.encode(
        claims(), Tokens(s).keys.newest().private, algorithm="EdDSA", headers={"kid": "A" * 43}
    ),
    "a number as key id": lambda s: unsigned({"alg": "EdDSA", "kid": 7}, claims(), b"x"),
    "tampered": tampered,
    "alg none": lambda s: unsigned({"alg": "none", "typ": "JWT", **known(s)}, claims()),
    "alg None": lambda s: unsigned({"alg": "None", "typ": "JWT", **known(s)}, claims(), b"x"),
    "public key as secret": with_public_key_as_secret,
    "RSA with its own key": lambda s: jwt.encode(claims(), RSA, algorithm="RS256", headers=known(s)),
    "its own key in the header": lambda s: jwt.encode(
        claims(), Ed25519PrivateKey.generate(), algorithm="EdDSA", headers={"jwk": {"kty": "OKP"}, "kid": "../../x"}
    ),
    "garbage": lambda s: "garbage",
    "dots": lambda s: "...",
    "binary": lambda s: "\x7f\x7e.%00.<>",
    "huge": lambda s: "a" * 5000,
    "list as claims": lambda s: unsigned({"alg": "EdDSA", **known(s)}, []),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_token_is_refused_and_never_anonymous(kind: str, settings: Settings, client: TestClient) -> None:
    token = BAD[kind](settings)
    with pytest.raises(BadToken):
        Tokens(settings).verify(token)
    anonymous = client.post("/v1/conversations").json()["conversation_id"]
    for method, path in [
        ("POST", "/v1/conversations"),
        ("POST", f"/v1/conversations/{anonymous}/messages"),
        ("GET", f"/v1/conversations/{anonymous}/messages"),
        ("GET", f"/v1/conversations/{anonymous}/events"),
        ("GET", "/v1/knowledge/articles"),
    ]:
        body = {"text": "hi"} if path.endswith("messages") and method == "POST" else None
        answer = client.request(method, path, json=body, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401, (kind, path)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"].startswith("Bearer ")
        assert answer.json()["detail"].endswith(".")
        assert token not in answer.text


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Token x", "Bearer a b c"])
def test_a_wrong_header_is_refused(header: str, client: TestClient) -> None:
    assert client.post("/v1/conversations", headers={"Authorization": header}).status_code == 401


def test_two_headers_are_refused(client: TestClient, bearer: Callable[..., dict[str, str]]) -> None:
    one, two = bearer(customer="C-10001"), bearer(customer="C-10002")
    both = [*one.items(), *two.items()]
    assert client.post("/v1/conversations", headers=both).status_code == 401


@pytest.mark.parametrize("role", ["customer", "agent", "pharmacist", "admin", "evaluator"])
def test_a_good_token_says_who(role: str, settings: Settings) -> None:
    found = Tokens(settings).verify(mint(settings, **{role: "C-10001"}))
    assert (found.role, found.id, found.name) == (role, "C-10001", "C-10001")
    assert 0 < found.expires - time.time() <= 12 * 3600


@pytest.mark.parametrize("who", [{}, {"customer": "a", "agent": "b"}, {"customer": ""}, {"admin": "x" * 65}])
def test_minting_needs_one_name(who: dict[str, str], settings: Settings) -> None:
    with pytest.raises(ValueError, match="name"):
        mint(settings, **who)


def test_the_key_is_made_once_and_private(settings: Settings) -> None:
    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(lambda _: mint(settings, customer="C-1"), range(8)))
    assert all(Tokens(settings).verify(token).id == "C-1" for token in tokens)
    folder = settings.home / "keys"
    assert [path.name for path in folder.iterdir()] == ["ed25519.pem"]
    assert stat.S_IMODE((folder / "ed25519.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_spoilt_key_is_one_sentence(settings: Settings) -> None:
    (settings.home / "keys").mkdir(parents=True)
    (settings.home / "keys" / "ed25519.pem").write_text("spoilt")
    with pytest.raises(TokenKeyError, match="move it away"):
        mint(settings, customer="C-1")
