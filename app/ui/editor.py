"""The article editor: a draft, what is still wrong with it, the answer before and after, and publishing."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.ui import browser, staff
from app.ui.answer import chips_html, reply_html
from app.ui.api_client import ApiAway, ApiError, NotAccepted
from app.ui.desk.state import Desk, attempt, rows
from app.ui.staff_client import StaffClient
from app.ui.text import label, plain


def main() -> None:
    staff.page("Articles", draw, need="reviews")


def draw(desk: Desk, client: StaffClient) -> None:
    if chosen := st.session_state.pop("draft", None):
        st.query_params["draft"] = chosen
    with st.container(key="sheet"):
        staff.notices(desk)
        draft_id = st.query_params.get("draft")
        try:
            if draft_id:
                _editor(desk, client, client.draft(draft_id))
            else:
                _list(desk, client)
        except ApiAway as error:
            st.html(f'<p class="fh-calm" role="alert">{plain(error)} What you typed is kept.</p>')
            st.button("Try again", key="again", icon=":material/refresh:")
        except ApiError as error:
            st.html(f'<p class="fh-calm" role="alert">{plain(error)}</p>')
            st.button("All drafts", key="all-drafts", on_click=st.query_params.clear)


def _list(desk: Desk, client: StaffClient) -> None:
    st.html(
        '<div class="fh-hello"><h1>Articles</h1><p>Drafts in the making. Nothing is served before it is published.</p></div>'
    )
    for draft in client.drafts():
        name = label(draft.get("question") or draft.get("article_id") or "A draft", 100)
        st.button(
            f"**{name}**  \n{label(draft.get('article_id', ''), 80)}", key=f"draft-{draft.get('id')}", width="stretch",
            on_click=_open, args=(str(draft.get("id")),),
        )  # fmt: skip
    titles = {str(a.get("id")): str(a.get("title") or a.get("id")) for a in client.articles()}
    with st.form("new-draft", border=False):
        chosen = st.selectbox(
            "Change an article", [None, *titles], format_func=lambda a: titles.get(a, "A new article"), key="draft-of"
        )
        question = st.text_input("Which question does it answer?", key="draft-question", max_chars=300)
        if st.form_submit_button("Start a draft", type="primary"):
            about = {"article_id": chosen} if chosen else {}
            about |= {"question": question.strip()} if question and question.strip() else {}
            made: dict[str, Any] = {}
            if attempt(desk, lambda: made.update(client.start_draft(**about))):
                _open(str(made.get("id")))
            st.rerun()


def _open(draft_id: str) -> None:
    st.session_state["draft"] = draft_id


def _editor(desk: Desk, client: StaffClient, draft: dict[str, Any]) -> None:
    draft_id, state = str(draft.get("id")), str(draft.get("state") or "open")
    title = draft.get("question") or draft.get("article_id") or "A draft"
    st.html(
        f'<div class="fh-hello"><h1>{plain(title)}</h1>'
        f'<p><span class="fh-kind fh-{plain(state)}">{plain(state)}</span> {plain(draft.get("article_id", ""))}</p></div>'
    )
    st.button(
        "All drafts", key="all-drafts", icon=":material/arrow_back:", type="tertiary", on_click=st.query_params.clear
    )
    if state != "open":
        return
    if draft.get("changed_meanwhile"):
        warning = "The article was changed after this draft was begun: publishing is refused. Begin a new draft of it."
        st.html(f'<p class="fh-toast fh-bad" role="status">{warning}</p>')
    left, right = st.columns([3, 2], gap="medium")
    key = f"article-{draft_id}"
    read = st.session_state.setdefault(f"read-{draft_id}", draft.get("changed_at"))
    with left:
        browser.keeps_draft("article", f"{draft_id}@{read}", 0)
        st.session_state.setdefault(key, str(draft.get("text") or ""))
        with st.container(key=f"article-text-{draft_id}"):
            st.text_area("The article", key=key, height=460, on_change="ignore", persist_state="session")
        with st.container(key="article-buttons", horizontal=True, gap="xsmall"):
            st.button("Save", key="save-draft", on_click=_keep, args=(desk, client, draft_id))
            st.button("Save and preview", key="preview-draft", on_click=_preview, args=(desk, client, draft_id))
            st.button("Publish", key="publish-draft", type="primary", on_click=_publish, args=(desk, client, draft_id))
            st.button("Discard", key="discard-draft", type="tertiary", on_click=_discard, args=(desk, client, draft_id))
        st.html(
            '<p class="fh-hint">Between the two lines of dashes stands what the article is about: its title, topic and '
            "the questions it answers. Below them, the text.</p>"
        )
    with right:
        errors = st.session_state.get(f"errors-{draft_id}")
        _errors(rows(draft, "errors") if errors is None else errors)
        _answers(st.session_state.get(f"preview-{draft_id}"))


def _errors(errors: list[dict[str, Any]]) -> None:
    rows = "".join(f"<li><b>{plain(e.get('field', ''))}</b> {plain(e.get('problem', ''))}</li>" for e in errors)
    if rows:
        st.html(f'<div class="fh-errors" role="alert"><b>Still to correct</b><ul>{rows}</ul></div>')


def _answers(preview: dict[str, Any] | None) -> None:
    if preview is None:
        st.html('<p class="fh-calm">Save and preview to see the answer before and after.</p>')
        return
    for title, name in (("Answer now", "before"), ("Answer with this article", "answer")):
        reply = preview.get(name) or {}
        st.html(
            f'<section class="fh-preview fh-preview-{name}"><h2>{title}</h2>'
            f"{reply_html({**reply, 'outcome': ''}, name)}{chips_html(reply)}</section>"
        )


def _save(desk: Desk, client: StaffClient, draft_id: str) -> bool:
    errors: list[dict[str, Any]] = []

    def save() -> None:
        try:
            text = str(st.session_state.get(f"article-{draft_id}") or "")
            saved = client.save_draft(draft_id, text, st.session_state.get(f"read-{draft_id}"))
            st.session_state[f"read-{draft_id}"] = saved.get("changed_at")
        except NotAccepted as error:
            errors.extend(error.errors)
            raise

    done = attempt(desk, save, "Saved.")
    st.session_state[f"errors-{draft_id}"] = errors
    return done


def _keep(desk: Desk, client: StaffClient, draft_id: str) -> None:
    _save(desk, client, draft_id)


def _preview(desk: Desk, client: StaffClient, draft_id: str) -> None:
    found: dict[str, Any] = {}
    if _save(desk, client, draft_id) and attempt(desk, lambda: found.update(client.preview(draft_id)), "Saved."):
        st.session_state[f"preview-{draft_id}"] = found


def _publish(desk: Desk, client: StaffClient, draft_id: str) -> None:
    if _save(desk, client, draft_id):
        attempt(desk, lambda: client.publish(draft_id), "Published. Customers get it from now on.")


def _discard(desk: Desk, client: StaffClient, draft_id: str) -> None:
    if attempt(desk, lambda: client.discard_draft(draft_id), "The draft is discarded."):
        st.query_params.clear()
