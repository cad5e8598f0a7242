"""A person, ratings and a customer's data on the chat page, and the desk, in a real Chromium over the fake API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.chromium import until_seen
from tests.ui.fake_api import Served
from tests.ui.fake_desk import EVIL, say
from tests.ui.test_chat_page import TRACK, answered, ask, sign_in

pytestmark = pytest.mark.browser
Open = Callable[..., Page]
BUTTON = '[class*="st-key-person-form-"] button'


def conversation_of(page: Page) -> str:
    return page.url.split("c=")[1].split("&")[0]


def call(page: Page, note: str = "") -> None:
    page.locator(BUTTON).first.click()
    page.get_by_label("Anything to add? (you don't have to)").fill(note)
    page.get_by_role("button", name="Ask for a person").click()


@pytest.mark.parametrize(("width", "height"), [(1200, 850), (390, 844)])
def test_the_button_is_there_before_anything_was_asked(open_page: Open, api: Served, width: int, height: int) -> None:
    page = open_page(width=width, height=height)
    expect(page.locator(BUTTON).first).to_be_in_viewport()
    call(page, "Please call me.")
    expect(page.locator(".fh-status-line")).to_contain_text("in line for customer care")
    made = api.state.desk.open_for(conversation_of(page))
    assert made
    assert made["note"] == "Please call me."
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(BUTTON).first).to_be_visible()


def test_a_refused_wish_keeps_what_was_written(open_page: Open, api: Served) -> None:
    page = open_page()
    call(page, "refuse this")
    expect(page.get_by_role("alert")).to_contain_text("can't be taken")
    expect(page.get_by_label("Anything to add? (you don't have to)")).to_have_value("refuse this")


def test_the_person_is_heard_live_through_a_restart_and_no_draft_is_lost(open_page: Open, api: Served) -> None:
    page = open_page()
    ask(page, TRACK)
    answered(page)
    call(page)
    expect(page.locator(".fh-status-line")).to_be_visible()
    key = conversation_of(page)
    held = api.state.desk.open_for(key)
    assert held
    held |= {"state": "held", "agent_id": "Ann", "agent_name": "Ann"}
    box = page.locator('[data-testid="stChatInput"] textarea')
    box.fill("Half a sent")
    say(api.state, key, "agent", f"Hello {EVIL}", EVIL)
    expect(page.locator(".fh-said")).to_have_text(f"Hello {EVIL}")
    expect(box).to_have_value("Half a sent")
    assert page.evaluate("window.hacked") is None
    api.stop()
    expect(page.locator(".fh-status-line")).to_contain_text("connection was lost")
    say(api.state, key, "agent", "Still here.", "Ann")
    api.start()
    expect(page.locator(".fh-said").last).to_have_text("Still here.")
    expect(box).to_have_value("Half a sent")
    page.reload()
    expect(box).to_have_value("Half a sent")
    box.press("Enter")
    expect(page.locator(".fh-bubble").last).to_have_text("Half a sent")
    expect(page.locator(".fh-answer")).to_have_count(1)
    assert [m["role"] for m in api.state.messages[key]][-1] == "customer"


def test_thumbs_change_their_mind_and_the_page_stays(open_page: Open, api: Served) -> None:
    page = open_page(height=640)
    for number in (1, 2):
        ask(page, TRACK)
        answered(page, number)
    row = page.locator('[class*="st-key-rate-"]').last
    page.mouse.wheel(0, 10)  # whoever scrolls is no longer taken along
    row.evaluate("row => row.scrollIntoView({block: 'center'})")
    ratings = api.state.desk.ratings
    ratings.clear()
    for thumb, rating in ((1, "down"), (0, "up")):
        before = row.bounding_box()
        row.locator("button").nth(thumb).click()
        expect(row.get_by_text("Tell us why")).to_be_visible()
        page.wait_for_timeout(500)
        assert [r["rating"] for r in ratings.values()] == [rating]
        assert row.bounding_box() == before
    row.get_by_text("Tell us why").click()
    page.get_by_role("button", name="Clear", exact=True).click()
    page.get_by_label("In your own words (you don't have to)").fill(EVIL)
    page.get_by_role("button", name="Save").click()
    expect(row.get_by_text("Thank you")).to_be_visible()
    assert next(iter(ratings.values())) == {"rating": "up", "reasons": ["clear"], "comment": EVIL}
    page.reload()
    expect(page.locator('[class*="st-key-rate-"]').last.get_by_text("Thank you")).to_be_visible()


def test_signs_and_a_customers_data(open_page: Open, api: Served) -> None:
    page = open_page()
    sign_in(page)
    ask(page, TRACK)
    answered(page)
    page.locator('[class*="st-key-suggestion-"] button').first.click()
    answered(page, 2)
    page.get_by_role("button", name="New chat").click()
    expect(page.locator(".fh-hello")).to_be_visible()
    assert [kind for _, kind in api.state.desk.signs][-2:] == ["took_suggestion", "left"]
    page.locator(".st-key-account button").first.click()
    page.get_by_text("Do not use my conversations for training").click()
    page.wait_for_timeout(500)
    assert api.state.desk.no_training == {"C-10001"}
    with page.expect_download() as loading:
        page.get_by_role("button", name="Download my data").click()
    assert TRACK in loading.value.path().read_text()
    page.get_by_text("Delete my data").click()
    page.get_by_role("button", name="Delete everything").click()
    expect(page.locator(".fh-notice")).to_contain_text("deleted")
    assert "C-10001" not in api.state.owners.values()


def test_the_desk_by_keyboard(open_page: Open, api: Served) -> None:
    desk = api.state.desk
    desk.handovers.clear()
    for key, reason, urgency in (("k1", "button", "soon"), ("k2", "medical_emergency", "urgent")):
        api.state.owners[key], api.state.messages[key] = "C-10001", []
        say(api.state, key, "customer", f"I am {key} {EVIL}")
        desk.call(api.state, key, reason, urgency)
    page = open_page("/desk", width=1440, height=900)
    page.locator('[class*="st-key-staff-agent-"] button').first.click()
    expect(page.locator(".fh-counts")).to_contain_text("1 emergency waiting")
    expect(page).to_have_title("EMERGENCY · Agents' desk · Fernhollow")
    expect(page.locator('[class*="st-key-q-urgent-1-"]')).to_contain_text("I am k2 <img")
    assert page.evaluate("window.hacked") is None
    until_seen(lambda: page.keyboard.press("1"), page.locator(".st-key-room").filter(has_text="Emergency"))
    until_seen(lambda: page.keyboard.press("c"), page.locator(".st-key-suggestion"))
    expect(page.locator(".st-key-aside")).to_contain_text("RX-12345678")
    page.keyboard.press("n")
    page.get_by_label("A note for colleagues").fill(EVIL)
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".fh-notes")).to_contain_text(EVIL)
    expect(page.get_by_label("A note for colleagues")).to_have_value("")
    page.keyboard.press("Escape")
    page.keyboard.press("k")
    page.locator('[class*="st-key-canned-"] button').filter(has_text="Closing").click()
    box = page.locator('[class*="st-key-reply-box-"] textarea')
    expect(box).to_have_value("You're welcome. Write to us again at any time.")
    api.stop()
    expect(page.locator(".fh-counts")).to_contain_text("Connection lost")
    api.start()
    expect(page.locator(".fh-counts")).to_contain_text("1 waiting")
    expect(box).to_have_value("You're welcome. Write to us again at any time.")
    first = next(h for h in desk.handovers.values() if h["conversation_id"] == "k1")
    page.keyboard.press("2")
    expect(page.locator(".st-key-claim button")).to_be_visible()
    first |= {"state": "held", "agent_id": "Leo", "agent_name": "Leo"}  # a colleague was faster, unheard of so far
    page.keyboard.press("c")
    expect(page.locator(".fh-toast")).to_contain_text("Leo was faster")
    page.keyboard.press("1")
    expect(box).to_have_value("You're welcome. Write to us again at any time.")


def test_gaps_lead_to_an_article(open_page: Open, api: Served) -> None:
    page = open_page("/gaps")
    page.locator('[class*="st-key-staff-pharmacist-"] button').first.click()
    expect(page.locator("div.fh-gap").first).to_contain_text(f"Can you ship to Canada? {EVIL}")
    page.get_by_role("button", name="Write an article").first.click()
    text = page.get_by_label("The article")
    expect(text).not_to_be_empty()
    begun = text.input_value()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".fh-errors")).to_contain_text("body Write the article's text.")
    text.fill(begun + "We ship within the United States only.")
    page.get_by_role("button", name="Save and preview").click()
    expect(page.locator(".fh-preview-answer")).to_contain_text("within the United States only")
    page.get_by_role("button", name="Publish").click()
    expect(page.locator(".fh-toast")).to_contain_text("Published")
    assert api.state.desk.published[-1] == "new-article"
    assert page.evaluate("window.hacked") is None


def test_an_agent_is_told_that_review_is_for_others(open_page: Open, api: Served) -> None:
    page = open_page("/review")
    page.locator('[class*="st-key-staff-agent-"] button').first.click()
    expect(page.locator(".fh-notice")).to_contain_text("for pharmacists and administrators")
