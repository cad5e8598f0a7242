"""The check of account answers has teeth: good replies pass, replies with one wrong figure fail."""

import datetime as dt

import pytest

from eval.account import CUSTOMERS, Case, check, converse, evaluate, faults_of_suite, figures, read_suite
from eval.questions import SuiteError
from rag.account.generate import generate
from rag.turn import Answer, Citation, Focus, Message, Reply

TODAY = dt.date(2026, 11, 20)


@pytest.fixture(scope="module")
def business():
    return generate(11, TODAY, CUSTOMERS)


def reply(text, outcome="answered", **more):
    return Reply(message_id="m", trace_id="t", text=text, outcome=outcome, **more)


METFORMIN = Case("x1", "C-10001", ("wheres my metformin",), ("FH-2051846",), ("status", "promised_on", "carrier"))
DELIVERED = Case("x2", "C-10001", ("price and day of FH-2047113",), ("FH-2047113",), ("delivered_on", "paid"))
REFILLS = Case("x3", "C-10001", ("lisinopril refills",), ("RX-10482232",), ("refills_left", "next_refill_on"))
CHOICE = Case("x4", "C-10002", ("wheres my order",), ("FH-3186092", "FH-3184410", "FH-3180275"), choose=True)
NONE = Case("x5", "C-10001", ("FH-3184410?",), none=True)
WAITS = Case("x6", "C-10002", ("jardiance?",), ("FH-3184410",), ("status", "waiting_for"))
MOVE = Case("x7", "C-10002", ("transfer?",), ("TR-481920",), ("stage", "expected_on"))
STOCK = Case("x8", "C-10003", ("propranolol back when",), ("FH-4109253",), ("back_on",), stock="propranolol")
LATE = Case("x9", "C-10002", ("FH-3180275 is late",), ("FH-3180275",), ("status", "promised_on", "tracking"))
AUTO = Case("x10", "C-10003", ("losartan auto refill?",), ("RX-30611894",), ("auto_refill",))
LABEL = Case("x11", "C-10001", ("how do I take metformin",), ("RX-10482231",), ("directions", "strength", "prescriber"))
PLAN = Case("x12", "C-10013", ("my insurance?",), (), ("insurance",))


@pytest.mark.parametrize(("case", "text"), [
    (METFORMIN, "FH-2051846 (metformin 500 mg) is on its way with UPS and should arrive Tuesday, November 24."),
    (METFORMIN, "Shipped yesterday from Phoenix by UPS. It's expected Tuesday. Tracking: 1Z S3B HNH 73 4683 2207"),
    (METFORMIN, "It has shipped with UPS.\n- Placed: Nov 18\n- Expected: 11/24/2026\n- 60 tablets, $5.00 in total"),
    (DELIVERED, "FH-2047113 was delivered on Nov 4. You paid $16.00: $8.00 for lisinopril, $8.00 for atorvastatin."),
    (DELIVERED, "It arrived on Wednesday, November 4, 2026. The total was $16."),
    (REFILLS, "You have 2 refills left on lisinopril 10 mg. You can refill it from January 6, 2027."),
    (REFILLS, "Two refills left. The next refill is due on Jan 6."),
    (WAITS, "Order FH-3184410 is waiting for your insurance. It was placed on Monday, November 16."),
    (MOVE, "We are contacting Lakeside Apothecary about rosuvastatin; it should be here by November 24."),
    (STOCK, "Order FH-4109253 is waiting for propranolol 20 mg, which is expected back in stock on December 10."),
    (LATE, "FH-3180275 left Columbus on November 9 but is late. It was promised for November 16. FedEx 757423413996."),
    (AUTO, "Auto-refill is on for losartan 50 mg."),
    (LABEL, "Metformin 500 mg: Take 1 tablet by mouth twice a day with meals. From Dr. Priya Raman."),
    (PLAN, "There is no insurance on your account."),
])
def test_good_replies_pass(business, case, text):
    assert check(case, reply(text), business) == []


