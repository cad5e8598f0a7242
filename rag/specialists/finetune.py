"""Fine-tuning the reader: a LoRA adapter on the packaged MiniLM, trained on all tasks at once.

Three losses share every batch: cross-entropy over the intents, binary cross-entropy over the heads, and a supervised
contrast (Khosla et al. 2020) that draws rows of one class together and pushes a danger away from its lookalikes. LoRA:
Hu et al. 2021. What is kept is the adapter; heads are fitted afterwards on its vectors (`rag.specialists.fit_heads`).
"""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rag.encoder import Vectors

if TYPE_CHECKING:
    import torch

Progress = Callable[[int, int, float], None]  # steps done, steps in all, mean loss of late

BASE = "all-MiniLM-L6-v2"
KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


@dataclass(frozen=True)
class Recipe:
    """How the adapter is trained. The defaults are what ships; benchmarks use the same recipe."""

    rank: int = 24
    epochs: float = 7
    batch: int = 32
    rate: float = 1e-3
    head_rate: float = 5e-3
    contrast: float = 0.3
    danger: float = 3.0  # weight of a head's own rows beside the intents
    ordinary: float = 0.5  # and of what other rows say about it
    temperature: float = 0.1
    typos: float = 0.2  # share of rows that get a slip of the finger
    smoothing: float = 0.05
    longest: int = 96  # tokens
    seed: int = 7


@dataclass(frozen=True)
class Task:
    """Rows to learn from.

    `classes`: (rows, intents) shares that sum to 1, or zeros where the intent is unknown. `marks`: (rows, heads) 1, 0,
    or NaN where unknown. `groups`: a class for the contrast, -1 for none. `own`: (rows,) the head that a row was written
    for, -1 for none: there positives meet their lookalikes, and there the loss weighs most. `often`: (rows,) the share of
    passes in which a row is seen; all of them where it is empty.
    """

    texts: list[str]
    classes: Vectors
    marks: Vectors
    groups: list[int] = field(default_factory=list)
    own: list[int] = field(default_factory=list)
    often: list[float] = field(default_factory=list)

    def digest(self, recipe: Recipe) -> str:
        """Of everything that the result depends on."""
        parts = ["\n".join(self.texts).encode(), self.classes.tobytes(), self.marks.tobytes()]
        parts += [json.dumps([self.groups, self.own, self.often, asdict(recipe)]).encode()]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()


def slip(text: str, dice: random.Random) -> str:
    """The text with one or two slips of the finger."""
    letters = list(text)
    for _ in range(1 if len(letters) < 40 else 2):
        at = dice.randrange(len(letters))
        if not letters[at].isalpha():
            continue
        kind = dice.random()
        if kind < 0.3 and at + 1 < len(letters):
            letters[at], letters[at + 1] = letters[at + 1], letters[at]
        elif kind < 0.6:
            letters[at] = ""
        elif kind < 0.8:
            letters[at] *= 2
        else:
            row = next((keys for keys in KEYS if letters[at].lower() in keys), KEYS[0])
            letters[at] = row[(row.find(letters[at].lower()) + 1) % len(row)]
    return "".join(letters)


