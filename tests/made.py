"""What takes long to make and several tests need: made once, kept in .pytest_cache, shared by all workers and later runs."""

from __future__ import annotations

import datetime as dt
import fcntl
import hashlib
import inspect
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import onnxruntime

from app.settings import Settings
from rag.account.business import Business, write
from rag.account.generate import DEMO_SEED, RECIPE, generate
from rag.encoder import Encoder, export_encoder, reader_name
from rag.ingest import ingest

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / ".pytest_cache" / "pestle"
KNOWLEDGE = ROOT / "knowledge_base"
TODAY = dt.date(2026, 11, 20)
NOW = dt.datetime(2026, 11, 20, 17, tzinfo=dt.UTC)
SEED = 3
CUSTOMERS = 60


@contextmanager
def _alone(what: str) -> Iterator[None]:
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / f"{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@cache
def encoder_folder() -> Path:
    """The real encoder, exported again only where the export or onnxruntime has changed."""
    recipe = f"{onnxruntime.__version__} {inspect.getsource(export_encoder)}"
    folder = KEPT / f"encoder-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    with _alone("encoder"):
        if not (folder / "encoder.json").exists():
            export_encoder(folder)
    return folder


@cache
def reader_folder() -> Path:
    """The trained reader, exported again only where its adapter or the export has changed."""
    adapter = KNOWLEDGE / "trained" / "reader"
    recipe = f"{onnxruntime.__version__} {inspect.getsource(export_encoder)} {reader_name(adapter)}"
    folder = KEPT / f"reader-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    with _alone("reader"):
        if not (folder / "encoder.json").exists():
            export_encoder(folder, adapter)
    return folder


@cache
def encoder() -> Encoder:
    return Encoder(encoder_folder())


@cache
def reader() -> Encoder:
    return Encoder(reader_folder())


@cache
def business() -> Business:
    """Sixty customers of seed 3, the three demo customers among them, as they stand on TODAY."""
    return generate(SEED, TODAY, customers=CUSTOMERS)


@cache
def knowledge_home() -> Path:
    """A home folder with the real articles ingested. It is shared: read it, or `home_in` a folder of your own."""
    home = KEPT / "home"
    with _alone("home"):
        ingest(
            KNOWLEDGE / "articles",
            home / "knowledge",
            Encoder(encoder_folder(), threads=os.cpu_count() or 1),
            labelled=KNOWLEDGE / "labelled",
        )
    return home


def home_in(folder: Path) -> Settings:
    """Settings of a whole product in `folder`: the index is linked in, the sixty customers are in a database there.

    The index must not be written to through this home; copy it first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "knowledge").symlink_to(knowledge_home() / "knowledge", target_is_directory=True)
    settings = Settings(
        home=folder, encoder=encoder_folder(), reader=reader_folder(), today=TODAY, model="", _env_file=None
    )  # type: ignore[call-arg]
    meta = {
        "origin": "demo",
        "today": TODAY.isoformat(),
        "seed": str(DEMO_SEED),
        "recipe": RECIPE,
    }  # so it is left as it is
    write(business(), settings.accounts, meta=meta)
    return settings


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """The environment in which a `pestle` of its own process uses these settings, and nothing of this machine's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PESTLE_", "PYTEST_", "COV_"))}
    return {
        **kept, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'guardrails'}", "PESTLE_HOME": str(settings.home),
        "PESTLE_ENCODER": str(encoder_folder()), "PESTLE_READER": str(reader_folder()), "PESTLE_TODAY": TODAY.isoformat(), "PESTLE_MODEL": "", **more,
    }  # fmt: skip


ARTICLE = """---
id: {id}
title: {title}
topic: {topic}
updated: 2026-11-01
questions:
{questions}
next_steps:
  - What else is there?
links: [{links}]
---
{body}
"""

SMALL = {
    "parcel-late": (
        "A late parcel",
        "delivery",
        ["my parcel is late", "why is the box delayed", "it has not come yet", "where is a late package"],
        "If your parcel is late, wait 2 business days and then write to us. We send a new one free of charge.",
    ),
    "return-item": (
        "Returning an item",
        "returns",
        ["how do I send it back", "return something", "can I bring it back", "give back a device"],
        "You can return unopened devices within 30 days.\n\n## Steps\n\n1. Print the label.\n2. Tape it to the box.",
    ),
    "pay-card": (
        "Paying by card",
        "payment",
        ["which cards do you take", "pay with visa", "can I use a debit card", "change my credit card"],
        "We take Visa, Mastercard and Discover. Change the card under Payment in your account.",
    ),
    "reset-password": (
        "Resetting a password",
        "account",
        ["I forgot my password", "reset password", "can't log in", "password help"],
        "Choose Forgot password on the sign-in page. The link that we send works for 30 minutes.",
    ),
    "cold-box": (
        "Cold parcels",
        "delivery",
        ["is my insulin kept cold", "ice packs melted", "how is a cold parcel packed", "fridge medicine shipping"],
        "Cold parcels travel with ice packs that last 48 hours. Put the medicine into the fridge when it comes.",
    ),
    "auto-refill": (
        "Auto-refill",
        "refills",
        ["turn on auto refill", "automatic refills", "stop auto refill", "does it refill by itself"],
        "Auto-refill sends your medicine 7 days before you run out. Turn it on for each prescription.",
    ),
    "delete-account": (
        "Deleting an account",
        "privacy",
        ["delete my account", "erase my data", "remove my profile", "close my account"],
        "Write to the privacy team to delete your account. It takes 10 business days.",
    ),
}


def write_article(
    folder: Path, id: str, body: str | None = None, questions: list[str] | None = None, links: str = ""
) -> Path:
    """One of the SMALL articles, or another under this id, with another text or other questions."""
    title, topic, asked, text = SMALL.get(
        id, (f"About {id}", "other", [f"{id} question {n}" for n in range(4)], f"All about {id}.")
    )
    path = folder / f"{id}.md"
    folder.mkdir(parents=True, exist_ok=True)
    listed = "\n".join(f"  - {question}" for question in questions or asked)
    path.write_text(
        ARTICLE.format(id=id, title=title, topic=topic, questions=listed, links=links, body=body or text),
        encoding="utf-8",
    )
    return path


def write_small(folder: Path) -> Path:
    """A folder of seven articles."""
    for id in SMALL:
        write_article(folder, id)
    return folder
