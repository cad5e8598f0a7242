"""The plain words for what stands in a trace. A name that has none here is shown as it is, without underscores."""

from __future__ import annotations

from typing import Literal

Word = Literal["no sign", "in doubt", "clear sign"]

TAKEN_FOR = {
    "knowledge": "a question that our help articles answer",
    "account": "a question about your own account",
    "both": "a general question that is also about your own account",
    "greeting": "a greeting",
    "thanks": "a word of thanks",
    "goodbye": "a goodbye",
    "person": "a wish to speak to a person",
    "out_of_scope": "something that this assistant is not for",
    "unknown": "a question that none of our articles answers",
}
INTENTS = {"human": "Speak to a person", "out_of_scope": "Something else"}
RAILS = {
    "self_harm": "Thoughts of self-harm",
    "injection": "Changing the assistant's rules",  # "injection" is a way to take a medicine, to a customer
    "abuse": "Abusive words",
    "wants_person": "Wish for a person",
    "rail_error": "A check that could not run",
}
WORDS: dict[str, Word] = {"passes": "no sign", "doubts": "in doubt", "acts": "clear sign"}
CHECKS = {
    "cited": "no source was given",
    "markup": "it carried code",
    "links": "it carried a link that is not ours",
    "echo": "it spoke of the assistant's own instructions",
    "figures": "a figure did not stand in the source",
    "support": "the source did not say it",
    "polarity": "the source said the opposite",
    "advice": "it was medical advice",
    "drugs": "it named a medicine that the source does not",
    "personal": "it carried personal data",
    "names": "it named somebody that the source does not",
    "denials": "it denied something that the source does not",
    "grounded": "the source did not say it",
    "error": "a check could not run",
}
COMPOSERS = {
    "articles": "the articles' own sentences",
    "account": "facts from your own account",
    "both": "the articles' own sentences, and facts from your own account",
    "chat_model": "a chat model, with each sentence checked against its source",
    "wording": "a text that people wrote for this case",
}
