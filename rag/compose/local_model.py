"""A local transformers model as a LangChain chat model that streams and stops at a deadline.

langchain_huggingface's ChatHuggingFace is not used here: it has no deadline, its generation thread runs on after nobody
listens any more, and it looks a model's name up on the hub.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.exceptions import ContextOverflowError
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import ConfigDict, PrivateAttr

ROLES = {"system": "system", "human": "user", "ai": "assistant"}


class LocalChatModel(BaseChatModel):
    """One answer at a time: a second call waits for the first, within its own deadline of `timeout_s`."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    tokenizer: Any
    weights: Any
    timeout_s: float
    max_new_tokens: int

    _busy: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    @property
    def _llm_type(self) -> str:
        return "local-transformers"

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None, **kwargs: Any,
    ) -> ChatResult:  # fmt: skip
        chunks = list(self._stream(messages, stop, run_manager))
        text = "".join(str(chunk.message.content) for chunk in chunks)
        metadata = chunks[-1].message.response_metadata if chunks else {}
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text, response_metadata=metadata))])

    def _stream(
        self, messages: list[BaseMessage], stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None, **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:  # fmt: skip
        deadline = time.monotonic() + self.timeout_s
        if not self._busy.acquire(timeout=self.timeout_s):
            raise TimeoutError("another answer took all the time")
        try:
            yield from self._answer(messages, deadline)
        finally:
            self._busy.release()

    def _answer(self, messages: list[BaseMessage], deadline: float) -> Iterator[ChatGenerationChunk]:
        from transformers import StoppingCriteria, StoppingCriteriaList, TextIteratorStreamer

        stopped = threading.Event()

        class Deadline(StoppingCriteria):
            def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
                import torch

                over = stopped.is_set() or time.monotonic() >= deadline
                return torch.full((input_ids.shape[0],), over, device=input_ids.device, dtype=torch.bool)

        inputs = self._inputs(messages)
        streamer = TextIteratorStreamer(self.tokenizer, skip_prompt=True, skip_special_tokens=True)
        worker = _Generation(
            self.weights, streamer, inputs, max_new_tokens=self.max_new_tokens,
            stopping_criteria=StoppingCriteriaList([Deadline()]),
        )  # fmt: skip
        worker.start()
        try:
            for text in streamer:
                if text:
                    yield ChatGenerationChunk(message=AIMessageChunk(content=text))
        finally:
            stopped.set()
            worker.join()
        if worker.error is not None:
            raise RuntimeError("the local model failed") from worker.error
        if time.monotonic() >= deadline:
            raise TimeoutError("the local model is too slow for the deadline")
        cut_off = worker.generated >= self.max_new_tokens
        end = AIMessageChunk(content="", response_metadata={"finish_reason": "length" if cut_off else "stop"})
        yield ChatGenerationChunk(message=end)

    def _inputs(self, messages: Sequence[BaseMessage]) -> Any:
        turns = [{"role": ROLES.get(message.type, "user"), "content": message.text} for message in messages]
        if self.tokenizer.chat_template:
            inputs = self.tokenizer.apply_chat_template(
                turns, add_generation_prompt=True, return_tensors="pt", return_dict=True
            )
        else:
            said = "\n\n".join(f"{turn['role'].capitalize()}: {turn['content']}" for turn in turns)
            inputs = self.tokenizer(f"{said}\n\nAssistant:", return_tensors="pt")
        room = getattr(self.weights.config, "max_position_embeddings", None)
        if room is not None and inputs["input_ids"].shape[1] + self.max_new_tokens > room:
            raise ContextOverflowError("the prompt is longer than the local model's context")
        return {key: inputs[key].to(self.weights.device) for key in ("input_ids", "attention_mask")}


class _Generation(threading.Thread):
    """`generate` beside its reader; its error is kept for the reader, and the stream always ends."""

    def __init__(self, weights: Any, streamer: Any, inputs: dict[str, Any], **options: Any) -> None:
        super().__init__(name="local-model", daemon=True)
        self._weights, self._streamer, self._inputs, self._options = weights, streamer, inputs, options
        self.error: Exception | None = None
        self.generated = 0

    def run(self) -> None:
        try:
            out = self._weights.generate(**self._inputs, streamer=self._streamer, do_sample=False, **self._options)
            self.generated = out.shape[1] - self._inputs["input_ids"].shape[1]
        except Exception as error:
            self.error = error
            self._streamer.end()


def load_local_model(folder: Path, timeout_s: float, max_new_tokens: int) -> LocalChatModel:
    """The model in a folder: safetensors only, none of its code, no hub. Raises OSError, ValueError, KeyError."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    weights: Any = AutoModelForCausalLM.from_pretrained(
        str(folder), local_files_only=True, trust_remote_code=False, use_safetensors=True, dtype="auto"
    )
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    weights.eval()
    if torch.cuda.is_available():
        weights.cuda()
    return LocalChatModel(tokenizer=tokenizer, weights=weights, timeout_s=timeout_s, max_new_tokens=max_new_tokens)
