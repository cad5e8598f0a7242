"""The review page: what a correction could become, each for a person to accept or reject."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.ui import staff
from app.ui.api_client import ApiError
from app.ui.desk.state import Desk, attempt
from app.ui.staff_client import StaffClient
from app.ui.text import day, plain, prose

KINDS = {"knowledge": "Article", "case": "Evaluation case", "preference": "Preference pair"}
STATES = {"open": "Open", "accepted": "Accepted", "rejected": "Rejected"}
DONE = {
    ("knowledge", "accept"): "Accepted: the article waits as a draft.",
    ("case", "accept"): "Accepted: the case is in the evaluation suite.",
    ("preference", "accept"): "Accepted: the pair is kept for the next tuning.",
}


def main() -> None:
    staff.page("Review", draw, need="reviews")


def draw(desk: Desk, client: StaffClient) -> None:
    with st.container(key="sheet"):
        st.html(
            '<div class="fh-hello"><h1>Review</h1><p>Each correction by an agent could become three things. '
            "Accept what is right for every customer.</p></div>"
        )
        with st.container(key="filters", horizontal=True, gap="medium"):
            state = st.segmented_control(
                "State", list(STATES), default="open", required=True, format_func=lambda s: STATES[s], key="review-state",
                label_visibility="collapsed",
            )  # fmt: skip
            kind = st.pills(
                "Kind", list(KINDS), format_func=lambda k: KINDS[k], key="review-kind", label_visibility="collapsed"
            )
        staff.notices(desk)
        try:
            found = client.proposals(state or "open", kind)
        except ApiError as error:
            st.html(f'<p class="fh-calm" role="alert">{plain(error)}</p>')
            return
        if not found:
            st.html('<p class="fh-calm">Nothing to review. Corrections appear here as agents answer.</p>')
        for proposal in found:
            _proposal(desk, client, proposal)


def _proposal(desk: Desk, client: StaffClient, proposal: Mapping[str, Any]) -> None:
    key, kind = str(proposal.get("id")), str(proposal.get("kind"))
    with st.container(key=f"proposal-{kind}-{key}"):
        st.html(proposal_html(proposal))
        if draft := str(proposal.get("draft_id") or ""):
            if st.button(
                "Open the draft", key=f"open-{key}", icon=":material/edit_note:", on_click=_open_draft, args=(draft,)
            ):
                st.switch_page(st.session_state["pages"]["editor"])
        elif proposal.get("state") == "open":
            with st.container(key=f"decide-{key}", horizontal=True, gap="xsmall", vertical_alignment="center"):
                for decision, text in (("accept", "Accept"), ("reject", "Reject")):
                    st.button(
                        text, key=f"{decision}-{key}", type="primary" if decision == "accept" else "secondary",
                        on_click=_decide, args=(desk, client, proposal, decision),
                    )  # fmt: skip
                st.text_input(
                    "Note", key=f"note-{key}", placeholder="A note (you don't have to)", label_visibility="collapsed",
                    on_change="ignore", max_chars=2000,
                )  # fmt: skip


def _open_draft(draft_id: str) -> None:
    st.session_state["draft"] = draft_id


def _decide(desk: Desk, client: StaffClient, proposal: Mapping[str, Any], decision: str) -> None:
    key, kind = str(proposal.get("id")), str(proposal.get("kind"))
    note = str(st.session_state.get(f"note-{key}") or "").strip()
    attempt(desk, lambda: client.decide(key, decision, note), DONE.get((kind, decision), "Rejected."))


def proposal_html(proposal: Mapping[str, Any]) -> str:
    """A proposal: what was asked, what the assistant and the person said, and what would change."""
    data, correction = _dict(proposal.get("data")), _dict(proposal.get("correction"))
    kind = str(proposal.get("kind"))
    question = correction.get("question") or data.get("question") or ""
    about = [
        str(correction.get("agent_id") or ""), day(str(proposal.get("created_at") or "")[:10]),
        f"{STATES.get(str(proposal.get('state')), '')} by {proposal['decided_by']}" if proposal.get("decided_by") else "",
    ]  # fmt: skip
    said = {name: data.get(name) or correction.get(name) or "" for name in ("rejected", "chosen")}
    body = _diff(data) if kind == "knowledge" else _pair(str(said["rejected"]), str(said["chosen"]))
    if kind == "case" and data.get("yaml"):
        body += f'<details class="fh-yaml"><summary>As it goes into the suite</summary><pre dir="auto">{plain(data["yaml"])}</pre></details>'
    title = data.get("title") or data.get("article_id") if kind == "knowledge" else None
    return (
        f'<header class="fh-proposal"><span class="fh-kind fh-{plain(kind)}">{plain(KINDS.get(kind, kind))}</span>'
        f"<h2>{plain(question)}</h2><p>{plain(' · '.join(part for part in about if part))}</p></header>"
        + (f'<p class="fh-hint">In: <b>{plain(title)}</b></p>' if title else "")
        + body
    )


def _pair(rejected: str, chosen: str) -> str:
    rows = (("The assistant", rejected, "del"), ("The person", chosen, "ins"))
    return '<div class="fh-pair">' + "".join(
        f'<div class="fh-{tone}"><b>{name}</b><p dir="auto">{prose(text)}</p></div>' for name, text, tone in rows if text
    ) + "</div>"  # fmt: skip


def _diff(data: Mapping[str, Any]) -> str:
    """The change of an article, line by line."""
    lines = str(data.get("diff") or "").splitlines()
    if not lines:
        return ""
    rows = "".join(_line(line) for line in lines if not line.startswith(("---", "+++")))
    return f'<div class="fh-diff" role="group" aria-label="Changes">{rows}</div>'


def _line(line: str) -> str:
    tone, word = {"+": ("ins", "added: "), "-": ("del", "removed: "), "@": ("gap", "")}.get(line[:1], ("same", ""))
    text = "" if tone == "gap" else line[1:] if line[:1] in "+- " else line
    return f'<p class="fh-{tone}"><span class="fh-unseen">{word}</span>{plain(text) or "&nbsp;"}</p>'


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
