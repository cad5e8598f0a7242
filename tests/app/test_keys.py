"""Keys that rotate, and keys of an outside identity provider."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest
import typer
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from pydantic import ValidationError
from starlette.testclient import TestClient
from typer.testing import CliRunner

from app.api.main import create_app
from app.commands.keys import keys as keys_command
from app.jwks import AGAIN_S, FRESH_S, TRUSTED_S, KeysAway, ProviderKeys, usable
from app.keys import KeyRing, TokenKeyError
from app.settings import Settings
from app.tokens import BadToken, Tokens, mint
from tests.fakes import BookInMemory, ScriptedAssistant
from tests.served import served

ISSUER = "https://id.example.com/"
RSA, WEAK = generate_private_key(65537, 2048), generate_private_key(65537, 1024)
P256, P384, K1 = (ec.generate_private_key(curve()) for curve in (ec.SECP256R1, ec.SECP384R1, ec.SECP256K1))
ED = Ed25519PrivateKey.generate()


def jwk(private: Any, kid: str | None, **more: Any) -> dict[str, Any]:
    name = type(private).__name__.lower()
    kind = RSAAlgorithm if "rsa" in name else OKPAlgorithm if "ed25519" in name else ECAlgorithm
    found: dict[str, Any] = json.loads(kind.to_jwk(private.public_key()))
    found.pop("key_ops", None)
    return found | ({"kid": kid} if kid else {}) | more


def token(private: Any, algorithm: str, kid: str = "one", **changed: Any) -> str:
    now = int(time.time())
    usual = {"iss": ISSUER, "aud": "pestle", "sub": "C-10001", "role": "customer", "iat": now, "exp": now + 600}
    claims = {name: value for name, value in (usual | changed).items() if value is not None}
    return jwt.encode(claims, private, algorithm=algorithm, headers={"kid": kid})


class Provider:
    """A JWKS at a real address. `keys` and `status` may change; `asked` counts."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.keys, self.status, self.asked = list(keys), 200, 0
        self.body: bytes | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        self.asked += 1
        headers = [(b"location", b"http://127.0.0.1:1/")] if self.status == 302 else []
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        body = json.dumps({"keys": self.keys}).encode() if self.body is None else self.body
        await send({"type": "http.response.body", "body": body})


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def provider() -> Provider:
    return Provider(jwk(RSA, "one"))


@pytest.fixture
def url(provider: Provider) -> Iterator[str]:
    with served(provider) as base:
        yield f"{base}/jwks.json"


@pytest.fixture
def trusting(tmp_path: Path, url: str) -> Callable[..., Tokens]:
    return lambda **more: Tokens(
        Settings(home=tmp_path / "home", jwks=url, jwks_issuer=ISSUER, _env_file=None, **more)  # type: ignore[call-arg]
    )


# our own keys


def test_the_newest_key_signs_and_all_verify(settings: Settings) -> None:
    running = Tokens(settings)  # as an API that goes on while another process rotates
    first = mint(settings, customer="C-1")
    ring = KeyRing(settings.home / "keys")
    for _ in range(11):  # past nine: keys are ordered by number, not by their file's name
        ring.rotate()
    last = mint(settings, customer="C-2")
    assert [running.verify(one).id for one in (first, last)] == ["C-1", "C-2"]
    headers = [jwt.get_unverified_header(one)["kid"] for one in (first, last)]
    assert headers[0] == next(iter(ring.all()))
    assert headers[1] == ring.newest().kid
    assert ring.newest().number == 12
    assert running.keys.newest().kid == ring.newest().kid


def test_a_removed_key_ends_its_tokens_at_once(settings: Settings) -> None:
    running, first = Tokens(settings), mint(settings, customer="C-1")
    ring = KeyRing(settings.home / "keys")
    with pytest.raises(TokenKeyError, match="rotate"):
        ring.remove(ring.newest().kid)
    with pytest.raises(TokenKeyError, match="no key"):
        ring.remove("nonsense")
    old = ring.newest().kid
    ring.rotate()
    assert running.verify(first).id == "C-1"
    ring.remove(old)
    with pytest.raises(BadToken):
        running.verify(first)
    assert running.verify(mint(settings, customer="C-1")).id == "C-1"