@pytest.mark.parametrize(("case", "text", "fault"), [
    (METFORMIN, "It is on its way with UPS and arrives on Wednesday, November 25.", "date"),
    (METFORMIN, "It is on its way with UPS and arrives on Monday, November 24.", "date"),
    (METFORMIN, "It is on its way with UPS and arrives Monday. Promised Tuesday.", "date"),
    (METFORMIN, "It is on its way with UPS, placed on November 24, expected November 24.", "date"),
    (METFORMIN, "It is on its way with UPS and arrives tomorrow, not November 24.", "date"),
    (METFORMIN, "It is on its way with UPS and arrives today or November 24.", "date"),
    (METFORMIN, "It is on its way with USPS and arrives on November 24.", "carrier"),
    (METFORMIN, "It was delivered by UPS; it was promised for November 24.", "delivered"),
    (METFORMIN, "It is on its way with UPS, arrives November 24, and cost $15.00.", "amount"),
    (METFORMIN, "It is on its way with UPS, arrives November 24, with 90 tablets.", "quantity"),
    (METFORMIN, "Metformin 850 mg is on its way with UPS, arriving November 24.", "figure"),
    (METFORMIN, "FH-2047113 is on its way with UPS and arrives on November 24.", "it speaks of"),
    (METFORMIN, "FH-9999999 is on its way with UPS and arrives on November 24.", "no record"),
    (METFORMIN, "Shipped with UPS, tracking 1ZS3BHNH7346832208, expected November 24.", "tracking"),
    (METFORMIN, "Your warfarin is on its way with UPS and arrives on November 24.", "it speaks of warfarin"),
    (METFORMIN, "It is on its way with UPS.", "missing: promised_on"),
    (DELIVERED, "It was delivered on November 4. The total was $8.00.", "not the total"),
    (DELIVERED, "It was delivered on October 29 and you paid $16.00, on November 4.", "date"),
    (REFILLS, "You have 3 refills left on lisinopril. You can refill it from January 6.", "refills"),
    (REFILLS, "You have 2 refills left. You can refill it from January 6, 2026.", "date"),
    (REFILLS, "You have 2 refills left. It expires on January 6, 2027.", "expires_on"),
    (WAITS, "Order FH-3184410 is waiting for your doctor.", "missing: waiting_for"),
    (WAITS, "Order FH-3184410 is not waiting any more; it is with the insurance.", "missing: status"),
    (WAITS, "Order FH-3184410 is waiting for insurance. It arrives on November 24.", "date"),
    (MOVE, "The transfer is complete. We contacted Lakeside, it was expected November 24.", "is complete"),
    (STOCK, "It is waiting for stock; propranolol will be back on December 4.", "back_on"),
    (LATE, "FH-3180275 shipped, promised for November 16, FedEx 757423413996. It is 9 weeks late.", "9 weeks"),
    (AUTO, "Auto-refill is off for losartan 50 mg.", "auto"),
    (LABEL, "Metformin 500 mg from Dr. Raman: Take 2 tablets by mouth twice a day with meals.", "directions"),
    (PLAN, "Your plan is Blue Prairie PPO.", "insurance"),
])
def test_one_wrong_word_fails(business, case, text, fault):
    faults = check(case, reply(text), business)
    assert any(fault in found for found in faults), faults


@pytest.mark.parametrize("text", [
    "FH-3184410 is on its way with UPS and arrives on November 24.",
    "On its way with UPS, arrives November 24. Number 3184410.",
    "On its way with UPS, arrives November 24, tracking 757423413996.",
    "On its way with UPS to 731 Prospect Ave, arrives November 24.",
])
def test_another_customers_record_fails(business, text):
    assert any(fault.startswith("another customer:") for fault in check(METFORMIN, reply(text), business))


