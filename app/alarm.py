"""Danger that a message's own words show: told before anything else is done about it, with no model and no store."""

from __future__ import annotations

from collections.abc import Callable

from rails.input import clean
from rails.judge import danger
from rails.policy import Emergency, Policy

Alarm = Callable[[str], Emergency | None]


def alarm_of(policy: Callable[[], Policy], longest: int) -> Alarm:
    """Text in, the case of danger out, by the policy in force.

    Of a text with more than `longest` characters both ends are read: it must cost next to nothing.
    """

    def alarm(text: str) -> Emergency | None:
        ends = text if len(text) <= longest else f"{text[: longest // 2]} {text[-longest // 2 :]}"
        return danger(clean(ends, longest).text, policy())

    return alarm


def no_alarm(text: str) -> Emergency | None:
    """Hears nothing."""
    return None
