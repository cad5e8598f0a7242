"""Knowledge gaps: what customers asked and got no good answer to, with counts and trend, each a start for an article."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app.ui import staff
from app.ui.api_client import ApiError
from app.ui.desk.state import Desk, attempt
from app.ui.staff_client import StaffClient
from app.ui.text import plain

DAYS = {7: "1 week", 28: "4 weeks", 84: "12 weeks"}
KINDS = {"unanswered": "No answer", "badly_rated": "Badly rated"}
EXAMPLES = 5


def main() -> None:
    staff.page("Knowledge gaps", draw, need="reviews")


def draw(desk: Desk, client: StaffClient) -> None:
    with st.container(key="sheet"):
        st.html(
            '<div class="fh-hello"><h1>Knowledge gaps</h1><p>Questions without a good answer, '
            "named by the most typical one.</p></div>"
        )
        days = st.segmented_control(
            "Period", list(DAYS), default=28, required=True, format_func=lambda d: DAYS[d], key="gap-days",
            label_visibility="collapsed",
        )  # fmt: skip
        staff.notices(desk)
        try:
            found = client.gaps(days or 28)
        except ApiError as error:
            st.html(f'<p class="fh-calm" role="alert">{plain(error)}</p>')
            return
        if not found:
            st.html('<p class="fh-calm">No gaps in this time. Every question found an answer.</p>')
        for gap in found:
            _gap(desk, client, gap)


def _gap(desk: Desk, client: StaffClient, gap: Mapping[str, Any]) -> None:
    with st.container(key=f"gap-row-{gap.get('id')}", horizontal=True, vertical_alignment="center", gap="medium"):
        st.html(gap_html(gap))
        begun = str(gap.get("draft_id") or "")
        words = "Open the draft" if begun else "Write an article"
        if st.button(words, key=f"write-{gap.get('id')}", icon=":material/edit_note:"):
            made: dict[str, Any] = {"id": begun}
            about = {"gap_id": str(gap.get("id")), "question": str(gap.get("question"))}
            if begun or attempt(desk, lambda: made.update(client.start_draft(**about))):
                st.session_state["draft"] = str(made["id"])
                st.switch_page(st.session_state["pages"]["editor"])
            st.rerun()


def gap_html(gap: Mapping[str, Any]) -> str:
    count, kind = gap.get("count", 0), str(gap.get("kind"))
    times = "time" if count == 1 else "times"
    examples = [str(e) for e in gap.get("examples") or () if str(e) != str(gap.get("question"))][:EXAMPLES]
    trend = [n for n in gap.get("trend") or () if isinstance(n, int | float)]
    return (
        f'<div class="fh-gap"><div class="fh-gap-count"><b>{plain(count)}</b><span>{times}</span></div>'
        f'<div><h2>{plain(gap.get("question", ""))}</h2><p><span class="fh-kind fh-{plain(kind)}">'
        f"{plain(KINDS.get(kind, kind))}</span> {' · '.join(plain(e) for e in examples)}</p></div>{_trend(trend)}</div>"
    )


def _trend(weeks: Sequence[float]) -> str:
    """Bars, the last one the newest week; and in words for whoever doesn't see them."""
    if not weeks:
        return ""
    most = max(weeks) or 1
    bars = "".join(f'<i style="height:{max(6, round(100 * n / most))}%"></i>' for n in weeks)
    words = ", ".join(f"{n:g}" for n in weeks)
    return (
        f'<div class="fh-trend" role="img" aria-label="Per week, the newest last: {words}" title="{words}">{bars}</div>'
    )
