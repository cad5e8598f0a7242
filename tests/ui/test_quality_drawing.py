"""Figures in words, and what the quality page draws of whatever it is told."""

from __future__ import annotations

from typing import Any

import pytest

from app.ui.figures import grown, interval, milliseconds, moment, more_or_less, of_how_many, percent, points
from app.ui.quality_live import conversations_html, days_html, latency_html, outcomes_html, reasons_html, tiles_html
from app.ui.quality_runs import broken_html, compared_html, complete, named, runs_html, suites_html
from tests.ui.fake_quality import live, run, share
from tests.ui.test_drawing import EVIL, Shape

LIVE = (tiles_html, conversations_html, latency_html, reasons_html, outcomes_html, days_html)
CALLS = [{"reason": "wants_person", "count": 3, "cancelled": 1}, {"reason": EVIL, "count": 1, "cancelled": 0}]


def words(html: str) -> str:
    return Shape(html).text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "no cases"),
        (0, "0 %"),
        (1.0, "100 %"),
        (0.9999, "99.9 %"),
        (0.00001, "0.1 %"),
        (0.5, "50.0 %"),
        (EVIL, "no cases"),
    ],
)
def test_only_all_is_all_and_nothing_counted_is_no_zero(value: object, said: str) -> None:
    assert percent(value).replace("\N{NO-BREAK SPACE}", " ") == said


def test_figures_in_words() -> None:
    assert [points(n) for n in (0.0123, -0.0123, 0.0001)] == ["+1.2", "\N{MINUS SIGN}1.2", "0.0"]
    assert words(interval(0.9, 1.0)) == "90.0 to 100 %"
    assert (interval(None, 1.0), of_how_many({}), of_how_many(share(0, 0))) == ("", "no cases", "no cases")
    assert of_how_many(share(1200, 3400)) == "1,200 of 3,400"
    assert [words(milliseconds(ms)) for ms in (None, 4.2, 1234.0, 12345.0)] == [
        "no cases",
        "4 ms",
        "1,234 ms",
        "12.3 s",
    ]
    assert more_or_less(share(9, 10), share(8, 10)) == "10.0 points more than before"
    assert more_or_less(share(1, 10), share(3, 10)) == "20.0 points less than before"
    assert more_or_less(share(1, 10), share(1, 10)) == "the same as before"
    assert more_or_less(share(1, 10), share(0, 0)) == "nothing before to compare with"
    assert words(grown(3, 2)) == "50 % more than before"
    assert (grown(3, 0), grown(2, 2)) == ("nothing before to compare with", "as many as before")
    assert moment("2026-11-05T09:30:00+00:00") == "Nov 5, 2026, 09:30"
    assert moment("soon") == "soon"


def test_tiles_tell_what_was_counted() -> None:
    told = words(tiles_html(live(28, 10, CALLS)))
    for said in (
        "80.0 %",
        "224 of 280 conversations",
        "560 turns",
        "100 % more than before",
        "56 of 560 turns",
        "1 of them cancelled",
    ):
        assert said in told
    assert "Thoughts" not in told


def test_no_traffic_is_no_zero() -> None:
    nothing = live(28, 0)
    assert words(tiles_html(nothing)).count("no cases") == 6  # five shares and the time
    assert "0.0 %" not in words(outcomes_html(nothing))
    assert words(outcomes_html(nothing)).count("no cases") == 6
    assert "Nobody was called" in words(reasons_html(nothing))
    for draw in LIVE:
        assert draw(nothing)


def test_charts_have_words_for_who_does_not_see_them() -> None:
    for draw in (conversations_html, latency_html):
        shape = Shape(draw(live(84, 10)))
        assert ("role", "img") in shape.attributes
        assert next(value for name, value in shape.attributes if name == "aria-label")
        assert shape.tags.count("span") == 84 + 3
    assert Shape(days_html(live(28, 10))).tags.count("tr") == 29


