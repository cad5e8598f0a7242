"""Cues: words that say what is asked of a record. They check the intent head and decide where it is unsure."""

from __future__ import annotations

import re


def _any(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


# Intents that are only asked with such a word; without it the head's next guess is taken.
NEEDS = {
    "delivery_address": _any(r"\b(address|to which|which house|where .*\b(sen[dt]|go(es|ing)|ship\w*|deliver\w*)\b|going to|sent to|deliver\w* to|ship\w* to|zip)\b"),
    "stock": _any(r"\b(stock|back|available|availability|carry|out of|back ?order\w*|have any|run out|shortage|get (it|more|any) in)\b"),
    "prescription_prescriber": _any(r"\b(doctor|dr|prescrib\w*|wrote|written|physician|nurse|who)\b"),
    "prescription_directions": _any(r"\b(label|directions?|instructions?|take|taking|use|using|inject\w*|strength|dose|dosage|mg|how (many|often|much)|times)\b"),
    "prescription_expiry": _any(r"\b(expir\w*|good (until|till|for)|valid|run(s)? out|still good|old|date)\b"),
    "auto_refill_status": _any(r"\bauto"),
    "insurance_on_file": _any(r"\b(insurance|plan|coverage|covered|card|member|insurer|medicare|medicaid|ins)\b"),
    "transfer_status": _any(r"\b(transfer\w*|mov(e|ed|ing)|switch\w*|from my old|bring\w* over|com(e|ing) over|sen[dt] over|getting from|other pharmacy|old pharmacy)\b"),
    "order_price": _any(r"\b(pa(y|id|ying)|cost|price|charge\w*|total|bill\w*|how much|owe|copay|expensive|\$|insurance)\b"),
    "order_tracking": _any(r"\b(track\w*|carrier|ups|usps|fedex|number|who('s| is)?|which|company|bring\w*|brought)\b"),
    "refill_due": _any(r"\b(refill\w*|renew\w*|run(s)? out|due|again|next|more|early|too soon|when can|reorder|fill\w*)\b"),
    "order_contents": _any(r"\b(what|which|in it|inside|contain\w*|include\w*|how many|items?|list)\b"),
}  # fmt: skip

# What such words ask for, first match first. Only for a record of one's own.
CUES = (
    ("stock", _any(r"\b(back in|in stock|out of stock|back ?order\w*|restock\w*|available again|more in)\b")),
    ("transfer_status", _any(r"\btransfer\w*\b|\b(gone|going|moved?|bring\w*|brought|come|coming) over\b")),
    ("order_origin", _any(r"\b(ships?|shipped|shipping|sent|sending|com(es|ing)|packed|mailed) (out )?from\b|\bfrom (which|what) (center|warehouse|place|city)\b|\bfrom where\b")),
    ("prescription_directions", _any(r"\bhow (often|many|much)\b.*\b(take|use|inject|apply|inhale)\b|\bhow\b.{0,20}\b(take|use|inject|apply|inhale)\b|\bwhat does (the|my) (label|bottle) say\b")),
    ("auto_refill_status", _any(r"\bauto[- ]?refill\b")),
    ("order_tracking", _any(r"\btrack\w*\b|\b(which|what) (carrier|company)\b|\bwho('s| is| was)? (bring\w*|deliver\w*|brought|dropped|carry\w*)")),
    ("order_price", _any(r"\b(how much|what) (did|will|would|was|is|have|do|does)\b.*\b(i pay|paid|cost|charged|it be|owe|pay)\b|\bwhat did i pay\b|\bhow much (was|is|were)\b|\b(come|comes|came) to\b|\btotal\b")),
    ("prescription_status", _any(r"\bprescription\b.*\bstatus\b|\bstatus of\b.*\bprescription\b|\bget filled\b")),
    ("refill_due", _any(r"\b(next|nxt) (refill|fill)\b|\bwhen can i\b.*\b(refill|fill|get (it|them|more)|order (it|more|again)|have (it|more))\b|\bearliest\b|\bfrom what day\b|\border next time\b|\bget (it|them) again\b")),
    ("order_arrival", _any(r"\bwhen (should|will|would|is|are)\b.*\b(mailbox|here|home|door\w*|porch)\b|\bwhen (did|was|will|is|does|should)\b.*\b(arriv\w*|deliver\w*|com(e|ing)|came|get here|got here|be here|show up)\b|\blast delivered\b|\bsupposed to (be|arrive|come|get|show)\b|\b(promised? (it|for)|you promised?|the promised)\b|\bdate .*\bdelivered\b")),
    ("order_status", _any(r"\b(cancel+ed|went back|sent back|returned|stuck|held up|holding up|hold up|taking so long|hasn'?t (shipped|come|arrived)|haven'?t (u |you )?(sent|shipped)|not (sent|shipped|moving)|where('?s| is| are)|on (the|its) way)\b|\b(has|have|did|is|are) (u|you|it|they|that|the [\w ]+|my [\w ]+) (left|shipped|ship|come|arrived?|gone out|sent)\b|\bwhy\b.*(\bnot\b|n'?t\b)|n'?t\b.*\bwhy\b")),
    ("refills_left", _any(r"\b(how many|any) refil\w*\b|\brefil\w* (left|remaining)\b")),
    ("prescription_expiry", _any(r"\bexpir\w*\b|\b(un)?till? when\b|\bgood (un)?till?\b|\bhow long\b.*\b(good|valid)\b")),
)  # fmt: skip


def cue(text: str) -> str | None:
    """The intent that the words name, if they do."""
    return next((intent for intent, pattern in CUES if pattern.search(text)), None)


def may_be(intent: str, text: str) -> bool:
    """Whether the text has the word that this intent is only asked with."""
    return intent not in NEEDS or bool(NEEDS[intent].search(text))
