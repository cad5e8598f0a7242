"""The check of account answers has teeth: good replies pass, replies with one wrong figure fail."""

import datetime as dt

import pytest

from eval.account import CUSTOMERS, Case, check, converse, evaluate, faults_of_suite, figures, read_suite
from eval.questions import SuiteError
from rag.account.generate import generate
from rag.turn import Answer, Citation, Focus, Message, Reply, Sentence

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


@pytest.mark.parametrize(
    ("case", "text"),
    [
        (METFORMIN, "FH-2051846 (metformin 500 mg) is on its way with UPS and should arrive Tuesday, November 24."),
        (METFORMIN, "Shipped yesterday from Phoenix by UPS. It's expected Tuesday. Tracking: 1Z S3B HNH 73 4683 2207"),
        (METFORMIN, "It has shipped with UPS.\n- Placed: Nov 18\n- Expected: 11/24/2026\n- 60 tablets, $5.00 in total"),
        (
            DELIVERED,
            "FH-2047113 was delivered on Nov 4. You paid $16.00: $8.00 for lisinopril, $8.00 for atorvastatin.",
        ),
        (DELIVERED, "It arrived on Wednesday, November 4, 2026. The total was $16."),
        (REFILLS, "You have 2 refills left on lisinopril 10 mg. You can refill it from January 6, 2027."),
        (REFILLS, "Two refills left. The next refill is due on Jan 6."),
        (WAITS, "Order FH-3184410 is waiting for your insurance. It was placed on Monday, November 16."),
        (MOVE, "We are contacting Lakeside Apothecary about rosuvastatin; it should be here by November 24."),
        (STOCK, "Order FH-4109253 is waiting for propranolol 20 mg, which is expected back in stock on December 10."),
        (
            LATE,
            "FH-3180275 left Columbus on November 9 but is late. It was promised for November 16. FedEx 757423413996.",
        ),
        (AUTO, "Auto-refill is on for losartan 50 mg."),
        (LABEL, "Metformin 500 mg: Take 1 tablet by mouth twice a day with meals. From Dr. Priya Raman."),
        (PLAN, "There is no insurance on your account."),
    ],
)
def test_good_replies_pass(business, case, text):
    assert check(case, reply(text), business) == []


@pytest.mark.parametrize(
    ("case", "text", "fault"),
    [
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
    ],
)
def test_one_wrong_word_fails(business, case, text, fault):
    faults = check(case, reply(text), business)
    assert any(fault in found for found in faults), faults


@pytest.mark.parametrize(
    "text",
    [
        "FH-3184410 is on its way with UPS and arrives on November 24.",
        "On its way with UPS, arrives November 24. Number 3184410.",
        "On its way with UPS, arrives November 24, tracking 757423413996.",
        "On its way with UPS to 731 Prospect Ave, arrives November 24.",
    ],
)
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


def said(*parts, outcome="answered"):
    """A reply of sentences, each with the kind of what it cites, if anything."""
    kinds = list(dict.fromkeys(kind for _, kind in parts if kind))
    cited = tuple(Citation(n=n, article_id=kind, title=kind, url="/", kind=kind) for n, kind in enumerate(kinds, 1))
    sentences = tuple(Sentence(text=text, citations=(kinds.index(kind) + 1,) if kind else ()) for text, kind in parts)
    text = " ".join(f"{s.text} {''.join(f'[{n}]' for n in s.citations)}".rstrip() for s in sentences)
    return reply(text, outcome, citations=cited, sentences=sentences)


PAID = Case("y1", "C-10001", ("price of FH-2047113",), ("FH-2047113",), ("paid",))
REFILL = Case("y2", "C-10001", ("lisinopril refill day",), ("RX-10482232",), ("next_refill_on",))
STOCKED = Case("y3", "C-10001", ("is metformin in stock",), facts=("in_stock",), stock="metformin")
SHIPPED = Case("y4", "C-10002", ("when did FH-3180275 ship",), ("FH-3180275",), ("shipped_on",))
STATUS = Case("y5", "C-10001", ("status of FH-2051846",), ("FH-2051846",), ("status",))
TWO = Case("y6", "C-10013", ("where r my orders",), ("FH-9700847", "FH-3597103"), ("status", "promised_on"))
CARE = (
    " A person can help at 1-800-555-0142; customer care answers Monday to Friday from 8 am to 9 pm Eastern time,"
    " and Saturday and Sunday from 9 am to 6 pm Eastern time. A pharmacist answers at any hour (press 2)."
    " In an emergency, call 911."
)


@pytest.mark.parametrize(
    ("case", "text"),
    [
        (REFILL, "The next refill can be ordered from January 6, 2027."),
        (REFILL, "You can order it again from January 6, 2027."),
        (PAID, "You paid $16.00 (order FH-2047113). Blue Prairie PPO paid $3.92."),
        (PAID, "The total is $16.00. Blue Prairie PPO pays $3.92 for lisinopril and atorvastatin."),
        (PAID, "The total is $16.00. Insurance paid $1.22 for lisinopril and $2.70 for atorvastatin."),
        (PAID, "You paid $16.00." + CARE),
        (STOCKED, "In stock: metformin 500 mg tablet, 850 mg tablet, 1,000 mg tablet, 500 mg extended-release tablet."),
        (STOCKED, "Metformin is in stock.\n- 500 mg tablet\n- 750 and 1000 mg extended-release tablets"),
        (SHIPPED, "FH-3180275 left Columbus on November 9."),
        (SHIPPED, "It shipped on November 9. Delayed at Atlanta, GA on November 13."),
        (SHIPPED, "It shipped on November 9. The last scan on November 13 says: Delayed at Atlanta, GA."),
        (SHIPPED, "It left Columbus on November 9 and arrived at Atlanta on November 9."),
    ],
)
def test_what_a_right_reply_may_say(business, case, text):
    assert check(case, reply(text), business) == []


