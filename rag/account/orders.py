"""What is said about an order: one function for each thing that people ask, from typed facts only."""

from __future__ import annotations

from rag.account.book import Order, OrderStatus
from rag.account.facts import STATUS_LABEL, WAITING_FOR, Sayer
from rag.account.resolve import MOVING, OPEN, is_late
from rag.account.say import say_count, say_list, say_money


def status(order: Order, sayer: Sayer) -> list[str]:
    """Where it is and when it comes."""
    what, since = sayer.medicines(order), sayer.since(order, order.status)
    match order.status:
        case OrderStatus.RECEIVED:
            said = [
                f"We received your order {order.id} for {what} {since}, and it is next to be reviewed by a pharmacist."
            ]
        case OrderStatus.IN_REVIEW:
            said = [f"A pharmacist has been reviewing your order {order.id} for {what} since {_bare(since)}."]
        case OrderStatus.WAITING:
            reason = WAITING_FOR.get(order.waiting_for or "", "something we need first")
            said = [f"Your order {order.id} for {what} is waiting for {reason}, since {_bare(since)}."]
        case OrderStatus.PREPARING:
            said = [
                f"Your {what} is being prepared in {order.center} (order {order.id})."
                if len(order.lines) == 1
                else f"Your {what} are being prepared in {order.center} (order {order.id})."
            ]
        case OrderStatus.SHIPPED:
            return [_on_its_way(order, sayer), *_late(order, sayer), *_scan(order, sayer), *tracking(order, sayer)]
        case OrderStatus.OUT_FOR_DELIVERY:
            return [
                f"Your {what} went out for delivery {since} (order {order.id}).",
                *_late(order, sayer),
                *tracking(order, sayer),
            ]
        case OrderStatus.DELIVERED:
            when = sayer.on(order.delivered_on) if order.delivered_on else since
            by = f" by {order.carrier}" if order.carrier else ""
            return [f"Your {what} {_was(order)} delivered {when}{by} (order {order.id})."]
        case OrderStatus.CANCELLED:
            return [f"Your order {order.id} for {what} was cancelled {since}.", *_note(order, OrderStatus.CANCELLED)]
        case OrderStatus.RETURNED:
            return [f"Your order {order.id} for {what} came back to us {since}.", *_note(order, OrderStatus.RETURNED)]
    return [*said, *_late(order, sayer), *([] if is_late(order, sayer.today) else _due(order, sayer))]


def arrival(order: Order, sayer: Sayer) -> list[str]:
    what = sayer.medicines(order)
    if order.status in MOVING:
        return [
            _on_its_way(order, sayer) if order.status is OrderStatus.SHIPPED else status(order, sayer)[0],
            *_late(order, sayer),
            *_scan(order, sayer),
            *tracking(order, sayer),
        ]
    if order.status in OPEN and order.promised_on and not is_late(order, sayer.today):
        return [f"Your {what} should arrive {sayer.on(order.promised_on)} (order {order.id}).", _stage(order)]
    if order.status is OrderStatus.DELIVERED and order.promised_on and order.promised_on != order.delivered_on:
        return [*status(order, sayer), f"It had been promised for {_bare(sayer.on(order.promised_on))}."]
    if order.status in OPEN and not order.promised_on:
        return [*status(order, sayer), f"Order {order.id} has no delivery date yet."]
    return status(order, sayer)


def tracking(order: Order, sayer: Sayer) -> list[str]:
    if order.carrier and order.tracking:
        return [f"{order.carrier} carries it; the tracking number is {order.tracking}."]
    return []


def track(order: Order, sayer: Sayer) -> list[str]:
    if order.carrier and order.tracking:
        said = f"The tracking number of your {sayer.medicines(order)} (order {order.id}) is {order.tracking}, with {order.carrier}."
        return [said, *_short(order, sayer)]
    if order.status in OPEN:
        return [
            f"Order {order.id} for {sayer.medicines(order)} has no tracking number yet, because it has not shipped.",
            _stage(order),
            *_late(order, sayer),
        ]
    return [f"Order {order.id} for {sayer.medicines(order)} has no tracking number.", *status(order, sayer)]


def contents(order: Order, sayer: Sayer) -> list[str]:
    lines = [
        f"{line.drug} {line.strength} {line.form} ({line.quantity}, for {line.days_supply} days)"
        for line in order.lines
    ]
    return [f"Order {order.id} holds {say_list(lines)}.", *_short(order, sayer)]


