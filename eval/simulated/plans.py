"""Who comes, and with what: the conversations that a seed stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from eval.account_figures import Ground
from eval.simulated.goals import Goal, GoalErrors
from eval.simulated.personas import Persona, sample
from eval.simulated.records import Target, targets

PERSON = 0.1  # share of the conversations in which only a person can help
SIGNED_IN = 0.4  # share of those who ask something general


@dataclass(frozen=True)
class Plan:
    """One conversation before it begins. `customer`: who is signed in, or will be when asked; None is a visitor."""

    id: str
    goal: Goal
    persona: Persona
    target: Target | None
    customer: str | None
    seed: str

    def dice(self) -> Random:
        return Random(f"{self.seed}/{self.id}/talk")


def plans(goals: Sequence[Goal], ground: Ground, seed: int, count: int) -> list[Plan]:
    """`count` conversations, a tenth for what only a person can do; each goal comes about equally often.

    Each conversation has a random stream of its own. Raises GoalErrors where nobody has such a record.
    """
    dice = Random(f"{seed}/goals")
    groups = [goal for goal in goals if goal.person], [goal for goal in goals if not goal.person]
    persons = round(count * PERSON) if groups[0] and groups[1] else count if groups[0] else 0
    drawn = [*_drawn(groups[0], persons, dice), *_drawn(groups[1], count - persons, dice)]
    dice.shuffle(drawn)
    found = {goal.id: targets(goal.account, ground) for goal in goals if goal.account}
    if empty := [goal for goal, those in found.items() if not those]:
        raise GoalErrors([f"nobody in the demo business has what the goal {empty[0]!r} is about; change its account"])
    return [_plan(n, goal, found.get(goal.id, []), ground, str(seed)) for n, goal in enumerate(drawn, 1)]


def _drawn(goals: Sequence[Goal], count: int, dice: Random) -> list[Goal]:
    drawn: list[Goal] = []
    while goals and len(drawn) < count:
        drawn += dice.sample(list(goals), len(goals))
    return drawn[:count]


def _plan(n: int, goal: Goal, found: Sequence[Target], ground: Ground, seed: str) -> Plan:
    key = f"sim{n:04d}"
    dice = Random(f"{seed}/{key}/who")
    persona = sample(dice)
    target = dice.choice(found) if found else None
    somebody = dice.choice(sorted(ground.zones))
    signed_in = dice.random() < SIGNED_IN
    return Plan(key, goal, persona, target, target.customer if target else somebody if signed_in else None, seed)