def fine_tune(
    task: Task, recipe: Recipe, folder: Path, source: Path, progress: Progress, device: str | None = None
) -> Tuned:
    """Train the adapter and write it to `folder` (adapter_model.safetensors in half precision, adapter_config.json).

    A run that was ended goes on from its last epoch (`folder/resume.pt`, removed at the end). Deterministic for one
    kind of machine. `source` is the folder of the plain model.
    """
    import torch

    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(recipe.seed)
    dice = random.Random(recipe.seed)
    tuned = Tuned(source, recipe, task.classes.shape[1], task.marks.shape[1], device)
    encoded = [tuned.tokens(text) for text in task.texts]
    often = task.often or [1.0] * len(task.texts)
    per_epoch = math.ceil(sum(often) / recipe.batch)
    steps = max(1, int(per_epoch * recipe.epochs))
    groups = [
        {"params": tuned.adapter_weights(), "lr": recipe.rate, "weight_decay": 0.01},
        {"params": list(tuned.heads.parameters()), "lr": recipe.head_rate, "weight_decay": 0.01},
    ]
    optimizer = torch.optim.AdamW(groups)
    warm = max(1, steps // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda n: min(1.0, (n + 1) / warm) * max(0.02, 0.5 * (1 + math.cos(math.pi * n / steps)))
    )
    digest = task.digest(recipe)
    folder.mkdir(parents=True, exist_ok=True)
    resume = folder / "resume.pt"
    done = tuned.resume(resume, digest, optimizer, schedule, dice)
    classes = torch.tensor(task.classes, dtype=torch.float32)
    marks = torch.tensor(task.marks, dtype=torch.float32)
    group_of = torch.tensor(task.groups or [-1] * len(task.texts))
    own = torch.tensor(task.own or [-1] * len(task.texts))
    losses: list[float] = []
    tuned.train()
    while done < steps:
        seen = [n for n, share in enumerate(often) if dice.random() < share]
        for batch in _batches([len(encoded[n]) for n in seen], recipe.batch, dice):
            rows = [seen[n] for n in batch]
            if done >= steps:
                break
            tokens = [
                tuned.tokens(slip(task.texts[n], dice)) if dice.random() < recipe.typos else encoded[n] for n in rows
            ]
            loss = tuned.loss(tokens, classes[rows], marks[rows], group_of[rows], own[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(tuned.adapter_weights(), 1.0)
            optimizer.step()
            schedule.step()
            done += 1
            losses.append(float(loss))
            if done % 20 == 0 or done == steps:
                progress(done, steps, sum(losses[-100:]) / len(losses[-100:]))
        tuned.keep(resume, digest, done, optimizer, schedule, dice)
    tuned.save(folder)
    resume.unlink(missing_ok=True)
    return tuned


def _batches(lengths: Sequence[int], size: int, dice: random.Random) -> list[list[int]]:
    """Shuffled batches of rows of similar length, so that little is padded and every row comes once an epoch."""
    order = list(range(len(lengths)))
    dice.shuffle(order)
    chunk = size * 24
    batches = []
    for start in range(0, len(order), chunk):
        part = sorted(order[start : start + chunk], key=lambda n: lengths[n])
        batches += [part[at : at + size] for at in range(0, len(part), size)]
    dice.shuffle(batches)
    return batches


class Tuned:
    """The encoder with its adapter, and the heads that pull on it while it is trained."""

    def __init__(self, source: Path, recipe: Recipe, classes: int, heads: int, device: str) -> None:
        import torch
        from peft import LoraConfig, get_peft_model
        from tokenizers import Tokenizer
        from transformers import AutoModel

        self.recipe, self.device = recipe, device
        self._tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(recipe.longest)
        plain = AutoModel.from_pretrained(source, attn_implementation="eager", local_files_only=True)
        lora = LoraConfig(
            r=recipe.rank,
            lora_alpha=2 * recipe.rank,
            lora_dropout=0.05,
            target_modules=["query", "key", "value", "dense"],
        )
        self.model: Any = get_peft_model(plain, lora).to(device)
        self.heads = torch.nn.ModuleDict(
            {"classes": torch.nn.Linear(384, max(1, classes)), "marks": torch.nn.Linear(384, max(1, heads))}
        ).to(device)

    def tokens(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text).ids
        return ids

    def adapter_weights(self) -> list[torch.nn.Parameter]:
        return [weight for weight in self.model.parameters() if weight.requires_grad]

    def train(self) -> None:
        self.model.train()

    def vectors(self, tokens: list[list[int]]) -> torch.Tensor:
        """Unit vectors, float32 of shape (rows, 384)."""
        import torch

        longest = max(map(len, tokens))
        ids = torch.tensor([row + [0] * (longest - len(row)) for row in tokens], device=self.device)
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in tokens], device=self.device)
        with torch.autocast(self.device, dtype=torch.bfloat16):
            states = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask[:, :, None].float()
        pooled = (states.float() * weights).sum(1) / weights.sum(1)
        return torch.nn.functional.normalize(pooled, dim=1)

    def loss(
        self,
        tokens: list[list[int]],
        classes: torch.Tensor,
        marks: torch.Tensor,
        groups: torch.Tensor,
        own: torch.Tensor,
    ) -> torch.Tensor:
        import torch

        vectors = self.vectors(tokens)
        classes, marks, groups = classes.to(self.device), marks.to(self.device), groups.to(self.device)
        total = vectors.new_zeros(())
        scale = 384**0.5
        known = classes.sum(1) > 0
        if known.any():
            logits = self.heads["classes"](vectors * scale)[known]
            smooth = classes[known] * (1 - self.recipe.smoothing) + self.recipe.smoothing / classes.shape[1]
            total = total - (torch.log_softmax(logits, 1) * smooth).sum(1).mean() * known.float().mean()
        marked = ~torch.isnan(marks)
        if marked.any():
            logits = self.heads["marks"](vectors * scale)
            wanted = torch.nan_to_num(marks) * 0.98 + 0.01
            each = torch.nn.functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
            mine = marked & (torch.arange(marks.shape[1], device=self.device)[None, :] == own.to(self.device)[:, None])
            others = marked & ~mine
            total = total + self.recipe.danger * (each * mine).sum() / len(tokens)
            total = total + self.recipe.ordinary * (each * others).sum() / others.sum().clamp(min=1)
        if self.recipe.contrast:
            total = total + self.recipe.contrast * self._contrast(vectors, groups)
        return total

    def _contrast(self, vectors: torch.Tensor, groups: torch.Tensor) -> torch.Tensor:
        """Supervised contrastive loss over the rows that have a class; those of no class only push."""
        import torch

        same = (groups[:, None] == groups[None, :]) & (groups[:, None] >= 0)
        eye = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
        same = same & ~eye
        logits = (vectors @ vectors.T / self.recipe.temperature).masked_fill(eye, -1e4)
        log_share = logits - torch.logsumexp(logits, 1, keepdim=True)
        anchors = same.any(1)
        if not anchors.any():
            return vectors.new_zeros(())
        return -((log_share * same).sum(1)[anchors] / same.sum(1)[anchors]).mean()

    def encode(self, texts: Sequence[str], batch: int = 64) -> Vectors:
        """Unit vectors, float32 of shape (texts, 384), without dropout."""
        import torch

        self.model.eval()
        tokens = [self.tokens(text) for text in texts]
        order = sorted(range(len(texts)), key=lambda n: len(tokens[n]))
        out = np.empty((len(texts), 384), dtype=np.float32)
        with torch.no_grad():
            for at in range(0, len(order), batch):
                rows = order[at : at + batch]
                out[rows] = self.vectors([tokens[n] for n in rows]).cpu().numpy()
        return out

    def save(self, folder: Path) -> None:
        """The adapter in half precision, as peft reads it."""
        import torch
        from peft import get_peft_model_state_dict
        from safetensors.torch import save_file

        state = get_peft_model_state_dict(self.model)
        half = {name: weight.detach().to("cpu", torch.float16).contiguous() for name, weight in sorted(state.items())}
        save_file(half, str(folder / "adapter_model.safetensors"), metadata={"format": "pt"})
        self.model.peft_config["default"].save_pretrained(str(folder))
        path = folder / "adapter_config.json"
        config = json.loads(path.read_text(encoding="utf-8"))
        config["base_model_name_or_path"] = BASE  # not the folder in which this machine has it
        config["target_modules"] = sorted(config["target_modules"])  # a set, which comes in any order
        path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")

    def keep(self, path: Path, digest: str, done: int, optimizer: Any, schedule: Any, dice: random.Random) -> None:
        """Write what a later run needs to go on."""
        import torch
        from peft import get_peft_model_state_dict

        state = {
            "digest": digest, "done": done, "adapter": get_peft_model_state_dict(self.model),
            "heads": self.heads.state_dict(), "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict(),
            "dice": json.dumps(dice.getstate()), "torch": torch.get_rng_state(),
        }  # fmt: skip
        aside = path.with_suffix(".new")
        torch.save(state, aside)
        aside.replace(path)

    def resume(self, path: Path, digest: str, optimizer: Any, schedule: Any, dice: random.Random) -> int:
        """Steps already done by a run over the same rows with the same recipe; 0 where there is none."""
        import torch
        from peft import set_peft_model_state_dict

        if not path.exists():
            return 0
        try:
            state = torch.load(path, weights_only=True)  # nothing but tensors and plain values is loaded
        except Exception:  # a file that was cut short fails in the unpickler in any of a dozen ways
            return 0
        if state.get("digest") != digest:
            return 0
        set_peft_model_state_dict(self.model, state["adapter"])
        self.heads.load_state_dict(state["heads"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        version, numbers, gauss = json.loads(state["dice"])
        dice.setstate((version, tuple(numbers), gauss))
        torch.set_rng_state(state["torch"])
        return int(state["done"])
