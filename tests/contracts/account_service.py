"""The REST contract of docs/accounts.md, served from an account book in memory."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Annotated, Any

from fastapi import Body, FastAPI, Header, HTTPException
from fastapi.responses import JSONResponse

from rag.account.book import Change, Order, Prescription
from rag.account.memory import MemoryAccountBook

KEY = "a-key-for-tests"


def plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dt.datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, dt.date) else value


def account_service(book: MemoryAccountBook) -> FastAPI:
    app = FastAPI()

    def signed(authorization: str | None) -> None:
        if authorization != f"Bearer {KEY}":
            raise HTTPException(401)

    @app.get("/v1/customers/{customer_id}/account")
    def account(customer_id: str, authorization: Annotated[str | None, Header()] = None) -> JSONResponse:
        signed(authorization)
        found = book.account(customer_id)
        if found is None:
            return JSONResponse({"error": "unknown_customer"}, 404)
        return JSONResponse(plain(found))

    @app.get("/v1/customers")
    def customers(limit: int, authorization: Annotated[str | None, Header()] = None) -> JSONResponse:
        signed(authorization)
        return JSONResponse({"customer_ids": book.customer_ids(limit)})

    @app.get("/v1/stock/{drug_id}")
    def stock(drug_id: str, authorization: Annotated[str | None, Header()] = None) -> JSONResponse:
        signed(authorization)
        return JSONResponse({"stock": plain(book.stock(drug_id))})

    @app.get("/v1/changes")
    def changes(after: int, limit: int, authorization: Annotated[str | None, Header()] = None) -> JSONResponse:
        signed(authorization)
        return JSONResponse({"changes": plain(book.changes(after, limit))})

    @app.post("/v1/records")
    def records(
        records: Annotated[list[dict[str, str]], Body(embed=True)],
        authorization: Annotated[str | None, Header()] = None,
    ) -> JSONResponse:
        signed(authorization)
        found = book.records([Change(0, record["kind"], record["id"], "") for record in records])
        return JSONResponse(
            {
                "orders": [plain(record) for record in found if isinstance(record, Order)],
                "prescriptions": [plain(record) for record in found if isinstance(record, Prescription)],
            }
        )

    return app
