"""The article editor's side: drafts, what is wrong with them, the answer before and after, and publishing."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, StringConstraints

from app.api.auth import Reviewer
from app.api.documented import problems
from app.api.gaps import find
from app.api.problems import FieldProblem, Problem
from app.api.services import Served, Services
from app.learning.gaps import HORIZON
from app.learning.proposals import new_article
from app.learning.publishing import ArticleChanged, Faulty, OthersFaulty, checked, publish
from app.learning.shelf import LONGEST, LONGEST_ID, Fault
from app.learning.workshop import Workshop, WorkshopBusy
from app.store.drafts import Draft, DraftChanged, DraftClosed, DraftState
from app.tokens import Identity
from rag.articles import ArticleErrors
from rag.turn import Reply

router = APIRouter(prefix="/v1/knowledge/drafts", tags=["knowledge"])
Question = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
ArticleText = Annotated[str, StringConstraints(max_length=LONGEST)]
WRITE_HERE = "Write here what holds for every customer."


class NewDraft(BaseModel):
    article_id: str | None = Field(
        None, max_length=LONGEST_ID, description="The article to change; without it, a new one."
    )
    question: Question | None = None
    gap_id: str | None = Field(None, max_length=64, description="The knowledge gap that the article is to fill.")
    text: ArticleText | None = Field(None, description="The article's file to begin with.")


class DraftText(BaseModel):
    text: ArticleText
    question: Question | None = Field(None, description="What the article is to answer, for the preview.")
    changed_at: dt.datetime | None = Field(None, description="As it was read: 409 where somebody saved in between.")


class DraftView(BaseModel):
    """`errors`: what keeps it from being published. `changed_meanwhile`: the article's file is another by now."""

    id: str
    article_id: str
    text: str
    question: str
    state: DraftState
    new: bool
    source: dict[str, Any]
    author_id: str
    created_at: dt.datetime
    changed_at: dt.datetime
    errors: list[FieldProblem]
    changed_meanwhile: bool
    knowledge: str | None = Field(None, description="After publishing: the version of the knowledge with it.")


class DraftList(BaseModel):
    drafts: list[DraftView]


class Preview(BaseModel):
    """The reply to the draft's question with the draft served, and as it is now."""

    answer: Reply
    before: Reply


@router.get("", responses=problems(401, 403, 503))
async def listed(reviewer: Reviewer, served: Served) -> DraftList:
    """Open drafts, the last changed first."""

    def views() -> list[DraftView]:
        return [_view(served, draft) for draft in served.drafts.drafts()]

    return DraftList(drafts=await served.read(views))


@router.post("", status_code=201, responses=problems(400, 401, 403, 404, 413, 415, 422, 503))
async def begin(about: NewDraft, reviewer: Reviewer, served: Served, response: Response) -> DraftView:
    """Begins a draft: of an article that is there, or of a new one with what is known about it filled in."""
    made = await asyncio.to_thread(_begun, served, reviewer, about)
    response.headers["Location"] = f"/v1/knowledge/drafts/{made.id}"
    return made


@router.get("/{draft_id}", responses=problems(401, 403, 404, 503))
async def read(draft_id: str, reviewer: Reviewer, served: Served) -> DraftView:
    return await served.read(lambda: _view(served, _there(served, draft_id)))


@router.put("/{draft_id}", responses=problems(400, 401, 403, 404, 409, 413, 415, 422, 503))
async def save(draft_id: str, said: DraftText, reviewer: Reviewer, served: Served) -> DraftView:
    """Saves an article that is whole; else 422 with what is wrong in which field, and nothing is saved."""
    return await served.read(_saved, served, draft_id, said)


@router.post("/{draft_id}/preview", responses=problems(401, 403, 404, 409, 413, 415, 422, 503))
async def preview(draft_id: str, reviewer: Reviewer, served: Served) -> Preview:
    """Answers the draft's question with and without it, on a copy of the index; a few seconds."""
    return await asyncio.to_thread(_previewed, served, draft_id)


@router.post("/{draft_id}/publish", responses=problems(401, 403, 404, 409, 413, 415, 422, 503))
async def put_out(draft_id: str, reviewer: Reviewer, served: Served) -> DraftView:
    """Writes the article and serves it; 409 where its file changed since the draft was begun."""
    return await asyncio.to_thread(_published, served, reviewer, draft_id)


@router.delete("/{draft_id}", status_code=204, responses=problems(401, 403, 404, 409, 413, 415, 503))
async def discard(draft_id: str, reviewer: Reviewer, served: Served) -> None:
    """Gives a draft up."""

    def discarded() -> None:
        try:
            if served.drafts.close(draft_id, "discarded") is None:
                raise _nothing()
        except DraftClosed as closed:
            raise _closed(closed) from None
        served.audit.add(reviewer, "draft.discard", detail={"draft": draft_id})

    await served.read(discarded)


