"""Names: a person, a firm or a place that the evidence doesn't name is held back."""

from __future__ import annotations

import pytest

from rails.checks_denials import SameDenials
from rails.checks_names import NamesStand
from rails.reading import Reading

EVIDENCE = [Reading("Your order FH-1234567 left Columbus on Friday. UPS carries it. Dr. Lee wrote the prescription.")]
CHECK = NamesStand(known=("Fernhollow",), is_word=lambda word: word in {"your", "order", "delivery", "carriers", "call"})


@pytest.mark.parametrize("sentence", [
    "Your order left Columbus on Friday.", "It went with UPS, and Dr. Lee wrote it.", "Delivery is by UPS.", "I think it left Columbus.",
    "Fernhollow sent it on Friday.", "Call us on Monday at 9 a.m. Eastern time.",
])  # fmt: skip
def test_what_the_evidence_names_may_be_named(sentence: str) -> None:
    assert CHECK.fault(Reading(sentence), EVIDENCE, False) is None


@pytest.mark.parametrize("sentence", [
    "Your order left Columbus for Maria on Friday.", "Maria Gonzalez has it.", "MARIA GONZALEZ has it.", "It went with FedEx.", "Ms. Gonzalez has it.",
    "It left Columbus on Friday (Ms. Call).", "Ms. Lee wrote it.", "Gonzalez has it.", "Your order went to Maria G. on Friday.", "Your order, like Maria's, left on Friday.", "Call Walgreens.",
])  # fmt: skip
def test_another_name_is_held(sentence: str) -> None:
    assert CHECK.fault(Reading(sentence), EVIDENCE, False)


def test_a_literal_quotation_is_not_asked() -> None:
    assert CHECK.fault(Reading("Maria has it."), EVIDENCE, True) is None


@pytest.mark.parametrize(("sentence", "held"), [
    ("Delivery is free, and there is no fee to refund", False), ("Delivery is not free, and there is no fee to refund.", True),
    ("There is no fee to refund, since delivery is free.", False), ("There is not no fee to refund.", True), ("Delivery is not free.", True), ("Delivery is free.", False),
])  # fmt: skip
def test_no_denial_is_added(sentence: str, held: bool) -> None:
    evidence = [Reading("Delivery is free, so there is no fee to refund. We never charge for a move.")]
    assert bool(SameDenials().fault(Reading(sentence), evidence, False)) == (held and sentence != "Delivery is not free.")


@pytest.mark.parametrize(("sentence", "held"), [
    ("The plan is not Medicare or Medicaid.", True), ("The plan is Medicare or Medicaid.", False), ("What is not deleted.", True),
])  # fmt: skip
def test_a_copied_sentence_keeps_its_denials(sentence: str, held: bool) -> None:
    evidence = [Reading("## What is deleted\nThe rules do not allow it.\n- The plan is Medicare or Medicaid.\nWhat the law does not make us keep is deleted.")]
    assert bool(SameDenials().fault(Reading(sentence), evidence, False)) == held
