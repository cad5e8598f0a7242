"""HTML of replies, cards and articles: what is drawn, and that nothing in it is markup but ours."""

from __future__ import annotations

import base64
import json
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ui.answer import chips_html, question_html, reply_html, said_html, without_marks
from app.ui.article import article_html, related
from app.ui.cards import card_html
from app.ui.desk.records import account_html
from app.ui.desk.state import staff_of
from app.ui.gaps import gap_html
from app.ui.person import status_html
from app.ui.review import proposal_html
from app.ui.session import COOKIE, Chat, Visitor, pack, unpack
from app.ui.text import day, label, plain, prose
from app.ui.why import why_html

EVIL = '<img src=x onerror="a()">"\'&<script>'


class Shape(HTMLParser):
    """The tags and the visible text of some HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def sentence(text: str, *citations: int, **more: Any) -> dict[str, Any]:
    return {"text": text, "citations": list(citations), **more}


@given(st.text())
def test_a_question_is_shown_as_typed(text: str) -> None:
    shape = Shape(question_html(text))
    assert shape.tags == ["div", "span", "div"]


def test_control_characters_are_made_visible() -> None:
    assert plain("a\x00b\u202ec\n\td") == "a\ufffdb\ufffdc\n\td"


@given(st.text())
def test_a_reply_holds_no_markup_but_ours(text: str) -> None:
    citation = {"n": 1, "article_id": text, "title": text, "kind": "article"}
    shape = Shape(reply_html({"text": text, "sentences": [sentence(text, 1)], "citations": [citation]}, "1"))
    assert set(shape.tags) <= {"div", "p", "span", "sup", "a", "ol", "ul", "li"}
    assert all(v is None or not v.startswith("javascript") for k, v in shape.attributes if k == "href")


def test_steps_and_bullets_become_lists() -> None:
    text = "Do this: [1]\n1. Open Orders.\n2. Press Track. [1]\nOr call.\n- by phone\n- by chat"
    sentences = [sentence(s) for s in ("Do this:", "Open Orders.", "Press Track.", "Or call.", "by phone", "by chat")]
    shape = Shape(reply_html({"text": text, "sentences": sentences}, "1"))
    assert shape.tags == ["div", "p", "span", "ol", *["li", "span"] * 2, "p", "span", "ul", *["li", "span"] * 2]


def test_steps_while_streaming_are_known_by_their_kind_or_number() -> None:
    live = {"sentences": [sentence("Open Orders.", kind="step"), sentence("2. Press Track.")]}
    shape = Shape(reply_html(live, "live", live=True))
    assert shape.tags.count("li") == 2
    assert "2." not in shape.text


def test_paragraphs_follow_the_text() -> None:
    reply = {"text": "One. Two.\nThree.", "sentences": [sentence("One."), sentence("Two."), sentence("Three.")]}
    assert Shape(reply_html(reply, "1")).tags.count("p") == 2


def test_a_source_is_marked_where_its_run_ends() -> None:
    citations = [{"n": n, "article_id": f"a{n}", "title": "T"} for n in (1, 2)]
    sentences = [sentence("One. [1]", 1), sentence("Two. [1]", 1), sentence("Three [2].", 2)]
    html = reply_html({"text": "One. Two. [1] Three [2].", "sentences": sentences, "citations": citations}, "4")
    assert Shape(html).text.replace(" ", "") == "One.Two.1Three.2"
    assert 'data-cite="4-1"' in html


def test_only_an_emergency_is_an_alert() -> None:
    urgent = {"text": "Call 911.", "sentences": [sentence("Call 911 or 1-800-222-1222.")], "outcome": "emergency"}
    assert ("role", "alert") in Shape(reply_html(urgent, "1")).attributes
    assert ("href", "tel:911") in Shape(reply_html(urgent, "1")).attributes
    assert ("href", "tel:1-800-222-1222") in Shape(reply_html(urgent, "1")).attributes
    calm = reply_html({**urgent, "outcome": "answered"}, "1")
    assert ("role", "alert") not in Shape(calm).attributes
    assert prose("order 911") == "order 911"


def test_a_card_is_drawn_from_whatever_is_there() -> None:
    steps = [{"label": EVIL, "state": "problem", "when": EVIL}, {"label": "Later", "state": "unheard of"}]
    full = {"number": EVIL, "title": EVIL, "lines": [EVIL], "status_text": EVIL, "steps": steps, "total": EVIL}
    shape = Shape(card_html(full))
    assert not {"img", "script"} & set(shape.tags)
    assert shape.text.count(EVIL) == 7
    assert ("aria-current", "step") in shape.attributes
    for name in full:
        assert card_html({k: v for k, v in full.items() if k != name})
    assert card_html({"number": None, "steps": None, "lines": None, "promised": None})


def test_why_is_drawn_from_whatever_is_there() -> None:
    named = {"name": EVIL, "label": EVIL}
    full = {
        "questions": [{"taken_for": named, "intents": [{**named, "likelihood": EVIL, "probability": 0.914}]}],
        "acted": named,
        "rails": [{**named, "verdict": "no sign"}, {**named, "verdict": EVIL}],
        "sources": [{"n": 1, "title": EVIL, "kind": "article"}],
        "held_back": 2,
        "checks": [{**named, "count": 2}],
        "composer": named,
        "versions": {"policy": EVIL, "knowledge": None},
    }
    shape = Shape(why_html(full))
    assert set(shape.tags) == {"dl", "div", "dt", "dd", "ul", "li", "b", "code"}
    assert shape.text.count(EVIL) == 11
    assert "(91%)" in shape.text
    assert "2 drafted sentences" in shape.text
    for name in full:
        assert why_html({k: v for k, v in full.items() if k != name})
        assert why_html({**full, name: None})
    assert "nothing" in Shape(why_html({"held_back": 0})).text
    assert "over 99%" in why_html({"questions": [{"intents": [{"probability": 1.0}]}] * 2})


@given(st.text())
def test_an_article_loads_and_runs_nothing(text: str) -> None:
    body = f"{text}\n\n{EVIL} ![pixel](http://x.invalid/p.png) [a](javascript:b) [c](data:text/html,d)\n\n{text}"
    shape = Shape(article_html({"title": EVIL, "topic": text, "body": body}, heading=True))
    assert not {"img", "script", "iframe", "style"} & set(shape.tags)
    assert all((v or "").split(":")[0] not in ("javascript", "data") for k, v in shape.attributes if k == "href")


def test_related_articles_need_an_id() -> None:
    links = [{"id": "a", "title": "A"}, {"id": "b"}, {"title": "?"}, None]
    assert related({"links": links}) == [("a", "A"), ("b", "b")]


def test_labels_are_one_short_line_without_markup() -> None:
    assert label("**a**\n$5 :red[x]") == "\\*\\*a\\*\\* \\$5 \\:\u200bred\\[x\\]"
    assert len(label("x" * 500)) == 120
    assert day("2026-06-05") == "June 5, 2026"
    assert day("soon") == "soon"


def test_the_cookie_brings_the_visitor_back() -> None:
    visitor = Visitor("aa.bb.cc", 'Zoë "Z" O\'Neil; Path=/')
    value = pack(visitor)
    assert value.replace("-", "").replace("_", "").isalnum()
    assert unpack({COOKIE: value}) == visitor


@pytest.mark.parametrize("value", ["", "%", "Zm9v", "bnVsbA", "WzEsMl0", "x" * 5000])
def test_a_strange_cookie_is_nobody(value: str) -> None:
    assert unpack({COOKIE: value}) is None
    odd = base64.urlsafe_b64encode(json.dumps([f"a.b.{value}\r\nX: y", "n"]).encode()).decode()
    assert unpack({COOKIE: odd}) is None
    assert unpack({}) is None


def test_what_the_api_has_is_taken_once() -> None:
    chat = Chat(conversation_id="c1")
    chat.messages = [{"role": "customer", "text": "Hi"}, {"role": "assistant", "reply": {"message_id": "m2"}}]
    rows = [
        {"id": "m1", "seq": 1, "role": "customer", "text": "Hi"},
        {"id": "m2", "seq": 2, "role": "assistant", "reply": {"message_id": "m2"}},
        {"id": "m3", "seq": 3, "role": "agent", "text": "Hello"},
    ]
    assert chat.take(rows)
    assert [m["seq"] for m in chat.messages] == [1, 2, 3]
    assert not chat.take(rows)
    assert (len(chat.messages), chat.last_seq) == (3, 3)


def test_signing_in_and_out_leaves_nothing_behind() -> None:
    chat = Chat(messages=[{"role": "customer", "text": "Where is it?"}], conversation_id="c1")
    chat.sign_in(Visitor("a.b.c", "Maria"))
    assert (chat.messages, chat.conversation_id, chat.question) == ([], None, "Where is it?")
    chat.send("Hello")
    chat.send("   ")
    assert [out.text for out in chat.outbox] == ["Hello"]
    chat.sign_out("Bye.")
    assert (chat.visitor, chat.cookie, chat.outbox, chat.question, chat.notice) == (None, "", [], None, "Bye.")


@given(st.text())
def test_what_people_write_is_shown_as_written(text: str) -> None:
    for role in ("agent", "notice"):
        shape = Shape(said_html({"role": role, "text": text, "author": text}))
        assert set(shape.tags) <= {"div", "span", "b", "a"}
        assert all((value or "").startswith("tel:") for name, value in shape.attributes if name == "href")


def test_the_status_line_says_what_the_api_says() -> None:
    text = "You are next in line for customer care. People who asked lately waited about 4 minutes."
    shape = Shape(status_html({"state": "waiting", "text": text}))
    assert text in shape.text
    held = status_html({"state": "held", "agent_name": EVIL, "text": f"{EVIL} (a pharmacist) is here."})
    assert not {"img", "script"} & set(Shape(held).tags)
    assert f"<b>{plain(EVIL)}</b>" in held
    assert "connection was lost" in status_html({"state": "held", "text": text}, lost=True)


@pytest.mark.parametrize("kind", ["knowledge", "case", "preference", EVIL])
def test_a_proposal_is_drawn_from_whatever_is_there(kind: str) -> None:
    correction = {"question": EVIL, "rejected": EVIL, "chosen": EVIL, "agent_id": EVIL}
    data = {"title": EVIL, "diff": f"--- a/x.md\n+++ b/x.md\n@@ -1 +1 @@\n-{EVIL}\n+{EVIL}\n same", "yaml": EVIL}
    full = {"kind": kind, "data": data, "correction": correction, "decided_by": EVIL, "state": "accepted"}
    assert not {"img", "script"} & set(Shape(proposal_html(full)).tags)
    for name in full:
        assert proposal_html({**full, name: None})
    if kind == "knowledge":
        assert Shape(proposal_html(full)).text.count("added: ") == 1


def test_gaps_and_records_are_drawn_from_whatever_is_there() -> None:
    gap = {"question": EVIL, "count": 3, "trend": [0, 2, 1], "examples": [EVIL, "other"], "kind": "unanswered"}
    assert "Per week, the newest last: 0, 2, 1" in gap_html(gap)
    for name in gap:
        assert not {"img", "script"} & set(Shape(gap_html({**gap, name: None})).tags)
    records = {
        "orders": [{"number": EVIL}], "prescriptions": [{"drug": EVIL, "refills_left": 0, "directions": EVIL}, {}],
        "transfers": [{"drug": EVIL, "other_pharmacy": EVIL}], "insurance": EVIL, "address": None,
    }  # fmt: skip
    shape = Shape(account_html(records))
    assert not {"img", "script"} & set(shape.tags)
    assert "Refills left0" in shape.text
    assert account_html({}) == ""


def test_sources_beside_a_reply_open_beside_the_page() -> None:
    citations = [{"n": 1, "article_id": EVIL, "title": EVIL}, {"n": 2, "kind": "order", "title": "Order"}]
    shape = Shape(chips_html({"citations": citations}))
    assert shape.tags.count("a") == 1
    assert ("target", "_blank") in shape.attributes
    assert chips_html({}) == ""
    assert without_marks("Two days. [1] And [2, 3] done [1].") == "Two days. And done."


@pytest.mark.parametrize("token", ["", "a.b", "a.bm90IGpzb24.c", "a.W10.c", "a.e30.c"])
def test_a_strange_token_is_nobody(token: str) -> None:
    assert staff_of(token) is None
