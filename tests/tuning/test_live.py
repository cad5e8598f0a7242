"""A running assistant follows the pointer: no turn fails, none is made by two, and what is broken changes nothing."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from app.api.main import create_app
from app.settings import Settings
from app.store.database import Database
from app.store.tables import traces
from app.tokens import mint
from app.tuning import live as live_module
from app.tuning.candidates import Candidates
from app.tuning.live import LiveAssistant
from app.tuning.loading import Shelf
from app.tuning.lot import Lot
from app.tuning.serving import ServingFile, Trial
from app.wiring import Wired
from rag.turn import Answer, Message
from tests.served import served
from tests.tuning.learnt import WORKED, Marked, mark
from tests.tuning.made import candidate

CUSTOMERS, TURNS = 32, 8
SINCE = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
QUESTION = "what about the delivery of things"


@pytest.fixture
def marked() -> Marked:
    return Marked()


@pytest.fixture
def file(tmp_path: Path) -> ServingFile:
    return ServingFile(tmp_path / "serving.json")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "LOOK", 0.01)


@pytest.fixture
def start(wired: Wired, tmp_path: Path, marked: Marked, file: ServingFile) -> Iterator[Callable[..., LiveAssistant]]:
    made: list[LiveAssistant] = []

    def start(note: Any = None) -> LiveAssistant:
        shelf = Shelf(wired.shelf.ground, Candidates(tmp_path), marked.loaders)
        made.append(LiveAssistant(shelf, file, Lot(b"k" * 32), note))
        return made[-1]

    yield start
    for one in made:
        one.close()


def until(true: Callable[[], bool], live: LiveAssistant | None = None) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, "it did not come"
        if live:
            live._look()
        time.sleep(0.01)


def fits(trace: Mapping[str, Any], places: Mapping[str, int]) -> bool:
    """Whether one candidate alone made this turn, or none: in search, in ranking and in what is told."""
    serving = trace["versions"]["learnt"].get("rephrasing")
    if serving is None:
        return "rewrite" not in trace and "ranked" not in trace
    ranked = trace.get("ranked", ())  # a follow-up is not rewritten, and another outcome has nothing to rank
    right = all(one["chosen"] == places[serving] % one["of"] for one in ranked)
    return right and trace.get("rewrite", serving) == serving


def test_it_follows_promotion_and_rollback_and_closes_what_it_leaves(
    tmp_path: Path, file: ServingFile, start: Callable[..., LiveAssistant], marked: Marked
) -> None:
    one, two = candidate(tmp_path, files=mark(1)), candidate(tmp_path, files=mark(2), minute=1)
    live = start()
    assert live.learnt == {}
    for change, wanted in (
        (lambda: file.promote(one), one.id),
        (lambda: file.promote(two), two.id),
        (file.rollback, one.id),
    ):
        change()
        until(lambda wanted=wanted: live.learnt.get("rephrasing") == wanted, live)  # type: ignore[misc]
        assert live.answer(Message(QUESTION)).trace["rewrite"] == wanted
        until(lambda wanted=wanted: marked.open == {wanted}, live)  # type: ignore[misc]
    assert live.trouble == ""
    live.close()
    assert marked.open == set()


def test_a_turn_keeps_the_assistant_that_it_began_with(
    tmp_path: Path, file: ServingFile, start: Callable[..., LiveAssistant], marked: Marked
) -> None:
    one, two = candidate(tmp_path, files=mark(1)), candidate(tmp_path, files=mark(2), minute=1)
    file.promote(one)
    live = start()
    answers: list[Answer] = []
    begun, go_on = threading.Event(), threading.Event()

    def hold(event: object) -> None:
        begun.set()
        assert go_on.wait(20)

    turn = threading.Thread(target=lambda: answers.append(live.answer(Message(QUESTION), hold)))
    turn.start()
    assert begun.wait(20)
    file.promote(two)
    until(lambda: live.learnt.get("rephrasing") == two.id, live)
    assert live.answer(Message(QUESTION)).trace["rewrite"] == two.id  # others are not held up
    assert marked.open == {one.id, two.id}
    go_on.set()
    turn.join(20)
    assert answers[0].trace["versions"]["learnt"] == {"rephrasing": one.id}
    assert fits(answers[0].trace, {one.id: 1})
    assert marked.open == {two.id}


@pytest.mark.parametrize("how", ["corrupt", "unloadable", "missing", "withdrawn", "kind", "pointer"])
def test_what_cannot_be_loaded_leaves_what_serves(
    tmp_path: Path, file: ServingFile, start: Callable[..., LiveAssistant], how: str
) -> None:
    good = candidate(tmp_path, files=mark(1))
    file.promote(good)
    live = start()
    kind = "chat" if how == "kind" else "rephrasing"
    bad = candidate(tmp_path, kind, mark(2, broken=how == "unloadable"), minute=1)  # type: ignore[arg-type]
    if how == "corrupt":
        (bad.folder / "mark.json").write_text('{"place": 5}')
    elif how == "withdrawn":
        Candidates(tmp_path).mark(bad.id, "withdrawn")
    file.promote(bad)
    if how == "missing":
        (bad.folder / "manifest.json").unlink()
    elif how == "pointer":
        file.path.write_text("{")
    until(lambda: live.trouble != "", live)
    assert live.learnt == {"rephrasing": good.id}
    assert live.answer(Message(QUESTION)).trace["rewrite"] == good.id
    assert (tmp_path / "serving.error").read_text().strip() == live.trouble
    file.path.unlink()
    file.promote(good)
    until(lambda: live.trouble == "", live)
    assert not (tmp_path / "serving.error").exists()


def test_a_start_with_a_broken_candidate_serves_the_rest(
    tmp_path: Path, file: ServingFile, start: Callable[..., LiveAssistant]
) -> None:
    bad = candidate(tmp_path, files=mark(1, broken=True))
    file.promote(bad)
    live = start()
    assert live.learnt == {}
    assert "what was trained serves" in live.trouble
    assert live.answer(Message(WORKED)).reply.outcome == "answered"


def test_an_answer_in_shadow_is_noted_and_never_shown(
    tmp_path: Path, file: ServingFile, start: Callable[..., LiveAssistant]
) -> None:
    notes: list[tuple[str, Mapping[str, Any]]] = []
    one = candidate(tmp_path, files=mark(1))
    file.try_out(Trial(id=one.id, mode="shadow", since=SINCE))
    live = start(lambda key, data: notes.append((key, data)))
    message = Message(QUESTION)
    answer = live.answer(message)
    assert answer.trace["versions"]["learnt"] == {}
    assert "rewrite" not in answer.trace
    live.shadow(message, answer)
    until(lambda: bool(notes))
    key, note = notes[0]
    assert key == answer.reply.message_id
    assert note["shadow"]["id"] == one.id
    assert note["shadow"]["outcome"] == "answered"


def test_under_load_nobody_answers_in_shadow(
    tmp_path: Path, file: ServingFile, start: Callable[..., LiveAssistant]
) -> None:
    wait = threading.Event()
    one = candidate(tmp_path, files=mark(1))
    file.try_out(Trial(id=one.id, mode="shadow", since=SINCE))
    live = start(lambda *told: wait.wait(20))
    message = Message(QUESTION)
    answer = live.answer(message)
    for _ in range(live_module.WAITING + 3):
        live.shadow(message, answer)
    assert live.dropped == 3
    wait.set()


def test_a_share_is_sticky_and_of_the_right_size(
    tmp_path: Path, file: ServingFile, start: Callable[..., LiveAssistant]
) -> None:
    one = candidate(tmp_path, files=mark(1))
    file.try_out(Trial(id=one.id, mode="share", share=0.25, since=SINCE))
    live = start()
    arms: Counter[str] = Counter()
    for n in range(60):
        message = Message(QUESTION, conversation_id=f"conversation{n}")
        traces_of = [live.answer(message).trace for _ in range(2)]
        assert traces_of[0]["trial"] == traces_of[1]["trial"]
        arm = traces_of[0]["trial"]["arm"]
        assert ("rewrite" in traces_of[0]) is (arm == "candidate")
        arms[arm] += 1
    assert 6 <= arms["candidate"] <= 25
    lot = Lot(b"k" * 32)
    shares = [lot.share("t", f"C-{n}") < 0.1 for n in range(20_000)]
    assert sum(shares) / 20_000 == pytest.approx(0.1, abs=0.01)
    assert "trial" not in live.answer(Message(QUESTION)).trace  # who has no name can't be held to an arm


@pytest.mark.slow
def test_32_customers_chat_while_versions_are_promoted_and_rolled_back(
    wired: Wired, tmp_path: Path, file: ServingFile, start: Callable[..., LiveAssistant], marked: Marked
) -> None:
    several = [candidate(tmp_path, files=mark(place), minute=place) for place in (1, 2, 3)]
    places = {one.id: place for place, one in enumerate(several, 1)}
    live = start()
    settings = Settings(home=tmp_path / "home", rate_identity=0, rate_address=0, _env_file=None)  # type: ignore[call-arg]
    app = create_app(settings, live, book=wired.book)
    done, changes = threading.Event(), 0

    def customer(number: int) -> list[tuple[int, str | None]]:
        seen = []
        head = {"Authorization": f"Bearer {mint(settings, customer=f'C-{10001 + number}')}"}
        with httpx.Client(base_url=url, headers=head, timeout=60, trust_env=False) as client:
            for _ in range(TURNS):
                key = client.post("/v1/conversations").json()["conversation_id"]
                reply = client.post(f"/v1/conversations/{key}/messages", json={"text": QUESTION})
                seen.append((reply.status_code, reply.json().get("reason")))
        return seen

    def promote() -> None:
        nonlocal changes
        while not done.is_set():
            if changes % 3 == 2:
                file.rollback()
            else:
                file.promote(several[changes % len(several)])
            changes += 1
            time.sleep(0.05)

    with served(app) as url, ThreadPoolExecutor(CUSTOMERS + 1) as threads:
        promoting = threads.submit(promote)
        seen = [one for found in threads.map(customer, range(CUSTOMERS)) for one in found]
        done.set()
        promoting.result()
    assert len(seen) == CUSTOMERS * TURNS
    assert {status for status, _ in seen} == {200}
    assert not {reason for _, reason in seen} & {"internal", "account_away"}
    database = Database(settings.conversations_url)
    with database.reading() as db:
        kept = [row.data for row in db.execute(select(traces.c.data))]
    database.close()
    assert len(kept) == CUSTOMERS * TURNS
    assert [trace for trace in kept if not fits(trace, places)] == []
    assert sum("rewrite" in trace and "ranked" in trace for trace in kept) > len(kept) / 4
    assert changes > 5
    assert len({trace["versions"]["learnt"].get("rephrasing") for trace in kept}) >= 2
    assert live.trouble == ""