def test_reasons_are_in_plain_words() -> None:
    told = words(reasons_html(live(7, 10, CALLS)))
    assert "Asked for a person3, 1 cancelled" in told
    assert not {"img", "script"} & set(Shape(reasons_html(live(7, 10, CALLS))).tags)


@pytest.mark.parametrize("draw", LIVE)
def test_live_is_drawn_from_whatever_is_there(draw: Any) -> None:
    full = live(3, 10, CALLS)
    odd: list[dict[str, Any]] = [
        {},
        {"days": EVIL, "total": EVIL},
        {"days": [{"day": EVIL}], "total": {"handovers": [EVIL, {}]}},
    ]
    odd += [{**full, name: None} for name in full]
    odd += [{**full, "total": {**full["total"], name: None}} for name in full["total"]]
    for told in odd:
        assert not {"img", "script"} & set(Shape(draw(told)).tags)


OLD = run("r1", "2026-11-01T10:00:00Z", {"answers": 0.8, "tone": 0.9, "gone": 0.5})
NEW = run("r2", "2026-11-08T10:00:00Z", {"answers": 0.9, "tone": 0.89, "fresh": None})
QUICK = run("r3", "2026-11-09T10:00:00Z", {"answers": 0.1}, quick=True)
GOING = run("r4", "2026-11-10T10:00:00Z", {}, ended=None)


def test_each_suite_has_its_course() -> None:
    runs = [OLD, NEW, QUICK, GOING]
    assert complete(runs) == [OLD, NEW]
    told = words(suites_html(runs))
    assert "Answers90.0 %88.0 to 92.0 %, 200 cases" in told
    assert "+10.0 points against the run before" in told
    assert "Freshno cases" in told
    assert "10.0 %" not in told  # of the quick one
    assert suites_html([QUICK, GOING]) == ""


def test_runs_are_listed_the_newest_first() -> None:
    told = words(runs_html([OLD, NEW, QUICK, GOING]))
    assert [told.index(run) for run in ("r4", "r3", "r2", "r1")] == sorted(
        told.index(r) for r in ("r1", "r2", "r3", "r4")
    )
    assert "r4not ended" in told
    assert "r3quick" in told
    assert named(QUICK) == "Nov 9, 2026, 10:00 (quick) · r3"


def test_a_change_is_called_one_only_where_intervals_are_apart() -> None:
    told = words(compared_html(OLD, NEW))
    assert "90.0 % (88.0 to 92.0 %)+10.0better" in told
    assert "\N{MINUS SIGN}1.0no clear difference" in told
    assert "worse" in words(compared_html(NEW, OLD))
    assert "Gone50.0 % (48.0 to 52.0 %)only in one" in told
    assert "What changed: policy: 2026-11-01 → 2026-11-08." in told
    assert "Both have the same versions" in words(compared_html(OLD, OLD))
    other = run("r5", "2026-11-01T11:00:00Z", {"answers": 0.8})
    other["suites"]["answers"]["metrics"]["right"]["count"] = 100
    assert "not the same cases" in words(compared_html(OLD, other))


def test_runs_are_drawn_from_whatever_is_there() -> None:
    evil = run(EVIL, EVIL, {EVIL: 0.5}, versions={EVIL: EVIL, "policy": None}, has_report=True)
    odd: list[dict[str, Any]] = [
        evil,
        {},
        *({**OLD, name: None} for name in OLD),
        {**OLD, "suites": {"a": EVIL, "b": {"metrics": EVIL}}},
    ]
    for one in odd:
        for html in (suites_html([one, OLD]), runs_html([one]), compared_html(one, NEW), compared_html(NEW, one)):
            assert not {"img", "script"} & set(Shape(html).tags)
    assert not {"img", "script"} & set(Shape(broken_html([{"id": EVIL, "why": EVIL}, {}])).tags)
    assert broken_html([]) == ""