def test_another_customers_record_beside_the_text_fails(business):
    text = "It is on its way with UPS and arrives on Tuesday, November 24."
    cited = Citation(n=1, article_id="FH-3184410", title="Order", url="/", kind="order")
    assert any("beside it" in fault for fault in check(METFORMIN, reply(text, citations=(cited,)), business))
    carded = reply(text, cards=({"number": "FH-3184410"},))
    assert any("beside it" in fault for fault in check(METFORMIN, carded, business))


def test_a_choice_lists_all_and_asks(business):
    text = (
        "You have 3 open orders. Which one do you mean?\n1. FH-3186092: semaglutide, expected November 24\n"
        "2. FH-3184410: empagliflozin, waiting for insurance\n3. FH-3180275: apixaban, promised for November 16"
    )
    assert check(CHOICE, reply(text, "clarify"), business) == []
    assert any("outcome" in fault for fault in check(CHOICE, reply(text), business))
    assert any("not offered" in fault for fault in check(CHOICE, reply(text.rsplit("\n", 1)[0], "clarify"), business))
    swapped = text.replace("expected November 24", "expected November 16")
    assert any("date" in fault for fault in check(CHOICE, reply(swapped, "clarify"), business))


def test_none_says_so_and_tells_nothing_of_anything_else(business):
    assert check(NONE, reply("I can't find order FH-3184410 in your account."), business) == []
    listed = "I can't find FH-3184410. Your last order is FH-2051846, which arrives on November 24."
    assert check(NONE, reply(listed), business) == []
    assert check(NONE, reply("Your order is waiting for insurance."), business)
    assert check(NONE, reply("FH-3184410 is waiting for insurance."), business)
    assert check(NONE, reply("I can't find it. It arrives on November 24."), business)
    assert check(NONE, reply("No.", "unknown"), business)


def test_the_outcome_must_be_answered(business):
    text = "FH-2051846 is on its way with UPS and should arrive on Tuesday, November 24."
    assert check(METFORMIN, reply(text, "unknown"), business) == ["outcome: unknown in place of answered"]


class Echo:
    """Remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def answer(self, message: Message) -> Answer:
        self.asked.append(message)
        return Answer(reply(f"You said {message.text}"), Focus(question=message.text))


class Lost:
    def answer(self, message: Message) -> Answer:
        return Answer(reply("I don't know.", "unknown"), Focus())


def test_a_conversation_carries_what_was_said():
    echo = Echo()
    now = dt.datetime(2026, 11, 20, 14, tzinfo=dt.UTC)
    last = converse(echo, Case("x", "C-10001", ("one", "two", "three")), now)
    assert last.text == "You said three"
    assert [past.text for past in echo.asked[2].past] == ["one", "two"]
    assert echo.asked[2].past[1].focus.question == "two"
    assert {(m.customer_id, m.now) for m in echo.asked} == {("C-10001", now)}


def test_the_suite_agrees_with_the_data(business):
    suite = read_suite()
    assert faults_of_suite(suite, business) == []
    assert len(suite.cases) >= 230


def test_an_assistant_that_knows_nothing_fails_every_case():
    shown = []
    measured = evaluate(lambda book, now: Lost(), show=shown.append)
    assert measured[0].value == "0.0 %"
    assert not measured[0].reached
    assert shown


def test_figures_count_wrong_and_foreign_facts():
    suite = read_suite()
    found = {case.id: [] for case in suite.cases}
    assert all(figure.reached is not False for figure in figures(suite, found))
    found[suite.cases[0].id] = ["wrong: date", "another customer: FH-1"]
    assert [figure.value for figure in figures(suite, found)[1:3]] == ["1", "1"]


def test_a_broken_suite_is_named(tmp_path):
    path = tmp_path / "suite.yaml"
    path.write_text("seed: 11\ntoday: 2026-11-20\ncases:\n  - {id: a, turns: [hi], colour: red}\n", encoding="utf-8")
    with pytest.raises(SuiteError, match="case 1"):
        read_suite(path)
