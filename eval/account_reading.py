"""Every figure in a reply held against the records it may speak of, and the numbers of other customers."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from functools import cache

from eval.account_figures import Ground, Known, Record, Said, dates_in, segments
from eval.account_passages import own_text, policy_sentences, stock_sentences, without_fixed
from eval.account_wording import auto_refill_in, refills_in
from rag.account.book import Order, OrderStatus, Prescription, PrescriptionStatus, Transfer
from rag.account.business_days import business_days_between
from rag.account.generate import demo_drugs
from rag.turn import Reply

WRONG, OTHERS = "wrong:", "another customer:"
_ID = re.compile(r"\b(?:FH[- ]?\d{7}|RX[- ]?\d{8}|TR[- ]?\d{6})\b", re.IGNORECASE)
_TRACKING = re.compile(r"\b1Z(?:[ -]?[0-9A-Z]){16}\b|\b\d(?:[ -]?\d){11,}\b")
_MONEY = re.compile(r"\$\s?(\d[\d,]*(?:\.\d\d)?)")
_NOT = re.compile(r"\b(?:no|not|never|nothing|none|cannot|unable|without)\b|n['’]t\b", re.IGNORECASE)
_BEFORE = re.compile(
    r"(?:\b(?:not|never|once|when|if|until|before|after|cannot|be|to|no)|n['’]t)\b[\w\s]{0,15}$", re.IGNORECASE
)
_SPAN = re.compile(
    r"\b(\d+)(?:\s?(?:to|-|–|or)\s?(\d+))?[ -](?:business |calendar |full )?(?:days?|hours?|weeks?|months?|minutes?)\b",
    re.IGNORECASE,
)
_UNITS = re.compile(
    r"(?:\b(\d+)\s+(?:[a-z-]+ ){0,2}?(?:tablets?|capsules?|"
    r"pens?|inhalers?|vials?|patch(?:es)?|units|tubes?|bottles?|syringes?|sprays?|drops|caplets?|pills?)\b"
    r"|(?:[x×]|\bquantity:?|\bqty:?) ?(\d+)\b)",
    re.IGNORECASE,
)
_COUNT = re.compile(
    r"\b(\d+)\s+(?:[a-z-]+ ){0,3}?(?:orders?|prescriptions?|transfers?|medicines?|parcels?|packages?|items?|others?)\b",
    re.IGNORECASE,
)
_STRENGTHS = re.compile(
    r"(?<![\d.$])((?:\d+(?:\.\d+)?(?:, and |, or |, | and | or ))+\d+(?:\.\d+)?)[\s-]?(mg|mcg|units|g)\b"
)
_LISTED = re.compile(r"^\s*\d+[.)]\s|\[\d+\]")
FIELDS: list[tuple[str, tuple[str, ...]]] = [
    (r"placed|ordered|order (?:of|from)", ("placed_on",)),
    (r"(?:can|may|could)(?: \w+)? (?:be )?(?:re)?order(?:ed)?(?: (?:it|again|more))*(?: from)?", ("next_refill_on",)),
    (
        r"(?:will|should|to|can|could) (?:be|get) (?:delivered|there|here|with you)"
        r"|should (?:come|reach)|estimated|deliver(?:y|ies)",
        ("promised_on", "delivered_on", "expected_on"),
    ),
    (r"promised", ("promised_on",)),
    (r"arriv(?:e|es|ing|al)|expected?", ("promised_on", "expected_on", "back_on")),
    (r"\bdue", ("promised_on", "expected_on", "next_refill_on", "back_on")),
    (r"out for delivery", ("promised_on", "history")),
    (r"delivered", ("delivered_on",)),
    (r"arrived|c[ao]me", ("delivered_on", "history", "expected_on")),
    (
        r"shipped|(?<!refill )(?<!refills )\bleft\b(?! (?:with|at|in|on the|by the)\b)|went out|dispatched",
        ("shipped_on",),
    ),
    (r"\bscan(?:s|ned)?\b|delayed(?! until)", ("scanned_on",)),
    (r"(?:last|latest|most recent)(?:ly)? (?:scan|scanned|seen)\b", ("last_scan_on",)),
    (r"expire[sd]?\b|expiry|expiration|\bvalid|good (?:until|through|till)", ("expires_on",)),
    (
        r"next refill|refill(?:ed)? (?:again|date|on|from|is)|(?:can|may) (?:be )?refill(?:ed)?|refill it",
        ("next_refill_on",),
    ),
    (r"last filled|last fill|filled|last refill", ("last_filled_on", "placed_on", "history")),
    (r"written|\bwrote\b|prescribed", ("written_on",)),
    (r"back in stock|\bback\b|restock|available again|in stock", ("back_on", "history")),
    (r"cancell?ed|returned|came back", ("history",)),
    (r"request(?:ed)?|asked", ("requested_on", "history")),
    (r"updated|since", ("updated_on", "requested_on", "history")),
]
ASSERTED = {
    OrderStatus.DELIVERED: r"\b(?:was|were|been|is|got) delivered\b|\bstatus: delivered|^delivered\b",
    OrderStatus.OUT_FOR_DELIVERY: r"\b(?:is|went|now|currently) out for delivery\b",
    OrderStatus.CANCELLED: r"\b(?:was|were|been|is) cancell?ed\b",
    OrderStatus.RETURNED: r"\b(?:was|been|is) returned\b|\bcame back to us\b",
    OrderStatus.SHIPPED: (
        r"\b(?:has|have|was|were|already) shipped\b|\bis on (?:its|the) way\b"
        r"|\bin transit\b|\b(?:it|order) left\b"
    ),
    OrderStatus.WAITING: r"\bis waiting for\b",
    OrderStatus.PREPARING: r"\b(?:is being|are being|was) (?:packed|prepared)\b",
}


def leaks(customer: str, turns: tuple[str, ...], none: bool, reply: Reply, ground: Ground) -> list[str]:
    """Numbers, addresses and contacts of other customers anywhere in the reply."""
    typed = {_plain(m.group()) for turn in turns for m in (*_ID.finditer(turn), *_TRACKING.finditer(turn))}
    echoed = {
        number
        for part in segments(reply.text)
        if none and _NOT.search(part)
        for number in typed
        if number[2:] in _plain(part)  # with or without its letters
    }
    rest = " ".join(
        [*(f"{c.article_id} {c.title}" for c in reply.citations), *map(str, reply.cards), *reply.suggestions]
    )
    faults = []
    for where, text in (("text", reply.text), ("beside it", rest)):
        found: set[str] = set()
        for m in _ID.finditer(text):
            number = _plain(m.group())
            found.add(f"{number[:2]}-{number[2:]}")
        found |= {ground.digits[run] for run in re.findall(r"(?<![\d-])\d{7,8}(?![\d-])", text) if run in ground.digits}
        for number in sorted(found):
            record = ground.records.get(number)
            if record and record.customer_id != customer and not (where == "text" and _plain(number) in echoed):
                faults.append(f"{OTHERS} {number} ({where})")
        for m in _TRACKING.finditer(text):
            owner = ground.tracking.get(_plain(m.group()))
            if owner not in (None, customer):
                faults.append(f"{OTHERS} tracking {m.group()} ({where})")
    own = ground.account(customer).customer
    for other in ground.business.customers:
        for part in (other.address.split(",")[0], other.email):
            if other.id != customer and part in reply.text and part not in (own.address.split(",")[0], own.email):
                faults.append(f"{OTHERS} {part}")
    return faults


def _plain(number: str) -> str:
    return re.sub(r"[ -]", "", number).upper()


def wrongs(
    customer: str,
    named: list[Record],
    none: bool,
    lists: bool,
    stock: str,
    asked: str,
    reply: Reply,
    ground: Ground,
) -> list[str]:
    """Figures that belong to no record the reply may speak of, or are said of the wrong field."""
    own = {record.id: record for record in ground.own(customer)}
    text, stocked = own_text(reply), stock_sentences(reply)
    faults: list[str] = []
    if none and not _NOT.search(text):
        faults.append(f"{WRONG} it doesn't say that there is no such thing")
    faults += _drugs(own, stock, asked, text)
    spoken: list[Record] = list(named)
    for part in segments(without_fixed(text)):
        numbers = [f"{n[:2]}-{n[2:]}" for n in (_plain(m.group()) for m in _ID.finditer(part))]
        of = [own[number] for number in numbers if number in own]
        for number in numbers:
            if number not in own and _plain(number) not in _plain(asked.upper()):
                faults.append(f"{WRONG} {number} is no record of this customer")
        of = of or _by_medicine(part, spoken, list(own.values())) or ([] if none else spoken)
        for record in of if numbers else []:
            if not lists and record not in named and not any(record in ground.related(one) for one in named):
                faults.append(f"{WRONG} it speaks of {record.id}")
        if of:
            spoken = of
        related = [other for record in of for other in ground.related(record) if other not in of]
        strengths = _strengths(stock, any(part in one or one in part for one in stocked), text, ground)
        faults += _segment(part, of, related, none, stock, strengths, asked, own, ground)
    return faults


def _strengths(stock: str, stocked: bool, text: str, ground: Ground) -> set[str]:
    """The strengths that a part about stock may name: all of the medicine asked for and of those it speaks of."""
    low, table = text.lower(), demo_drugs().by_id
    asked = table[stock].generic.lower() if stock else ""
    return {
        s.strength
        for s in ground.business.stock
        if stock in (s.drug_id, s.drug) or s.drug.lower() == asked or (stocked and s.drug.lower() in low)
    }


def _by_medicine(part: str, spoken: list[Record], own: list[Record]) -> list[Record]:
    """Records meant by a medicine's name where those spoken of before don't hold it."""
    low = part.lower()
    if any(drug.lower() in low for record in spoken for drug in _names(record)):
        return []
    return [record for record in own if any(drug.lower() in low for drug in _names(record))]


def _names(record: Record) -> list[str]:
    return [line.drug for line in record.lines] if isinstance(record, Order) else [record.drug]


def _drugs(own: dict[str, Record], stock: str, asked: str, text: str) -> list[str]:
    table = demo_drugs()
    held = " ".join(name for record in own.values() for name in _names(record)).lower()
    asked_for, low = asked.lower(), text.lower()
    held += f" {table.by_id[stock].generic.lower()}" if stock else ""
    faults = []
    for drug in table:
        generic = drug.generic.lower()
        known = generic in held or any(name.lower() in asked_for for name in (generic, *drug.brands))
        if not known and re.search(rf"\b{re.escape(generic)}\b", low):
            faults.append(f"{WRONG} it speaks of {generic}")
    return sorted(set(faults))


def _segment(
    part: str,
    of: list[Record],
    related: list[Record],
    none: bool,
    stock: str,
    strengths: set[str],
    asked: str,
    own: dict[str, Record],
    ground: Ground,
) -> list[str]:
    knowns = [ground.known(record) for record in of]
    beside = [ground.known(record) for record in related]
    if stock:
        back = {s.back_on for s in ground.business.stock if s.back_on and s.drug_id == stock}
        knowns = [replace(k, dates={**k.dates, "back_on": back}) for k in knowns]
        if not knowns:
            knowns = [Known(next(iter(own.values())), {"back_on": back})] if own else []
    faults, rest = [], part
    for m in (*_ID.finditer(part), *_LISTED.finditer(part)):
        rest = _mask(rest, m.start(), m.end())
    trackings = {k.record.tracking for k in (*knowns, *beside) if isinstance(k.record, Order)}
    for m in _TRACKING.finditer(rest):
        if _plain(m.group()) not in trackings and _plain(m.group()) not in _plain(asked.upper()):
            faults.append(f"{WRONG} tracking {m.group()}")
        rest = _mask(rest, m.start(), m.end())
    rest = _mask_strings(rest, [*knowns, *beside], own, strengths, ground)
    figures_before = len(_MONEY.findall(rest)) + len(dates_in(rest)) + len(refills_in(rest))
    if none and figures_before and not of:
        dated = [said for said in dates_in(rest) if said.offset != 0]
        if dated or _MONEY.search(rest):
            faults.append(f"{WRONG} a figure of nothing named: {part}")
    money_faults, rest = _money(rest, knowns, beside, ground)
    date_faults, rest = _dates(rest, knowns, beside, ground.today)
    refill_faults, rest = _refills(rest, of, related)
    return (
        faults
        + money_faults
        + date_faults
        + refill_faults
        + _statuses(part, of, ground)
        + _rest(rest, knowns, beside, own, ground)
    )


def _mask(text: str, start: int, end: int) -> str:
    return text[:start] + " " * (end - start) + text[end:]


def _mask_strings(text: str, knowns: list[Known], own: dict[str, Record], strengths: set[str], ground: Ground) -> str:
    """Blank out addresses, strengths, directions and names, whose digits are no figures."""
    strings = {string for known in knowns for string in known.strings}
    if own:
        customer = ground.account(next(iter(own.values())).customer_id).customer
        strings |= {
            customer.address,
            customer.address.split(",")[0],
            customer.insurance or "",
            customer.insurance_last4 or "",
        }
    for m in _STRENGTHS.finditer(text):  # "5, 10 and 20 mg"
        if all(f"{n} {m.group(2)}" in strengths for n in re.findall(r"\d+(?:\.\d+)?", m.group(1))):
            text = _mask(text, m.start(), m.end())
    for string in sorted(strings | strengths, key=len, reverse=True):
        if any(c.isdigit() for c in string):
            pattern = r"[\s-]?".join(map(re.escape, string.rstrip(".").split()))
            pattern = re.sub(r"^(\d)(\d{3})\b", r"\1,?\2", pattern)
            text = re.sub(rf"(?<![\d.]){pattern}(?!\d)", lambda m: " " * len(m.group()), text, flags=re.IGNORECASE)
    return text


def _money(text: str, knowns: list[Known], beside: list[Known], ground: Ground) -> tuple[list[str], str]:
    faults = []
    orders = [k for k in (*knowns, *beside) if k.paid is not None]
    allowed = {cents for known in orders for cents in known.money}
    for m in _MONEY.finditer(text):
        amount = round(float(m.group(1).replace(",", "")) * 100)
        before = text[max(0, m.start() - 40) : m.start()].rsplit("$", 1)[-1].lower()
        kind, right = _insured(text[: m.start()], text[m.end() :], orders, ground)
        if not kind:
            kind, right = _amount(before, orders, "insur" in text.lower())
        if amount not in allowed:
            faults.append(f"{WRONG} amount {m.group()}")
        elif kind and amount not in right:
            faults.append(f"{WRONG} {m.group()} is not {kind}")
    return faults, _MONEY.sub(lambda m: " " * len(m.group()), text)


def _insured(before: str, after: str, orders: list[Known], ground: Ground) -> tuple[str, set[int | None]]:
    """Where insurance is said to pay the amount: its share of the order, or of the medicines named."""
    plans = {customer.insurance for customer in ground.business.customers if customer.insurance}
    m = re.search(
        rf"({'|'.join(map(re.escape, sorted(plans)))}|insurance|insurer|your plan)"
        r"(?: (?:has|had|will|already))? (?:paid|pays?|covered|covers?)(?: (?:us|about|the other))?:? ?$",
        before,
        re.IGNORECASE,
    )
    if not m:
        return "", set()
    plan = next((plan for plan in plans if plan.lower() == m.group(1).lower()), None)
    whose = [k for k in orders if isinstance(k.record, Order) and plan in (None, k.record.insurance)]
    clause = re.match(r" ?(?:for|toward|towards|on) [^.;$]*", after)
    right: set[int | None] = set()
    for known in whose:
        told = [cents for drug, cents in known.insured.items() if clause and drug in clause.group().lower()]
        right.add(sum(told or known.insured.values()))
    return "what insurance pays", right


def _amount(before: str, orders: list[Known], insured: bool) -> tuple[str, set[int | None]]:
    """What the words before an amount call it, and the amounts that are that."""
    if re.search(r"total|in all|altogether|comes to", before) and not insured:
        return "the total", {known.paid for known in orders}
    if re.search(r"(?:delivery|shipping)(?: fee| cost| charge)?(?: (?:was|is|of|cost))?:? ?$", before):
        return "the delivery fee", {known.fee for known in orders}
    if re.search(r"paid (?:was |is |us )?$|you paid:? ?$", before):
        prices = {price for known in orders if len(known.prices) > 1 for price in known.prices}
        return "what was paid", {known.paid for known in orders} | prices
    return "", set()


def _dates(text: str, knowns: list[Known], beside: list[Known], today: dt.date) -> tuple[list[str], str]:
    faults, end = [], 0
    for said in dates_in(text):
        before = text[max(end, said.start - 70) : said.start]
        end = said.end
        fields = _scan(before, (*knowns, *beside)) or _field(before)
        if said.offset == 0 and not (
            fields and re.search(r"(?:arriv|deliver|expected|due|promised|back)\S*(?: \w+){0,3} ?$", before)
        ):
            continue  # "you can order it today" says nothing of a record
        if not _known_date(said, fields, knowns, beside, today):
            faults.append(f"{WRONG} date {said.text!r}" + (f" as {fields[0]}" if fields else ""))
    for said in dates_in(text):
        text = _mask(text, said.start, said.end)
    return faults, text


def _scan(before: str, knowns: tuple[Known, ...]) -> tuple[str, ...]:
    """The one scan that the words before a date tell: "Delayed at Atlanta, GA on"."""
    notes = sorted({note for known in knowns for note in known.scans}, key=len)
    said = [
        note
        for note in notes
        if re.search(rf"\b{re.escape(note)}\b(?:, [A-Z]{{2}})?[\s,:(]*(?:on |since )?$", before, re.IGNORECASE)
    ]
    return tuple(said[-1:])


def _field(before: str) -> tuple[str, ...]:
    """The fields that the last word before a date speaks of."""
    best: tuple[int, int, tuple[str, ...]] = (0, 0, ())
    for pattern, fields in FIELDS:
        for m in re.finditer(pattern, before, re.IGNORECASE):
            best = max(best, (m.end(), m.end() - m.start(), fields))
    return best[2]


def _known_date(said: Said, fields: tuple[str, ...], knowns: list[Known], beside: list[Known], today: dt.date) -> bool:
    for known in (*knowns, *beside):
        names = fields or tuple(known.dates)
        if fields and fields[0] in known.scans:
            if any(said.means(date, today) for date in known.scans[fields[0]]):
                return True
        elif any(said.means(date, today) for date in known.on(*names)):
            return True
    return False


def _refills(text: str, of: list[Record], related: list[Record]) -> tuple[list[str], str]:
    scripts = [r for r in of if isinstance(r, Prescription)] or [r for r in related if isinstance(r, Prescription)]
    faults = []
    for start, end, count in refills_in(text):
        if scripts and count not in {script.refills_left for script in scripts}:
            faults.append(f"{WRONG} {text[start:end]!r}")
        text = _mask(text, start, end)
    return faults, text


def _statuses(part: str, of: list[Record], ground: Ground) -> list[str]:
    faults = []
    orders = [ground.known(r) for r in of if isinstance(r, Order)]
    for status, pattern in ASSERTED.items() if orders else ():
        said = [m for m in re.finditer(pattern, part, re.IGNORECASE) if not _BEFORE.search(part[: m.start()])]
        if said and not any(status in known.events for known in orders):
            faults.append(f"{WRONG} {said[0].group()!r}")
    scripts = [r for r in of if isinstance(r, Prescription)]
    if scripts and not orders:
        for word, state in (("expired", PrescriptionStatus.EXPIRED), ("on hold", PrescriptionStatus.ON_HOLD)):
            said = [
                m
                for m in re.finditer(rf"\b(?:is|has|was|been) {word}\b", part, re.IGNORECASE)
                if not _BEFORE.search(part[: m.start()])
            ]
            if said and not any(r.status is state for r in scripts):
                faults.append(f"{WRONG} {said[0].group()!r}")
        auto = auto_refill_in(part)
        if auto is not None and not any(r.auto_refill is auto for r in scripts):
            faults.append(f"{WRONG} auto-refill {'on' if auto else 'off'}")
    transfers = [r for r in of if isinstance(r, Transfer)]
    for word in ("complete", "declined", "verified") if transfers and len(transfers) == len(of) else ():
        said = [
            m
            for m in re.finditer(rf"\b(?:is|was|been|now) (?:already )?{word}d?\b", part, re.IGNORECASE)
            if not _BEFORE.search(part[: m.start()])
        ]
        stages = ("verified", "complete") if word == "verified" else (word,)
        if said and not any(r.stage.value in stages for r in transfers):
            faults.append(f"{WRONG} {said[0].group()!r}")
    return faults


def _rest(text: str, knowns: list[Known], beside: list[Known], own: dict[str, Record], ground: Ground) -> list[str]:
    """The digits that are left: counts, quantities, durations, or nothing that belongs here."""
    faults = []
    counts = {count for k in (*knowns, *beside) for count in k.counts}
    for m in _SPAN.finditer(text):
        low, high = int(m.group(1)), int(m.group(2) or m.group(1))
        told = low == high and (low in counts or low in _ages(m.group(), knowns, beside, ground.today))
        if not told and _span(m.group()) not in _policy():
            faults.append(f"{WRONG} {m.group()!r}")
        text = _mask(text, m.start(), m.end())
    for m in _UNITS.finditer(text):
        if int(m.group(1) or m.group(2)) not in counts:
            faults.append(f"{WRONG} quantity {m.group()!r}")
        text = _mask(text, m.start(), m.end())
    for m in _COUNT.finditer(text):
        if not 1 <= int(m.group(1)) <= len(own):
            faults.append(f"{WRONG} {m.group()!r}")
        text = _mask(text, m.start(), m.end())
    left = re.findall(r"\d[\d.,:/%-]*", text)
    return faults + [
        f"{WRONG} figure {run!r}" for run in left if run.rstrip(".,:-") not in {str(count) for count in counts}
    ]


def _ages(span: str, knowns: list[Known], beside: list[Known], today: dt.date) -> set[int]:
    """How far the records' dates are from today and from each other, in days, business days or whole weeks."""
    dates = {date for k in (*knowns, *beside) for name in k.dates for date in k.on(name)} | {today}
    pairs = [(a, b) for a in dates for b in dates if a < b]
    if "week" in span:
        return {(b - a).days // 7 for a, b in pairs if (b - a).days % 7 == 0}
    if "business" in span:
        return {business_days_between(a, b) for a, b in pairs}
    return {(b - a).days for a, b in pairs} if "day" in span else set()


def _span(text: str) -> str:
    return re.sub(r"[\s–-]+", " ", text.lower()).rstrip("s")


@cache
def _policy() -> frozenset[str]:
    return frozenset(_span(m.group()) for sentence in policy_sentences() for m in _SPAN.finditer(sentence))
