"""Release: draft sentences pass the output rail one by one; what passes is numbered, shown and remembered."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from rag.compose.draft import DraftSentence, Evidence
from rag.turn import Citation, Emit, Event, Sentence
from rails.output import OutputRail, public
from rails.reading import Reading


@dataclass
class Released:
    """What has been released so far, in order, and what the rail held back."""

    sentences: list[Sentence] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)
    held_back: list[dict[str, str]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The reply as text: steps and bullets on lines of their own, `[n]` where a run of one source ends."""
        out, step = "", 0
        for place, (sentence, kind) in enumerate(zip(self.sentences, self.kinds, strict=True)):
            last = place + 1 == len(self.sentences) or self.sentences[place + 1].citations != sentence.citations
            marks = "".join(f"[{n}]" for n in sentence.citations) if last else ""
            said = f"{sentence.text} {marks}".rstrip()
            step = step + 1 if kind == "step" else 0
            if kind == "sentence":
                out += f"{'' if not out else chr(10) if self.kinds[place - 1] != 'sentence' else ' '}{said}"
            else:
                out += f"{chr(10) if out else ''}{f'{step}.' if kind == 'step' else '-'} {said}"
        return out


class Gate:
    """Lets sentences out. One gate for one turn."""

    def __init__(self, rail: OutputRail, evidence: Collection[Evidence], emit: Emit) -> None:
        self._rail, self._emit = rail, emit
        self._evidence = {item.id: item for item in evidence}
        self._readings = {
            item.id: public(item.text) if item.kind == "article" else Reading(item.text) for item in evidence
        }
        self._numbers: dict[str, int] = {}
        self.released = Released()

    def fixed(self, text: str) -> None:
        """A reviewed sentence of the policy, or one that says only what isn't there: it claims no fact and cites none."""
        self._let_out(DraftSentence(text, ()), ())

    def offer(self, draft: DraftSentence) -> bool:
        """Release the sentence if every figure and claim in it stands in the evidence it cites."""
        cited = [self._evidence[item] for item in draft.evidence if item in self._evidence]
        verdict = self._rail.check(draft.text, [self._readings[item.id] for item in cited])
        if not verdict.ok:
            self.released.held_back.append({"text": draft.text, "rail": verdict.rail, "detail": verdict.detail})
            return False
        self._let_out(draft, tuple(dict.fromkeys(self._number(item) for item in cited)))
        return True

    def _number(self, item: Evidence) -> int:
        if item.source_id not in self._numbers:
            number = self._numbers[item.source_id] = len(self._numbers) + 1
            citation = Citation(n=number, article_id=item.source_id, title=item.title, url=item.url, kind=item.kind)
            self.released.citations.append(citation)
            self._send("citation", citation.model_dump())
        return self._numbers[item.source_id]

    def _let_out(self, draft: DraftSentence, numbers: tuple[int, ...]) -> None:
        sentence = Sentence(text=draft.text, citations=numbers)
        self.released.sentences.append(sentence)
        self.released.kinds.append(draft.kind)
        self._send("sentence", {"text": draft.text, "citations": list(numbers), "kind": draft.kind})

    def _send(self, kind: Any, data: dict[str, Any]) -> None:
        self._emit(Event(kind, data))
