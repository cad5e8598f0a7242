"""The few lines of fixed JavaScript on the page: the session cookie, focus, and what Streamlit has no argument for.

Nothing from a customer, an article or a model is ever put into a script.
"""

from __future__ import annotations

import re

import streamlit as st

from app.ui.session import COOKIE, COOKIE_SECONDS

_SAFE = re.compile(r"[A-Za-z0-9_-]*")

# A mark in the text opens the same article as its chip below. The last question stays in view while its answer
# grows, until the customer scrolls or opens "Why this answer?". Screen readers hear new sentences.
_PAGE = """
if (!window.fernhollow) {
  window.fernhollow = true;
  let following = true, asked = 0;
  document.addEventListener("click", (event) => {
    if (event.target.closest && event.target.closest('[class*="st-key-why-"]')) following = false;
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
  const follow = () => {
    const questions = document.querySelectorAll(".fh-question");
    if (questions.length !== asked) { asked = questions.length; following = asked > 0; }
    if (following && asked) questions[asked - 1].scrollIntoView({block: "start"});
  };
  new MutationObserver(follow).observe(document.querySelector(".stMain"), {childList: true, subtree: true});
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


def page_script(turn: int) -> None:
    """Labels, focus and clicks. `turn` makes the script run again after each answer."""
    _run(_PAGE + _FOCUS + f"/* {int(turn)} */")


def cookie_script(value: str) -> None:
    """Writes the session cookie of `session.pack`; an empty value removes it."""
    if not _SAFE.fullmatch(value):
        raise ValueError("a cookie value is made by session.pack")
    age = COOKIE_SECONDS if value else 0
    _run(
        f'document.cookie = "{COOKIE}={value}; Max-Age={age}; Path=/; SameSite=Strict"'
        ' + (location.protocol === "https:" ? "; Secure" : "");'
    )


def _run(script: str) -> None:
    st.html(f"<script>(() => {{{script}}})();</script>", unsafe_allow_javascript=True)
