"""Who is asking: the one place where a request turns into an identity."""

from __future__ import annotations

from typing import Annotated, TypeGuard

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer

from app.api.problems import Problem
from app.api.services import Served
from app.store.records import Conversation
from app.tokens import BadToken, Identity

_SCHEME = HTTPBearer(auto_error=False, description="A signed token; without one the visitor is anonymous.")


async def identity(
    request: Request, served: Served, documented: Annotated[object, Security(_SCHEME)]
) -> Identity | None:
    """The verified identity, or None for an anonymous visitor.

    Raises `BadToken` whenever an Authorization header is there and proves nothing: such a request is never anonymous.
    """
    headers = request.headers.getlist("authorization")
    if not headers:
        return None
    scheme, _, token = headers[0].partition(" ")
    if len(headers) > 1 or scheme.lower() != "bearer" or not token.strip():
        raise BadToken("The Authorization header must be one Bearer token; correct it, or leave it out.")
    return served.tokens.verify(token.strip())


Asker = Annotated[Identity | None, Depends(identity)]


async def customer(asker: Asker) -> Identity | None:
    """A customer or an anonymous visitor. Raises a 403 `Problem` for staff, who have no conversations of their own."""
    if asker is not None and asker.role != "customer":
        raise Problem("forbidden", "Conversations belong to customers; use a customer's token, or none.")
    return asker


Visitor = Annotated[Identity | None, Depends(customer)]


def owns(conversation: Conversation | None, visitor: Identity | None) -> TypeGuard[Conversation]:
    """Whether there is a conversation, and this visitor may read it."""
    return conversation is not None and conversation.customer_id == (visitor.id if visitor else None)


def owned(conversation: Conversation | None, visitor: Identity | None) -> Conversation:
    """The conversation if it is this visitor's. Another's is answered exactly as one that doesn't exist."""
    if not owns(conversation, visitor):
        raise Problem("not-found", "There is no such conversation; start a new one with POST /v1/conversations.")
    return conversation
