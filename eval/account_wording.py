"""Whether a reply states a fact of a record, in any of its natural wordings."""

from __future__ import annotations

import datetime as dt
import re

from eval.account_figures import NUMBERS, Ground, Record, any_of, dates_in, holds, says, segments
from eval.account_passages import own_text
from rag.account.book import Order, Prescription, Transfer
from rag.account.generate import demo_drugs
from rag.turn import Reply

ORDER_WORDS = {
    "received": [r"receiv", r"(got|have) your order", r"went through", r"placed"],
    "in_review": [r"review", r"check"],
    "waiting": [r"wait", r"on hold", r"held", r"paus"],
    "preparing": [r"prepar", r"pack", r"getting .{0,20}ready"],
    "shipped": [r"shipped", r"on (its|the) way", r"in transit", r"\bleft\b", r"with (UPS|USPS|FedEx)"],
    "out_for_delivery": [r"out for delivery", r"being delivered", r"on the truck"],
    "delivered": [r"delivered", r"arrived"],
    "cancelled": [r"cancell?ed"],
    "returned": [r"returned", r"c[ao]me back", r"sent back"],
}
PRESCRIPTION_WORDS = {
    "in_review": [r"review", r"check", r"verif"],
    "active": [r"\bactive", r"ready", r"valid\b", r"in use"],
    "on_hold": [r"on hold"],
    "renewal_requested": [r"renewal", r"renew", r"asked .{0,40}(prescriber|doctor|Dr\.)"],
    "expired": [r"expired", r"ran out", r"no longer valid"],
    "transferred_out": [r"transferred", r"moved"],
}
STAGE_WORDS = {
    "requested": [r"request"],
    "contacting_pharmacy": [r"contact", r"in touch with", r"reaching"],
    "received": [r"receiv", r"arrived"],
    "verified": [r"verif", r"checked"],
    "complete": [r"complete", r"\bdone\b", r"finished"],
    "declined": [r"declin", r"turned down", r"refus", r"(did not|didn['’]t|could not|couldn['’]t) go through"],
}
WAITING_WORDS = {
    "insurance": [r"insur", r"prior auth"],
    "prescriber": [r"prescriber", r"doctor", r"\bDr\."],
    "payment": [r"payment", r"\bcard\b", r"declined"],
    "stock": [r"\bstock", r"back[ -]?order"],
    "customer": [
        r"\byour? (answer|repl|respon|confirm|input)",
        r"(answer|reply|response|hear|confirmation) (back )?from you",
    ],
}
_YES = [r"\bon\b", r"\byes\b", r"enabled", r"automatically", r"active"]
_NO = [r"\boff\b", r"\bnot\b", r"n['’]t\b", r"\bno\b", r"disabled", r"without", r"manual"]
_REFILLS = re.compile(
    rf"\b(\d+|{'|'.join(NUMBERS)}) (?:more |remaining )?refills?\b|\brefills?(?: left| remaining)?\s*[:=]\s*(\d+)"
    rf"|\brefills? (?:left|remaining) (?:is|are) (\d+|{'|'.join(NUMBERS)})\b|\b(\d+|{'|'.join(NUMBERS)}) left\b",
    re.IGNORECASE,
)


def refills_in(text: str) -> list[tuple[int, int, int]]:
    """Each refill count said: start, end, count."""
    found = []
    for m in _REFILLS.finditer(text):
        word = next(g for g in m.groups() if g)
        found.append((m.start(), m.end(), int(word) if word.isdigit() else NUMBERS[word.lower()]))
    return found


def missing(
    fact: str, records: list[Record], text: str, ground: Ground, customer: str, back: set[dt.date]
) -> list[str]:
    """The records whose fact the text doesn't state."""
    if fact == "back_on":
        told = any(said.means(date, ground.today) for said in dates_in(text) for date in back)
        return [] if told else [f"missing: back_on {_days(back)}"]
    if fact == "in_stock":
        bad = any_of(
            [
                r"out of stock",
                r"back[ -]?order",
                r"not (?:\w+ )?(in stock|available)",
                r"n['’]t (?:\w+ )?(in stock|available)",
            ],
            text,
        )
        return [] if any_of([r"in stock", r"available"], text) and not bad else ["missing: in_stock"]
    if fact == "insurance" and not records:
        plan = ground.account(customer).customer.insurance
        return [] if _insurance(plan, text) else [f"missing: insurance {plan}"]
    return [f"missing: {fact} of {record.id}" for record in records if not states(fact, record, text, ground)]


