"""How well the assistant does: live traffic in figures, and evaluation runs over time. No customer's words, no ids."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from app.ui import staff
from app.ui.api_client import ApiError, NotThere, SignInEnded
from app.ui.desk.state import Desk, rows
from app.ui.page import HERE
from app.ui.quality_live import (
    conversations_html,
    days_html,
    latency_html,
    outcomes_html,
    part,
    reasons_html,
    tiles_html,
)
from app.ui.quality_runs import broken_html, compared_html, complete, named, runs_html, suites_html
from app.ui.staff_client import StaffClient
from app.ui.text import plain

DAYS = {7: "1 week", 28: "4 weeks", 84: "12 weeks"}
AGAIN_S = 60.0


def main() -> None:
    staff.page("Quality", draw, need="evaluates")


def draw(desk: Desk, client: StaffClient) -> None:
    st.html(HERE / "quality.css")
    with st.container(key="sheet"):
        if run_id := st.session_state.get("report"):
            _report(desk, client, str(run_id))
            return
        st.html(
            '<div class="fh-hello"><h1>Quality</h1><p>Live traffic in figures, and evaluation runs over time.</p></div>'
        )
        staff.notices(desk)
        with st.container(key="live"):
            _live(desk, client)
        with st.container(key="runs"):
            _runs(desk, client)


@st.fragment(run_every=AGAIN_S)
def _live(desk: Desk, client: StaffClient) -> None:
    with st.container(key="live-head", horizontal=True, vertical_alignment="center", gap="medium"):
        st.html("<h2>Live traffic</h2>")
        days = st.segmented_control(
            "Period", list(DAYS), default=28, required=True, format_func=lambda d: DAYS[d], key="live-days",
            label_visibility="collapsed", width="content",
        )  # fmt: skip
    live = _ask(desk, lambda: client.live(days or 28))
    if live is None:
        return
    total = part(live, "total")
    if not total.get("conversations") and not total.get("turns") and not rows(total, "handovers"):
        st.html(
            '<p class="fh-calm">Nobody has written in this time. Figures appear here with the first conversation.</p>'
        )
        return
    st.html(tiles_html(live))
    st.html(f'<div class="fh-panels"><div>{conversations_html(live)}</div><div>{latency_html(live)}</div></div>')
    st.html(f'<div class="fh-panels"><div>{outcomes_html(live)}</div><div>{reasons_html(live)}</div></div>')
    st.html(days_html(live))


def _runs(desk: Desk, client: StaffClient) -> None:
    st.html("<h2>Evaluation runs</h2>")
    answer = _ask(desk, client.runs)
    if answer is None:
        return
    st.html(broken_html(rows(answer, "broken")) or "<span></span>")
    found = rows(answer, "runs")
    if not found:
        st.html('<p class="fh-calm">No evaluation has run here yet. <code>pestle eval</code> makes the first one.</p>')
        return
    st.html(
        suites_html(found) or '<p class="fh-none">No complete run has ended yet, so there is no course to show.</p>'
    )
    st.html(runs_html(found))
    by_id = {str(run.get("id")): run for run in reversed(found)}
    _open_one(by_id)
    _compare({key: run for key, run in by_id.items() if run.get("ended")})


def _open_one(by_id: Mapping[str, Mapping[str, Any]]) -> None:
    with_report = [key for key, run in by_id.items() if run.get("has_report")]
    if not with_report:
        st.html('<p class="fh-none">None of these runs has a report.</p>')
        return
    with st.container(key="open-report", horizontal=True, vertical_alignment="bottom", gap="small"):
        chosen = st.selectbox("Report", with_report, format_func=lambda key: named(by_id[key]), key="report-of")
        if st.button("Open the report", key="open", icon=":material/lab_profile:") and chosen:
            st.session_state["report"] = chosen
            st.rerun()


def _compare(by_id: Mapping[str, Mapping[str, Any]]) -> None:
    if len(by_id) < 2:
        st.html('<p class="fh-none">With a second run that has ended, two can be compared here.</p>')
        return
    keys = list(by_id)
    usual = [keys.index(str(run.get("id"))) for run in complete(list(by_id.values()))]  # the newest first
    after_at, before_at = usual[:2] if len(usual) > 1 else (0, 1)
    with st.container(key="compare", horizontal=True, gap="small"):
        before = st.selectbox(
            "Compare", keys, index=before_at, format_func=lambda key: named(by_id[key]), key="compare-before"
        )
        after = st.selectbox(
            "with", keys, index=after_at, format_func=lambda key: named(by_id[key]), key="compare-after"
        )
    if before and after and before != after:
        st.html(compared_html(by_id[before], by_id[after]))
    else:
        st.html('<p class="fh-none">Choose two different runs.</p>')


def _report(desk: Desk, client: StaffClient, run_id: str) -> None:
    try:
        html = client.report(run_id)
    except NotThere:
        html = None
        desk.notice = f"The report of run {run_id} isn't there any more."
    except ApiError as error:
        html = None
        desk.notice = str(error)
    with st.container(key="report-head", horizontal=True, vertical_alignment="center", wrap=False, gap="small"):
        if st.button("All runs", key="back", icon=":material/arrow_back:"):
            del st.session_state["report"]
            desk.notice = None
            st.rerun()
        st.html(f"<h2>{plain(run_id)}</h2>")
        if html is not None:
            st.download_button(
                "Download",
                html,
                f"{run_id}.html",
                "text/html",
                key="download",
                icon=":material/download:",
                on_click="ignore",
            )
    staff.notices(desk)
    if html is not None:
        with st.container(key="report"):
            # As a data URL it has an origin of its own: whatever is in it can't reach this page or its cookies.
            encoded = base64.b64encode(html.encode()).decode()
            st.iframe(f"data:text/html;charset=utf-8;base64,{encoded}", height=800, alt=f"Report of run {run_id}")


def _ask(desk: Desk, ask: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
    """The answer, or None where a sentence stands in its place."""
    try:
        return ask()
    except SignInEnded as error:
        desk.sign_out(str(error))
        st.rerun()
    except ApiError as error:
        st.html(f'<p class="fh-calm" role="alert">{plain(error)}</p>')
    return None
