"""The few lines of fixed JavaScript on the page: the session cookie, focus, and what Streamlit has no argument for.

Nothing from a customer, an article or a model is ever put into a script.
"""

from __future__ import annotations

import re

import streamlit as st

from app.ui.session import COOKIE, COOKIE_SECONDS
from app.ui.text import plain

_SAFE = re.compile(r"[A-Za-z0-9_-]*")

# A mark in the text opens the same article as its chip below. The last question stays in view while its answer
# grows, until the customer scrolls or presses something in the conversation. What a person says comes into view
# only for somebody who reads at the end. Screen readers hear new sentences.
_PAGE = """
if (!window.fernhollow) {
  window.fernhollow = true;
  let following = true, asked = 0, said = 0, atEnd = true;
  document.addEventListener("click", (event) => {
    if (event.target.closest && event.target.closest(".st-key-log")) following = false;
    const mark = event.target.closest && event.target.closest("[data-cite]");
    if (!mark || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const chip = document.querySelector(".st-key-cite-" + CSS.escape(mark.dataset.cite) + " button");
    if (chip) { event.preventDefault(); chip.click(); }
  });
  const moves = ["PageUp", "PageDown", "Home", "End", "ArrowUp", "ArrowDown"];
  for (const kind of ["wheel", "touchmove", "keydown"])
    document.addEventListener(kind, (event) => {
      if (kind !== "keydown" || (moves.includes(event.key) && event.target.tagName !== "TEXTAREA")) following = false;
    }, {passive: true});
  const main = document.querySelector(".stMain");
  main.addEventListener("scroll", () => {
    atEnd = main.scrollTop + main.clientHeight > main.scrollHeight - 120;
  }, {passive: true});
  const follow = () => {
    const questions = document.querySelectorAll(".fh-question");
    const persons = document.querySelectorAll(".fh-person, .fh-happened");
    if (questions.length !== asked) { asked = questions.length; following = asked > 0; }
    if (persons.length > said && asked && (following || atEnd)) {
      following = false;
      persons[persons.length - 1].scrollIntoView({block: "nearest"});
    }
    said = persons.length;
    if (following && asked) questions[asked - 1].scrollIntoView({block: "start"});
  };
  new MutationObserver(follow).observe(main, {childList: true, subtree: true});
  follow();
}
const app = document.querySelector(".stApp");
if (app) document.documentElement.style.colorScheme = getComputedStyle(app).colorScheme;
const log = document.querySelector(".st-key-log");
const about = {role: "log", "aria-live": "polite", "aria-label": "Conversation"};
if (log) for (const [name, value] of Object.entries(about)) log.setAttribute(name, value);
"""

# Not on touch screens, where focus would open the keyboard over the answer; and never out of somebody's hands.
_FOCUS = """
let tries = 40;
const focus = () => {
  const box = document.querySelector('[data-testid="stChatInput"] textarea');
  if (!box && tries-- > 0) return setTimeout(focus, 50);
  const idle = !document.activeElement || ["BODY", "MAIN"].includes(document.activeElement.tagName);
  if (box && idle && window.matchMedia("(hover: hover)").matches) box.focus({preventScroll: true});
};
focus();
"""


# What is being typed survives a reload of this tab: kept under the name that stands on the page (`data-draft`), which
# changes when the text is sent. Streamlit's own state of the input follows by the events that typing would send.
_DRAFTS = """
if (!window.fernhollowDrafts) {
  window.fernhollowDrafts = true;
  const boxes = {
    chat: '[data-testid="stChatInput"] textarea', reply: '[class*="st-key-reply-box-"] textarea',
    article: '[class*="st-key-article-text-"] textarea',
  };
  const marks = () => [...document.querySelectorAll("[data-draft]")];
  const named = (mark) => "pestle:" + mark.dataset.box + ":" + mark.dataset.draft;
  document.addEventListener("input", (event) => {
    for (const mark of marks())
      if (event.target.matches(boxes[mark.dataset.box])) sessionStorage.setItem(named(mark), event.target.value);
  });
  const known = new Set();
  const restore = () => {
    for (const mark of marks()) {
      const name = named(mark), box = document.querySelector(boxes[mark.dataset.box]);
      if (!box || known.has(name)) continue;
      known.add(name);
      for (let i = sessionStorage.length - 1; i >= 0; i--) {
        const other = sessionStorage.key(i), stem = name.slice(0, name.lastIndexOf(":") + 1);
        if (other !== name && other.startsWith(stem)) sessionStorage.removeItem(other);
      }
      const text = sessionStorage.getItem(name);
      if (!text || box.value) continue;
      Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(box, text);
      box.dispatchEvent(new Event("input", {bubbles: true}));
      box.dispatchEvent(new FocusEvent("focusout", {bubbles: true}));
    }
  };
  new MutationObserver(restore).observe(document.body, {childList: true, subtree: true, attributeFilter: ["data-draft"]});
  restore();
}
"""


