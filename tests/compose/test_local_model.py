"""A tiny random transformers model from a folder: it babbles, and must end in ModelFailed or in what the rail drops."""

from __future__ import annotations

import re
import shutil
import threading
import time
from pathlib import Path

import pytest

from app.settings import Settings
from rag.compose.chat_model import ChatComposer
from rag.compose.draft import Brief, Evidence, ModelFailed
from rag.compose.load_model import ModelConfigError, load_chat_model
from rails.output import OutputRail

TEXT = "Standard delivery is free and takes 3 to 5 business days."
EVIDENCE = Evidence("delivery#1", "delivery", "Delivery", "", TEXT)
BRIEF = Brief("How long does delivery take?", (EVIDENCE,))
TEMPLATE = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    said = f"{TEXT} delivery [1] the order a we"
    words = ["<unk>", "<s>", "</s>", *sorted(set(re.findall(r"\w+|[^\w\s]+", said)))]
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=4096, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("models") / "babbler"
    LlamaForCausalLM(config).save_pretrained(path)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>")
    fast.save_pretrained(path)
    return path


def load(folder: Path, **changes: object) -> ChatComposer:
    fields = {"model": str(folder), "model_timeout_s": 20.0, "model_max_tokens": 30} | changes
    composer = load_chat_model(Settings(_env_file=None, **fields))  # type: ignore[arg-type]
    assert composer is not None
    return composer


def run(composer: ChatComposer) -> tuple[list[str], str]:
    """What passed the rail, and why it failed, if it did."""
    rail, passed = OutputRail(), []
    try:
        for sentence in composer.sentences(BRIEF):
            if rail.check(sentence.text, [EVIDENCE.text] if sentence.evidence else []).ok:
                passed.append(sentence.text)
    except ModelFailed as failed:
        return passed, failed.reason
    return passed, ""


@pytest.mark.parametrize("template", [None, TEMPLATE])
def test_babble_never_gets_through(folder: Path, template: str | None) -> None:
    composer = load(folder)
    composer._model.tokenizer.chat_template = template  # type: ignore[attr-defined]
    passed, reason = run(composer)
    assert passed == []
    assert reason in ("", "nonsense", "empty", "not_in_evidence")


def test_it_stops_at_the_deadline_and_leaves_no_thread(folder: Path) -> None:
    composer = load(folder, model_timeout_s=0.5, model_max_tokens=3000)
    run(composer)
    started = time.monotonic()
    _, reason = run(composer)
    assert time.monotonic() - started < 2.5
    assert reason in ("timeout", "nonsense", "empty", "failed")
    time.sleep(1)
    assert not [thread for thread in threading.enumerate() if thread.name == "local-model"]


def test_a_prompt_that_does_not_fit_is_a_failure(folder: Path) -> None:
    assert run(load(folder, model_max_tokens=4000))[1] == "rejected"


def test_it_is_a_langchain_model_of_its_own(folder: Path) -> None:
    model = load(folder, model_max_tokens=16)._model
    assert model.invoke("the order").response_metadata["finish_reason"] in ("length", "stop")


def test_a_folder_without_a_model_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(ModelConfigError, match="it needs config"):
        load(tmp_path)


def test_weights_as_pickle_are_not_loaded(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "pickled"))
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(ModelConfigError):
        load(copy)
