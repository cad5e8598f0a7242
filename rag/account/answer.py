"""From an account intent to an answer: which records, which facts, or which one is meant."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from rag.account import orders, prescriptions
from rag.account.book import Account, AccountBook, Order, OrderStatus, Prescription, PrescriptionStatus, Transfer
from rag.account.drugs import DrugTable
from rag.account.evidence import (
    account_evidence,
    order_evidence,
    prescription_evidence,
    stock_evidence,
    transfer_evidence,
)
from rag.account.facts import Sayer, order_card
from rag.account.mentions import Mentions
from rag.account.resolve import OPEN, Pointer, Resolved, is_late, orders_meant, prescriptions_meant, transfers_meant
from rag.account.say import say_count
from rag.compose.draft import DraftSentence, Evidence

ORDER_INTENTS: dict[str, Callable[[Order, Sayer], list[str]]] = {
    "order_status": orders.status,
    "order_arrival": orders.arrival,
    "order_tracking": orders.track,
    "order_contents": orders.contents,
    "order_price": orders.price,
    "delivery_address": orders.destination,
    "order_origin": orders.origin,
}
PRESCRIPTION_INTENTS: dict[str, Callable[[Prescription, Sayer], list[str]]] = {
    "refills_left": prescriptions.refills,
    "refill_due": prescriptions.due,
    "prescription_status": prescriptions.state,
    "prescription_expiry": prescriptions.expiry,
    "prescription_directions": prescriptions.directions,
    "prescription_prescriber": prescriptions.prescriber,
    "auto_refill_status": prescriptions.auto_refill,
}
AT_ONCE = 2  # so many records are answered in full; more are listed for a choice
LISTED = 6


@dataclass(frozen=True)
class AccountAnswer:
    """Sentences with their evidence, and what the conversation is about now."""

    sentences: tuple[DraftSentence, ...]
    evidence: tuple[Evidence, ...] = ()
    cards: tuple[dict[str, Any], ...] = ()
    items: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    outcome: Literal["answered", "clarify"] = "answered"
    suggestions: tuple[str, ...] = ()
    resolved: str = ""  # how the records were found, for the trace
    articles: tuple[str, ...] = field(default=())  # ids of articles that help further


class AccountAnswers:
    """Answers account questions of one verified customer."""

    def __init__(self, book: AccountBook, drugs: DrugTable) -> None:
        self._book, self._drugs = book, drugs

    def owned(self, account: Account, mentions: Mentions) -> bool:
        """Whether one of the medicines mentioned is in this account, as a prescription, an order or a transfer."""
        ids = {p.drug_id for p in account.prescriptions} | {
            line.drug_id for order in account.orders for line in order.lines
        }
        moved = " ".join(transfer.drug.lower() for transfer in account.transfers)
        return any(drug in ids or self._drugs.by_id[drug].generic.lower() in moved for drug in mentions.drugs)

    def moving(self, account: Account, text: str) -> bool:
        """Whether the message names the pharmacy of one of the customer's transfers."""
        lowered = text.lower()
        return any(re.search(rf"\b{re.escape(_first_words(t.other_pharmacy))}\b", lowered) for t in account.transfers)

    def answer(self, intent: str, account: Account, pointer: Pointer) -> AccountAnswer:
        """Raises AccountError where the book can't be read."""
        sayer = Sayer(account, pointer.now)
        if intent in ORDER_INTENTS:
            return self._about_orders(intent, orders_meant(account, pointer, self._drugs), account, sayer)
        if intent in PRESCRIPTION_INTENTS:
            return self._about_prescriptions(intent, prescriptions_meant(account, pointer, self._drugs), account, sayer)
        if intent == "transfer_status":
            return self._about_transfers(transfers_meant(account, pointer, self._drugs), account, sayer)
        if intent == "stock":
            return self.stock(pointer, account, sayer)
        if intent == "order_list":
            return self._order_list(account, pointer, sayer)
        if intent == "prescription_list":
            return self._prescription_list(account, sayer)
        return self._on_file(account)

    def stock(self, pointer: Pointer, account: Account | None, sayer: Sayer | None) -> AccountAnswer:
        """Stock is no one's secret: an anonymous visitor who names a medicine is answered too."""
        ids = list(pointer.mentions.drugs[:2]) if pointer.mentions.named or len(pointer.mentions.drugs) == 1 else []
        if not ids and account:
            meant = prescriptions_meant(account, pointer, self._drugs)
            ids = (
                list(dict.fromkeys(r.drug_id for r in meant.records if isinstance(r, Prescription)))[:2]
                if not meant.vague
                else []
            )
        if not ids and account:
            ids = list(
                dict.fromkeys(
                    line.drug_id for order in account.orders if order.waiting_for == "stock" for line in order.lines
                )
            )
        if not ids:
            return AccountAnswer(
                (DraftSentence("Which medicine do you mean?", ()),), outcome="clarify", resolved="no medicine named"
            )
        if account and sayer and (held := _held_up(account, ids)):
            return self._held_up(held, ids, account, sayer)
        today = sayer.today if sayer else pointer.now.date()
        sentences: list[DraftSentence] = []
        evidence: list[Evidence] = []
        for drug_id in ids:
            levels = self._book.stock(drug_id)
            title = self._drugs.by_id[drug_id].generic
            said = prescriptions.stock(levels, today) if levels else [f"We do not carry {title}."]
            evidence.append(stock_evidence(drug_id, title, levels, today, said))
            sentences += [DraftSentence(text, (evidence[-1].id,)) for text in said]
        return AccountAnswer(tuple(sentences), tuple(evidence), resolved="stock", articles=("in-stock", "back-order"))

    def _held_up(self, order: Order, ids: list[str], account: Account, sayer: Sayer) -> AccountAnswer:
        """An own order that waits for the medicine: its state, and when its own strength is back where it is packed."""
        said = [DraftSentence(text, (order.id,)) for text in orders.status(order, sayer)]
        evidence = [order_evidence(order, sayer)]
        for line in (line for line in order.lines if line.drug_id in ids):
            levels = [
                level
                for level in self._book.stock(line.drug_id)
                if (level.strength, level.form, level.center) == (line.strength, line.form, order.center)
            ]
            texts = [f"In {order.center}: {text}" for text in prescriptions.stock(levels, sayer.today)]
            if levels and not any(level.units for level in levels):
                evidence.append(stock_evidence(line.drug_id, line.drug, levels, sayer.today, texts))
                said += [DraftSentence(text, (evidence[-1].id,)) for text in texts]
        return AccountAnswer(
            tuple(said),
            tuple(evidence),
            (order_card(order, sayer),),
            items=(order.id,),
            resolved="waits for stock",
            suggestions=("What can I do about a back order?", "How do I cancel an order?"),
        )

    def _about_orders(self, intent: str, meant: Resolved, account: Account, sayer: Sayer) -> AccountAnswer:
        found = [record for record in meant.records if isinstance(record, Order)]
        if not found:
            return self._elsewhere(meant, account, sayer) or self._nothing("order", meant, account, sayer)
        if meant.vague and intent == "delivery_address" and not any(order.status in OPEN for order in found):
            return self._on_file(account)
        if len(found) > 1:
            return self._choose_order(found, account, meant, sayer)
        if found[0].waiting_for == "stock" and intent in ("order_status", "order_arrival"):
            return self._held_up(found[0], [line.drug_id for line in found[0].lines], account, sayer)
        say = ORDER_INTENTS[intent]
        texts = [(order, text) for order in found for text in say(order, sayer)]
        missing = self._missing(meant)
        return AccountAnswer(
            tuple(missing + [DraftSentence(text, (order.id,)) for order, text in texts]),
            tuple(order_evidence(order, sayer) for order in found),
            tuple(order_card(order, sayer) for order in found[:2]) if intent != "delivery_address" else (),
            items=tuple(order.id for order in found),
            listed=tuple(order.id for order in found) if len(found) > 1 else (),
            suggestions=_order_next(found[0], intent, sayer),
            resolved=meant.how,
        )

    def _choose_order(self, found: list[Order], account: Account, meant: Resolved, sayer: Sayer) -> AccountAnswer:
        shown = found[:LISTED]
        head = f"You have {say_count(len(found), 'order')} that could be meant; which one?"
        rows = [DraftSentence(f"{orders.brief(order, sayer)}.", (order.id,), "step") for order in shown]
        return AccountAnswer(
            (DraftSentence(head, ("account",)), *rows),
            (account_evidence(account, head), *(order_evidence(order, sayer) for order in shown)),
            listed=tuple(order.id for order in shown),
            items=tuple(order.id for order in shown),
            outcome="clarify",
            suggestions=("The first one", "The second one"),
            resolved=meant.how,
        )

    def _order_list(self, account: Account, pointer: Pointer, sayer: Sayer) -> AccountAnswer:
        meant = orders_meant(account, pointer, self._drugs)
        picked = meant.records if not meant.vague and meant.how not in ("spoken of", "likeness") else ()
        chosen = (
            [o for o in picked if isinstance(o, Order)]
            or [o for o in account.orders if o.status in OPEN]
            or list(account.orders[:3])
        )
        shown = chosen[:LISTED]
        text = "Here is what I found in your orders." if picked else orders.history(list(account.orders), sayer)[0]
        rows = [DraftSentence(f"{orders.brief(order, sayer)}.", (order.id,), "step") for order in shown]
        evidence = (account_evidence(account, text), *(order_evidence(order, sayer) for order in shown))
        head = DraftSentence(text, ("account",))
        return AccountAnswer(
            (head, *rows),
            evidence,
            items=tuple(o.id for o in shown),
            listed=tuple(o.id for o in shown),
            suggestions=("When will the first one arrive?",) if shown and shown[0].status in OPEN else (),
            resolved=meant.how,
            articles=("order-history",),
        )

    def _about_prescriptions(self, intent: str, meant: Resolved, account: Account, sayer: Sayer) -> AccountAnswer:
        found = [record for record in meant.records if isinstance(record, Prescription)]
        if not found:
            return self._elsewhere(meant, account, sayer) or self._nothing("prescription", meant, account, sayer)
        if intent in ("refill_due", "auto_refill_status", "refills_left") and len(found) > AT_ONCE:
            found = [p for p in found if p.status is PrescriptionStatus.ACTIVE] or found
        if (
            len(found) > LISTED
            or (len(found) > AT_ONCE and intent == "prescription_prescriber")
            or (len(found) > 1 and (intent == "prescription_directions" or not meant.vague))
        ):
            head = f"You have {say_count(len(found), 'prescription')}; which one do you mean?"
            rows = [DraftSentence(f"{prescriptions.brief(p, sayer)}.", (p.id,), "step") for p in found[:LISTED]]
            return AccountAnswer(
                (DraftSentence(head, ("account",)), *rows),
                (account_evidence(account, head), *(prescription_evidence(p, sayer) for p in found[:LISTED])),
                outcome="clarify",
                listed=tuple(p.id for p in found[:LISTED]),
                items=tuple(p.id for p in found[:LISTED]),
                resolved=meant.how,
            )
        say = PRESCRIPTION_INTENTS[intent]
        many = len(found) > AT_ONCE
        sentences = [
            DraftSentence(text, (p.id,), "bullet" if many else "sentence")
            for p in found
            for text in say(p, sayer)[: 1 if many else None]
        ]
        return AccountAnswer(
            tuple(self._missing(meant) + sentences),
            tuple(prescription_evidence(p, sayer) for p in found),
            items=tuple(p.id for p in found),
            listed=tuple(p.id for p in found) if len(found) > 1 else (),
            suggestions=_prescription_next(found[0], intent, sayer),
            resolved=meant.how,
            articles=("dose-questions",) if intent == "prescription_directions" else (),
        )

    def _prescription_list(self, account: Account, sayer: Sayer) -> AccountAnswer:
        shown = account.prescriptions[:10]
        text = (
            f"You have {say_count(len(account.prescriptions), 'prescription')} with us."
            if shown
            else "There are no prescriptions in your account yet."
        )
        evidence = (account_evidence(account, text), *(prescription_evidence(p, sayer) for p in shown))
        head = DraftSentence(text, ("account",))
        rows = [DraftSentence(f"{prescriptions.brief(p, sayer)}.", (p.id,), "bullet") for p in shown]
        return AccountAnswer(
            (head, *rows), evidence, items=tuple(p.id for p in shown), listed=tuple(p.id for p in shown), resolved="all"
        )

    def _about_transfers(self, meant: Resolved, account: Account, sayer: Sayer) -> AccountAnswer:
        found = [record for record in meant.records if isinstance(record, Transfer)]
        if not found:
            return AccountAnswer(
                (DraftSentence("I can't find that transfer in your account.", ()),),
                resolved=meant.how,
                outcome="answered",
                articles=("move-prescription-in",),
            )
        evidence = [transfer_evidence(t, sayer) for t in found[:LISTED]]
        if len(found) > AT_ONCE:
            head = f"You have {say_count(len(found), 'transfer')} under way."
            evidence.insert(0, account_evidence(account, head))
            rows = tuple(
                DraftSentence(f"{prescriptions.transfer_brief(t, sayer)}.", (t.id,), "step") for t in found[:LISTED]
            )
            said: tuple[DraftSentence, ...] = (DraftSentence(head, ("account",)), *rows)
        else:
            said = tuple(DraftSentence(text, (t.id,)) for t in found for text in prescriptions.transfer(t, sayer))
        return AccountAnswer(
            tuple(self._missing(meant)) + said,
            tuple(evidence),
            items=tuple(t.id for t in found),
            listed=tuple(t.id for t in found) if len(found) > 1 else (),
            resolved=meant.how,
            suggestions=("What do the transfer stages mean?",),
        )

    def _on_file(self, account: Account) -> AccountAnswer:
        c = account.customer
        plan = (
            f"The insurance on file is {c.insurance}, with a member ID ending in {c.insurance_last4}."
            if c.insurance
            else "There is no insurance on file in your account."
        )
        texts = (plan, f"The delivery address on file is {c.address}.")
        return AccountAnswer(
            tuple(DraftSentence(text, ("account",)) for text in texts),
            (account_evidence(account, *texts),),
            resolved="account",
            suggestions=("How do I change my insurance?", "How do I change my address?"),
        )

    def _missing(self, meant: Resolved) -> list[DraftSentence]:
        return [DraftSentence(f"I can't find {what} in your account.", ()) for what in meant.missing if meant.records]

    def _elsewhere(self, meant: Resolved, account: Account, sayer: Sayer) -> AccountAnswer | None:
        """A medicine that is in the account in another way than asked: on its way over, or as a prescription only."""
        moving = [t for t in account.transfers if any(name.lower() in t.drug.lower() for name in meant.missing)]
        if moving:
            return self._about_transfers(Resolved(tuple(moving), "medicine"), account, sayer)
        held = [p for p in account.prescriptions if any(name.lower() in p.drug.lower() for name in meant.missing)]
        if not held:
            return None
        texts = [(p, text) for p in held[:AT_ONCE] for text in prescriptions.state(p, sayer)]
        return AccountAnswer(
            (
                DraftSentence(f"There is no order for {held[0].drug} in your account.", ()),
                *(DraftSentence(text, (p.id,)) for p, text in texts),
            ),
            tuple(prescription_evidence(p, sayer) for p in held[:AT_ONCE]),
            items=tuple(p.id for p in held[:AT_ONCE]),
            resolved="prescription only",
            suggestions=("How do I order a refill?",),
        )

    def _nothing(self, kind: str, meant: Resolved, account: Account, sayer: Sayer) -> AccountAnswer:
        """No such record here. The words are the same whether or not somebody else has it."""
        if meant.how == "number":
            text = f"I can't find that number in your account; please check it, or ask about your {kind} by the medicine's name."
        elif meant.missing:
            text = f"I can't find {'an order' if kind == 'order' else 'a prescription'} for {meant.missing[0]} in your account."
        elif kind == "order" and not account.orders:
            text = "There are no orders in your account yet."
        elif kind == "prescription" and not account.prescriptions:
            text = "There are no prescriptions in your account yet."
        else:
            text = f"I can't find such {'an order' if kind == 'order' else 'a prescription'} in your account."
        said = [DraftSentence(text, ())]
        evidence: list[Evidence] = []
        shown = [order for order in account.orders if order.status in OPEN][:LISTED] if kind == "order" else []
        if shown and meant.how == "number":
            head = "These orders of yours are under way."
            said.append(DraftSentence(head, ("account",)))
            said += [DraftSentence(f"{orders.brief(order, sayer)}.", (order.id,), "step") for order in shown]
            evidence = [account_evidence(account, head), *(order_evidence(order, sayer) for order in shown)]
        return AccountAnswer(
            tuple(said),
            tuple(evidence),
            listed=tuple(o.id for o in shown) if evidence else (),
            outcome="clarify",
            resolved=meant.how,
            suggestions=("What orders do I have?",) if kind == "order" else ("What prescriptions do I have with you?",),
        )


