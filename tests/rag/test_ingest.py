"""Ingestion: only what changed is encoded, nothing half-built is served, whatever happens in between."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from rag.articles import ArticleErrors
from rag.encoder import Encoder, Vectors
from rag.fit import START
from rag.index import IndexMissing, KnowledgeIndex, current_generation, open_index
from rag.ingest import IngestBusy, ingest
from rag.labelled import LabelError
from rag.serving import ServingSearch
from tests import made
from tests.rag.ingesting import ingest_and_die, ingest_with_little_disk

KILLS = 8


class CountingEncoder(Encoder):
    """Remembers what it was given to encode."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.encoded: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.encoded.extend(texts)
        return super().encode(texts)


@pytest.fixture
def counting() -> CountingEncoder:
    return CountingEncoder(made.encoder_folder())


@pytest.fixture(scope="module")
def forkserver() -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["rag.ingest", "rag.encoder", "tests.rag.ingesting"])
    return context


@pytest.fixture
def opened(root: Path, encoder: Encoder) -> Iterator[Callable[[], KnowledgeIndex]]:
    """Opens what serves now, as a new process would."""
    indexes: list[KnowledgeIndex] = []

    def now() -> KnowledgeIndex:
        indexes.append(open_index(root, encoder))
        return indexes[-1]

    yield now
    for index in indexes:
        index.close()


def nearest(index: KnowledgeIndex, question: str, encoder: Encoder) -> str:
    return index.nearest(encoder.encode([question])[0], 1)[0][0]


def generations(root: Path) -> list[str]:
    return [path.name for path in root.iterdir() if path.is_dir()]


def everything(root: Path) -> dict[str, int]:
    """Every file below the root, with when it was last written."""
    return {str(p): p.stat().st_mtime_ns for p in sorted(root.rglob("*")) if p.is_file() and p.name != "ingest.lock"}


def test_the_first_ingestion_serves_every_article(articles: Path, root: Path, encoder: Encoder, opened: Any) -> None:
    with pytest.raises(IndexMissing, match="pestle ingest"):
        open_index(root, encoder)
    done = ingest(articles, root, encoder)
    index = opened()
    assert done.changed
    assert index.version == done.version
    assert set(index.articles) == set(made.SMALL)
    assert index.size == done.entries
    for id, (_, _, questions, _) in made.SMALL.items():
        for question in questions:
            assert nearest(index, question, encoder).startswith(f"{id}?")
    assert nearest(
        index, "How long do ice packs last in a cold parcel? Ice packs that last 48 hours.", encoder
    ).startswith("cold-box")


def test_nothing_changed_means_nothing_done(articles: Path, root: Path, counting: CountingEncoder) -> None:
    first = ingest(articles, root, counting)
    counting.encoded.clear()
    before = everything(root)
    again = ingest(articles, root, counting)
    assert (again.changed, again.version, again.encoded) == (False, first.version, 0)
    assert counting.encoded == []
    assert everything(root) == before


def test_only_changed_texts_are_encoded(articles: Path, root: Path, counting: CountingEncoder, opened: Any) -> None:
    first = ingest(articles, root, counting)
    assert sorted(counting.encoded) == sorted(set(counting.encoded)), "a text was encoded twice"
    counting.encoded.clear()
    made.write_article(articles, "pay-card", "We take Visa, Mastercard and Discover. We take gift cards too.")
    second = ingest(articles, root, counting)
    assert second.changed
    assert second.version != first.version
    assert second.encoded == len(counting.encoded)
    assert sorted(counting.encoded) == [
        "Paying by card. We take Visa, Mastercard and Discover. We take gift cards too.",
        "We take gift cards too.",
    ]
    index = opened()
    assert "gift cards" in index.articles["pay-card"].body
    assert set(index.articles) == set(made.SMALL)


def test_an_article_that_moves_is_not_encoded_again(
    articles: Path, root: Path, counting: CountingEncoder, opened: Any
) -> None:
    ingest(articles, root, counting)
    counting.encoded.clear()
    (articles / "money").mkdir()
    (articles / "pay-card.md").rename(articles / "money" / "cards.md")
    ingest(articles, root, counting)
    assert counting.encoded == []
    assert "pay-card" in opened().articles


def test_what_is_gone_is_not_found_any_more(articles: Path, root: Path, encoder: Encoder, opened: Any) -> None:
    ingest(articles, root, encoder)
    (articles / "cold-box.md").unlink()
    made.write_article(
        articles,
        "new-thing",
        "A new thing about teleporting.",
        ["how do I teleport", "q two is this", "q three is this", "q four is this"],
    )
    ingest(articles, root, encoder)
    index = opened()
    assert "cold-box" not in index.articles
    found = [entry for entry, _ in index.nearest(encoder.encode(["is my insulin kept cold"])[0], index.size)]
    assert not [entry for entry in found if entry.startswith("cold-box")]
    assert nearest(index, "how do I teleport", encoder) == "new-thing?1"


