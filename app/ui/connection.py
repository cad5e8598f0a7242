"""The one connection pool from this server's pages to the API."""

from __future__ import annotations

import os

import httpx
import streamlit as st

from app.ui.api_client import open_http


def pool() -> httpx.Client:
    return _open(os.environ.get("PESTLE_API_URL", "http://127.0.0.1:8000"))


@st.cache_resource(show_spinner=False)
def _open(base_url: str) -> httpx.Client:
    return open_http(base_url)