def _first_words(pharmacy: str) -> str:
    """What people call a pharmacy: "Old Mill" of "Old Mill Pharmacy, Dayton, OH"."""
    name = pharmacy.split(",")[0].lower()
    return re.sub(r" (pharmacy|drugs?|drugstore|apothecary|chemists?|rx|family|community|corner).*$", "", name) or name


def _held_up(account: Account, ids: list[str]) -> Order | None:
    """The customer's order that waits for stock of one of these medicines."""
    waiting = (
        order for order in account.orders if order.status is OrderStatus.WAITING and order.waiting_for == "stock"
    )
    return next((order for order in waiting if any(line.drug_id in ids for line in order.lines)), None)


def _order_next(order: Order, intent: str, sayer: Sayer) -> tuple[str, ...]:
    if is_late(order, sayer.today):
        return ("What can I do about a late parcel?", "What is my tracking number?")
    after: dict[OrderStatus, Sequence[str]] = {
        OrderStatus.WAITING: ("What does Waiting mean?", "How do I cancel an order?"),
        OrderStatus.PREPARING: ("Can I change the delivery address?", "How do I cancel an order?"),
        OrderStatus.RECEIVED: ("Can I change the delivery address?", "How do I cancel an order?"),
        OrderStatus.IN_REVIEW: ("What does In review mean?", "How do I cancel an order?"),
        OrderStatus.SHIPPED: ("What did I pay for it?", "What if nobody is home?"),
        OrderStatus.OUT_FOR_DELIVERY: ("What did I pay for it?", "What if nobody is home?"),
        OrderStatus.DELIVERED: ("It says delivered but nothing came", "When can I refill it?"),
        OrderStatus.CANCELLED: ("Why was my order cancelled?", "How do I order a refill?"),
        OrderStatus.RETURNED: ("When do I get my refund?", "How do I order a refill?"),
    }
    options = after[order.status]
    return tuple(option for option in options if not (intent == "order_price" and "pay" in option))


def _prescription_next(p: Prescription, intent: str, sayer: Sayer) -> tuple[str, ...]:
    if p.status is PrescriptionStatus.EXPIRED or p.expires_on < sayer.today:
        return ("My prescription has expired, what now?",)
    if not p.refills_left:
        return ("What happens when no refills are left?",)
    if intent == "prescription_directions":
        return ("How do I talk to a pharmacist?",)
    return (
        ("How do I order a refill?", "When does it expire?")
        if intent != "prescription_expiry"
        else ("How many refills are left?",)
    )
