"""The assistant of a running server: it follows the pointer to the serving candidates while turns go on.

A turn holds the assistant that it began with. A new one is made beside the old one in a thread, and takes its place
between two turns; the old one's parts are closed when its last turn has ended. What can't be loaded changes nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from app.tuning.candidates import CandidateError
from app.tuning.durable import write_whole
from app.tuning.lot import Lot
from app.tuning.serving import Serving, ServingError, ServingFile, Trial
from rag.turn import Answer, Emit, Message, silent

if TYPE_CHECKING:
    from app.tuning.loading import Learnt, Shelf

log = logging.getLogger("pestle")
LOOK = 1.0  # seconds between two looks at the pointer
WAITING = 4  # shadow answers that may wait; further ones are left out
BUSY = 4  # turns at once from which on nobody answers in shadow
TROUBLE = "serving.error"  # beside the pointer: what could not be loaded, for `pestle candidates`

Note = Callable[[str, Mapping[str, Any]], object]  # message id, what to add to its trace


@dataclass
class Held:
    """An assistant with its candidates, and the turns that are being answered with it."""

    learnt: Learnt
    turns: int = 0
    retired: bool = False


class LiveAssistant:
    """Thread-safe."""

    def __init__(self, shelf: Shelf, file: ServingFile, lot: Lot, note: Note | None = None) -> None:
        """`note` adds to the trace of a turn that was kept. Candidates that can't be loaded are left out, and told."""
        self._shelf, self._file, self._lot, self._note = shelf, file, lot, note
        self._lock, self._switching = threading.Lock(), threading.Lock()
        self._threads = ThreadPoolExecutor(1, "pestle-shadow")
        self._waiting = self._turns = 0
        self.dropped = 0  # shadow answers that were not made, for the load
        self.trouble = ""
        self._trial: tuple[Trial, Held] | None = None
        self._now = Held(shelf.take({}))
        self._looked, self._seen = time.monotonic(), self._stamp()
        self._articles = shelf.ground.parts.search().index.version
        self._follow(self._read(), first=True)

    def answer(self, message: Message, emit: Emit = silent) -> Answer:
        self._look()
        with self._turn(message) as (held, arm):
            answer = held.learnt.assistant.answer(message, emit)
        return replace(answer, trace={**answer.trace, "trial": arm}) if arm else answer

    def shadow(self, message: Message, answer: Answer) -> None:
        """To be told of each turn that was kept: where a candidate is on trial in shadow, it answers too, unseen."""
        with self._lock:
            trial = self._trial
            if trial is None or trial[0].mode != "shadow" or message.held or self._note is None:
                return
            if self._waiting >= WAITING or self._turns >= BUSY:
                self.dropped += 1
                return
            self._waiting += 1
            trial[1].turns += 1
        with suppress(RuntimeError):  # the server is stopping
            self._threads.submit(self._answer_unseen, trial[0], trial[1], message, answer)
            return
        self._end(trial[1], waiting=True)

    @property
    def learnt(self) -> Mapping[str, str]:
        return self._now.learnt.learnt

    @property
    def trial(self) -> Trial | None:
        return self._trial[0] if self._trial else None

    def close(self) -> None:
        """When no turn is being answered any more."""
        self._threads.shutdown(cancel_futures=True)
        with self._switching:
            for held in (self._now, *([self._trial[1]] if self._trial else [])):
                self._retire(held)

    # Turns

    @contextmanager
    def _turn(self, message: Message) -> Iterator[tuple[Held, dict[str, str] | None]]:
        with self._lock:
            held, arm = self._chosen(message)
            held.turns += 1
            self._turns += 1
        try:
            yield held, arm
        finally:
            self._end(held, turn=True)

    def _chosen(self, message: Message) -> tuple[Held, dict[str, str] | None]:
        """The assistant for a message, and its arm where customers are shared out. The same one gets the same arm."""
        who = message.customer_id or message.conversation_id
        if self._trial is None or self._trial[0].mode != "share" or who is None:
            return self._now, None
        trial, held = self._trial
        if self._lot.share(trial.id, who) < trial.share:
            return held, {"id": trial.id, "arm": "candidate"}
        return self._now, {"id": trial.id, "arm": "serving"}

    def _end(self, held: Held, turn: bool = False, waiting: bool = False) -> None:
        with self._lock:
            held.turns -= 1
            self._turns -= turn
            self._waiting -= waiting
            over = held.retired and not held.turns
        if over:
            self._shelf.give_back(held.learnt)

    def _answer_unseen(self, trial: Trial, held: Held, message: Message, shown: Answer) -> None:
        assert self._note is not None
        try:
            began = time.perf_counter()
            answer = held.learnt.assistant.answer(message)
            ms = (time.perf_counter() - began) * 1000
            self._note(shown.reply.message_id, {"shadow": told_of(trial, answer, shown, ms)})
        except Exception:  # a shadow answer is worth less than anything else
            log.exception("a shadow answer was not kept")
        finally:
            self._end(held, waiting=True)

    # Following the pointer

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked <= LOOK:
            return
        self._looked = now
        stamp, articles = self._stamp(), self._shelf.ground.parts.search().index.version
        if (stamp, articles) != (self._seen, self._articles) and self._switching.acquire(blocking=False):
            threading.Thread(target=self._switch, args=(stamp, articles), daemon=True, name="follow-serving").start()

    def _switch(self, stamp: object, articles: str) -> None:
        try:
            if articles != self._articles:
                for one in (*self._now.learnt.loaded, *(self._trial[1].learnt.loaded if self._trial else ())):
                    one.follow()
            if stamp != self._seen:
                self._follow(self._read())
        except Exception as error:
            log.exception("the serving candidates can't be followed; those before go on serving")
            self._tell(f"{type(error).__name__}: {error}")
        finally:
            self._seen, self._articles = stamp, articles
            self._switching.release()

    def _read(self) -> Serving | None:
        try:
            return self._file.read()
        except ServingError as error:
            self._tell(str(error))
            return None

    def _follow(self, serving: Serving | None, first: bool = False) -> None:
        """Serves what is wanted. At the start what can be loaded serves; later on all of it or what served before."""
        if serving is None:
            return
        told: list[str] = []
        try:
            wanted = self._what_loads(serving.learnt, told) if first else serving.learnt
            if dict(wanted) != dict(self.learnt):
                before, self._now = self._now, Held(self._shelf.take(wanted))
                self._retire(before)
                log.warning("now serving %s", ", ".join(wanted.values()) or "what was trained")
        except CandidateError as error:
            told.append(str(error))
        try:
            self._try_out(serving)
        except CandidateError as error:
            told.append(str(error))
        self._tell(" ".join(told))

    def _what_loads(self, learnt: Mapping[str, str], told: list[str]) -> Mapping[str, str]:
        good = {}
        for kind, candidate_id in learnt.items():
            try:
                self._shelf.give_back(self._shelf.take({kind: candidate_id}))
                good[kind] = candidate_id
            except CandidateError as error:
                told.append(f"{error}. Without it, what was trained serves.")
        return good

    def _try_out(self, serving: Serving) -> None:
        before, trial = self._trial, serving.trial
        wanted = {**self.learnt, trial.kind: trial.id} if trial else {}
        if before and trial and before[0] == trial and dict(before[1].learnt.learnt) == wanted:
            return
        fresh = (trial, Held(self._shelf.take(wanted))) if trial else None
        with self._lock:
            self._trial = fresh
        if before:
            self._retire(before[1])

    def _retire(self, held: Held) -> None:
        with self._lock:
            held.retired = True
            over = not held.turns
        if over:
            self._shelf.give_back(held.learnt)

    def _tell(self, trouble: str) -> None:
        if trouble and trouble != self.trouble:
            log.error("%s", trouble)
        self.trouble = trouble
        path = self._file.path.with_name(TROUBLE)
        with suppress(OSError):
            if trouble:
                write_whole(path, f"{trouble}\n")
            else:
                path.unlink(missing_ok=True)

    def _stamp(self) -> object:
        try:
            status = self._file.path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size


def told_of(trial: Trial, answer: Answer, shown: Answer, ms: float) -> dict[str, Any]:
    """What the trace keeps of an answer in shadow. `same`: word for word what was shown."""
    reply = answer.reply
    return {
        "id": trial.id,
        "outcome": reply.outcome,
        "reason": reply.reason,
        "text": reply.text,
        "articles": list(dict.fromkeys(citation.article_id for citation in reply.citations)),
        "handover": answer.handover is not None,
        "same": reply.text == shown.reply.text,
        "ms": round(ms, 1),
    }
