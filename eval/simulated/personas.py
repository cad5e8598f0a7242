"""How a simulated customer is: how patient, how they write, what they do when they are asked back or offered a person."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal, TypeVar

T = TypeVar("T")
Style = Literal["plain", "typos", "terse", "rambling", "polite"]
Choosing = Literal["ordinal", "name", "number"]
STYLES: dict[Style, int] = {"plain": 35, "typos": 20, "terse": 15, "rambling": 15, "polite": 15}  # in 100
PATIENCE = {1: 15, 2: 35, 3: 35, 4: 15}
CURIOUS, ACCEPTS, LEAVES, SIGNED_OUT = 0.4, 0.35, 0.5, 0.12


@dataclass(frozen=True)
class Persona:
    patience: int  # replies that don't help, after which the customer gives up on the assistant
    style: Style = "plain"
    curious: bool = False  # asks something more once the goal is met
    chooses: Choosing = "number"  # how one record of a list is picked
    accepts: bool = False  # says yes to the offer of a person
    leaves: bool = False  # goes away when patience is spent, rather than asking for a person
    signed_out: bool = False  # forgot to sign in, and does so when asked


def sample(dice: Random) -> Persona:
    """A persona drawn at the shares above. It is an assumption about customers, and not a measurement of them."""
    return Persona(
        patience=_weighted(PATIENCE, dice),
        style=_weighted(STYLES, dice),
        curious=dice.random() < CURIOUS,
        chooses=dice.choice(("ordinal", "name", "number")),
        accepts=dice.random() < ACCEPTS,
        leaves=dice.random() < LEAVES,
        signed_out=dice.random() < SIGNED_OUT,
    )


def _weighted(shares: dict[T, int], dice: Random) -> T:
    return dice.choices(list(shares), list(shares.values()))[0]
