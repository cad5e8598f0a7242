"""What happens on the desk, heard by a thread of its own, so that pages look at a number instead of asking the API."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from contextlib import suppress

from app.ui.api_client import ApiError
from app.ui.staff_client import StaffClient

FORGOTTEN_S = 30.0  # a page that hasn't looked for so long is closed
AGAIN_S = 1.0


class Feed:
    """Counts what changed. `queue` and `said[conversation]` grow; `there` is False while the API is away."""

    def __init__(self, client: StaffClient) -> None:
        self._client = client
        self._thread: threading.Thread | None = None
        self._looked = 0.0
        self.queue = 0
        self.said: defaultdict[str, int] = defaultdict(int)
        self.everything = 0  # grows with each new connection: whatever happened before it went unheard
        self.there = True

    def look(self) -> tuple[int, int]:
        """(queue, everything) now; keeps listening as long as somebody looks."""
        self._looked = time.monotonic()
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._listen, name="pestle-desk-feed", daemon=True)
            self._thread.start()
        return self.queue, self.everything

    def heard(self, conversation_id: str | None) -> tuple[int, int]:
        """Grows with what was said in a conversation."""
        return self.said[conversation_id or ""], self.everything

    def _listen(self) -> None:
        while time.monotonic() - self._looked < FORGOTTEN_S:
            with suppress(ApiError):
                self._follow()
            self.there = False
            time.sleep(AGAIN_S)

    def _follow(self) -> None:
        for event in self._client.events():
            if not self.there or not self.everything:
                self.there, self.everything = True, self.everything + 1
            if event is None:
                pass
            elif event.name == "queue":
                self.queue += 1
            elif event.name == "message":
                self.said[str(json.loads(event.data).get("conversation_id"))] += 1
            if time.monotonic() - self._looked > FORGOTTEN_S:
                return
