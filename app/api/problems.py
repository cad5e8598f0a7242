"""Every error answer of the API: RFC 9457 problem details, with one sentence that says what to do next."""

from __future__ import annotations

import logging
import secrets
import traceback
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from app.store.errors import StoreError
from app.tokens import BadToken, KeysAway, TokenKeyError
from rag.account.book import AccountError

log = logging.getLogger("pestle.api")
MEDIA_TYPE = "application/problem+json"

KINDS: dict[str, tuple[int, str]] = {
    "unreadable": (400, "The request can't be read"),
    "bad-token": (401, "The token is not valid"),
    "forbidden": (403, "Not for this account"),
    "not-found": (404, "Not found"),
    "wrong-method": (405, "Wrong method"),
    "taken": (409, "Somebody else has it"),
    "key-reused": (409, "The Idempotency-Key was used before"),
    "conflict": (409, "Not possible as things stand"),
    "too-large": (413, "The request is too large"),
    "wrong-content-type": (415, "The content type is not understood"),
    "invalid": (422, "The request is not as expected"),
    "rate-limited": (429, "Too many requests"),
    "broken": (500, "Something went wrong here"),
    "unavailable": (503, "Not available just now"),
}
BY_STATUS = {status: kind for kind, (status, _) in KINDS.items()}
SENTENCES = {
    400: "The request could not be read; send a JSON body in UTF-8.",
    404: "There is nothing at this address; /openapi.json lists what there is.",
    405: "This address doesn't take that method; /openapi.json lists the ones it takes.",
}


class FieldProblem(BaseModel):
    field: str
    problem: str


class ProblemDetails(BaseModel):
    """RFC 9457. `detail` is one sentence that may be shown to a person; `errors` is there for status 422 only."""

    type: str = Field(examples=["urn:pestle:problem:not-found"])
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] | None = None


class Problem(Exception):
    """Raised anywhere under a route, and answered as problem details."""

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        status: int | None = None,
        errors: list[FieldProblem] | None = None,
    ) -> None:
        super().__init__(detail)
        usual, title = KINDS[kind]
        self.kind = kind
        self.headers = dict(headers or {})
        self.details = ProblemDetails(
            type=f"urn:pestle:problem:{kind}", title=title, status=status or usual, detail=detail, errors=errors
        )

    def body(self) -> dict[str, Any]:
        return self.details.model_dump(exclude_none=True)

    def response(self) -> JSONResponse:
        return JSONResponse(self.body(), self.details.status, self.headers, media_type=MEDIA_TYPE)


def problem_of(error: BaseException) -> Problem:
    """The problem that tells of an error, and no more than the asker may know. Unforeseen ones are logged here."""
    match error:
        case Problem():
            return error
        case BadToken():
            return Problem(
                "bad-token", str(error), headers={"WWW-Authenticate": 'Bearer realm="pestle", error="invalid_token"'}
            )
        case KeysAway():
            return Problem("unavailable", str(error), headers={"Retry-After": str(error.retry_after)})
        case StoreError() | TokenKeyError():
            log.error("%s: %s", type(error).__name__, error)
            retry = str(getattr(error, "retry_after", 60))
            sentence = "This could not be saved just now and nothing was changed; please try again in a moment."
            return Problem("unavailable", sentence, headers={"Retry-After": retry})
        case AccountError():
            log.error("AccountError: %s", error)
            sentence = "Account details can't be looked up just now; please try again in a minute."
            return Problem("unavailable", sentence, headers={"Retry-After": "30"})
        case RequestValidationError():
            return _invalid(error)
        case HTTPException():
            return _http(error)
    return _unforeseen(error)


def install(app: FastAPI) -> None:
    """Makes problem details the answer to every error that is raised under a route."""

    async def answer(request: Request, error: Exception) -> JSONResponse:
        problem = problem_of(error)
        request.app.state.metrics.problem(problem.kind)
        return problem.response()

    for kind in (
        Problem,
        BadToken,
        KeysAway,
        StoreError,
        TokenKeyError,
        AccountError,
        RequestValidationError,
        HTTPException,
    ):
        app.add_exception_handler(kind, answer)


def _invalid(error: RequestValidationError) -> Problem:
    found = error.errors()
    if any(item["type"] == "json_invalid" for item in found):
        return Problem("unreadable", "The body is not valid JSON; correct it and send it again.")
    # pydantic's messages name types and limits, never the value that was sent
    errors = [FieldProblem(field=".".join(map(str, item["loc"])), problem=item["msg"]) for item in found]
    fields = ", ".join(dict.fromkeys(item.field for item in errors))
    sentence = f"Correct {fields} and send the request again; /openapi.json describes it."
    return Problem("invalid", sentence, errors=errors)


def _http(error: HTTPException) -> Problem:
    kind = BY_STATUS.get(error.status_code, "unreadable" if error.status_code < 500 else "unavailable")
    sentence = SENTENCES.get(error.status_code, "This could not be answered; /openapi.json says what can be asked.")
    return Problem(kind, sentence, headers=error.headers, status=error.status_code)


def _unforeseen(error: BaseException) -> Problem:
    # The frames say where; the message is left out because it may quote what a customer wrote.
    number = secrets.token_hex(4)
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("unforeseen %s, number %s\n%s", type(error).__name__, number, frames)
    return Problem("broken", f"Please try again; if it happens again, tell us the number {number}.")