@pytest.mark.parametrize(
    ("case", "text", "fault"),
    [
        (
            REFILL,
            "The next refill is due on January 6, 2027 and can be ordered from January 7, 2027.",
            "next_refill_on",
        ),
        (REFILL, "It was ordered on January 6, 2027.", "placed_on"),
        (PAID, "You paid $16.00. Blue Prairie PPO paid $16.00.", "not what insurance pays"),
        (PAID, "You paid $16.00. Blue Prairie PPO pays $1.22.", "not what insurance pays"),
        (PAID, "You paid $16.00. Insurance paid $2.70 for lisinopril.", "not what insurance pays"),
        (PAID, "You paid $16.00. Northlight Silver paid $3.92.", "not what insurance pays"),
        (PAID, "The total was $16.00. You paid $3.92.", "not what was paid"),
        (PAID, "You paid $16.00." + CARE.replace("8 am", "7 am"), "figure '7'"),
        (PAID, "You paid $16.00." + CARE.replace("press 2", "press 3"), "figure '3'"),
        (PAID, "You paid $16.00." + CARE.replace("0142", "0143"), "figure '1-800-555-0143"),
        (PAID, "You paid $16.00." + CARE.replace("911", "912"), "figure '912"),
        (STOCKED, "Metformin 600 mg tablet is in stock.", "600"),
        (STOCKED, "Metformin is in stock: 500 and 600 mg tablets.", "figure"),
        (SHIPPED, "It left Columbus on November 9, I mean it shipped on November 13.", "shipped_on"),
        (SHIPPED, "It left Columbus on November 6, not on November 9.", "as left columbus"),
        (SHIPPED, "It shipped on November 9. Delayed at Atlanta, GA on November 9.", "delayed at atlanta"),
        (SHIPPED, "It shipped on November 9. The last scan was on November 9.", "last_scan_on"),
    ],
)
def test_what_a_right_reply_may_not_say(business, case, text, fault):
    faults = check(case, reply(text), business)
    assert any(fault in found for found in faults), faults


def test_figures_of_an_article_are_no_account_facts(business):
    own, rule = "FH-2051846 is on its way.", "It takes 3 to 5 business days and costs $5.99, from December 1."
    assert check(STATUS, said((own, "order"), (rule, "article")), business) == []
    assert check(STATUS, said((own, "order"), (rule, "order")), business)
    assert check(STATUS, said((own, "order"), (rule, None)), business)


def test_an_article_may_not_leak(business):
    own = "FH-2051846 is on its way."
    faults = check(STATUS, said((own, "order"), ("FH-3184410 is waiting.", "article")), business)
    assert any(fault.startswith("another customer:") for fault in faults)


@pytest.mark.parametrize(
    ("case", "text"),
    [
        (STATUS, "A shipped order is on its way."),
        (AUTO, "Auto-refill is on when you turn it on."),
        (REFILL, "The next refill can be ordered from January 6, 2027."),
    ],
)
def test_a_wanted_fact_stands_in_no_article(business, case, text):
    faults = check(case, said(("Here is what I found.", None), (text, "article")), business)
    assert any(fault.startswith("missing:") for fault in faults)
    assert not any(f.startswith("missing:") for f in check(case, said((text, "prescription")), business))


def test_stock_told_beside_an_order_may_name_its_strengths(business):
    own, stock = "FH-2051846 is on its way.", "Metformin 850 mg tablet is in stock."
    assert check(STATUS, said((own, "order"), (stock, "stock")), business) == []
    assert check(STATUS, said((own, "order"), (stock, "order")), business)
    assert check(STATUS, said((own, "order"), (stock.replace("850", "851"), "stock")), business)


@pytest.mark.parametrize(
    "text",
    [
        "1. Valsartan, being packed, due on November 27 (FH-9700847).\n2. Liraglutide, being packed, due November 24.",
        "Both orders are being packed. FH-9700847 is expected on November 27 and FH-3597103 on November 24.",
        "FH-9700847:\n- Preparing\n- Expected: November 27\nFH-3597103:\n- Preparing\n- Expected: November 24",
    ],
)
def test_each_of_several_records_has_its_facts(business, text):
    assert check(TWO, reply(text), business) == []


@pytest.mark.parametrize(
    ("text", "missed"),
    [
        ("FH-9700847 is being packed, due November 27. FH-3597103 is due November 24.", "status of FH-3597103"),
        ("FH-9700847 is being packed, due November 27.", "status of FH-3597103"),
        ("You have 2 orders. It is being packed, due November 27 or November 24.", "status of FH-9700847"),
        ("Valsartan is being packed, due November 27. Liraglutide is being packed.", "promised_on of FH-3597103"),
    ],
)
def test_one_of_several_records_is_not_enough(business, text, missed):
    assert f"missing: {missed}" in check(TWO, reply(text), business)


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
    assert len(suite.cases) >= 200


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
