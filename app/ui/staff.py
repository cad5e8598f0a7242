"""What all pages of the staff share: signing in, the bar on top, and hearing what happens."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

import streamlit as st
from streamlit import net_util

from app.ui import browser
from app.ui.answer import notice_html
from app.ui.api_client import ApiError, NotThere, SignInEnded
from app.ui.desk.feed import Feed
from app.ui.desk.state import BEAT_S, COOKIE, Desk, client_of, current, rows
from app.ui.page import HERE
from app.ui.staff_client import StaffClient
from app.ui.text import label, plain

LOOK_S = 0.4
QUEUE_S = 30.0  # the waiting times grow even where nothing happens
DEMO_STAFF = (
    ("agent", "Ann Baker"), ("agent", "Leo Marsh"), ("pharmacist", "Dr. Iris Okafor"), ("admin", "Sam Reyes"),
    ("evaluator", "Nia Brooks"),
)  # fmt: skip
ROLES = {"agent": "Support agent", "pharmacist": "Pharmacist", "admin": "Administrator", "evaluator": "Evaluator"}
WHO = {
    "serves": "agents, pharmacists and administrators", "reviews": "pharmacists and administrators",
    "evaluates": "evaluators and administrators",
}  # fmt: skip
NAV = (
    ("desk", "serves"), ("review", "reviews"), ("gaps", "reviews"), ("editor", "reviews"), ("quality", "evaluates"),
)  # fmt: skip
Draw = Callable[[Desk, StaffClient], None]
Need = Literal["serves", "reviews", "evaluates"]


def page(title: str, draw: Draw, need: Need = "serves") -> None:
    """A page of the staff: the bar, and `draw` for whoever is signed in and does what it needs."""
    net_util._external_ip = ""  # see page.frame
    st.set_page_config(page_title=f"{title} · Fernhollow", page_icon=str(HERE / "leaf.svg"), layout="wide")
    st.html(HERE / "style.css")
    st.html(HERE / "staff.css")
    desk = current()
    desk.inline, desk.drawn = True, ()
    if desk.title != title:  # what was said on another page stays there
        desk.title, desk.notice, desk.done = title, desk.notice if desk.who is None else None, None
    client = client_of(desk)
    _bar(desk, client, title)
    if desk.who is None:
        _sign_in(desk, client, need)
    elif not getattr(desk.who, need):
        st.html(notice_html(f"This page is for {WHO[need]}. Sign in as one of them to open it."))
    else:
        draw(desk, client)
    with st.container(key="scripts"):
        browser.staff_script()
        if desk.cookie is not None:
            browser.cookie_script(desk.cookie, COOKIE)


def notices(desk: Desk) -> None:
    """One sentence on what went wrong or well, in a place of its own, so that nothing moves when it comes or goes."""
    text, tone = desk.notice or desk.done, "fh-bad" if desk.notice else "fh-good"
    role = "alert" if desk.notice else "status"
    st.html(f'<div class="fh-toast {tone}" role="{role}">{plain(text)}</div>' if text else "<span></span>")


def _bar(desk: Desk, client: StaffClient, title: str) -> None:
    with st.container(key="topbar", horizontal=True, vertical_alignment="center", wrap=False, gap="small"):
        st.html(
            '<div class="fh-brand"><span class="fh-leaf"></span><span><b>Fernhollow Pharmacy</b>'
            f"<small>{plain(title)}</small></span></div>"
        )
        if desk.who is None:
            return
        if desk.who.serves:
            with st.container(key="presence", width="content"):  # alone in it: see person.line
                _presence(desk, client)
        pages = st.session_state.get("pages", {})
        with st.container(key="nav", horizontal=True, wrap=False, gap="xsmall", width="content"):
            for name, need in NAV:
                if name in pages and getattr(desk.who, need):
                    st.page_link(pages[name])
        with st.popover(label(desk.who.name, 24), icon=":material/person:", key="account"):
            role = ROLES.get(desk.who.role, desk.who.role)
            st.html(f'<p class="fh-hint">Signed in as <b>{plain(desk.who.name)}</b><br>{plain(role)}</p>')
            st.button("Sign out", key="sign-out", icon=":material/logout:", width="stretch", on_click=desk.sign_out)


@st.fragment(run_every=LOOK_S)
def _presence(desk: Desk, client: StaffClient) -> None:
    """Looks whether something happened, says that this agent is there, and counts who waits."""
    if desk.feed is None:
        desk.feed = Feed(client)
    inline, desk.inline = desk.inline, False
    news = desk.feed.look()
    now = time.monotonic()
    if news != desk.queue_seen or now - desk.queue_at > QUEUE_S:
        desk.queue_seen, desk.queue_at = news, now
        try:
            desk.queue, desk.lost = client.queue(), False
        except SignInEnded as error:
            desk.sign_out(str(error))
            st.rerun()
        except NotThere:
            desk.sign_out("The desk is for agents, pharmacists and administrators; sign in as one of them.")
            st.rerun()
        except ApiError:
            desk.lost, desk.queue_seen = True, (-1, -1)
    if now - desk.beat_at > BEAT_S:
        desk.beat_at = now
        for held in rows(desk.queue, "held"):
            if desk.who and held.get("agent_id") == desk.who.id:
                with suppress(ApiError):
                    client.heartbeat(str(held.get("handover_id")))
    waiting = rows(desk.queue, "waiting")
    urgent = sum(item.get("urgency") == "urgent" for item in waiting)
    st.html(_counts(len(waiting), urgent, desk.lost))
    if not inline and desk.drawn and desk.drawn != desk.news:
        desk.drawn = desk.news
        st.rerun()


def _counts(waiting: int, urgent: int, lost: bool) -> str:
    if lost:
        return '<div class="fh-counts fh-bad" role="status" data-waiting="0">Connection lost, trying again</div>'
    alarm = f'<b role="alert">{urgent} emergenc{"y" if urgent == 1 else "ies"} waiting</b>' if urgent else ""
    return (
        f'<div class="fh-counts" data-waiting="{waiting}" data-urgent="{urgent}">{alarm}'
        f"<span>{waiting or 'Nobody'} waiting</span></div>"
    )


def _sign_in(desk: Desk, client: StaffClient, need: Need) -> None:
    quality = need == "evaluates"
    known = ("evaluator", "admin") if quality else ("agent", "pharmacist", "admin")
    with st.container(key="staff-sign-in"):
        title = "Sign in" if quality else "Sign in to the desk"
        st.html(f'<div class="fh-hello"><h1>{title}</h1><p>For {WHO["evaluates" if quality else "serves"]}.</p></div>')
        if desk.notice:
            st.html(notice_html(desk.notice))
        with st.container(key="demo-staff"):
            for role, name in DEMO_STAFF:
                if role not in known:
                    continue
                st.button(
                    f"**{label(name)}**  \n{ROLES[role]}", key=f"staff-{role}-{name.split()[-1]}", width="stretch",
                    on_click=_enter, args=(desk, client, role, name),
                )  # fmt: skip
        with st.form("token", border=False):
            token = st.text_input(
                "Or paste a token", type="password", key="pasted-token", help="`pestle token --agent NAME` makes one."
            )
            if st.form_submit_button("Sign in") and not desk.sign_in(token.strip()):
                desk.notice = "That is not a token; paste all of it, without the word Bearer."
            if desk.who or desk.notice:
                st.rerun()


def _enter(desk: Desk, client: StaffClient, role: str, name: str) -> None:
    try:
        desk.sign_in(client.staff_token(role, name))
    except NotThere:
        desk.notice = "Demo sign-in is turned off here; paste a token instead."
    except ApiError as error:
        desk.notice = f"{error} Please try again in a moment."
