"""What hides personal data in this installation: by the policy's kinds, before a message is stored or sent to a model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rails.personal import Masker
from rails.policy import Policy, read_policy


def masker_of(policy: Policy) -> Masker:
    """The kinds of the policy, but not the business's own addresses and numbers."""
    return Masker(policy.masks.kinds, keep=policy.masks.keep)


def masking(policy: Path) -> Callable[[str], str]:
    """Text in, masked text out. Raises PolicyError."""
    masker = masker_of(read_policy(policy))
    return lambda text: masker.mask(text).text