def price(order: Order, sayer: Sayer) -> list[str]:
    """The total, its parts when there are several, and what insurance paid."""
    what = sayer.medicines(order)
    if order.status is OrderStatus.CANCELLED:
        return [
            f"Order {order.id} for {what} was cancelled {sayer.since(order, OrderStatus.CANCELLED)}; its total was {say_money(order.paid_cents)}."
        ]
    charged = sayer.event(order, OrderStatus.SHIPPED) is not None
    said = [
        f"You paid {say_money(order.paid_cents)} for your {what} (order {order.id})."
        if charged
        else f"Your {what} will cost {say_money(order.paid_cents)} (order {order.id}), charged when the order ships."
    ]
    if len(order.lines) > 1 or order.delivery_fee_cents:
        parts = [f"{say_money(line.price_cents)} for {line.drug}" for line in order.lines]
        fee = [f"{say_money(order.delivery_fee_cents)} for {order.speed} delivery"] if order.delivery_fee_cents else []
        said.append(f"That is {say_list([*parts, *fee])}.")
    insured = sum(line.insured_cents for line in order.lines)
    if order.insurance and insured:
        said.append(f"{order.insurance} {'paid' if charged else 'pays'} {say_money(insured)}.")
    else:
        said.append("Insurance paid nothing for it." if charged else "Insurance pays nothing for it.")
    return [*said, *([_stage(order)] if order.status is OrderStatus.WAITING else [])]


def destination(order: Order, sayer: Sayer) -> list[str]:
    verb = "went" if order.status is OrderStatus.DELIVERED else "was going" if order.status not in OPEN else "goes"
    return [f"Order {order.id} for {sayer.medicines(order)} {verb} to {order.address}."]


def origin(order: Order, sayer: Sayer) -> list[str]:
    verb = "is packed in and ships from" if order.status in OPEN and order.status not in MOVING else "was shipped from"
    if order.status is OrderStatus.CANCELLED:
        return status(order, sayer)
    return [f"Order {order.id} for {sayer.medicines(order)} {verb} {order.center}.", *_short(order, sayer)]


def brief(order: Order, sayer: Sayer) -> str:
    """One line of a list to choose from."""
    when = f"placed {sayer.on(sayer.day_of(order.placed_at))}"
    if order.status is OrderStatus.DELIVERED and order.delivered_on:
        return f"{_capital(sayer.medicines(order))}, delivered {sayer.on(order.delivered_on)} ({order.id})"
    if is_late(order, sayer.today) and order.promised_on:
        when = f"was due {sayer.on(order.promised_on)} and is late"
    elif order.status in OPEN and order.promised_on:
        when = f"due {sayer.on(order.promised_on)}"
    elif order.status not in OPEN:
        when = sayer.since(order, order.status) or when
    state = STATUS_LABEL[order.status].lower()
    if order.status is OrderStatus.WAITING:
        state += f" for {WAITING_FOR.get(order.waiting_for or '', 'something we need first')}"
    return f"{_capital(sayer.medicines(order))}, {state}{' ' if order.status not in OPEN else ', '}{when} ({order.id})"


def history(orders: list[Order], sayer: Sayer) -> list[str]:
    live = [order for order in orders if order.status in OPEN]
    if not orders:
        return ["There are no orders in your account yet."]
    if live:
        return [f"You have {say_count(len(live), 'order')} under way."]
    return ["You have no order under way; these are your latest."]


def _on_its_way(order: Order, sayer: Sayer) -> str:
    left = sayer.left(order)
    due = (
        f" and should arrive {sayer.on(order.promised_on)}"
        if order.promised_on and not is_late(order, sayer.today)
        else ""
    )
    return f"Your {sayer.medicines(order)} left {order.center} {left}{due} (order {order.id})."


def _scan(order: Order, sayer: Sayer) -> list[str]:
    """What the carrier reported after the parcel left, if anything."""
    last = order.history[-1] if order.history else None
    first = next((event for event in order.history if event.status is OrderStatus.SHIPPED), None)
    if last and last is not first and last.status is OrderStatus.SHIPPED and last.note:
        return [f"The carrier's last scan {sayer.on(sayer.day_of(last.at))} says: {last.note.rstrip('.')}."]
    return []


def _late(order: Order, sayer: Sayer) -> list[str]:
    if is_late(order, sayer.today) and order.promised_on:
        return [f"It was due {sayer.on(order.promised_on)}, so it is late, and we are sorry."]
    return []


def _due(order: Order, sayer: Sayer) -> list[str]:
    return [f"It should arrive {sayer.on(order.promised_on)}."] if order.promised_on else []


def _stage(order: Order) -> str:
    if order.status is OrderStatus.WAITING:
        return f"Its status is Waiting, for {WAITING_FOR.get(order.waiting_for or '', 'something we need first')}."
    return f"Its status is {STATUS_LABEL[order.status]}."


def _short(order: Order, sayer: Sayer) -> list[str]:
    """The state in one sentence, after another answer."""
    if order.status is OrderStatus.DELIVERED and order.delivered_on:
        return [f"It was delivered {sayer.on(order.delivered_on)}."]
    if is_late(order, sayer.today):
        return [*([_stage(order)] if order.status is OrderStatus.WAITING else []), *_late(order, sayer)]
    waiting = [_stage(order)] if order.status is OrderStatus.WAITING else []
    return [*waiting, *_due(order, sayer)] if order.status in OPEN else []


def _note(order: Order, wanted: OrderStatus) -> list[str]:
    event = next((event for event in reversed(order.history) if event.status is wanted), None)
    return [f"The reason on record: {event.note.rstrip('.')}."] if event and event.note else []


def _was(order: Order) -> str:
    return "was" if len({line.drug for line in order.lines}) == 1 else "were"


def _bare(since: str) -> str:
    return since.removeprefix("on ")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