def test_generations_that_nobody_reads_any_more_are_swept(articles: Path, root: Path, encoder: Encoder) -> None:
    for number in range(3):
        made.write_article(articles, "pay-card", f"version {number}")
        ingest(articles, root, encoder)
    assert len(generations(root)) == 3, "one that was replaced a moment ago may still be read"
    for manifest in root.glob("*/manifest.json"):
        os.utime(manifest, (time.time() - 3600,) * 2)
    (root / "left-by-a-killed-run").mkdir()
    made.write_article(articles, "pay-card", "version 3")
    last = ingest(articles, root, encoder)
    assert len(generations(root)) == 2
    assert last.version in generations(root)


def test_questions_that_people_gave_are_found(
    articles: Path, root: Path, encoder: Encoder, tmp_path: Path, opened: Any
) -> None:
    labelled = tmp_path / "labelled"
    labelled.mkdir()
    (labelled / "questions.yaml").write_text("- {question: my box with the cooler is late, articles: [parcel-late]}\n")
    ingest(articles, root, encoder, labelled=labelled)
    assert nearest(opened(), "my box with the cooler is late", encoder).startswith("parcel-late?")
    before = everything(root)
    (labelled / "questions.yaml").write_text("- {question: x is this, articles: [no-such-article]}\n")
    with pytest.raises(LabelError, match="no-such-article"):
        ingest(articles, root, encoder, labelled=labelled)
    assert everything(root) == before


@pytest.mark.parametrize("mistake", ["broken", "duplicate", "gone"])
def test_a_mistake_changes_nothing(articles: Path, root: Path, encoder: Encoder, opened: Any, mistake: str) -> None:
    done = ingest(articles, root, encoder)
    made.write_article(articles, "pay-card", "This good change must wait for the mistake beside it.")
    if mistake == "broken":
        (articles / "zz.md").write_text("---\nid: zz\ntitle: [never closed\n---\ntext\n")
    elif mistake == "duplicate":
        shutil.copy(articles / "cold-box.md", articles / "zz.md")
    else:
        for path in articles.iterdir():
            path.unlink()
    before = everything(root)
    with pytest.raises(ArticleErrors) as caught:
        ingest(articles, root, encoder)
    assert str(articles if mistake == "gone" else articles / "zz.md") in str(caught.value)
    assert everything(root) == before
    index = opened()
    assert index.version == done.version
    assert "good change" not in index.articles["pay-card"].body


def test_force_builds_again_without_encoding(articles: Path, root: Path, counting: CountingEncoder) -> None:
    first = ingest(articles, root, counting)
    counting.encoded.clear()
    second = ingest(articles, root, counting, force=True)
    assert second.changed
    assert second.version != first.version
    assert counting.encoded == []


def test_nothing_half_built_is_ever_served(articles: Path, root: Path, encoder: Encoder) -> None:
    """At every step of a build, what a new process would open is the old generation, whole."""
    old = ingest(articles, root, encoder)
    made.write_article(articles, "pay-card", "Cash only from now on.")
    seen: list[tuple[str, str]] = []

    def look(what: str, done: int, total: int) -> None:
        index = open_index(root, encoder)
        seen.append((index.version, index.articles["pay-card"].body))
        assert index.size == old.entries
        index.close()

    new = ingest(articles, root, encoder, progress=look)
    assert seen
    assert {version for version, _ in seen} == {old.version}
    assert not any("Cash" in body for _, body in seen)
    serving = current_generation(root)
    assert serving is not None
    assert serving.name == new.version


def test_two_at_once(articles: Path, root: Path, encoder: Encoder) -> None:
    refused: list[str] = []

    def second(what: str, done: int, total: int) -> None:
        with pytest.raises(IngestBusy) as caught:
            ingest(articles, root, encoder)
        refused.append(str(caught.value))

    ingest(articles, root, encoder, progress=second)
    assert refused
    assert "wait" in refused[0]
    assert not ingest(articles, root, encoder).changed, "the lock was not given back"


def test_an_index_of_another_encoder_is_made_anew(
    articles: Path, root: Path, encoder: Encoder, counting: CountingEncoder
) -> None:
    ingest(articles, root, encoder)
    counting.name = "another-encoder"
    with pytest.raises(IndexMissing, match="pestle ingest"):
        open_index(root, counting)
    done = ingest(articles, root, counting)
    assert done.encoded == len(counting.encoded) > 0
    open_index(root, counting).close()


