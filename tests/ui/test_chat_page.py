"""The chat page as a customer meets it, in a real Chromium."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.ui.fake_api import Served

pytestmark = pytest.mark.browser
Open = Callable[..., Page]

TRACK = "How do I track my order?"
CHIP = '[class*="st-key-cite-"] button'
SUGGESTION = '[class*="st-key-suggestion-"] button'


def ask(page: Page, text: str) -> None:
    box = page.get_by_placeholder("Type your question")
    box.fill(text)
    box.press("Enter")


def answered(page: Page, replies: int = 1) -> None:
    """Waits until the given number of replies stand on the page and the last one is whole."""
    expect(page.locator(".fh-answer:not(:has(.fh-new)), .fh-urgent:not(:has(.fh-new))")).to_have_count(replies)
    expect(page.locator(".fh-wait")).to_have_count(0)
    expect(page.locator('[data-testid="stApp"]')).to_have_attribute("data-test-script-state", "notRunning")


def sign_in(page: Page, nth: int = 0) -> str:
    page.get_by_role("button", name="Sign in").click()
    customer = page.locator('[class*="st-key-customer-"] button').nth(nth)
    name = customer.locator("strong").inner_text()
    customer.click()
    expect(page.locator(".st-key-account")).to_contain_text(name)
    return name


def test_welcome_offers_examples_and_an_example_is_sent(open_page: Open) -> None:
    page = open_page()
    expect(page.get_by_role("heading", level=1)).to_contain_text("How can we help?")
    expect(page.get_by_placeholder("Type your question")).to_be_focused()
    expect(page.locator(".fh-foot")).to_contain_text("1-800-555-0142")
    example = page.locator(".st-key-examples button").first
    text = example.inner_text()
    example.click()
    expect(page.locator(".fh-bubble")).to_have_text(text)
    answered(page)
    expect(page.locator(".st-key-examples")).to_have_count(0)


def test_sentences_are_shown_before_the_reply_is_whole(open_page: Open, api: Served) -> None:
    api.state.delay_s = 1.0
    page = open_page()
    ask(page, TRACK)
    expect(page.locator(".fh-bubble")).to_have_text(TRACK)
    expect(page.locator(".fh-wait")).to_be_visible()
    expect(page.locator(".fh-new")).to_be_visible()
    assert page.locator(CHIP).count() == 0, "sources come with the whole reply, so the sentence came before it"
    expect(page.locator(".fh-answer")).to_contain_text("under Orders")
    answered(page)
    expect(page.locator(CHIP).first).to_be_visible()


def test_steps_are_a_numbered_list_and_the_url_keeps_the_conversation(open_page: Open, api: Served) -> None:
    page = open_page()
    ask(page, TRACK)
    answered(page)
    expect(page.locator(".fh-answer ol > li")).to_have_count(3)
    expect(page.locator(".fh-answer ol > li").first).to_contain_text("Sign in and open Orders.")
    assert page.locator(".fh-mark").all_inner_texts() == ["1", "1", "2"], "marked where a run of one source ends"
    expect(page.locator(".fh-answer")).to_contain_text("costs $5.99 and takes 3 to 5 business days; express costs $14")
    assert re.search(r"[?&]c=[\w-]{16,}", page.url)


def test_a_citation_opens_its_article_and_a_related_one(open_page: Open) -> None:
    page = open_page()
    ask(page, TRACK)
    answered(page)
    title = page.locator(CHIP).first.inner_text().split(maxsplit=1)[1]
    page.locator(CHIP).first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(title)
    expect(dialog.locator(".fh-article p").nth(1)).not_to_be_empty()
    related = dialog.locator('[class*="st-key-related-"] button')
    if related.count():
        name = related.first.inner_text()
        related.first.click()
        expect(page.get_by_role("dialog")).to_contain_text(name.split("\n")[-1])
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.locator("[data-cite]").first.click()  # the mark in the text does the same as its chip
    expect(page.get_by_role("dialog")).to_contain_text(title)


def test_an_article_has_an_address_of_its_own(open_page: Open) -> None:
    page = open_page("/?article=track-order")
    expect(page.locator(".fh-article h1")).not_to_be_empty()
    page.get_by_role("button", name="Ask the assistant").click()
    expect(page.get_by_placeholder("Type your question")).to_be_visible()
    assert "article=" not in page.url
    page.goto(page.url.split("?")[0] + "?article=no-such-article")
    expect(page.locator(".fh-notice")).to_contain_text("couldn't find that article")


def test_a_suggestion_is_sent(open_page: Open) -> None:
    page = open_page()
    ask(page, TRACK)
    answered(page)
    suggestion = page.locator(SUGGESTION).first
    text = suggestion.inner_text()
    suggestion.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".fh-bubble").nth(1)).to_have_text(text)
    answered(page, 2)


def test_reload_continues_the_conversation_and_stays_signed_in(open_page: Open) -> None:
    page = open_page()
    name = sign_in(page)
    ask(page, "Where is my order?")
    answered(page)
    said = page.locator(".fh-answer").inner_text()
    page.reload()
    expect(page.locator(".st-key-account")).to_contain_text(name)
    expect(page.locator(".fh-answer")).to_have_text(said.replace("\n", ""), use_inner_text=False)
    ask(page, TRACK)
    answered(page, 2)
    assert "ey" not in page.url.split("?")[1].split("c=")[0], "no token in the address"
    cookie = next(c for c in page.context.cookies() if c["name"] == "pestle_session")
    assert cookie["sameSite"] == "Strict"


def test_order_card_shows_the_timeline(open_page: Open) -> None:
    page = open_page()
    sign_in(page)
    ask(page, "Where is my order?")
    answered(page)
    card = page.locator(".fh-card").first
    expect(card).to_be_visible()
    assert card.locator(".fh-steps li").count() >= 2
    expect(card.locator('[aria-current="step"], .fh-done').first).to_be_visible()


def test_sign_out_forgets_everything(open_page: Open) -> None:
    page = open_page()
    sign_in(page)
    ask(page, "Where is my order?")
    answered(page)
    kept = page.url
    page.locator(".st-key-account button").first.click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator(".fh-notice")).to_contain_text("signed out")
    expect(page.locator(".fh-answer")).to_have_count(0)
    page.goto(kept)  # the kept address of a customer's conversation opens for nobody else
    expect(page.locator(".fh-notice")).to_contain_text("here is a new one")
    expect(page.locator(".fh-answer")).to_have_count(0)
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_signing_in_offers_the_question_again(open_page: Open) -> None:
    page = open_page()
    ask(page, "Where is my order?")
    answered(page)
    sign_in(page)
    example = page.locator(".st-key-examples button").first
    expect(example).to_have_text("Where is my order?")


def test_expired_sign_in_is_one_sentence_and_a_fresh_start(open_page: Open, api: Served) -> None:
    page = open_page()
    sign_in(page)
    ask(page, "Where is my order?")
    answered(page)
    api.state.expire_tokens()
    ask(page, "And when does it arrive?")
    expect(page.locator(".fh-notice")).to_contain_text("sign in again")
    expect(page.locator(".fh-answer")).to_have_count(0)
    expect(page.get_by_placeholder("Type your question")).to_have_value("And when does it arrive?")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_markup_in_a_message_is_shown_as_typed(open_page: Open) -> None:
    page = open_page()
    text = (
        "<script>window.hacked=1</script><img src=x onerror=window.hacked=1> # not a heading **bold** $5 and $6$ "
        ":red[x] :smile: ![x](http://evil.invalid/x.png) [l](javascript:window.hacked=1) &lt;b&gt;"
    )
    ask(page, text)
    bubble = page.locator(".fh-bubble")
    expect(bubble).to_have_text(text)
    answered(page)
    page.reload()
    expect(bubble).to_have_text(text)
    assert bubble.locator("*").count() == 0
    assert page.evaluate("window.hacked") is None


def test_markup_in_articles_and_labels_is_harmless(open_page: Open, api: Served) -> None:
    page = open_page()
    ask(page, "Tell me everything")
    answered(page)
    expect(page.locator(SUGGESTION).nth(1)).to_have_text("What does **bold** cost: $5 or $10?")
    expect(page.locator(CHIP).nth(1)).to_contain_text("Delivery speeds & fees: $5.99 or **free**?")
    page.locator(CHIP).first.click()
    article = page.locator('[role="dialog"] .fh-article')
    expect(article).to_contain_text("<script>window.hacked=1</script>")
    expect(article).to_contain_text("[bad](javascript:window.hacked=1) :red[plain] $x^2$")
    assert article.locator("img, script, a").count() == 0
    assert page.evaluate("window.hacked") is None


def test_an_emergency_stands_out(open_page: Open) -> None:
    page = open_page()
    ask(page, "I have chest pain and my arm is numb")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("911")
    expect(alert.locator('a[href="tel:911"]').first).to_be_visible()


def test_api_away_keeps_the_message_and_comes_back_by_itself(open_page: Open, api: Served) -> None:
    page = open_page()
    ask(page, TRACK)
    answered(page)
    api.stop()
    ask(page, "How fast is delivery after an outage?")
    trouble = page.locator(".st-key-trouble")
    expect(trouble).to_contain_text("can't reach the assistant")
    expect(trouble).to_contain_text("Your message is kept")
    expect(trouble.get_by_role("button", name="Try again")).to_be_visible()
    expect(page.locator(".fh-bubble").nth(1)).to_have_text("How fast is delivery after an outage?")
    api.start()
    answered(page, 2)
    expect(trouble).to_have_count(0)
    assert api.state.turns.count("How fast is delivery after an outage?") == 1


def test_page_opened_while_the_api_is_away_comes_back(open_page: Open, api: Served) -> None:
    page = open_page()
    ask(page, TRACK)
    answered(page)
    api.stop()
    page.reload()
    expect(page.locator(".st-key-trouble")).to_contain_text("Your conversation is kept")
    api.start()
    answered(page)
    expect(page.locator(".fh-bubble")).to_have_text(TRACK)


def test_refused_and_failing_messages_are_explained(open_page: Open, api: Served) -> None:
    page = open_page()
    ask(page, "This is too long")
    expect(page.locator(".fh-notice")).to_contain_text("please send a shorter one")
    expect(page.get_by_placeholder("Type your question")).to_have_value("This is too long")
    ask(page, "Please break")
    expect(page.locator(".st-key-trouble")).to_contain_text("Something went wrong on our side.")
    page.get_by_role("button", name="Discard message").click()
    expect(page.locator(".st-key-trouble")).to_have_count(0)


def test_two_quick_messages_are_both_answered_once(open_page: Open, api: Served) -> None:
    page = open_page()
    first, second = "How do I track my order, quickly?", "How fast is delivery, really?"
    ask(page, first)
    expect(page.locator(".fh-new")).to_be_visible()
    ask(page, second)
    answered(page, 2)
    expect(page.locator(".fh-bubble")).to_have_text([first, second])
    assert [t for t in api.state.turns if t in (first, second)] == [first, second]


def test_new_chat_starts_over_and_back_returns(open_page: Open) -> None:
    page = open_page()
    ask(page, TRACK)
    answered(page)
    page.get_by_role("button", name="New chat").click()
    expect(page.locator(".fh-hello")).to_be_visible()
    assert "c=" not in page.url
    page.go_back()
    expect(page.locator(".fh-bubble")).to_have_text(TRACK)


WHY = '[class*="st-key-why-"]'


def test_why_this_answer_is_there_only_where_the_api_has_it(open_page: Open, api: Served) -> None:
    page = open_page()
    ask(page, TRACK)
    answered(page)
    expect(page.locator(CHIP).first).to_be_visible()
    expect(page.locator(WHY)).to_have_count(0)


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (390, "dark")])
def test_why_this_answer_opens_in_its_place(open_page: Open, api: Served, width: int, scheme: str) -> None:
    api.state.explain = True
    page = open_page(width=width, height=700, scheme=scheme)
    for number in (1, 2):
        ask(page, TRACK)
        answered(page, number)
    line = page.locator(WHY).last.locator("summary")
    line.scroll_into_view_if_needed()
    asked = len(api.state.whys)
    before = line.bounding_box()
    line.focus()
    page.keyboard.press("Enter")
    why = page.locator(".fh-why")
    expect(why).to_contain_text("Order tracking: very likely (91%)")
    expect(why).to_contain_text("Medical advice: in doubt")
    expect(why).to_contain_text("3 drafted sentences")
    assert line.bounding_box() == before, "the page stays where it is"
    assert len(api.state.whys) == asked + 1, "loaded when opened, and only what was opened"
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= width
    page.keyboard.press("Enter")
    expect(why).to_have_count(0)
    page.keyboard.press("Enter")
    expect(why).to_have_count(1)
    assert len(api.state.whys) == asked + 1


def test_why_this_answer_while_the_api_is_away_is_one_sentence(open_page: Open, api: Served) -> None:
    api.state.explain = True
    page = open_page()
    ask(page, TRACK)
    answered(page)
    api.stop()
    page.locator(WHY).locator("summary").click()
    expect(page.locator(WHY)).to_contain_text("can't reach the assistant")
    expect(page.locator(".fh-answer")).to_have_count(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone_width_has_no_sideways_scroll(open_page: Open, scheme: str) -> None:
    page = open_page(width=390, height=844, scheme=scheme)
    sign_in(page)
    ask(page, "Where is my order? " + "x" * 300)
    answered(page)
    ask(page, TRACK)
    answered(page, 2)
    width = page.evaluate(
        "Math.max(document.documentElement.scrollWidth, document.querySelector('[data-testid=stMain]').scrollWidth)"
    )
    assert width <= 390
    expect(page.get_by_role("button", name="New chat")).to_be_visible()
    background = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    lightness = sum(int(n) for n in re.findall(r"\d+", background)[:3])
    assert (lightness < 200) == (scheme == "dark")
