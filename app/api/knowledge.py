"""The articles behind the citations."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from app.api.auth import identity
from app.api.documented import problems
from app.api.problems import Problem
from app.api.services import Served

router = APIRouter(prefix="/v1/knowledge", tags=["knowledge"], dependencies=[Depends(identity)])


class ArticleLink(BaseModel):
    id: str
    title: str


class ArticleSummary(ArticleLink):
    topic: str
    updated: dt.date


class ArticleList(BaseModel):
    articles: list[ArticleSummary]


class ArticleView(ArticleSummary):
    """`body` is Markdown; escape it where it is shown."""

    body: str
    links: list[ArticleLink]


@router.get("/articles", responses=problems(401))
async def articles(served: Served, topic: str | None = None) -> ArticleList:
    """All articles, or those of one topic, by id."""
    found = (article for _, article in sorted(served.articles().items()) if topic in (None, article.topic))
    return ArticleList(
        articles=[ArticleSummary(id=a.id, title=a.title, topic=a.topic, updated=a.updated) for a in found]
    )


@router.get("/search", responses=problems(401, 422))
async def search(served: Served, q: Annotated[str, Query(min_length=1, max_length=400)]) -> ArticleList:
    """The articles that fit these words or this question best, by their text and questions too; at most ten."""
    known = served.articles()
    ids = await served.read(served.learning.search, q, known)
    return ArticleList(
        articles=[
            ArticleSummary(id=a.id, title=a.title, topic=a.topic, updated=a.updated)
            for a in map(known.__getitem__, ids)
        ]
    )


@router.get("/articles/{article_id}", responses=problems(401, 404))
async def article(article_id: str, served: Served) -> ArticleView:
    """One article, with the titles of those it links to."""
    known = served.articles()
    found = known.get(article_id)
    if found is None:
        raise Problem("not-found", "There is no such article; GET /v1/knowledge/articles lists them all.")
    links = [ArticleLink(id=link, title=known[link].title) for link in found.links if link in known]
    return ArticleView(
        id=found.id, title=found.title, topic=found.topic, updated=found.updated, body=found.body, links=links
    )
