"""A result that can be passed on: what it says about a file of cases is signed by the installation that ran it.

    {"result": {…}, "signature": "<compact JWS>", "rows": [
    {…},
    …
    ]}

The JWS (RFC 7515, EdDSA) carries `result` itself, and `result` the sha256 of the rows: of each row's JSON with sorted
keys, no spaces and a line feed behind it, UTF-8.

ResultError    a result can't be written, read or believed; one sentence that says why
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt

from app.jwks import ProviderKey
from app.keys import SigningKey
from eval.outside_rows import once

TYPE = "pestle-result+jws"  # no token has it, and a token's claims are not in a result
FORMAT = "pestle-result/1"
LARGEST = 1 << 30  # bytes


class ResultError(ValueError):
    pass


@dataclass(frozen=True)
class Verified:
    """A result whose signature and rows are whole. `data_seen`: whether the data file was held against it."""

    result: dict[str, Any]
    kid: str
    data_seen: bool


def canonical(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def rows_digest(lines: Iterable[bytes]) -> str:
    """Of the rows' canonical JSON."""
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line.rstrip(b"\n") + b"\n")
    return digest.hexdigest()


def write(path: Path, result: dict[str, Any], lines: Iterable[bytes], key: SigningKey) -> None:
    """Whole or not at all. `lines`: the rows' canonical JSON, whose digest `result` holds. Raises `ResultError`."""
    header = {"kid": key.kid, "typ": TYPE}
    signature = jwt.api_jws.encode(canonical(result), key.private, algorithm="EdDSA", headers=header)
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            told = json.dumps(result, ensure_ascii=False, indent=1).encode()
            file.write(b'{"result": ' + told + b',\n"signature": ' + canonical(signature) + b',\n"rows": [')
            for n, line in enumerate(lines):
                file.write((b",\n" if n else b"\n") + line.rstrip(b"\n"))
            file.write(b"\n]}\n")
        part.replace(path)
    except OSError as error:
        raise ResultError(f"{path} can't be written ({error.strerror}); name another place with --out.") from None
    finally:
        part.unlink(missing_ok=True)


def verify(path: Path, keys: dict[str, ProviderKey], data: Path | None = None) -> Verified:
    """`keys` by kid, of whoever is believed. Raises `ResultError` for a result that is not theirs, or not whole."""
    document = _read(path)
    result, signature, rows = (document.get(name) for name in ("result", "signature", "rows"))
    if not (isinstance(result, dict) and isinstance(signature, str) and isinstance(rows, list)):
        raise ResultError(f"{path} is no result of pestle eval --cases: it has no result, signature and rows.")
    kid = _signer(path, signature)
    if kid not in keys:
        raise ResultError(
            f"{path} is signed with the key {kid}, which is not among the keys given; "
            "get /.well-known/jwks.json from whoever ran it, and name that file with --keys."
        )
    try:
        signed = jwt.api_jws.decode(signature, keys[kid].public, algorithms=keys[kid].algorithms)
    except jwt.PyJWTError:
        raise ResultError(
            f"{path} was not signed with the key {kid}, or was changed since: don't rely on it."
        ) from None
    if signed != canonical(result):
        raise ResultError(f"{path}: the result is not the one that was signed: don't rely on it.")
    if not all(isinstance(row, dict) for row in rows) or rows_digest(map(canonical, rows)) != result.get("rows_sha256"):
        raise ResultError(f"{path}: the rows are not the ones that were signed: don't rely on them.")
    if data is not None and file_digest(data) != (result.get("data") or {}).get("sha256"):
        raise ResultError(f"{path} is not about {data}: the file's hash is another one.")
    return Verified(result, kid, data is not None)


def file_digest(path: Path) -> str:
    """Raises `ResultError`."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ResultError(f"{path} can't be read ({error.strerror}).") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST:
            raise ResultError(f"{path} is larger than any result.")
        document = json.loads(path.read_bytes(), object_pairs_hook=once)
    except OSError as error:
        raise ResultError(f"{path} can't be read ({error.strerror}).") from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, ResultError):
            raise
        raise ResultError(f"{path} is no JSON, and so no result of pestle eval --cases.") from None
    if not isinstance(document, dict):
        raise ResultError(f"{path} is no result of pestle eval --cases.")
    return document


def _signer(path: Path, signature: str) -> str:
    try:
        header = jwt.api_jws.get_unverified_header(signature)
    except jwt.PyJWTError:
        raise ResultError(f"{path}: the signature is no JWS.") from None
    if header.get("typ") != TYPE or not isinstance(header.get("kid"), str):
        raise ResultError(f"{path}: the signature is not one of a result.")
    return str(header["kid"])