def test_killed_at_any_point(articles: Path, root: Path, encoder: Encoder, forkserver: Any) -> None:
    """Half of the kills strike at a file operation, half at a random moment; the next run always repairs."""
    folder = made.encoder_folder()
    chance = random.Random(7)
    ingest(articles, root, encoder)

    def run(at: int, kill_after: float | None) -> int | None:
        ours, theirs = forkserver.Pipe()
        process = forkserver.Process(target=ingest_and_die, args=(articles, root, folder, at, theirs))
        process.start()
        theirs.close()
        operations = None
        try:
            assert ours.recv() == "begins"
            if kill_after is not None:
                time.sleep(kill_after)
                process.kill()
            operations = ours.recv()
        except EOFError:
            pass
        process.join(60)
        assert process.exitcode in (0, -9)
        return operations

    made.write_article(articles, "pay-card", "text 0")
    began = time.monotonic()
    total = run(0, None)
    took = time.monotonic() - began
    assert total is not None
    assert total >= 8
    ended = 0
    for kill in range(1, KILLS + 1):
        old, new = f"text {kill - 1}", f"text {kill}"
        made.write_article(articles, "pay-card", new)
        if kill <= KILLS // 2:
            ended += run(max(1, round(total * kill / (KILLS // 2))), None) is None
        else:
            run(0, chance.uniform(0.0, took))
        index = open_index(root, encoder)
        assert index.articles["pay-card"].body in (old, new)
        assert set(index.articles) == set(made.SMALL)
        assert nearest(index, "is my insulin kept cold", encoder).startswith("cold-box")
        assert index.store._collection.count() == index.size
        index.close()
        repaired = ingest(articles, root, encoder)
        index = open_index(root, encoder)
        assert (index.version, index.articles["pay-card"].body) == (repaired.version, new)
        index.close()
        assert all((root / name / "manifest.json").exists() for name in generations(root)), (
            "what the killed run left is still there"
        )
    assert ended == KILLS // 2, "a run outlived the operation at which it should have been killed"


@pytest.mark.parametrize("bytes_a_file", [500, 8_000, 100_000])
def test_a_full_disk_leaves_the_old_index(
    articles: Path, root: Path, encoder: Encoder, forkserver: Any, bytes_a_file: int
) -> None:
    old = ingest(articles, root, encoder)
    made.write_article(articles, "pay-card", "This does not fit on the disk. " * 20)
    ours, theirs = forkserver.Pipe()
    process = forkserver.Process(
        target=ingest_with_little_disk, args=(articles, root, made.encoder_folder(), bytes_a_file, theirs)
    )
    process.start()
    theirs.close()
    name, known, said = said_of(ours)
    process.join(60)
    assert name, "the ingestion did not notice"
    assert known, f"pestle ingest would print a stack trace for {name}: {said}"
    index = open_index(root, encoder)
    assert index.version == old.version
    assert nearest(index, "which cards do you take", encoder).startswith("pay-card")
    index.close()
    assert ingest(articles, root, encoder).changed, "there is room again"
    index = open_index(root, encoder)
    assert "does not fit" in index.articles["pay-card"].body
    index.close()


def said_of(ours: Connection) -> tuple[str, bool, str]:
    answer: tuple[str, bool, str] = ours.recv()
    return answer


def test_serving_goes_over_to_a_new_generation_while_queries_run(articles: Path, root: Path, encoder: Encoder) -> None:
    first = ingest(articles, root, encoder)
    serving = ServingSearch(root, made.KNOWLEDGE, encoder, START, [])
    errors: list[Exception] = []
    seen: set[str] = set()
    stop = threading.Event()

    def ask(question: str, article: str) -> None:
        while not stop.is_set():
            try:
                search = serving()
                found = search.find(question)
                assert found.best == article
                assert search.index.vectors([search.index.passages[article][0].embedded]).shape == (1, 384)
                seen.add(search.index.version)
                time.sleep(0.01)
            except Exception as error:
                errors.append(error)
                return

    threads = [
        threading.Thread(target=ask, args=(made.SMALL[id][2][0], id)) for id in ("pay-card", "cold-box", "auto-refill")
    ]
    for thread in threads:
        thread.start()
    versions = [first.version]
    try:
        for number in range(2):
            made.write_article(articles, "parcel-late", f"The text of version {number}.")
            versions.append(ingest(articles, root, encoder).version)
            until = time.monotonic() + 20
            while serving().index.version != versions[-1] and time.monotonic() < until and not errors:
                time.sleep(0.05)
            time.sleep(0.3)
        for number in range(3):  # and a hurry, in which generations are swept while they may still be open
            made.write_article(articles, "parcel-late", f"The text of version {number} in a hurry.")
            versions.append(ingest(articles, root, encoder).version)
        until = time.monotonic() + 20
        while serving().index.version != versions[-1] and time.monotonic() < until and not errors:
            time.sleep(0.05)
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)
    assert errors == []
    assert serving().index.version == versions[-1]
    assert set(versions[:3]) <= seen
    assert "in a hurry" in serving().index.articles["parcel-late"].body


def test_a_new_generation_that_cannot_be_opened_does_not_serve(articles: Path, root: Path, encoder: Encoder) -> None:
    first = ingest(articles, root, encoder)
    serving = ServingSearch(root, made.KNOWLEDGE, encoder, START, [])
    broken = root / "broken-generation"
    shutil.copytree(root / first.version, broken)
    (broken / "vectors.npz").write_bytes(b"not an archive")
    (root / "current").write_text(broken.name)
    until = time.monotonic() + 2.5
    while time.monotonic() < until:
        assert serving().index.version == first.version
        assert serving().find("which cards do you take").best == "pay-card"
        time.sleep(0.2)
