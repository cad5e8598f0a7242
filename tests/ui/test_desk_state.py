"""What the agents' page knows of itself: what it showed, and when to look again."""

from __future__ import annotations

from typing import Any

import pytest

from app.ui.desk.queue import REASONS
from app.ui.desk.state import Desk
from rails.policy import read_policy
from tests.made import ROOT

ITEM: dict[str, Any] = {"conversation_id": "c", "state": "held", "urgency": "soon", "note": "", "notes": 0}


def seeing(**changed: Any) -> Desk:
    desk = Desk(conversation_id="c")
    desk.queue = {"held": [ITEM | changed]}
    return desk


@pytest.mark.parametrize("changed", [{"notes": 1}, {"note": "it is late"}, {"urgency": "urgent"}, {"agent_id": "ben"}])
def test_news_of_the_open_conversation_is_fetched(changed: dict[str, Any]) -> None:
    assert seeing().view_news == seeing().view_news
    assert seeing(**changed).view_news != seeing().view_news


def test_what_was_read_is_what_the_page_showed() -> None:
    desk = seeing()
    assert desk.read_seq is None
    desk.view = {"messages": [{"seq": 1}, {"seq": 2}]}
    desk.read = ("c", desk.last_seq)
    desk.view = {"messages": [{"seq": 1}, {"seq": 2}, {"seq": 3}]}
    assert (desk.read_seq, desk.last_seq) == (2, 3)
    desk.open("d")
    assert desk.read_seq is None


def test_every_reason_of_the_policy_reads_well() -> None:
    categories = {case.category for case in read_policy(ROOT / "guardrails" / "policy.yaml").emergencies}
    assert categories | {"abuse", "medical_advice", "wants_person", "held_back", "account_away"} <= REASONS.keys()
