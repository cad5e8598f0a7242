"""All pages on one server: `streamlit run app/ui/main.py` with PESTLE_API_URL. Customers get the chat, staff the rest."""

from __future__ import annotations

import streamlit as st

import app.ui.chat
import app.ui.desk.page
import app.ui.editor
import app.ui.gaps
import app.ui.quality
import app.ui.review

PAGES = {
    "chat": st.Page(app.ui.chat.main, title="Fernhollow Pharmacy", default=True),
    "desk": st.Page(app.ui.desk.page.main, title="Desk", url_path="desk"),
    "review": st.Page(app.ui.review.main, title="Review", url_path="review"),
    "gaps": st.Page(app.ui.gaps.main, title="Gaps", url_path="gaps"),
    "editor": st.Page(app.ui.editor.main, title="Articles", url_path="editor"),
    "quality": st.Page(app.ui.quality.main, title="Quality", url_path="quality"),
}
st.session_state["pages"] = PAGES
st.navigation(list(PAGES.values()), position="hidden").run()
