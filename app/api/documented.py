"""/openapi.json, with every problem answer in it."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from app.api.problems import BY_STATUS, KINDS, MEDIA_TYPE, ProblemDetails

PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
REFS = "#/components/schemas/{model}"


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses`: what can go wrong there. 422, 429 and 500 are always among it."""
    return {
        status: {"description": KINDS[BY_STATUS[status]][1], "content": PROBLEM}
        for status in sorted({*statuses, 422, 429, 500})
    }


class DocumentedAPI(FastAPI):
    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            schema = super().openapi()
            details = ProblemDetails.model_json_schema(ref_template=REFS)
            schemas = schema.setdefault("components", {}).setdefault("schemas", {})
            schemas.update(details.pop("$defs", {}))
            schemas["ProblemDetails"] = details
            self.openapi_schema = schema
        return self.openapi_schema or {}
