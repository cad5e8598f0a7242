"""Who is asking: the one place where a request turns into an identity."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, TypeGuard

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer

from app.api.limits import refuse_later
from app.api.problems import Problem
from app.api.services import Served
from app.store.records import Conversation
from app.tokens import STAFF, BadToken, Identity, Role

_SCHEME = HTTPBearer(auto_error=False, description="A signed token; without one the visitor is anonymous.")


async def identity(
    request: Request, served: Served, documented: Annotated[object, Security(_SCHEME)]
) -> Identity | None:
    """The verified identity, or None for an anonymous visitor.

    Raises `BadToken` whenever an Authorization header is there and proves nothing: such a request is never anonymous.
    Raises a 429 `Problem` for somebody who asks too often.
    """
    headers = request.headers.getlist("authorization")
    if not headers:
        return None
    scheme, _, token = headers[0].partition(" ")
    if len(headers) > 1 or scheme.lower() != "bearer" or not token.strip():
        raise BadToken("The Authorization header must be one Bearer token; correct it, or leave it out.")
    verify = partial(served.tokens.verify, token.strip())
    found = await asyncio.to_thread(verify) if served.tokens.may_wait else verify()
    try:
        served.limits.identity(found)
    except Problem as refusal:
        refuse_later(request.scope, refusal)
    return found


Asker = Annotated[Identity | None, Depends(identity)]


async def customer(asker: Asker) -> Identity | None:
    """A customer or an anonymous visitor. Raises a 403 `Problem` for staff, who have no conversations of their own."""
    if asker is not None and asker.role != "customer":
        raise Problem("forbidden", "Conversations belong to customers; use a customer's token, or none.")
    return asker


Visitor = Annotated[Identity | None, Depends(customer)]


def only(*roles: Role) -> Callable[[Identity | None], Awaitable[Identity]]:
    """A dependency that lets these roles in. Raises a 401 `Problem` without a token, a 403 one for other roles."""

    async def allowed(asker: Asker) -> Identity:
        if asker is None:
            sentence = "Sign in first: this needs an Authorization header with a Bearer token."
            raise Problem("bad-token", sentence, headers={"WWW-Authenticate": 'Bearer realm="pestle"'})
        if asker.role not in roles:
            raise Problem("forbidden", f"This is for {' or '.join(roles)} only; use a token of that role.")
        return asker

    return allowed


Customer = Annotated[Identity, Depends(only("customer"))]
Agent = Annotated[Identity, Depends(only(*STAFF))]
Reviewer = Annotated[Identity, Depends(only("pharmacist", "admin"))]
Admin = Annotated[Identity, Depends(only("admin"))]
Evaluator = Annotated[Identity, Depends(only("evaluator", "admin"))]


def owns(conversation: Conversation | None, visitor: Identity | None) -> TypeGuard[Conversation]:
    """Whether there is a conversation, and this visitor may read it."""
    return conversation is not None and conversation.customer_id == (visitor.id if visitor else None)


def owned(conversation: Conversation | None, visitor: Identity | None) -> Conversation:
    """The conversation if it is this visitor's. Another's is answered exactly as one that doesn't exist."""
    if not owns(conversation, visitor):
        raise Problem("not-found", "There is no such conversation; start a new one with POST /v1/conversations.")
    return conversation
