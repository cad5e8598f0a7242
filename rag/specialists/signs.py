"""Lexical signs: what a vector blurs and a pattern sees, such as amounts beside taking verbs, or commands to a machine."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from rag.encoder import Vectors

WANTED = (
    r"\b(my|mine|our)\b",
    r"\b(fh|rx|tr)[\s#:-]*\d{4,}|\b1z[0-9a-z]{8,}|#\s*\d{4,}",
    r"\b(you|u|people|customers|someone|anyone|everyone)\b",
    r"\bmy (order|package|parcel|delivery|box|shipment|stuff|meds|medicines?|prescriptions?|pills|transfer|refills?)\b",
    r"^(what is|what are|how do|how does|how long|how much|what if|why do|why does|do you|can you|is it|are there)\b",
    r"\b(when|where)('s| is| are| will| does)\b",
    r"\b(have i|did i|am i|do i have|i ordered|i paid|i have left)\b",
    r"\b(policy|process|usually|normally|in general|generally)\b",
    r"\b(if|whenever|once|after|before)\b",
    r"\b(it|that one|this one|the one|other one|first one|second one|those|these|them)\b",
    r"\b(address|going to|go to|sent to|sending (it|them) to|deliver(ed|ing)? to|ship(ped|ping)? to|which house|zip|apartment)\b",
    r"\b(refills?)\b",
    r"\b(expir\w+|run out|runs out|good until|valid)\b",
    r"\b(track\w*|carrier|ups|usps|fedex)\b",
    r"\b(pay|paid|cost|costs|charged?|price|total|bill|copay)\b",
    r"\b(label|directions|instructions|strength|how (do|to) take|mg)\b",
    r"\b(who (wrote|prescribed)|prescriber|doctor|prescribed)\b",
    r"\b(transfer\w*|moved?|moving)\b",
    r"\b(stock|available|back ?order\w*|carry)\b",
    r"\b(insurance|plan|coverage)\b",
    r"\b(auto|automatic\w*)\b",
    r"\b(arriv\w*|get here|come|coming|deliver\w*|when)\b",
    r"\b(what('s| is) in|inside|contains?|which (pills|meds|medicines))\b",
)  # what is asked for
_taken = r"(took|taken|takes?|taking|swallow\w*|ate|eaten|drank|gave|given|popped|chew\w*|inject\w*|had|downed)"
_count = r"(\d+|two|three|four|five|six|seven|eight|ten|twelve|twenty|thirty|half|whole|all|handful|bunch|too (many|much)|double|twice|extra|entire)"
_other = r"(son|daughter|baby|toddler|child|kid|kids|grandson|granddaughter|boy|girl|mom|mother|dad|father|wife|husband|grandma|grandpa|brother|sister|friend|roommate|neighbor|patient|resident|dog|cat|puppy)"
DANGER = (
    rf"\b{_taken}\b.{{0,40}}\b{_count}\b|\b{_count}\b.{{0,30}}\b{_taken}\b",
    rf"\b{_other}\b.{{0,60}}\b{_taken}\b",
    rf"\b{_other}\b",
    r"\b(breath\w*|chest|throat|tongue|lips?|face|swoll\w*|swell\w*|hives|seiz\w*|faint\w*|collaps\w*|unconscious|unresponsive|awake|wake|pulse|blue|foam\w*|bleed\w*|blood|vomit\w*|throwing up|shak\w*|slur\w*|numb\w*|droop\w*|confus\w*|limp|cold sweat|sweaty)\b",
    r"\b(right now|just now|minutes? ago|hours? ago|an hour ago|since this morning|last night|suddenly|getting worse|help)\b",
    r"\b(kill|die|dying|dead|end it|ending it|suicid\w*|hurt myself|cut(ting)? myself|burden|better off|goodbye|no point|can't go on|cant go on|disappear|not be here|live anymore|hopeless|alone)\b",
    r"\b(joke|kidding|lol|lmao|haha\w*|figure of speech)\b",
)
ADVICE = (
    r"\b(should|can|could|may|is it (ok|okay|safe|bad|normal|fine)|safe to|ok to|okay to|supposed to|allowed to) (i|he|she|we|they|my|to)?\b.{0,30}\b(take|taking|stop|skip|mix|drink|eat|give|use|drive|double|split|crush|start|switch)\b",
    r"\b(side effects?|interact\w*|normal|dose|dosage|dosing|symptoms?|rash|dizzy|dizziness|nausea\w*|headaches?|pregnan\w*|breastfeed\w*|alcohol|wine|beer|grapefruit|ibuprofen|tylenol|advil|missed|forgot|overdue)\b",
    r"\b(better|instead of|versus|vs|which one|stronger|weaker|recommend|good for|work(s|ing)? (for|yet))\b",
    r"\b(label|file|stock|ship\w*|refill\w*|price|cost|insurance|order|covered|transfer)\b",
)
BENDING = (
    r"\b(ignore|disregard|forget|override|bypass|skip|drop|delete|discard)\b.{0,40}\b(instructions?|rules?|prompts?|guidelines?|previous|above|prior|restrictions?|filters?|training|policy|policies|polic\w*|safety|guardrails?|everything)\b",
    r"\b(you are (now|no longer)|you're (now|no longer)|act as|pretend|role ?play|imagine you|from now on|simulate|persona|character|stay in character|play a game|opposite day)\b",
    r"\b(system prompt|your (instructions|prompt|rules|guidelines|configuration|programming|training)|initial (prompt|instructions)|verbatim|word for word|repeat (everything|all|the text|the words)|print|reveal|output|dump)\b",
    r"\b(developer|debug|admin\w*|maintenance|test|root|sudo|dan|jailbreak\w*|unrestricted|unfiltered|god) ?(mode)?\b",
    r"(<\|?|\|>|\[/?(inst|system)|```|###|\{\s*\"|</?[a-z_]+>|\bsystem\s*:|\bassistant\s*:|\brole\"?\s*:)",
    r"[A-Za-z0-9+/]{24,}={0,2}|\b([a-zA-Z0-9][ ._-]){6,}|\b\w*[a-z]+[013457@$]+[a-z]+\w*\b.*\b\w*[a-z]+[013457@$]+[a-z]+\w*\b|base ?64|rot ?13|decode|encoded",
    r"\b(other|another|all|every|any) (customers?|users?|patients?|accounts?|people'?s)\b|\bC-\d{4,}|\b(database|table|records?|api|token|password|credentials?)\b",
    r"\b(ends? (every|each|all)|begin (every|each)|respond only|answer only|reply only|only say|say exactly|repeat after me|translate|write (a|me)|poem|story|novel|fiction\w*|hypothetical\w*|script)\b",
)
TONE = (
    r"\b(idiots?|stupid|morons?|dumb|useless|pathetic|worthless|incompetent|trash|garbage|scum|bitch\w*|assholes?|bastards?|f+u+c+k\w*|f\*+\w*|sh[i*!]t\w*|crap|damn|hell|retard\w*|losers?|clowns?|ugly|disgusting|shut up|screw you|suck\w*)\b",
    r"\b(you|u|ur|your|you're|youre|they|these people)\b.{0,25}\b(idiots?|stupid|morons?|dumb|useless|pathetic|worthless|incompetent|trash|garbage|scum|bitch\w*|assholes?|f+u+c+k\w*|losers?|clowns?|liars?|thieves|robots?|lazy)\b",
    r"\b(find you|come (over|down|by) there|know where|burn|shoot|beat|slap|punch|watch your|regret|pay for this)\b",
    r"\b(again|third time|second time|already (told|said|asked)|keep (asking|saying|telling)|still|how many times|for the last time|seriously|unbelievable|ridiculous|nobody|never)\b",
    r"\b(person|human|people|someone|somebody|anybody|anyone|agent|representative|rep|operator|manager|supervisor|pharmacist|staff|talk|speak|call)\b",
    r"\b(bot|robot|machine|computer|ai|automated|chatbot)\b",
    r"!{2,}|\?{2,}|\b[A-Z]{4,}\b.*\b[A-Z]{4,}\b",
    r"^(and|but|so|also|then|or|what about|how about|yes|no|yeah|nope|yep|ok|okay)\b",
)
OF_CASE = frozenset((TONE[6], BENDING[5]))
SIGNS = tuple(
    re.compile(pattern, 0 if pattern in OF_CASE else re.IGNORECASE)
    for pattern in (*WANTED, *DANGER, *ADVICE, *BENDING, *TONE)
)
OF_MESSAGE = len(WANTED)
WEIGHT = 0.35
CONTEXT = 2  # whether something was said before, and how long the message is
COUNT = len(SIGNS) + CONTEXT


def signs(turns: Sequence[str]) -> Vectors:
    """Float32 of shape (COUNT,): which signs the message shows, at half weight those that only the turns before show."""
    message, before = turns[-1], " ".join(turns[-3:-1:2])
    found = np.zeros(COUNT, dtype=np.float32)
    for n, sign in enumerate(SIGNS):
        if sign.search(message):
            found[n] = WEIGHT
        elif before and n >= OF_MESSAGE and sign.search(before):
            found[n] = WEIGHT / 2
    found[-2] = WEIGHT if before else 0.0
    found[-1] = min(len(message.split()), 40) / 40 * WEIGHT
    return found