def _begun(served: Services, reviewer: Identity, about: NewDraft) -> DraftView:
    shelf = served.learning.shelf
    source: dict[str, Any] = {"gap_id": about.gap_id} if about.gap_id else {}
    question = about.question or ""
    if about.article_id:
        there = shelf.find(about.article_id)
        if there is None:
            raise Problem("not-found", "There is no such article; GET /v1/knowledge/articles lists them all.")
        text, base, article_id = _lines(about.text) or there.text, there.digest, about.article_id
    else:
        asked = [question] if question else []
        if about.gap_id:
            gap = next((one for one in find(served, HORIZON) if one.id == about.gap_id), None)
            if gap is None and not question:
                raise Problem("not-found", "There is no such gap any more; GET /v1/knowledge/gaps lists them all.")
            asked = list(dict.fromkeys((*asked, *((gap.question, *gap.examples) if gap else ()))))
            question = asked[0]
        today = dt.datetime.now(dt.UTC).date()
        taken = shelf.find
        text = _lines(about.text) or new_article(
            question or "New article", [WRITE_HERE], today, lambda one: taken(one) is not None, questions=asked
        )
        base, article_id = None, shelf.id_in(text)
    made = served.drafts.start(article_id, base, text, question, source, reviewer.id)
    served.audit.add(reviewer, "draft.begin", detail={"draft": made.id, "article": article_id[:80], **source})
    return _view(served, made)


def _saved(served: Services, draft_id: str, said: DraftText) -> DraftView:
    draft = _there(served, draft_id)
    text = _lines(said.text) or ""
    article, faults = served.learning.shelf.check(text, draft.article_id, new=draft.base is None)
    if article is None or faults:
        raise _faulty(faults)
    try:
        saved = served.drafts.save(draft_id, text, article.id, said.question, said.changed_at)
    except DraftClosed as closed:
        raise _closed(closed) from None
    except DraftChanged:
        sentence = "Somebody saved this draft after you had read it; read it again and bring your changes in."
        raise Problem("conflict", sentence) from None
    if saved is None:
        raise _nothing()
    return _view(served, saved)


def _previewed(served: Services, draft_id: str) -> Preview:
    draft, workshop = _there(served, draft_id), _workshop(served)
    shelf = served.learning.shelf
    try:
        article = checked(shelf, draft)
        question = draft.question or article.questions[0]
        before, after = workshop.preview(shelf.place(article), draft.text, question)
    except Faulty as faulty:
        raise _faulty(faulty.faults) from None
    except ArticleErrors:
        raise _others_faulty() from None
    except WorkshopBusy as busy:
        raise Problem("unavailable", str(busy), headers={"Retry-After": "30"}) from None
    return Preview(answer=after, before=before)


def _published(served: Services, reviewer: Identity, draft_id: str) -> DraftView:
    draft, workshop = _there(served, draft_id), _workshop(served)
    if draft.state != "open":
        raise _closed(DraftClosed(draft.state))
    try:
        version = publish(served.learning.shelf, workshop, draft, served.settings.home)
        done = served.drafts.close(draft.id, "published")
    except Faulty as faulty:
        raise _faulty(faulty.faults) from None
    except ArticleChanged:
        sentence = "The article was changed after this draft was begun; begin a new draft of it and bring yours in."
        raise Problem("conflict", sentence) from None
    except OthersFaulty:
        raise _others_faulty() from None
    except WorkshopBusy as busy:
        raise Problem("unavailable", str(busy), headers={"Retry-After": "30"}) from None
    except OSError as error:
        sentence = f"The article could not be written ({error.strerror}); check the folder of the knowledge base."
        raise Problem("unavailable", sentence, headers={"Retry-After": "60"}) from None
    except DraftClosed as closed:
        raise _closed(closed) from None
    if done is None:
        raise _nothing()
    about = {"draft": draft.id, "article": done.article_id, "knowledge": version}
    served.audit.add(reviewer, "draft.publish", detail=about)
    return _view(served, done).model_copy(update={"knowledge": version})


def _there(served: Services, draft_id: str) -> Draft:
    draft = served.drafts.draft(draft_id)
    if draft is None:
        raise _nothing()
    return draft


def _workshop(served: Services) -> Workshop:
    if served.learning.workshop is None:
        raise Problem("unavailable", "Articles can't be tried or served here; start Pestle with its assistant.")
    return served.learning.workshop


def _view(served: Services, draft: Draft) -> DraftView:
    faults: list[Fault] = []
    changed = False
    if draft.state == "open":
        shelf = served.learning.shelf
        _, faults = shelf.check(draft.text, draft.article_id, new=draft.base is None)
        there = shelf.find(draft.article_id)
        changed = draft.base != (there.digest if there else None)
    told = {name: getattr(draft, name) for name in DraftView.model_fields if hasattr(draft, name)}
    return DraftView(**told, new=draft.base is None, errors=_fields(faults), changed_meanwhile=changed)


def _fields(faults: list[Fault]) -> list[FieldProblem]:
    return [FieldProblem(field=fault.field, problem=fault.problem) for fault in faults]


def _faulty(faults: list[Fault]) -> Problem:
    fields = ", ".join(dict.fromkeys(fault.field for fault in faults))
    return Problem("invalid", f"Correct {fields} and save again.", errors=_fields(faults))


def _others_faulty() -> Problem:
    sentence = "Another article's file has a mistake, so that none can be served; run `pestle ingest` to see where."
    return Problem("conflict", sentence)


def _closed(closed: DraftClosed) -> Problem:
    return Problem("conflict", f"This draft was {closed.state} before; begin a new one.")


def _nothing() -> Problem:
    return Problem("not-found", "There is no such draft; GET /v1/knowledge/drafts lists them all.")


def _lines(text: str | None) -> str | None:
    """The text with the line ends of a file."""
    return None if text is None else text.replace("\r\n", "\n").replace("\r", "\n").rstrip() + "\n"
