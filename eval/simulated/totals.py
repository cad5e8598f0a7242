"""What the conversations come to, and a failed one to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.table import Table

from eval.simulated.rows import Row
from eval.table import share


def totals(rows: Sequence[Row]) -> Table:
    """The figures with their counts, then each kind of ending and of fault."""
    table = Table("simulated customers", "", "goal", title=f"{len(rows)} conversations")
    contained = [row for row in rows if row["scores"]["contained"]]
    person = [row for row in rows if row["expect"].get("person")]
    others = [row for row in rows if not row["expect"].get("person")]
    right = [row["scores"]["right"] for row in contained]
    turns = sorted(row["scores"]["turns"] for row in contained)
    table.add_row("contained", share(len(contained), len(rows)), ">= 70 %")
    table.add_row("of those that can be, contained", share(len(contained), len(others)), "")
    table.add_row("of the contained, right on check", share(int(sum(right)), len(right)), ">= 95 %")
    if turns:
        first = sum(turn == 1 for turn in turns)
        table.add_row("met by the first reply", share(first, len(turns)), "")
        table.add_row("turns to resolution", f"mean {sum(turns) / len(turns):.2f}, most {turns[-1]:.0f}", "")
    repeated = [row["scores"]["repeated"] for row in rows]
    table.add_row("question put again", f"{sum(repeated):.0f} in {sum(n > 0 for n in repeated)} conversations", "")
    wrong = int(sum(row["scores"]["wrong_handover"] for row in rows))
    table.add_row("wrong hand-overs", share(wrong, len(rows)), "")
    for name, group in (("only a person can do it", person), ("no person is needed", others)):
        for ending, count in Counter(_ending(row) for row in group).most_common():
            table.add_row(f"{name}: {ending}", share(count, len(group)), "")
    return table


def _ending(row: Row) -> str:
    trace = row["trace"]
    if trace["ending"] == "content":
        return "content" if row["right"] else "content with a wrong answer"
    return str(trace["ending"]) + (f" ({trace['call']})" if trace["call"] else "")


def shown(row: Row) -> str:
    lines = [
        f"\n{row['id']} {row['need']} ({row['intent']}) {row['trace']['persona']['style']}: {'; '.join(row['faults'])}"
    ]
    for said, reply, outcome in zip(row["turns"], row["replies"], row["trace"]["outcomes"], strict=True):
        lines += [f"  > {said}", f"  {outcome}: {reply}"]
    return "\n".join(lines)