def states(fact: str, record: Record, text: str, ground: Ground) -> bool:
    if fact.endswith("_on"):
        wanted = ground.known(record).on(fact)
        return any(said.means(date, ground.today) for said in dates_in(text) for date in wanted)
    if fact == "medicine":
        return all(_medicine(drug_id, drug, text) for drug_id, drug in _drugs(record))
    if isinstance(record, Order):
        return _order(fact, record, text)
    if isinstance(record, Prescription):
        return _prescription(fact, record, text)
    return _transfer(fact, record, text)


def _order(fact: str, order: Order, text: str) -> bool:
    match fact:
        case "status":
            return says(ORDER_WORDS[order.status.value], text)
        case "waiting_for":
            return says(WAITING_WORDS[order.waiting_for or ""], text)
        case "carrier" | "center":
            return holds(text, str(getattr(order, fact)))
        case "tracking":
            return str(order.tracking) in re.sub(r"(?<=\w)[ -](?=\w)", "", text)
        case "paid":
            whole = f"{order.paid_cents / 100:,.2f}"
            spelled = [whole, whole.replace(",", "")] + ([whole[:-3]] if whole.endswith(".00") else [])
            return any(re.search(rf"\$\s?{re.escape(s)}(?![\d.,]*\d)", text) for s in spelled) or (
                not order.paid_cents and any_of([r"\bfree\b", r"\bnothing\b", r"no charge"], text)
            )
        case "address":
            return holds(text, order.address.split(",")[0])
        case "quantity":
            return all(re.search(rf"(?<![\d.,]){line.quantity}(?![\d.,]*\d)", text) for line in order.lines)
        case "insurance":
            return _insurance(order.insurance, text)
    raise ValueError(f"no fact of an order: {fact}")


def _prescription(fact: str, record: Prescription, text: str) -> bool:
    match fact:
        case "status":
            return says(PRESCRIPTION_WORDS[record.status.value], text)
        case "refills_left":
            return record.refills_left in [count for _, _, count in refills_in(text)]
        case "directions" | "strength":
            return holds(text, str(getattr(record, fact)))
        case "prescriber":
            return holds(text, record.prescriber.split()[-1])
        case "auto_refill":
            return auto_refill_in(text) is record.auto_refill
    raise ValueError(f"no fact of a prescription: {fact}")


def _transfer(fact: str, record: Transfer, text: str) -> bool:
    match fact:
        case "stage":
            return says(STAGE_WORDS[record.stage.value], text)
        case "other_pharmacy":
            return holds(text, record.other_pharmacy.split(",")[0])
        case "reason":
            return holds(text, record.reason or "")
    raise ValueError(f"no fact of a transfer: {fact}")


def auto_refill_in(text: str) -> bool | None:
    """On, off, or not spoken of."""
    for part in segments(text):
        if any_of(
            [r"auto(matic(ally)?)?[ -]?refill", r"refill(s|ed)? .{0,20}automatic", r"automatically refill"], part
        ):
            if any_of(_NO, part):
                return False
            if any_of(_YES, part):
                return True
    return None


def names(record: Record, text: str) -> bool:
    """The text names a medicine of the record."""
    return any(_medicine(drug_id, drug, text) for drug_id, drug in _drugs(record))


def options(records: list[Record], reply: Reply) -> list[str]:
    """What a reply that offers a choice leaves out."""
    text = own_text(reply)
    shown = " ".join([text, *reply.suggestions])
    faults = []
    for record in records:
        others = {drug for other in records if other.id != record.id for _, drug in _drugs(other)}
        alone = [(drug_id, drug) for drug_id, drug in _drugs(record) if drug not in others]
        if record.id not in shown and not any(_medicine(drug_id, drug, shown) for drug_id, drug in alone):
            faults.append(f"missing: {record.id} is not offered")
    if not any_of([r"\?", r"\bwhich\b", r"choose", r"pick"], text):
        faults.append("missing: it doesn't ask which")
    return faults


def _drugs(record: Record) -> list[tuple[str, str]]:
    if isinstance(record, Order):
        return [(line.drug_id, line.drug) for line in record.lines]
    return [(record.drug_id if isinstance(record, Prescription) else "", record.drug)]


def _medicine(drug_id: str, name: str, text: str) -> bool:
    drug = demo_drugs().by_id.get(drug_id)
    return any(holds(text, word) for word in (name, *(drug.brands if drug else ())))


def _insurance(plan: str | None, text: str) -> bool:
    if plan:
        return holds(text, plan)
    return any_of(
        [
            r"\bno (insurance|plan)",
            r"without insurance",
            r"(not|n['’]t) (?:\w+ ){0,4}(insurance|plan)",
            r"insurance.{0,20}\bnone\b",
        ],
        text,
    )


def _days(dates: set[dt.date]) -> str:
    return " or ".join(sorted(map(str, dates)))
