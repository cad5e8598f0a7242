"""The agents' desk: the queue on the left, one conversation in the middle, what helps to answer it on the right."""

from __future__ import annotations

import streamlit as st

from app.ui import staff
from app.ui.api_client import ApiAway, ApiError, NotThere, SignInEnded
from app.ui.desk import aside, queue, room
from app.ui.desk.state import Desk
from app.ui.staff_client import StaffClient


def main() -> None:
    staff.page("Agents' desk", draw)


def draw(desk: Desk, client: StaffClient) -> None:
    _follow_url(desk)
    _load(desk, client)
    with st.container(key="toast"):
        staff.notices(desk)
    with st.container(key="desk-open" if desk.conversation_id else "desk"):
        left, middle, right = st.columns([27, 46, 31], gap="small")
        with left, st.container(key="queue"):
            queue.draw(desk)
        with middle, st.container(key="room"):
            room.draw(desk, client)
        with right, st.container(key="aside"):
            aside.draw(desk, client)
    desk.drawn = desk.news
    desk.read = (desk.conversation_id, desk.last_seq)


def _follow_url(desk: Desk) -> None:
    """A reload and a kept link find the open conversation again."""
    if desk.address.moved(desk.conversation_id) and desk.address.seen:
        desk.open(desk.address.seen)


def _load(desk: Desk, client: StaffClient) -> None:
    """Fetches the open conversation when it isn't here yet or something happened in it."""
    news = desk.view_news
    if desk.conversation_id is None or (desk.view is not None and news == desk.view_seen):
        return
    try:
        desk.view, desk.view_seen = client.conversation(desk.conversation_id), news
    except SignInEnded as error:
        desk.sign_out(str(error))
        st.rerun()
    except NotThere:
        desk.open(None)
        desk.notice = "That conversation isn't there any more."
    except ApiAway:
        desk.lost = True  # what was fetched before stays on the page
    except ApiError as error:
        desk.notice = str(error)
