"""The quality page in a real Chromium over the fake API: figures, runs, a report, who may see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.ui.fake_api import Served
from tests.ui.fake_desk import EVIL, FakeDesk
from tests.ui.fake_quality import run

pytestmark = pytest.mark.browser
Open = Callable[..., Page]
REPORT = """<!doctype html><title>Report</title><h1>All cases</h1><p id="said">nothing</p>
<script>try { parent.hacked = 1; document.cookie; said.textContent = "reached" }
catch (error) { said.textContent = error.name }</script>"""


@pytest.fixture
def desk(api: Served) -> Iterator[FakeDesk]:
    yield api.state.desk
    fresh = FakeDesk()
    for name in ("a_day", "reasons", "runs", "broken", "reports"):
        setattr(api.state.desk, name, getattr(fresh, name))


def sign_in(page: Page, role: str = "evaluator") -> Page:
    page.locator(f'[class*="st-key-staff-{role}-"] button').first.click()
    expect(page.locator(".st-key-account")).to_be_visible()
    return page


def fill(desk: FakeDesk) -> None:
    desk.a_day = 10
    desk.reasons = [
        {"reason": "wants_person", "count": 30, "cancelled": 4},
        {"reason": EVIL, "count": 2, "cancelled": 0},
    ]
    desk.runs = [
        run("20261101-100000-aaaaaa", "2026-11-01T10:00:00Z", {"answers": 0.8, "tone": 0.9}),
        run("20261108-100000-bbbbbb", "2026-11-08T10:00:00Z", {"answers": 0.9, "tone": None}),
        run("20261109-100000-cccccc", "2026-11-09T10:00:00Z", {EVIL: 0.5}, quick=True),
        run("20261110-100000-dddddd", "2026-11-10T10:00:00Z", {}, ended=None),
    ]
    desk.broken = [{"id": "torn", "why": f"run.json is missing {EVIL}"}]
    desk.reports = {"20261108-100000-bbbbbb": REPORT}


def test_nothing_is_said_in_words(open_page: Open, desk: FakeDesk) -> None:
    page = sign_in(open_page("/quality"))
    expect(page.get_by_text("Nobody has written in this time")).to_be_visible()
    expect(page.get_by_text("No evaluation has run here yet")).to_be_visible()
    expect(page.locator(".fh-tile")).to_have_count(0)


def test_figures_of_the_chosen_time(open_page: Open, desk: FakeDesk) -> None:
    fill(desk)
    page = sign_in(open_page("/quality"))
    expect(page.locator(".fh-tile")).to_have_count(8)
    expect(page.locator(".fh-tile").first).to_contain_text("224 of 280 conversations")
    page.get_by_text("1 week", exact=True).click()
    expect(page.locator(".fh-tile").first).to_contain_text("56 of 70 conversations")
    expect(page.locator(".fh-bars").last).to_contain_text("30, 4 cancelled")
    assert page.evaluate("window.hacked") is None
    page.get_by_text("By day, as a table").click()
    expect(page.locator(".st-key-live tbody tr")).to_have_count(7)


def test_runs_are_compared_and_broken_ones_named(open_page: Open, desk: FakeDesk) -> None:
    fill(desk)
    page = sign_in(open_page("/quality"), "admin")
    expect(page.locator(".fh-errors")).to_contain_text("torn: run.json is missing <img")
    expect(page.locator(".fh-suite")).to_have_count(2)
    expect(page.locator(".fh-suite").nth(1)).to_contain_text("no cases")
    runs, compared = (
        page.get_by_role("region", name=name, exact=True) for name in ("Runs", "Two runs beside each other")
    )
    expect(runs.locator("tbody tr")).to_have_count(4)
    expect(compared).to_contain_text("better")
    box = page.locator(".st-key-compare-after").get_by_role("combobox")
    box.scroll_into_view_if_needed()
    page.wait_for_timeout(1000)  # a list that is open when the page moves is closed by it
    box.fill("aaaaaa")
    expect(page.get_by_role("option")).to_have_count(1)
    box.press("Enter")
    expect(page.get_by_text("Choose two different runs")).to_be_visible()
    assert page.evaluate("window.hacked") is None


def test_a_report_is_shown_apart_from_the_page(open_page: Open, desk: FakeDesk) -> None:
    fill(desk)
    page = sign_in(open_page("/quality"))
    page.get_by_role("button", name="Open the report").click()
    inside = page.frame_locator(".st-key-report iframe")
    expect(inside.get_by_role("heading")).to_have_text("All cases")
    expect(inside.locator("#said")).to_have_text("SecurityError")
    assert page.evaluate("window.hacked") is None
    back = page.get_by_role("button", name="All runs")
    expect(back).to_be_in_viewport()
    with page.expect_download() as loading:
        page.get_by_role("button", name="Download").click()
    assert loading.value.suggested_filename == "20261108-100000-bbbbbb.html"
    back.click()
    expect(page.locator(".fh-suite")).to_have_count(2)
    desk.reports.clear()
    page.get_by_role("button", name="Open the report").click()
    expect(page.get_by_text("None of these runs has a report")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(open_page: Open, desk: FakeDesk, scheme: str) -> None:
    fill(desk)
    page = sign_in(open_page("/quality", width=390, height=844, scheme=scheme))
    expect(page.locator(".fh-suite")).to_have_count(2)
    main = page.locator(".stMain")
    assert main.evaluate("main => main.scrollWidth <= main.clientWidth")
    edges = page.locator(".fh-tile, .fh-suite, .fh-scroll").evaluate_all(
        "found => found.map(one => one.getBoundingClientRect()).filter(one => one.right > innerWidth || one.left < 0).length"
    )
    assert edges == 0


def test_others_are_told_and_evaluators_have_no_desk(open_page: Open, desk: FakeDesk) -> None:
    page = sign_in(open_page("/desk"), "agent")
    expect(page.locator(".st-key-nav")).not_to_contain_text("Quality")
    page.goto(page.url.replace("/desk", "/quality"))
    expect(page.get_by_text("This page is for evaluators and administrators")).to_be_visible()
    eve = sign_in(open_page("/quality"))
    expect(eve.locator(".st-key-nav")).to_have_text("Quality")
    eve.goto(eve.url.replace("/quality", "/desk"))
    expect(eve.get_by_text("This page is for agents, pharmacists and administrators")).to_be_visible()
    expect(eve.locator(".fh-counts")).to_have_count(0)


def test_it_waits_for_an_api_that_is_away(open_page: Open, api: Served, desk: FakeDesk) -> None:
    fill(desk)
    page = sign_in(open_page("/quality"))
    expect(page.locator(".fh-tile")).to_have_count(8)
    api.stop()
    page.get_by_text("12 weeks").click()
    expect(page.get_by_role("alert").first).to_contain_text("can't reach")
    api.start()
    page.get_by_text("1 week", exact=True).click()
    expect(page.locator(".fh-tile")).to_have_count(8)


def test_a_sign_in_that_ended_asks_again(open_page: Open, desk: FakeDesk) -> None:
    page = sign_in(open_page("/quality"))
    desk.staff.clear()
    page.get_by_text("1 week", exact=True).click()
    expect(page.get_by_text("Your sign-in has ended")).to_be_visible()
    expect(page.locator('[class*="st-key-staff-evaluator-"]')).to_be_visible()