def test_rotating_at_once_makes_whole_keys(settings: Settings) -> None:
    folder = settings.home / "keys"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: KeyRing(folder).rotate(), range(8)))
    assert sorted(key.number for key in KeyRing(folder).all().values()) == list(range(1, 10))
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_anybody_may_verify_with_the_published_keys(settings: Settings, client: TestClient) -> None:
    Tokens(settings).keys.rotate()
    answer = client.get("/.well-known/jwks.json")
    assert answer.headers["cache-control"] == "public, max-age=300"
    published = {key["kid"]: jwt.PyJWK.from_dict(key) for key in answer.json()["keys"]}
    assert len(published) == 2
    assert not [key for key in answer.json()["keys"] if "d" in key], "the private part stays here"
    made = mint(settings, agent="Sam")
    key = published[jwt.get_unverified_header(made)["kid"]]
    assert jwt.decode(made, key, algorithms=["EdDSA"], audience="pestle", issuer="pestle-demo")["sub"] == "Sam"


def test_the_command_lists_and_rotates(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PESTLE_HOME", str(settings.home))
    app = typer.Typer()
    app.command()(keys_command)
    run = CliRunner()
    assert run.invoke(app, []).stdout.strip().endswith("signs")
    lines = run.invoke(app, ["--rotate"]).stdout.splitlines()
    assert [line.split()[-1] for line in lines] == ["verifies", "signs"]
    old = lines[0].split()[0]
    assert old not in run.invoke(app, ["--remove", old]).stdout


# an outside provider's


@pytest.mark.parametrize(
    ("private", "algorithm"),
    [(RSA, "RS256"), (RSA, "PS384"), (P256, "ES256"), (P384, "ES384"), (ED, "EdDSA")],
    ids=["RS256", "PS384", "ES256", "ES384", "EdDSA"],
)
def test_a_providers_token_says_who(
    private: Any, algorithm: str, provider: Provider, trusting: Callable[..., Tokens]
) -> None:
    provider.keys = [jwk(private, "one")]
    assert trusting().verify(token(private, algorithm)).id == "C-10001"


def test_other_claims_and_roles(trusting: Callable[..., Tokens]) -> None:
    tokens = trusting(jwks_roles="customer, agent", jwks_role_claim="https://x.example.com/role", jwks_id_claim="no")
    found = tokens.verify(token(RSA, "RS256", **{"https://x.example.com/role": "agent", "no": "A-7", "name": "Sam"}))
    assert (found.role, found.id, found.name) == ("agent", "A-7", "Sam")
    with pytest.raises(BadToken):
        tokens.verify(token(RSA, "RS256", **{"https://x.example.com/role": "admin", "no": "A-7"}))


REFUSED: dict[str, Callable[[], str]] = {
    "a role it may not give": lambda: token(RSA, "RS256", role="admin"),
    "no role": lambda: token(RSA, "RS256", role=None),
    "our own issuer": lambda: token(RSA, "RS256", iss="pestle-demo"),
    "another audience": lambda: token(RSA, "RS256", aud="other"),
    "expired": lambda: token(RSA, "RS256", exp=int(time.time()) - 60),
    "no expiry": lambda: token(RSA, "RS256", exp=None),
    "an id that is a number": lambda: token(RSA, "RS256", who=7),
    "forged": lambda: token(generate_private_key(65537, 2048), "RS256"),
    "its public key as a shared secret": lambda: jwt.encode(
        {"iss": ISSUER}, jwk(RSA, "one")["n"], algorithm="HS256", headers={"kid": "one"}
    ),
    "another kind of key": lambda: token(P256, "ES256"),
    "an unknown key": lambda: token(RSA, "RS256", kid="two"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_a_provider_cannot_vouch_for_is_refused(kind: str, trusting: Callable[..., Tokens]) -> None:
    claim = {"jwks_id_claim": "who"} if "number" in kind else {}
    with pytest.raises(BadToken):
        trusting(**claim).verify(REFUSED[kind]())


def test_our_keys_do_not_vouch_for_the_provider(trusting: Callable[..., Tokens]) -> None:
    tokens = trusting()
    ours = tokens.keys.newest()
    assert tokens.verify(tokens.mint("admin", "root")).role == "admin"
    with pytest.raises(BadToken):
        tokens.verify(token(ours.private, "EdDSA", kid=ours.kid))


def test_only_strong_public_signing_keys_are_used() -> None:
    secret = {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", "kid": "secret"}
    private = json.loads(RSAAlgorithm.to_jwk(RSA)) | {"kid": "private"}
    private.pop("key_ops", None)
    listed = [
        jwk(RSA, "good"), jwk(RSA, "only", alg="PS256"), jwk(P256, "ec"), secret, private, jwk(WEAK, "weak"),
        jwk(K1, "curve"), jwk(RSA, None), jwk(RSA, "encrypts", use="enc"), jwk(RSA, "symmetric", alg="HS256"),
        {"kty": "RSA", "kid": "broken"}, {"kid": "nothing"}, "text", None, 7,
    ]  # fmt: skip
    found = usable({"keys": listed})
    assert found.keys() == {"good", "only", "ec"}
    assert found["only"].algorithms == ["PS256"]
    assert found["ec"].algorithms == ["ES256"]


@pytest.mark.parametrize("wrong", [None, [], {}, {"keys": None}, {"keys": []}, {"keys": [{"kty": "oct", "k": "YQ"}]}])
def test_no_jwks(wrong: Any) -> None:
    with pytest.raises(ValueError):
        usable(wrong)


def test_an_unknown_key_is_looked_up_at_most_once_a_minute(provider: Provider, url: str) -> None:
    clock = Clock()
    keys = ProviderKeys(url, clock)
    keys.look_up()
    clock.now += AGAIN_S + 1
    for _ in range(50):
        assert keys.key("two") is None
    assert provider.asked == 2
    provider.keys.append(jwk(P256, "two"))
    assert keys.key("two") is None
    clock.now += AGAIN_S + 1
    assert keys.key("two")
    assert provider.asked == 3
    assert keys.key("one")
    assert provider.asked == 3, "a known key costs nothing"


def test_a_withdrawn_key_ends_within_the_hour(provider: Provider, url: str) -> None:
    clock = Clock()
    keys = ProviderKeys(url, clock)
    assert keys.key("one")
    provider.keys = [jwk(P256, "two")]
    assert keys.key("one")
    clock.now += FRESH_S + 1
    assert keys.key("one") is None


@pytest.mark.parametrize("trouble", ["status", "redirect", "garbage", "huge"])
def test_a_provider_that_fails_lets_nobody_in(trouble: str, provider: Provider, url: str) -> None:
    clock = Clock()
    keys = ProviderKeys(url, clock)

    def fail() -> None:
        provider.status = {"status": 500, "redirect": 302}.get(trouble, 200)
        provider.body = {"garbage": b"<html>", "huge": b" " * (2 << 20)}.get(trouble)

    fail()
    with pytest.raises(KeysAway):
        keys.key("one")
    provider.status, provider.body = 200, None
    clock.now += AGAIN_S + 1
    assert keys.key("one")
    fail()
    clock.now += TRUSTED_S - 10
    assert keys.key("one"), "its last keys hold for a day"
    clock.now += 20
    with pytest.raises(KeysAway):
        keys.key("one")


def test_a_file_is_a_provider_too(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": [jwk(ED, "one")]}))
    keys = ProviderKeys(str(file))
    assert keys.key("one")
    with pytest.raises(KeysAway):
        ProviderKeys(str(tmp_path / "missing.json")).key("one")


def test_over_http(provider: Provider, url: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", jwks=url, jwks_issuer=ISSUER, _env_file=None)  # type: ignore[call-arg]
    with TestClient(create_app(settings, ScriptedAssistant(), book=BookInMemory("C-10001"))) as client:
        good, bad = ({"Authorization": f"Bearer {made}"} for made in (token(RSA, "RS256"), token(ED, "EdDSA")))
        assert client.post("/v1/conversations", headers=good).status_code == 201
        assert client.post("/v1/conversations", headers=bad).status_code == 401


def test_a_provider_that_is_away_is_a_503_and_others_go_on(tmp_path: Path) -> None:
    away = {"jwks": "http://127.0.0.1:9/jwks.json", "jwks_issuer": ISSUER}
    settings = Settings(home=tmp_path / "home", _env_file=None, **away)  # type: ignore[call-arg]
    with TestClient(create_app(settings, ScriptedAssistant(), book=BookInMemory("C-10001"))) as client:
        theirs = client.post("/v1/conversations", headers={"Authorization": f"Bearer {token(RSA, 'RS256')}"})
        assert theirs.status_code == 503
        assert theirs.headers["retry-after"] == "60"
        ours = {"Authorization": f"Bearer {mint(settings, customer='C-10001')}"}
        assert client.post("/v1/conversations", headers=ours).status_code == 201
        assert client.post("/v1/conversations").status_code == 201


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"jwks": "https://id.example.com/keys"}, "PESTLE_JWKS_ISSUER"),
        ({"jwks": "https://id.example.com/keys", "jwks_issuer": "pestle-demo"}, "PESTLE_JWKS_ISSUER"),
        ({"jwks": "http://id.example.com/keys", "jwks_issuer": ISSUER}, "https"),
        ({"jwks_roles": "customer,root"}, "'root'"),
        ({"cors_origins": "*"}, r"'\*'"),
        ({"cors_origins": "https://a.example/path"}, "origin"),
        ({"cors_origins": "null"}, "origin"),
    ],
)
def test_settings_that_would_open_a_door_are_refused(wrong: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Settings(_env_file=None, **wrong)  # type: ignore[arg-type]