# The desk: single keys press what stands on the page, the title tells who waits, the last words are in view for
# whoever reads at the end. Keys are for when nobody types; Ctrl+Enter sends from within the reply.
_DESK = """
if (!window.fernhollowDesk) {
  window.fernhollowDesk = true;
  const press = (selector) => {
    const found = document.querySelector(selector);
    if (found) found.click();
    return Boolean(found);
  };
  const focus = (selector) => { const found = document.querySelector(selector); if (found) found.focus(); return Boolean(found); };
  const tab = (name) => {
    const found = [...document.querySelectorAll('.st-key-aside [role="tab"]')].find((t) => t.textContent.trim() === name);
    if (found) found.click();
    return Boolean(found);
  };
  const soon = (act) => { let tries = 40; const go = () => { if (!act() && tries-- > 0) setTimeout(go, 50); }; go(); return true; };
  const keys = {
    c: () => press(".st-key-claim button"), r: () => focus('[class*="st-key-reply-box-"] textarea'),
    e: () => press(".st-key-edit-suggestion button") && soon(() => {
      const box = document.querySelector('[class*="st-key-reply-box-"] textarea');
      if (box && box.value) box.focus();
      return box && box.value;
    }),
    s: () => press(".st-key-send-suggestion button"), d: () => press(".st-key-discard-suggestion button"),
    v: () => press('[class*="st-key-resolve-"] button'), t: () => press('[class*="st-key-transfer-"] button'),
    b: () => press('[class*="st-key-back-"] button'), k: () => press('[class*="st-key-canned-"] button'),
    u: () => tab("Customer"), n: () => tab("Notes"), p: () => tab("Past"), q: () => tab("Copilot"),
    "/": () => tab("Articles") && soon(() => focus('.st-key-article-words input')),
  };
  const typing = (target) => target.matches && target.matches('input, textarea, select, [contenteditable="true"]');
  document.addEventListener("keydown", (event) => {
    const box = event.target;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && box.closest && box.closest('[class*="st-key-reply-box-"]'))
      return setTimeout(() => press(".st-key-send button"), 30);
    if (event.key === "Escape" && typing(box) && box.type !== "search") return box.blur();
    if (typing(box) || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('[role="dialog"]')) return;
    const act = /^[1-9]$/.test(event.key)
      ? () => press('.st-key-queue [class*="-' + event.key + '-"][class*="st-key-q-"] button') : keys[event.key.toLowerCase()];
    if (act && act()) { event.preventDefault(); event.stopPropagation(); }
  }, true);
  let shown = "", atEnd = true;
  const sized = new ResizeObserver(([entry]) => { if (atEnd) entry.target.scrollTop = entry.target.scrollHeight; });
  document.addEventListener("scroll", (event) => {
    const frame = event.target;
    if (frame.querySelector && frame.querySelector(":scope > .st-key-said"))
      atEnd = frame.scrollTop + frame.clientHeight > frame.scrollHeight - 80;
  }, true);
  const look = () => {
    const counts = document.querySelector(".fh-counts");
    if (counts) {
      const waiting = Number(counts.dataset.waiting || 0), urgent = Number(counts.dataset.urgent || 0);
      const plain = document.title.replace(/^(\\(\\d+\\) |EMERGENCY · )+/, "");
      const wanted = (urgent ? "EMERGENCY · " : waiting ? "(" + waiting + ") " : "") + plain;
      if (document.title !== wanted) document.title = wanted;
    }
    const said = document.querySelector(".st-key-said"), mark = document.querySelector("[data-room]");
    if (!said || !mark) { shown = ""; return; }
    const frame = said.closest('[data-testid="stLayoutWrapper"]') || said;
    if (mark.dataset.room !== shown) { atEnd = true; sized.disconnect(); sized.observe(frame); }
    shown = mark.dataset.room;
    if (atEnd) frame.scrollTop = frame.scrollHeight;
  };
  const watcher = new MutationObserver(look);
  watcher.observe(document.querySelector(".stMain"), {childList: true, subtree: true});
  watcher.observe(document.head, {childList: true, subtree: true, characterData: true});
  look();
}
const app = document.querySelector(".stApp");
if (app) document.documentElement.style.colorScheme = getComputedStyle(app).colorScheme;
"""


def page_script(turn: int) -> None:
    """Labels, focus and clicks. `turn` makes the script run again after each answer."""
    run_script(_PAGE + _FOCUS + _DRAFTS + f"/* {int(turn)} */")


def keeps_draft(box: str, owner: str, sent: int) -> None:
    """Marks whose text stands in the input `box` ("chat", "reply" or "article") after `sent` texts were sent."""
    st.html(
        f'<span class="fh-unseen" data-box="{plain(box)}" data-draft="{plain(owner)}:{int(sent)}" aria-hidden="true"></span>'
    )


def staff_script() -> None:
    """The desk's keys, drafts and title."""
    run_script(_DESK + _DRAFTS)


def cookie_script(value: str, cookie: str = COOKIE) -> None:
    """Writes a session cookie of `session.pack`; an empty value removes it."""
    if not _SAFE.fullmatch(value) or not _SAFE.fullmatch(cookie):
        raise ValueError("a cookie value is made by session.pack")
    age = COOKIE_SECONDS if value else 0
    run_script(
        f'document.cookie = "{cookie}={value}; Max-Age={age}; Path=/; SameSite=Strict"'
        ' + (location.protocol === "https:" ? "; Secure" : "");'
    )


def run_script(script: str) -> None:
    """Runs a fixed script of this program's own."""
    st.html(f"<script>(() => {{{script}}})();</script>", unsafe_allow_javascript=True)
