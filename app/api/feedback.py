"""What customers say about answers: a thumb with reasons and a comment, and what their page saw them do."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal, Self

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints, model_validator

from app.api.auth import Visitor
from app.api.documented import problems
from app.api.problems import Problem
from app.api.services import Served
from app.store.feedback import Feedback, Rating, UnknownMessage
from app.tokens import Identity

router = APIRouter(prefix="/v1/messages", tags=["feedback"])

LONGEST_COMMENT = 2_000
DOWN = ("wrong", "not_what_i_asked", "incomplete", "too_long", "hard_to_understand", "outdated", "unfriendly", "other")
UP = ("clear", "quick", "complete")
Reason = Literal[
    "wrong",
    "not_what_i_asked",
    "incomplete",
    "too_long",
    "hard_to_understand",
    "outdated",
    "unfriendly",
    "other",
    "clear",
    "quick",
    "complete",
]


class NewFeedback(BaseModel):
    rating: Rating
    reasons: list[Reason] = Field(
        default_factory=list, max_length=8, description=f"For down: {', '.join(DOWN)}. For up: {', '.join(UP)}."
    )
    comment: Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_COMMENT)] = ""

    @model_validator(mode="after")
    def _of_one_mind(self) -> Self:
        fitting = DOWN if self.rating == "down" else UP
        if any(reason not in fitting for reason in self.reasons):
            raise ValueError(f"reasons for {self.rating} are {', '.join(fitting)}")
        return self


class FeedbackView(BaseModel):
    """A rating as it stands."""

    message_id: str
    rating: Rating
    reasons: list[Reason]
    comment: str
    changed_at: dt.datetime


class NewSign(BaseModel):
    kind: Literal["left", "took_suggestion"]


@router.post("/{message_id}/feedback", responses=problems(400, 401, 403, 404, 413, 415, 422, 503))
async def rate(message_id: str, said: NewFeedback, visitor: Visitor, served: Served) -> FeedbackView:
    """Rates an answer, or changes the mind about it."""
    comment = served.mask(said.comment)
    try:
        rated = await served.read(served.feedback.rate, message_id, _id(visitor), said.rating, said.reasons, comment)
    except UnknownMessage:
        raise _nothing() from None
    return _view(rated)


@router.get("/{message_id}/feedback", responses=problems(401, 403, 404, 503))
async def read(message_id: str, visitor: Visitor, served: Served) -> FeedbackView:
    """The rating as it stands; 404 where there is none."""
    try:
        rated = await served.read(served.feedback.rating, message_id, _id(visitor))
    except UnknownMessage:
        rated = None
    if rated is None:
        raise _nothing()
    return _view(rated)


@router.delete("/{message_id}/feedback", status_code=204, responses=problems(401, 403, 404, 413, 415, 503))
async def withdraw(message_id: str, visitor: Visitor, served: Served) -> None:
    """Takes a rating back, with all that it was before; twice is fine."""
    try:
        await served.read(served.feedback.withdraw, message_id, _id(visitor))
    except UnknownMessage:
        raise _nothing() from None


@router.post("/{message_id}/signs", status_code=204, responses=problems(400, 401, 403, 404, 413, 415, 422, 503))
async def sign(message_id: str, seen: NewSign, visitor: Visitor, served: Served) -> None:
    """Tells what the customer did after an answer; each kind is kept once."""
    try:
        conversation_id = await served.read(served.feedback.owned, message_id, _id(visitor))
    except UnknownMessage:
        raise _nothing() from None
    await served.read(served.feedback.sign, conversation_id, message_id, seen.kind)


def _id(visitor: Identity | None) -> str | None:
    return visitor.id if visitor else None


def _nothing() -> Problem:
    """One answer for a message that isn't there, is another's, is no answer, or has no rating."""
    return Problem("not-found", "There is nothing to find here; rate an answer by the message_id of its reply.")


def _view(rated: Feedback) -> FeedbackView:
    return FeedbackView.model_validate(rated, from_attributes=True)
