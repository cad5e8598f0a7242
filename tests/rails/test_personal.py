"""Masking of personal data: what goes, what stays, and what a stream lets out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import luhn

from rails.checks_personal import NoPersonal
from rails.engine import FailResult, PassResult
from rails.personal import MARKS, HeldBack, Masker
from rails.reading import Reading

OWN = ("1-800-555-0142", "988", "1-800-222-1222", "911")
MASKER = Masker(keep=OWN)

MASKED = {
    "my card is 4111 1111 1111 1111, ok": "my card is [card], ok",
    "4111-1111-1111-1111": "[card]",
    "4111.1111.1111.1111": "[card]",
    "4111111111111111": "[card]",
    "4111/1111/1111/1111": "[card]",
    "4111 1111 and then 1111 1111 thanks": "[card] thanks",
    "first 4111 1111, the second half is 1111 1111": "first [card]",
    "4111\n1111\n1111\n1111": "[card]",
    "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1": "[card]",
    "41 11 11 11 11 11 11 11": "[card]",
    "four one one one one one one one one one one one one one one one": "[card]",
    "4111\u200b1111\u200b1111\u200b1111": "[card]",
    "４１１１ 1111 1111 1111": "[card]",
    "4111\u20131111\u20131111\u20131111": "[card]",
    "4111\x001111\x001111\x001111": "[card]",
    "amex 3782 822463 10005": "amex [card]",
    "amex 378282246310005": "amex [card]",
    "credit card 4111 1111 1111 1112": "credit card [card]",  # a slip of the finger is no reason to keep it
    "card4111111111111111 cvv: 123": "card[card] cvv: [card]",
    "1234 4111 1111 1111 1111": "1234 [card]",
    "my package came, card 4111111111111111": "my package came, card [card]",
    "order 4111111111111111": "order [card]",
    "I gave you 4111 1111 1111 1111 days ago": "I gave you [card] days ago",
    "it is 123 45 6789 units": "it is [SSN] units",
    "ssn 123-45-6789": "ssn [SSN]",
    "it is 123-45-6789": "it is [SSN]",
    "my social is 123456789": "my social is [SSN]",
    "SSN for my package: 123456789": "SSN for my package: [SSN]",
    "Social security number: 123 45 6789.": "Social security number: [SSN].",
    "social security number, if you need it, 123456789": "social security number, if you need it, [SSN]",
    "123456789 is my social security number": "[SSN] is my social security number",
    "the last four of my SSN is 6789": "the last four of my SSN is [SSN]",
    "write to Jane.Doe+x@mail.example.co.uk, please": "write to [e-mail], please",
    "jane.doe at gmail dot com": "[e-mail]",
    "jane@gmail dot com": "[e-mail]",
    "call 602-555-0142 or (602) 555-0143 x12": "call [phone] or [phone]",
    "(602)555-0143, +1 602 555 0143, 602.555.0143": "[phone], [phone], [phone]",
    "my number is 6025550143": "my number is [phone]",
    "my cell is 555-0143": "my cell is [phone]",
    "I am at +44 20 7946 0958": "I am at [phone]",
    "member id W123456789, group 0012345": "member id [insurance id], group [insurance id]",
    "RxBIN: 610014 RxPCN: ADV RxGrp: RX1234": "RxBIN: [insurance id] RxPCN: [insurance id] RxGrp: [insurance id]",
    "member ID is W2288 14790 01 rxgrp RX22LK": "member ID is [insurance id] rxgrp [insurance id]",
    "Medicare 1EG4-TE5-MK73": "Medicare [insurance id]",
    "1eg4te5mk73": "[insurance id]",
    "I switched to Aetna, W12345678": "I switched to Aetna, [insurance id]",
    "W123456789 is my member id": "[insurance id] is my member id",
    "routing number 021000021 account 123456789012": "routing number [bank account] account [bank account]",
    "GB33BUKB20201555555555 thanks": "[bank account] thanks",
    "IBAN: DE89 3704 0044 0532 0130 00": "IBAN: [bank account]",
    "from 192.168.10.20 or 2001:db8::1": "from [IP address] or [IP address]",
    "passport A12345678": "passport [passport]",
    "my driver's license is D123-456-78-901-2": "my driver's license is [driver license]",
    "DL# S1234567": "DL# [driver license]",
}
KEPT = (
    "order FH-1234567, fh1234567, RX-12345678, rx 12345678, TR-123456",
    "UPS 1Z999AA10123456784, ups 1z 999 aa1 01 2345 6784",
    "tracking number is 4111111111111111",
    "The tracking number for my order is 4111 1111 1111 1111.",
    "4111111111111111 is the tracking number",
    "9400110200881234567890 and 9400 1102 0088 1234 5678 90",
    "FedEx 612999991234, 6129 9999 1234, and 123456789012345 by fedex",
    "UPS 1Z 884 20 7719, customer C-10066, member C-10066",
    "Type the BIN, PCN, GRP and member ID; plan H5216; drug code NDC 00093-7367; Boston 02134-1234",
    "USPS EE123456789US",
    "Phoenix, AZ 85004-1234 or 85004, 1200 Oak Street Apt 405",
    "$1,234.56, $12.40, 12/24/2026, 2026-12-24, 24.12.2026, 8:30 am",
    "500 mg, 0.5 mL, 90 tablets, 10 mg/5 mL, 1,000 IU, every 4 to 6 hours",
    "NDC 0071-0155-23, 50242-040-62, 12345-6789-01, NDC 00071015523",
    "On my account, order number 1234567 and prescription number 12345678",
    "Call 1-800-555-0142, (800) 555-0142, 1-800-222-1222, 988 or 911",
    "Lot 2125551234 expired in 2024, 2025 and 2026",
    "what is 2 plus 2 and one two three",
    "the card ending in 4242 was charged twice, 3 of 4 times",
    "a group of 30 people, plan B, policy of 2026, bin it",
    "I looked at the site at home",
    "version 2.13.0 at 10:30:15",
)


@pytest.mark.parametrize(("text", "masked"), MASKED.items())
def test_personal_data_gives_way_to_a_mark(text: str, masked: str) -> None:
    assert MASKER.mask(text).text == masked


@pytest.mark.parametrize("text", KEPT)
def test_what_the_counter_needs_stays(text: str) -> None:
    assert MASKER.mask(text).text == text


def test_found_tells_where_in_the_text_as_it_was_given() -> None:
    text = "caf\u00e9 4111\u200b1111\u200b1111\u200b1111, jane@x.org"
    card, mail = MASKER.mask(text).found
    assert (card.kind, text[card.start : card.end]) == ("card", "4111\u200b1111\u200b1111\u200b1111")
    assert (mail.kind, text[mail.start : mail.end]) == ("email", "jane@x.org")


def test_the_signed_in_customer_keeps_their_own() -> None:
    text = "Is it jane@example.org or bob@example.org, 602-555-0143 or 602-555-0144?"
    masked = MASKER.mask(text, keep=("Jane@Example.org", "+1 (602) 555-0143"))
    assert masked.text == "Is it jane@example.org or [e-mail], 602-555-0143 or [phone]?"


def test_only_the_kinds_asked_for_and_none_taken_for_another() -> None:
    text = "4111 1111 1111 1111, 602-555-0143"
    assert Masker(("phone",)).mask(text).text == "4111 1111 1111 1111, [phone]"


def test_a_kind_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot mask creditcard"):
        Masker(("creditcard",))


def test_several_threads_share_one() -> None:
    texts = list(MASKED) * 5
    with ThreadPoolExecutor(4) as pool:
        assert [masked.text for masked in pool.map(MASKER.mask, texts)] == list(MASKED.values()) * 5


def card_numbers() -> st.SearchStrategy[str]:
    def whole(first: str, rest: int) -> str:
        digits = f"{first}{rest:014d}"
        return digits + luhn.calc_check_digit(digits)

    return st.builds(whole, st.sampled_from("45"), st.integers(10**13, 5 * 10**13)).filter(
        lambda number: number[0] == "4" or "51" <= number[:2] <= "55"
    )


@given(card_numbers(), st.sampled_from(("", " ", "-", ".", " - ", "\n", "  ", " and then ", "/", ", ")))
def test_every_card_however_it_is_cut(number: str, between: str) -> None:
    cut = between.join(number[at : at + 4] for at in range(0, 16, 4))
    masked = MASKER.mask(f"Please charge {cut} for this")
    assert masked.text == "Please charge [card] for this"


@given(st.integers(0, 9_999_999), st.integers(0, 99_999_999), st.integers(0, 999_999), st.integers(0, 10**12))
def test_no_number_of_ours_is_masked(order: int, prescription: int, transfer: int, parcel: int) -> None:
    text = f"Order FH-{order:07d}, RX-{prescription:08d} and TR-{transfer:06d}, tracking number {parcel:012d}."
    assert MASKER.mask(text).text == text


ALPHABET = st.sampled_from(
    [*"0123456789", *"  -.@:/()+,\n", *"abfhrxsn", "ssn ", "card ", "id ", "\u200b", "é", "٣", "[card]"]
)


@settings(max_examples=300)
@given(st.lists(ALPHABET, max_size=60).map("".join))
def test_spans_are_in_order_and_the_rest_is_untouched(text: str) -> None:
    masked = MASKER.mask(text)
    at, rebuilt = 0, ""
    for datum in masked.found:
        assert at <= datum.start < datum.end <= len(text)
        rebuilt += text[at : datum.start] + MARKS[datum.kind]
        at = datum.end
    assert rebuilt + text[at:] == masked.text


def stream(text: str, sizes: list[int]) -> str:
    held, out, at = HeldBack(MASKER), "", 0
    for size in sizes:
        out += held.feed(text[at : at + size])
        at += size
    return out + held.feed(text[at:]) + held.close()


PHRASES = st.sampled_from(
    [*MASKED, *KEPT, "Thank you so much for all of your help with this today.", "one", "at", "is"]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PHRASES, min_size=1, max_size=4).map(". ".join), st.lists(st.integers(1, 12), max_size=60))
def test_a_stream_ends_up_as_the_whole_would(text: str, sizes: list[int]) -> None:
    assert stream(text, sizes) == MASKER.mask(text).text


@given(card_numbers(), st.integers(1, 8))
def test_no_half_of_a_card_is_let_out(number: str, size: int) -> None:
    held = HeldBack(MASKER)
    text = f"Your card {number[:4]} {number[4:8]} {number[8:12]} {number[12:]} was charged."
    shown = ""
    for at in range(0, len(text), size):
        shown += held.feed(text[at : at + size])
        assert not any(character.isdigit() for character in shown)
    assert shown + held.close() == "Your card [card] was charged."


def test_text_without_numbers_flows() -> None:
    held = HeldBack(MASKER)
    shown = [held.feed(word) for word in ("Your ", "order ", "left ", "the ", "pharmacy ", "today. ")]
    assert shown == ["", "Your ", "order ", "left ", "the ", "pharmacy "]
    assert held.close() == "today. "


def test_a_settled_number_is_let_out_before_the_end() -> None:
    held = HeldBack(MASKER)
    shown = held.feed("Order FH-1234567 left today. " + "It comes by courier to the address that you gave us. " * 3)
    assert shown.startswith("Order FH-1234567 left today.")


def test_an_answer_gives_no_datum_that_its_evidence_lacks() -> None:
    check = NoPersonal(MASKER)
    evidence = [Reading("Dr. Lee's office: 602-555-0143.")]
    assert check.fault(Reading("Call (602) 555-0143."), evidence, False) is None
    assert check.fault(Reading("Call 1-800-555-0142."), evidence, False) is None
    fault = check.fault(Reading("Call (602) 555-0199."), evidence, False)
    assert fault == "gives [phone] that stands in no evidence"


def test_the_check_is_a_validator() -> None:
    check = NoPersonal(MASKER)
    assert isinstance(check.validate("Order FH-1234567 left.", {"evidence": []}), PassResult)
    assert isinstance(check.validate("It is jane@x.org.", {"evidence": ["Write to joe@x.org."]}), FailResult)
