"""The staff's half of the HTTP API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx

from app.ui.api_client import ApiAway, ApiClient, path_part, rows_in, text_in, whole
from app.ui.sse import EVENT_STREAM, ServerEvent, server_events

_ALIVE = b"event: alive\ndata: .\n\n"  # put behind what came, so that its reader wakes up at comments too


class StaffClient(ApiClient):
    """Calls the API for one member of staff. Every method raises an ApiError and nothing else."""

    def staff_token(self, role: str, name: str) -> str:
        """A demo token. Raises NotThere where demo sign-in is turned off."""
        return text_in(self._post("/v1/demo/staff-token", {"role": role, "name": name}), "token")

    def queue(self) -> dict[str, Any]:
        return whole(self._get("/v1/agent/queue"))

    def conversation(self, conversation_id: str) -> dict[str, Any]:
        return whole(self._get(f"/v1/agent/conversations/{path_part(conversation_id)}"))

    def trace(self, message_id: str) -> dict[str, Any]:
        return whole(self._get(f"/v1/agent/messages/{path_part(message_id)}/trace"))

    def claim(self, handover_id: str) -> dict[str, Any]:
        """Raises NotAccepted, which names who was faster."""
        return whole(self._post(_handover(handover_id, "claim"), {}))

    def heartbeat(self, handover_id: str) -> None:
        self._post(_handover(handover_id, "heartbeat"), {})

    def reply(self, handover_id: str, text: str, suggestion_id: str | None, key: str) -> dict[str, Any]:
        body = {"text": text, "suggestion_id": suggestion_id}
        return whole(self._send("POST", _handover(handover_id, "reply"), body, key))

    def note(self, handover_id: str, text: str) -> None:
        self._post(_handover(handover_id, "notes"), {"text": text})

    def transfer(self, handover_id: str, department: str, note: str) -> None:
        self._post(_handover(handover_id, "transfer"), {"department": department, "note": note})

    def resolve(self, handover_id: str, code: str, note: str, seen_seq: int | None = None) -> None:
        """Raises NotAccepted where the customer has written since the message `seen_seq`."""
        self._post(_handover(handover_id, "resolve"), {"code": code, "note": note, "seen_seq": seen_seq})

    def give_back(self, handover_id: str, note: str, seen_seq: int | None = None) -> None:
        """Hands the conversation back to the assistant. Raises NotAccepted as `resolve` does."""
        self._post(_handover(handover_id, "return"), {"note": note, "seen_seq": seen_seq})

    def suggestion(self, handover_id: str) -> dict[str, Any]:
        return whole(self._get(_handover(handover_id, "suggestion")))

    def past(self, words: str, customer: str | None = None) -> list[dict[str, Any]]:
        """Past conversations in which the words stand."""
        asked = {"q": words} | ({"customer": customer} if customer else {})
        return _found(self._get(f"/v1/agent/search?{urlencode(asked)}"))

    def canned(self) -> list[dict[str, Any]]:
        return _found(self._get("/v1/agent/canned"))

    def copilot(self, text: str) -> dict[str, Any]:
        return whole(self._post("/v1/agent/ask", {"text": text}))

    def articles(self) -> list[dict[str, Any]]:
        return rows_in(self._get("/v1/knowledge/articles"), "articles")

    def find_articles(self, words: str) -> list[dict[str, Any]]:
        """Those that fit best, by title, text and meaning."""
        return rows_in(self._get(f"/v1/knowledge/search?{urlencode({'q': words[:400]})}"), "articles")

    def proposals(self, state: str, kind: str | None) -> list[dict[str, Any]]:
        asked = {"state": state} | ({"kind": kind} if kind else {})
        return _found(self._get(f"/v1/review/proposals?{urlencode(asked)}"))

    def proposal(self, proposal_id: str) -> dict[str, Any]:
        return whole(self._get(f"/v1/review/proposals/{path_part(proposal_id)}"))

    def decide(self, proposal_id: str, decision: str, note: str) -> dict[str, Any]:
        body = {"decision": decision, "note": note}
        return whole(self._post(f"/v1/review/proposals/{path_part(proposal_id)}", body))

    def gaps(self, days: int) -> list[dict[str, Any]]:
        return rows_in(self._get(f"/v1/knowledge/gaps?days={days}"), "gaps")

    def live(self, days: int) -> dict[str, Any]:
        """Live traffic in figures."""
        return whole(self._get(f"/v1/quality/live?days={days}"))

    def runs(self) -> dict[str, Any]:
        """Evaluation runs, oldest first, and the folders that could not be read."""
        return whole(self._get("/v1/quality/runs"))

    def report(self, run_id: str) -> str:
        """HTML. Raises NotThere."""
        return self._get_text(f"/v1/quality/runs/{path_part(run_id)}/report")

    def drafts(self) -> list[dict[str, Any]]:
        return _found(self._get("/v1/knowledge/drafts"))

    def start_draft(self, **about: str) -> dict[str, Any]:
        """`about`: article_id, question, gap_id or text, as they are known."""
        return whole(self._post("/v1/knowledge/drafts", about))

    def draft(self, draft_id: str) -> dict[str, Any]:
        return whole(self._get(f"/v1/knowledge/drafts/{path_part(draft_id)}"))

    def save_draft(self, draft_id: str, text: str, read: str | None) -> dict[str, Any]:
        """`read`: the draft's `changed_at` when it was read. Raises NotAccepted, whose `errors` name the fields."""
        body = {"text": text, "changed_at": read}
        return whole(self._send("PUT", f"/v1/knowledge/drafts/{path_part(draft_id)}", body))

    def preview(self, draft_id: str) -> dict[str, Any]:
        return whole(self._post(f"/v1/knowledge/drafts/{path_part(draft_id)}/preview", {}))

    def publish(self, draft_id: str) -> dict[str, Any]:
        return whole(self._post(f"/v1/knowledge/drafts/{path_part(draft_id)}/publish", {}))

    def discard_draft(self, draft_id: str) -> None:
        self._send("DELETE", f"/v1/knowledge/drafts/{path_part(draft_id)}")

    def events(self) -> Iterator[ServerEvent | None]:
        """What happens on the desk, until the connection ends; None for each sign of life in between.

        Raises ApiAway when there is no connection.
        """
        headers = {**self._headers, "Accept": EVENT_STREAM}
        try:
            with self._http.stream("GET", "/v1/agent/events", headers=headers) as response:
                if response.status_code != 200:
                    raise ApiAway
                yield None

                def bytes_seen() -> Iterator[bytes]:
                    for chunk in response.iter_bytes():
                        yield chunk
                        if chunk.endswith(b"\n\n"):
                            yield _ALIVE

                for event in server_events(bytes_seen()):
                    yield None if event.name == "alive" else event
        except httpx.HTTPError as error:
            raise ApiAway from error


def _handover(handover_id: str, action: str) -> str:
    return f"/v1/agent/handovers/{path_part(handover_id)}/{action}"


def _found(answer: Any) -> list[dict[str, Any]]:
    """The rows of a list, or of the one list in an object."""
    if isinstance(answer, dict):
        answer = next((value for value in answer.values() if isinstance(value, list)), [])
    return [row for row in answer if isinstance(row, dict)] if isinstance(answer, list) else []
