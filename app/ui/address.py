"""The open conversation in the page's address, so that reload, back and a kept link all work."""

from __future__ import annotations

import time
from dataclasses import dataclass

import streamlit as st

SETTLES_S = 5.0


@dataclass
class Address:
    """`seen`: the conversation in the address when the page last looked, or was last told to show one."""

    seen: str | None = None
    timed: bool = False  # a part of the page looks again by itself
    _left: str | None = None
    _left_at: float = float("-inf")

    def moved(self, shown: str | None) -> bool:
        """Whether the visitor went to another address; `seen` is it then. Else the address is made to say `shown`.

        Where the page looks again by itself, such a look can still carry the address from just before a change.
        """
        wanted = st.query_params.get("c")
        late = self.timed and wanted == self._left and time.monotonic() - self._left_at < SETTLES_S
        if wanted == self.seen or late:
            if wanted != shown:
                self.show(shown)
            return False
        self.seen = wanted
        return True

    def show(self, conversation_id: str | None) -> None:
        if conversation_id != self.seen:
            self._left, self._left_at = self.seen, time.monotonic()
        self.seen = conversation_id
        if conversation_id:
            st.query_params["c"] = conversation_id
        else:
            st.query_params.pop("c", None)
