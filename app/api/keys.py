"""The public keys of the tokens that are made here, for whoever wants to verify them elsewhere."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import BaseModel

from app.api.documented import problems
from app.api.services import Served

router = APIRouter(prefix="/.well-known", tags=["keys"])


class KeySet(BaseModel):
    """A JWKS (RFC 7517)."""

    keys: list[dict[str, str]]


@router.get("/jwks.json", responses=problems(503))
async def jwks(served: Served, response: Response) -> KeySet:
    """Every key that a token may be signed with; look again when one names a key that isn't here."""
    response.headers["Cache-Control"] = "public, max-age=300"
    return KeySet(keys=[key.public_jwk for key in served.tokens.keys.all().values()])
