"""The check: whether the reply with which a customer was content is right. The customer never sees this."""

from __future__ import annotations

from collections.abc import Sequence

from eval import account
from eval.account_figures import Ground
from eval.account_reading import leaks
from eval.metrics.text import facts
from eval.simulated.records import Target
from eval.simulated.seen import Need, Seen
from rag.turn import Reply


def faults(need: Need, target: Target | None, said: Sequence[str], reply: Reply, ground: Ground) -> list[str]:
    """Faults of the reply to the last thing said; empty when it is right."""
    if need.names and target:
        return _own(need, target, tuple(said), reply, ground)
    text, cited = Seen.of(reply).text, {citation.article_id for citation in reply.citations}
    found = [f"fact missing: {fact}" for fact in facts(text, need.facts)[1]]
    return found + ([] if cited & set(need.articles) else [f"not cited: {' or '.join(need.articles)}"])


def _own(need: Need, target: Target, said: tuple[str, ...], reply: Reply, ground: Ground) -> list[str]:
    if need.every:
        shown = [reply.text, *(citation.article_id for citation in reply.citations)]
        numbers = [record.id for record in target.records]
        left_out = [f"record missing: {number}" for number in numbers if not any(number in part for part in shown)]
        return left_out + leaks(target.customer, said, False, reply, ground)
    case = account.Case(
        id="",
        customer=target.customer,
        turns=said,
        records=tuple(record.id for record in target.records),
        facts=need.fields,
        stock=target.drug,
        strength=target.strength,
    )
    return account.check(case, reply, ground.business)
