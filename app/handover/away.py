"""Agents who disappear: what they hold goes back to the queue, so that no customer talks to an empty chair."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable

from app.handover.status import notice
from app.store.desk import DeskStore
from app.store.errors import StoreError
from app.store.handovers import HandoverStore
from rails.handing import Handing

log = logging.getLogger("pestle.handover")
OFTEN_S, SELDOM_S = 0.1, 5.0


class Watch:
    """How long each hand-over's `seen_at` has not changed, by a clock that never jumps.

    The instants themselves are not compared with the present one: a wall clock that is set forward would send every
    customer back to the queue, and one that is set back would keep them waiting for somebody who is gone.
    """

    def __init__(self, away_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._away_s, self._clock = away_s, clock
        self._since: dict[str, tuple[dt.datetime, float]] = {}

    def gone(self, seen: dict[str, dt.datetime]) -> list[str]:
        """Of these hand-overs (`seen_at` by id) the ones whose agent is away."""
        at = self._clock()
        before, self._since = self._since, {}
        for id, seen_at in seen.items():
            known = before.get(id)
            self._since[id] = known if known and known[0] == seen_at else (seen_at, at)
        return [id for id, (_, since) in self._since.items() if at - since >= self._away_s]


class Away:
    """Looks in a thread of its own until closed."""

    def __init__(
        self,
        handovers: HandoverStore,
        desk: DeskStore,
        handing: Callable[[], Handing],
        away_s: float,
        ring: Callable[[str], None],
    ) -> None:
        """`ring` is told which conversation went back."""
        self._ring = ring
        self._handovers, self._desk, self._handing = handovers, desk, handing
        self._watch = Watch(away_s)
        self._pause = min(SELDOM_S, max(OFTEN_S, away_s / 4))
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pestle-away", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ending.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._ending.wait(self._pause):
            try:
                self.look()
            except StoreError as error:
                log.warning("It could not be seen which agents are away (%s); tried again soon.", error)

    def look(self) -> None:
        held = {one.id: one for one in self._desk.held()}
        for id in self._watch.gone({id: one.seen_at for id, one in held.items() if one.seen_at}):
            one = held[id]
            said = notice("away", self._handing(), one.department, one.agent_name)
            if one.seen_at and self._handovers.release(id, one.seen_at, said):
                self._ring(one.conversation_id)
                log.info("hand-over %s went back to the queue: its agent is away", id)
