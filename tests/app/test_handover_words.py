"""Opening hours, expected waits, the summary, the words for a customer, and canned replies: plain functions."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import yaml

from app.handover.away import Watch
from app.handover.canned import CannedError, read_canned
from app.handover.hours import is_open, opens_at, said
from app.handover.names import Names
from app.handover.status import status
from app.handover.summary import Said, summarise
from app.handover.waits import expected_minutes
from app.settings import ROOT
from app.store.records import HandoverState, StoredHandover
from rag.turn import Citation
from rails.policy import PolicyError, read_policy
from tests.fakes import BookInMemory, scripted

POLICY = ROOT / "guardrails" / "policy.yaml"
HANDING = read_policy(POLICY).handover
CHAT = HANDING.departments["care"].hours
UTC = dt.UTC


def at(text: str) -> dt.datetime:
    """In New York."""
    from zoneinfo import ZoneInfo

    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/New_York")).astimezone(UTC)


def waiting(state: HandoverState = "waiting") -> StoredHandover:
    called = at("2026-11-24 10:00")
    return StoredHandover(
        "h", "c", None, "button", "soon", "care", called, state, "", [], "",
        None, "Ana" if state != "waiting" else None, None, None, None, None, None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("moment", "there", "opens"),
    [
        ("2026-11-24 08:00", True, None), ("2026-11-24 07:59", False, "today at 8 am Eastern time"),
        ("2026-11-24 20:59", True, None), ("2026-11-24 21:00", False, "tomorrow at 8 am Eastern time"),
        ("2026-11-28 08:30", False, "today at 9 am Eastern time"), ("2026-11-28 18:00", False, "tomorrow at 9 am Eastern time"),
        ("2026-11-25 21:30", False, "on Friday at 8 am Eastern time"),  # Thanksgiving between
        ("2026-11-26 12:00", False, "tomorrow at 8 am Eastern time"), ("2026-12-25 12:00", False, "tomorrow at 9 am Eastern time"),
        ("2027-05-31 12:00", False, "tomorrow at 8 am Eastern time"), ("2027-09-06 12:00", False, "tomorrow at 8 am Eastern time"),
        ("2027-07-04 12:00", False, "tomorrow at 8 am Eastern time"), ("2027-07-05 12:00", True, None),
        ("2027-03-13 23:00", False, "tomorrow at 9 am Eastern time"),  # the night in which clocks go forward
    ],
)  # fmt: skip
def test_the_chat_has_hours(moment: str, there: bool, opens: str | None) -> None:
    now = at(moment)
    assert is_open(CHAT, now) is there
    opening = opens_at(CHAT, now)
    assert opening is not None
    assert is_open(CHAT, opening)
    assert not is_open(CHAT, opening - dt.timedelta(minutes=1))
    if opens:
        assert said(CHAT, opening, now) == opens


def test_the_hours_are_those_of_the_facts() -> None:
    facts = yaml.safe_load((ROOT / "knowledge_base" / "facts.yaml").read_text(encoding="utf-8"))["contact"]
    assert "Monday to Friday from 8 am to 9 pm" in facts["care_hours"]
    assert "Saturday and Sunday from 9 am to 6 pm" in facts["care_hours"]
    assert facts["chat"] == "A person answers in chat during customer care hours."
    assert {(CHAT.open[day][0].hour, CHAT.open[day][1].hour) for day in ("monday", "friday")} == {(8, 21)}
    assert {(CHAT.open[day][0].hour, CHAT.open[day][1].hour) for day in ("saturday", "sunday")} == {(9, 18)}


def test_the_expected_wait_is_the_median_of_real_ones_in_open_hours() -> None:
    now = at("2026-11-24 12:00")

    def wait(moment: str, minutes: float) -> tuple[dt.datetime, dt.datetime]:
        return at(moment), at(moment) + dt.timedelta(minutes=minutes)

    waits = [wait("2026-11-24 11:00", 4), wait("2026-11-23 10:00", 8), wait("2026-11-23 09:00", -30)]
    assert expected_minutes(waits, CHAT, now) == 4
    assert expected_minutes([*waits, wait("2026-11-22 23:00", 600), wait("2026-10-01 12:00", 90)], CHAT, now) == 4
    assert expected_minutes(waits[:2], CHAT, now) is None


def test_a_customer_is_told_what_happens_next() -> None:
    opened, closed = at("2026-11-24 12:00"), at("2026-11-24 23:00")
    told = status(waiting(), HANDING, 3, 7, True, opened)
    assert told.text == (
        "You are number 3 in line for customer care. People who asked lately waited about 7 minutes. The answer appears "
        "here, and you find it again whenever you sign in."
    )
    told = status(waiting(), HANDING, 1, None, False, opened)
    assert told.text.startswith("You are next in line for customer care. The answer appears here; keep this page open")
    told = status(waiting(), HANDING, 1, 7, True, closed)
    assert (told.open_now, told.wait_minutes) == (False, None)
    assert "customer care is back tomorrow at 8 am Eastern time" in told.text
    assert "1-800-555-0142 (press 2)" in told.text
    assert "Ana (customer care) is here" in status(waiting("held"), HANDING, None, None, True, opened).text
    assert "closed this request" in status(waiting("resolved"), HANDING, None, None, True, opened).text
    assert "answers again" in status(waiting("returned"), HANDING, None, None, True, opened).text
    assert "no longer in line" in status(waiting("cancelled"), HANDING, None, None, True, opened).text


def test_the_summary_quotes_and_adds_nothing() -> None:
    source = Citation(n=1, article_id="RX-12345678", title="Your prescription", url="?", kind="prescription")
    conversation = [
        Said("customer", "hi"),
        Said("assistant", "", scripted("Hello.").reply),
        Said("customer", "How many refills are left on my metformin?"),
        Said("assistant", "", scripted("Two refills are left.", citations=[source]).reply),
        Said("customer", "that is wrong, my doctor wrote three of them"),
        Said("assistant", "", scripted("I don't know.", outcome="unknown").reply),
        Said("customer", "a person please"),
    ]
    found = summarise(conversation)
    assert found.text == (
        "Wanted: “How many refills are left on my metformin?” … “that is wrong, my doctor wrote three of them”\n"
        "Tried: told “Hello.”; told “Two refills are left.”; no answer to “that is wrong, my doctor wrote three of them”"
    )
    assert [(fact["id"], fact["text"]) for fact in found.facts] == [("RX-12345678", "Two refills are left.")]
    assert summarise([]).text == ""
    assert len(summarise([Said("customer", "word " * 5000)]).text) < 400


def test_a_clock_that_jumps_sends_nobody_away() -> None:
    seconds = [0.0]
    watch = Watch(120, lambda: seconds[0])
    seen = {"a": at("2026-11-24 12:00")}
    assert watch.gone(seen) == []
    seconds[0] = 119
    assert watch.gone({"a": at("2036-11-24 12:00")}) == []  # seen again, whatever the wall clock says
    seconds[0] = 238
    assert watch.gone({"a": at("2036-11-24 12:00")}) == []
    seconds[0] = 239
    assert watch.gone({"a": at("2036-11-24 12:00")}) == ["a"]
    assert watch.gone({}) == []


def test_names_are_remembered_for_a_while() -> None:
    seconds, book = [0.0], BookInMemory("C-10001")
    names = Names(book, lambda: seconds[0])
    assert (names.of("C-10001"), names.of("C-2"), names.of(None)) == ("Demo 1", None, None)
    from rag.account.book import AccountError

    book.away = AccountError("away")
    assert names.of("C-10001") == "Demo 1"
    seconds[0] = 601
    assert names.of("C-10001") is None


def test_canned_replies_hold_to_the_facts() -> None:
    import re

    facts = (ROOT / "knowledge_base" / "facts.yaml").read_text(encoding="utf-8")
    replies = read_canned(ROOT / "knowledge_base")
    figures = {figure for reply in replies for figure in re.findall(r"\d[\d,.-]*\d|\d", reply.text)}
    assert figures
    assert [figure for figure in figures if not re.search(rf"(?<!\d){re.escape(figure)}(?!\d)", facts)] == []


@pytest.mark.parametrize(
    ("text", "line", "mistake"),
    [
        ("- id: hello-you\n  title: Hello\n  text: Hello to you!\n- id: X\n  title: Hello\n  text: Hello to you!\n", 4, "id"),
        ("- id: hello-you\n  title: Hello\n  text: Hello to you!\n  departmnt: care\n", 4, "departmnt"),
        ("- id: hello-you\n  title: Hello\n  text: Hello to you!\n  department: sales\n", 4, "department"),
        ("- id: twice-it\n  title: Hello\n  text: Hello to you!\n- id: twice-it\n  title: Hello\n  text: Hello to you!\n", 1, "twice"),
        ("hello", 1, "tuple"),
        ("- {", 1, ""),
    ],
)  # fmt: skip
def test_a_mistake_in_a_canned_reply_is_named_with_its_line(tmp_path: Path, text: str, line: int, mistake: str) -> None:
    (tmp_path / "canned.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(CannedError) as error:
        read_canned(tmp_path)
    assert f"canned.yaml:{line}:" in str(error.value) or mistake == ""
    assert mistake in str(error.value)


def test_without_a_file_there_are_no_canned_replies(tmp_path: Path) -> None:
    assert read_canned(tmp_path) == ()


@pytest.mark.parametrize(
    ("before", "after", "mistake"),
    [
        ('monday: "08:00-21:00"', 'monday: "21:00-08:00"', "ends before it begins"),
        ('monday: "08:00-21:00"', 'monday: "8-21"', "span of hours"),
        ("zone: America/New_York", "zone: America/Nowhere", "no time zone"),
        ("in line for {department}.", "in line for {name}.", "{name}"),
        ("patience: 2", "patience: 0", "patience"),
        ("    billing:\n      label", "    sales:\n      label", "sales"),
        ("intents: [payment,", "intents: [ask_pharmacist,", "ask_pharmacist"),
        ("christmas_day]", "easter]", "thanksgiving"),
    ],
)
def test_a_mistake_in_the_policy_is_named_with_its_line(tmp_path: Path, before: str, after: str, mistake: str) -> None:
    text = POLICY.read_text(encoding="utf-8")
    assert before in text
    path = tmp_path / "policy.yaml"
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(PolicyError) as error:
        read_policy(path)
    assert mistake in str(error.value)
    assert f"{path}:" in str(error.value)


def test_the_departments_name_intents_that_there_are() -> None:
    known = {path.stem for path in (ROOT / "knowledge_base" / "intents").glob("*.yaml")}
    assert {intent for department in HANDING.departments.values() for intent in department.intents} <= known
    assert HANDING.department_of(["greeting", "payment"]) == "billing"
    assert HANDING.department_of(["order_status"]) == "care"
