"""The output rail: what is true passes, what was changed doesn't."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rails.figures import figures
from rails.output import OutputRail, public

SYSTEM = "Use only the numbered facts that stand between the fences and add nothing from memory."
RAIL = OutputRail(("fernhollow.example",), (SYSTEM,))
DELIVERY = (
    "Standard delivery is free and takes 3 to 5 business days. Expedited delivery costs $5.99 and takes 2 business "
    "days. Overnight delivery costs $14.99 and arrives the next business day."
)
CANCEL = (
    "An order can be cancelled free of charge while it is Received or Preparing. After it has shipped an order cannot "
    "be cancelled, because medicine that has left the pharmacy cannot be used again."
)
ORDER = (
    "Order FH-1234567: metformin 500 mg, 90 tablets. It left Phoenix on Tuesday, November 24, 2026. It should arrive "
    "on Friday, November 27 by 8 pm. UPS tracking number 1Z999AA10123456784. The price was $12.40. "
    "Directions: Take 1 tablet by mouth twice daily with food."
)
COLD = (
    "Put the medicine into the fridge, between 36°F and 46°F, as soon as it arrives. If the packs are warm, do not use "
    "the medicine and call within 24 hours."
)
PLUS = "Fernhollow Plus costs $6 a month or $60 a year. Generics cost up to 80% less than the brand."
CONTACT = (
    "Customer care answers Monday to Friday from 8 am to 9 pm Eastern time; call 1-800-555-0142. Write to "
    "help@fernhollow.example, or read https://fernhollow.example/help/contact."
)

TRUE = [
    ("Expedited delivery costs $5.99 and takes two business days.", DELIVERY),
    ("Overnight delivery is 14.99 dollars.", DELIVERY),
    ("Standard delivery takes 3-5 business days and is free.", DELIVERY),
    ("Once an order has shipped, it can't be cancelled.", CANCEL),
    ("You can cancel an order free of charge while it's Preparing.", CANCEL),
    ("Your metformin 500 mg left Phoenix on Tuesday and should arrive Friday, November 27 by 8 p.m.", ORDER),
    ("Your metformin should arrive on Nov. 27, tracking number 1Z999AA10123456784.", ORDER),
    ("It left Phoenix on 11/24/2026, a Tuesday.", ORDER),
    ("Order FH-1234567 has 90 tablets of metformin for $12.40.", ORDER),
    ("Take 1 tablet by mouth twice daily with food.", ORDER),
    ("Put the medicine into the fridge between 36 and 46 °F as soon as it arrives.", COLD),
    ("Do not use the medicine if the packs are warm, and call within twenty-four hours.", COLD),
    ("Fernhollow Plus costs $6 per month or $60 per year.", PLUS),
    ("Generics cost up to 80 percent less than the brand.", PLUS),
    ("Customer care answers Monday to Friday, 8am to 9pm Eastern time.", CONTACT),
    ("You can write to help@fernhollow.example or call (800) 555-0142.", CONTACT),
    ("Read https://fernhollow.example/help/contact or write to help@fernhollow.example.", CONTACT),
]

FALSE = [
    ("Standard delivery is free.", "", "cited"),
    ("Overnight delivery costs $5.99.", DELIVERY, "figures"),
    ("Expedited delivery takes 3 to 5 business days.", DELIVERY, "figures"),
    ("Expedited delivery takes 2 days.", DELIVERY, "figures"),
    ("Standard delivery takes 3 to 3 business days.", "Standard delivery takes 3 to 5 business days.", "figures"),
    ("It takes 1 to 5 business days.", "It takes 1 to 2 business days, and 3 to 5 business days after that.", "figures"),
    ("Fernhollow Plus costs $6 a year.", PLUS, "figures"),
    ("Your metformin arrives on Monday.", ORDER, "figures"),
    ("Your metformin arrives on Thursday, November 27.", ORDER, "figures"),
    ("Your metformin arrives tomorrow.", ORDER, "figures"),
    ("Once an order has shipped, it can be cancelled.", CANCEL, "polarity"),
    ("You can't cancel an order while it is Preparing.", CANCEL, "polarity"),
    ("Use the medicine if the packs are warm and call within 24 hours.", COLD, "polarity"),
    ("We deliver by drone to every island.", DELIVERY, "support"),
    ("Yes.", DELIVERY, "support"),
    ("Choose cheaper medicine used before the next delivery.", DELIVERY + CANCEL, "support"),
    ("Standard delivery is free, see https://evil.example/delivery.", DELIVERY, "links"),
    ("Standard delivery is free, see fernhollow.example.evil.com.", DELIVERY, "links"),
    ("Standard delivery is free, see https://fernhollow.example@evil.com/x.", DELIVERY, "links"),
    ("Standard delivery is <b>free</b>.", DELIVERY, "markup"),
    ("Standard delivery is free. ![x](https://fernhollow.example/x.png)", DELIVERY, "markup"),
    ("Standard [delivery](javascript:alert(1)) is free.", DELIVERY, "markup"),
    ("Use only the numbered facts that stand between the fences.", DELIVERY, "echo"),
    ("My instructions say that standard delivery is free.", DELIVERY, "echo"),
    ("You should stop taking metformin.", ORDER, "advice"),
    ("Take 2 tablets by mouth daily with food.", ORDER, "advice"),
    ("You can take metformin every 12 hours by mouth.", ORDER + " It is every 12 hours.", "advice"),
]


@pytest.mark.parametrize(("sentence", "evidence"), TRUE)
def test_what_the_evidence_says_passes(sentence: str, evidence: str) -> None:
    verdict = RAIL.check(sentence, ["An unrelated text about recalls.", evidence])
    assert verdict.ok, verdict


@pytest.mark.parametrize(("sentence", "evidence", "rail"), FALSE)
def test_what_it_does_not_say_is_held(sentence: str, evidence: str, rail: str) -> None:
    verdict = RAIL.check(sentence, [evidence] if evidence else [])
    assert (verdict.ok, verdict.rail) == (False, rail), verdict


@pytest.mark.parametrize("evidence", [DELIVERY, CANCEL, ORDER, COLD, PLUS, CONTACT])
def test_every_sentence_passes_against_its_own_text(evidence: str) -> None:
    for sentence in re.split(r"(?<=\.)\s+(?=[A-Z])", evidence):
        assert RAIL.check(sentence, [evidence]).ok, sentence
        assert RAIL.check(sentence, [public(evidence)]).ok, sentence


def test_a_rail_that_raises_holds_the_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    rail = OutputRail()

    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("secret 123")

    monkeypatch.setattr(rail._guard._validators[0]._checks[5], "fault", fail)
    verdict = rail.check("Standard delivery is free for all.", [DELIVERY])
    assert (verdict.ok, verdict.rail) == (False, "error")
    assert "secret" not in verdict.detail


def test_one_rail_serves_many_threads() -> None:
    cases = [(s, e, True) for s, e in TRUE] + [(s, e, False) for s, e, _ in FALSE if e]
    with ThreadPoolExecutor(4) as pool:
        verdicts = list(pool.map(lambda case: RAIL.check(case[0], [case[1]]).ok, cases * 3))
    assert verdicts == [expected for _, _, expected in cases * 3]


SAME = [
    ("two days", "2 days"), ("$5.99", "5.99 dollars"), ("twenty-four hours", "24 hours"), ("8 p.m.", "8:00 pm"),
    ("Nov. 27", "November 27th"), ("2026-11-27", "November 27, 2026"), ("80%", "80 percent"), ("noon", "12 pm"),
    ("0.5 mg", "0.50 milligrams"), ("1-800-555-0142", "(800) 555-0142"), ("FH-1234567", "fh1234567"), ("1,000", "1000"),
    ("3-5 days", "3 to 5 days"), ("36 to 46°F", "36°F to 46°F"), ("$6/month", "$6 monthly"), ("99 cents", "$0.99"),
    ("https://a.example/x/", "a.example/x"), ("a week", "1 week"),
]  # fmt: skip
OTHER = [
    ("1-800-555-0142", "2-800-555-0142"), ("2 days", "2 business days"), ("8 am", "8 pm"), ("500 mg", "500 mcg"), ("$6 a month", "$6 a year"), ("30", "31"),
    ("1 tablet", "1 capsule"), ("36°F", "36°C"), ("November 27", "November 28"), ("May 3", "March 3"), ("75%", "75"),
    ("Schedule II", "Schedule III"), ("0.5 mg", "5 mg"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME)
def test_equal_spellings_are_one_figure(one: str, other: str) -> None:
    assert figures(one) == figures(other) != frozenset()


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_other_figures_are_not(one: str, other: str) -> None:
    assert figures(one) != figures(other)


# Sentences with one hole each; the hole is filled with a true and with another value.
HOLES = [
    ("Expedited delivery costs ${}.", DELIVERY, "5.99", st.decimals("0.01", "999", places=2).map(str)),
    ("Expedited delivery takes {} business days.", DELIVERY, "2", st.integers(0, 400).map(str)),
    ("Order FH-{} has metformin.", ORDER, "1234567", st.integers(1000000, 9999999).map(str)),
    ("Your metformin {} mg left Phoenix.", ORDER, "500", st.decimals("0.01", "2000", places=2).map(str)),
    ("It should arrive on November {} by 8 pm.", ORDER, "27", st.integers(1, 30).map(str)),
    ("It should arrive on {} 27 by 8 pm.", ORDER, "November", st.sampled_from(
        ["January", "March", "May", "June", "July", "Sept.", "October", "December", "Dec.", "Nov."])),
    ("It should arrive on {}, November 27 by 8 pm.", ORDER, "Friday", st.sampled_from(
        ["Monday", "Tuesday", "Wednesday", "Thursday", "Saturday", "Sunday"])),
    ("It should arrive on Friday, November 27 by {}.", ORDER, "8 pm", st.builds(
        "{} {}".format, st.integers(1, 12), st.sampled_from(["am", "pm"]))),
    ("The order has {} tablets of metformin.", ORDER, "90", st.integers(0, 1000).map(str)),
    ("UPS tracking number 1Z999AA101234{}.", ORDER, "56784", st.integers(10000, 99999).map(str)),
    ("Generics cost up to {}% less than the brand.", PLUS, "80", st.integers(0, 100).map(str)),
    ("Customer care answers at 1-800-555-{}.", CONTACT, "0142", st.integers(1000, 9999).map(str)),
    ("Put the medicine into the fridge between {}°F and 46°F.", COLD, "36", st.integers(0, 100).map(str)),
    ("Call within {} hours.", COLD, "24", st.integers(0, 99).map(str)),
    ("Write to {}@fernhollow.example.", CONTACT, "help", st.from_regex(r"[a-z]{3,9}", fullmatch=True)),
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_changed_figure_is_always_held(data: st.DataObject) -> None:
    sentence, evidence, true, others = data.draw(st.sampled_from(HOLES))
    other = data.draw(others)
    assert RAIL.check(sentence.format(true), [evidence]).ok
    if figures(sentence.format(other)) != figures(sentence.format(true)):
        assert not RAIL.check(sentence.format(other), [evidence]).ok, sentence.format(other)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300), st.lists(st.text(max_size=300), max_size=3))
def test_any_text_gets_a_verdict(sentence: str, evidence: list[str]) -> None:
    verdict = RAIL.check(sentence, evidence)
    assert verdict.ok or (verdict.rail and verdict.rail != "error"), verdict


def test_a_long_text_is_read_in_linear_time() -> None:
    started = time.process_time()
    for piece in ("1,", "a.", "1-", "mon ", "[", "1 to ", "a-", "$1 a ", "<a ", "take 1 ", "x@", "1 "):
        RAIL.check(piece * 3000, [piece * 3000 + "."])
    assert time.process_time() - started < 20
