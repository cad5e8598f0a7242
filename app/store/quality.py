"""The assistant's service in figures, by day and over a period: counts and times, never a text or whose it was."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, and_, case, func, or_, select, type_coerce

from app.store.database import Database
from app.store.tables import conversations, feedback, handovers, messages, signs, traces

PER_CENT = (50, 95)


@dataclass(frozen=True)
class Latency:
    """Milliseconds of whole turns, by nearest rank; None without a timed turn."""

    count: int = 0
    p50: float | None = None
    p95: float | None = None


@dataclass
class Counts:
    """What happened on a day, or in a period.

    `conversations`: begun then, and something was said or a person called. `called`: those of them in which a person
    was called and not cancelled, up to now. `turns`: answers of the assistant; `outcomes`, `up`, `down` and `rephrased`
    are of these. `handovers`, of which some were `cancelled`: by reason, called then.
    """

    conversations: int = 0
    called: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    up: int = 0
    down: int = 0
    rephrased: int = 0
    handovers: dict[str, int] = field(default_factory=dict)
    cancelled: dict[str, int] = field(default_factory=dict)
    latency: Latency = field(default_factory=Latency)

    @property
    def turns(self) -> int:
        return sum(self.outcomes.values())


@dataclass(frozen=True)
class Service:
    """`days`: each of the period, oldest first, in UTC; `total`: of all of them; `before`: of as many days before."""

    days: Mapping[dt.date, Counts]
    total: Counts
    before: Counts


def service(database: Database, days: int, now: dt.datetime) -> Service:
    """The last `days` days, today's so far among them, and as many before. Raises `StoreError`.

    Customers who keep their conversations out of training count too: nothing that anybody wrote is read.
    """
    today = now.astimezone(dt.UTC).date()
    first = today - dt.timedelta(days=days - 1)
    found = _Found(database.engine.dialect.name == "sqlite", first, days)
    with database.reading() as db:
        found.read(db)
    dated = {first + dt.timedelta(days=n): Counts() for n in range(-days, days)}
    dated |= found.by_day
    halves = [_sum(counts for date, counts in dated.items() if (date >= first) is later) for later in (False, True)]
    for later, total in enumerate(halves):
        total.latency = found.of_half.get(later, Latency())
    shown = {date: counts for date, counts in sorted(dated.items()) if date >= first}
    return Service(shown, halves[1], halves[0])


class _Found:
    """Reads both periods at once; each query groups in the database and gives a few rows a day."""

    def __init__(self, sqlite: bool, first: dt.date, days: int) -> None:
        self._sqlite = sqlite
        self._middle = dt.datetime.combine(first, dt.time(), dt.UTC)
        self._begin = self._middle - dt.timedelta(days=days)
        self._end = self._middle + dt.timedelta(days=days)
        self.by_day: defaultdict[dt.date, Counts] = defaultdict(Counts)
        self.of_half: dict[int, Latency] = {}

    def read(self, db: Connection) -> None:
        self._conversations(db)
        self._turns(db)
        self._said_of_turns(db)
        self._handovers(db)
        self._latency(db)

    def _conversations(self, db: Connection) -> None:
        said = select(messages.c.id).where(messages.c.conversation_id == conversations.c.id).exists()
        asked = select(handovers.c.id).where(handovers.c.conversation_id == conversations.c.id)
        called = asked.where(handovers.c.state != "cancelled").exists()
        day = self._day(conversations.c.created_at)
        query = select(day, func.count(), func.sum(case((called, 1), else_=0)))
        query = query.where(self._within(conversations.c.created_at), or_(said, asked.exists()))
        for date, number, with_person in db.execute(query.group_by(day)):
            self._of(date).conversations, self._of(date).called = number, int(with_person)

    def _turns(self, db: Connection) -> None:
        day, outcome = self._day(messages.c.created_at), messages.c.reply["outcome"].as_string().label("outcome")
        query = select(day, outcome, func.count())
        query = query.where(messages.c.role == "assistant", self._within(messages.c.created_at))
        for date, name, number in db.execute(query.group_by(day, outcome)):
            self._of(date).outcomes[name] = number

    def _said_of_turns(self, db: Connection) -> None:
        day = self._day(messages.c.created_at)
        rated = select(day, feedback.c.rating, func.count()).join_from(feedback, messages)
        rated = rated.where(self._within(messages.c.created_at)).group_by(day, feedback.c.rating)
        for date, rating, number in db.execute(rated):
            if rating == "up":
                self._of(date).up = number
            else:
                self._of(date).down = number
        again = select(day, func.count()).join_from(signs, messages).where(signs.c.kind == "rephrased")
        for date, number in db.execute(again.where(self._within(messages.c.created_at)).group_by(day)):
            self._of(date).rephrased = number

    def _handovers(self, db: Connection) -> None:
        day, cancelled = self._day(handovers.c.created_at), case((handovers.c.state == "cancelled", 1), else_=0)
        query = select(day, handovers.c.reason, func.count(), func.sum(cancelled))
        query = query.where(self._within(handovers.c.created_at)).group_by(day, handovers.c.reason)
        for date, reason, number, taken_back in db.execute(query):
            self._of(date).handovers[reason], self._of(date).cancelled[reason] = number, int(taken_back)

    def _latency(self, db: Connection) -> None:
        """The rows that stand at the ranks which are asked for, of each day and of each half."""
        at, ms = traces.c.created_at, traces.c.data["timings_ms"]["turn"].as_float()
        timed = select(self._day(at), case((at >= self._middle, 1), else_=0).label("half"), ms.label("ms"))
        # kept by the database, which would else read each trace again for each place that names its time
        turns = timed.where(self._within(at)).cte("turns").prefix_with("MATERIALIZED")
        groups = {"day": turns.c.day, "half": turns.c.half}
        ranked = (
            select(
                turns.c.day,
                turns.c.half,
                turns.c.ms,
                *(func.count().over(partition_by=by).label(f"of_{name}") for name, by in groups.items()),
                *(
                    func.row_number().over(partition_by=by, order_by=turns.c.ms).label(f"in_{name}")
                    for name, by in groups.items()
                ),
            )
            .where(turns.c.ms.is_not(None))
            .subquery()
        )
        wanted = [
            ranked.c[f"in_{name}"] == (ranked.c[f"of_{name}"] * share + 99) // 100
            for name in groups
            for share in PER_CENT
        ]
        shown = (ranked.c.day, ranked.c.half, ranked.c.ms, ranked.c.of_day, ranked.c.of_half)
        at_rank = [one.label(f"at_{n}") for n, one in enumerate(case((w, 1), else_=0) for w in wanted)]
        for date, half, value, of_day, of_half, day50, day95, half50, half95 in db.execute(
            select(*shown, *at_rank).where(or_(*wanted))
        ):
            if day50 or day95:
                self._of(date).latency = _at(self._of(date).latency, of_day, value, day50, day95)
            if half50 or half95:
                self.of_half[half] = _at(self.of_half.get(half, Latency()), of_half, value, half50, half95)

    def _of(self, day: str) -> Counts:
        return self.by_day[dt.date.fromisoformat(day)]

    def _day(self, at: ColumnElement[Any]) -> ColumnElement[str]:
        if self._sqlite:  # kept as text in UTC
            return func.substr(type_coerce(at, String), 1, 10).label("day")
        return func.to_char(func.timezone("UTC", at), "YYYY-MM-DD").label("day")

    def _within(self, at: ColumnElement[Any]) -> ColumnElement[bool]:
        return and_(at >= self._begin, at < self._end)


def _at(found: Latency, count: int, value: float, is_p50: int, is_p95: int) -> Latency:
    return Latency(count, value if is_p50 else found.p50, value if is_p95 else found.p95)


def _sum(counts: Iterable[Counts]) -> Counts:
    """Of everything but the times, which don't add up."""
    total = Counts()
    for one in counts:
        for name in ("conversations", "called", "up", "down", "rephrased"):
            setattr(total, name, getattr(total, name) + getattr(one, name))
        for name in ("outcomes", "handovers", "cancelled"):
            kept: dict[str, int] = getattr(total, name)
            for key, number in getattr(one, name).items():
                kept[key] = kept.get(key, 0) + number
    return total
