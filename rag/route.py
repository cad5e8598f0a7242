"""Knowledge or account, or both: where the answer to a question lies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from rag.account.answer import ORDER_INTENTS, PRESCRIPTION_INTENTS
from rag.account.cues import cue, may_be
from rag.account.mentions import PRONOUN, Mentions
from rag.encoder import Vectors
from rag.followup import wants_more
from rag.retrieve import Found
from rag.specialists.reader import Reading
from rag.turn import Focus

Where = Literal["knowledge", "account", "both", "greeting", "thanks", "goodbye", "person", "out_of_scope", "unknown"]

SURE = 0.6
SAME = 0.86  # likeness to a known question from which the two are the same question
ASKED = re.compile(
    r"\b(when|where|arriv\w*|track\w*|who|which|how (much|many|long)|pa(y|id)|cost|price|refills?|expir\w*|label|directions|doctor|"
    r"prescri\w+|status|ship\w*|deliver\w*|cancel\w*|why|what('s| is| did| does| do)|stock|auto|insurance|transfer\w*|strength)\b",
    re.IGNORECASE,
)  # words that ask something of their own
MINE = re.compile(
    r"\bmy (\w+ )?(order|package|parcel|box|delivery|shipment|refill|transfer|prescription)s?\b", re.IGNORECASE
)
OWN_THING = re.compile(r"\b(my|mine|our|i|me)\b", re.IGNORECASE)
OF_PARCELS = ("order_status", "order_arrival", "order_tracking")
MAYBE = 0.35  # account share from which a general question of a signed-in customer gets the own state too
ELLIPTIC = 7  # words up to which "what about the thyroid one?" can ask the same again
OWN = 0.12  # account share from which an own medicine decides
PART = 0.8  # how sure an article must be to answer a part of a message
CHATTY = 7  # words up to which "thanks" is all that a message says


@dataclass(frozen=True)
class Route:
    where: Where
    intent: str  # the account intent, or what was read
    why: str  # for the trace


@dataclass(frozen=True)
class Asked:
    """One question of a message, read and searched."""

    text: str
    query: str  # the text, made whole with what it follows
    mentions: Mentions
    reading: Reading
    found: Found
    route: Route
    leaning: bool
    vector: Vectors  # the plain encoder's; the one in `found` is of what was searched for


def route(
    text: str,
    reading: Reading,
    route_of: dict[str, str],
    mentions: Mentions,
    found: Found,
    floor: float,
    focus: Focus,
    leaning: bool,
    own: bool = False,
    moving: bool = False,
    signed_in: bool = False,
) -> Route:
    """Where to look. `found` is the search for the (whole) question, `leaning` says that the message is a follow-up.

    `own` says that the message names a medicine that the signed-in customer has here, `moving` the pharmacy of one of
    their transfers.
    """
    shares = reading.routes
    account_intent = _account_intent(text, reading, route_of)
    answerable = found.answerable >= floor
    numbered = bool(mentions.numbers or mentions.tracking)
    about_item = bool(focus.items) and leaning and not focus.articles
    about_article = bool(focus.articles) and leaning and not focus.items and bool(ASKED.search(text))

    if wants_more(text) and focus.articles:
        return Route("knowledge", reading.intent, "asks for more of the same")
    if (mentions.ordinal or mentions.other) and focus.listed and len(text.split()) <= 12:
        pointing = len(text.split()) <= 4 or shares["account"] <= SURE
        intent = focus.intent if pointing and focus.intent else account_intent
        return Route("account", _fitting(intent, focus), "points at what was listed")
    if about_article and answerable and not (numbered or own or moving or OWN_THING.search(text)):
        return Route("knowledge", reading.intent, "goes on about the article spoken of")
    if len(text.split()) <= CHATTY and shares["chat"] > SURE and not numbered and not mentions.drugs:
        return Route(reading.best_of(route_of, "chat")[0], reading.intent, "small talk")  # type: ignore[arg-type]
    if shares["human"] > SURE:
        return Route("person", reading.intent, "asks for a person")
    if about_item and cue(text) and (mentions.pronoun or len(text.split()) <= ELLIPTIC):
        named = cue(text)
        intent = _fitting(account_intent, focus) if named == "order_status" and mentions.pronoun else account_intent
        return Route("account", intent, "asks on about the item spoken of")
    if about_item and mentions.pronoun and shares["knowledge"] > shares["account"] and answerable:
        return Route("both", _plain_state(focus), "a general question about the item spoken of")
    if numbered:
        if shares["knowledge"] > SURE and answerable:
            return Route("both", _status_of(account_intent), "a general question with a number of one's own")
        return Route("account", account_intent, "a number of one's own")
    if moving and shares["knowledge"] < 0.9:
        return Route("account", "transfer_status", "names the pharmacy of a transfer")
    if focus.items and leaning and focus.intent and not ASKED.search(text) and (own or len(text.split()) <= ELLIPTIC):
        return Route("account", focus.intent, "asks the same of another")
    if own and (shares["account"] > OWN or cue(text)):
        return Route("account", account_intent, f"names an own medicine, account {shares['account']:.2f}")
    if about_item and (shares["account"] > 0.3 or not answerable):
        intent = account_intent if shares["account"] > 0.2 else focus.intent or account_intent
        if cue(text) is None and (mentions.pronoun or mentions.previous):
            intent = _fitting(intent, focus)
        return Route("account", intent, "goes on about the item spoken of")
    if signed_in and MINE.search(text) and cue(text) in OF_PARCELS and shares["account"] > OWN:
        general = answerable and found.answerable > 0.8 and shares["knowledge"] > shares["account"]
        return Route("both" if general else "account", account_intent, "asks after an own parcel")
    if found.hits and found.hits[0].signs[0] >= SAME and answerable and shares["account"] < 0.97:
        own_state = signed_in and (shares["account"] > MAYBE or cue(text) == "order_status") and MINE.search(text)
        return Route("both" if own_state else "knowledge", account_intent, "asked in an article's own words")
    if shares["account"] >= SURE or shares["account"] > max(shares["knowledge"], shares["out_of_scope"]):
        both = shares["knowledge"] > 0.25 and found.answerable > max(floor, 0.85)
        return Route("both" if both else "account", account_intent, f"account {shares['account']:.2f}")
    if shares["out_of_scope"] > SURE and not answerable:
        return Route("out_of_scope", reading.intent, f"out of scope {shares['out_of_scope']:.2f}")
    if answerable:
        return Route("knowledge", reading.intent, f"answerable {found.answerable:.2f}")
    return Route("unknown", reading.intent, f"under the floor: {found.answerable:.2f} < {floor:.2f}")


def two_topics(together: Asked, apart: list[Asked], floor: float, sure: bool) -> bool:
    """Whether the parts of a message ask different things that are both known here.

    The whole message must show it too: what its parts find stands among what it finds, or lies in the account. Parts
    cut at a loose joint (not `sure`) must hold what the whole finds first.
    """
    if len(apart) < 2 or together.leaning:
        return False
    if all(part.route.where == "account" for part in apart) and any(PRONOUN.search(part.text) for part in apart[1:]):
        return False
    topics: list[str] = []
    near = {hit.article_id for hit in together.found.hits}
    for part in apart:
        if part.route.where == "account":
            topics.append(f"account:{part.route.intent}")
        elif (
            part.route.where in ("knowledge", "both")
            and part.found.answerable >= (floor if sure else max(floor, PART))
            and part.found.best in near
        ):
            topics.append(part.found.best or "")
        else:
            return False
    if not sure and together.route.where == "knowledge" and together.found.best not in topics:
        return False
    return len(set(topics)) == len(topics)


def _account_intent(text: str, reading: Reading, route_of: dict[str, str]) -> str:
    """The most probable account intent; some are only asked with a word of their own."""
    named = cue(text)
    if named:
        return named
    for name, _ in reading.intents:
        if route_of[name] == "account" and may_be(name, text):
            return name
    return "order_status"


def _fitting(intent: str, focus: Focus) -> str:
    """An intent for the kind of thing that was listed: orders are not asked for refills left."""
    kind = (focus.listed or focus.items)[0].split("-")[0]
    if (kind == "FH" and intent in ORDER_INTENTS) or (kind == "RX" and intent in PRESCRIPTION_INTENTS):
        return intent
    return {"FH": "order_status", "RX": "prescription_status"}.get(kind, "transfer_status")


def _plain_state(focus: Focus) -> str:
    """The intent that says how the item spoken of stands."""
    return {"FH": "order_status", "RX": "prescription_status"}.get(focus.items[0].split("-")[0], "transfer_status")


def _status_of(intent: str) -> str:
    return "order_status" if intent in ORDER_INTENTS or intent == "order_list" else intent
