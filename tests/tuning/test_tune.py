"""From feedback to candidates: what is learnt, what is not, and what a person is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app import cli
from app.commands import tune as command
from app.settings import Settings
from app.tuning import tuners
from app.tuning.alone import Busy, alone
from app.tuning.aside import AsideFile
from app.tuning.candidates import Candidates
from app.tuning.collect import Collected
from app.tuning.lot import Lot
from app.tuning.serving import ServingFile
from app.tuning.tune import Round, Tuned
from rag.learning import rephrasing
from rag.learning.base import Base, NothingToLearn
from rag.learning.cleaning import leaks
from rag.learning.examples import Example, Kind
from rag.specialists.reader import Heads
from tests.rag.learning import made_base
from tests.rag.learning.made import example, matched
from tests.rag.learning.said_again import FAILED, WORKS, chain, ground, repaired
from tests.tuning.made import candidate
from tests.tuning.test_collect import Shop
from tests.tuning.test_promotion import compared

Say = Callable[[str], None]


class KnowingBase(made_base.MadeBase):
    def versions(self) -> dict[str, str]:
        return {"encoder": "e1"}


def base() -> Base:
    plain = made_base.base()
    return KnowingBase(plain.knowledge, plain.encoder, plain.reader, plain.heads, plain.search)


def small(examples: Sequence[Example], base: Base, folder: Path, say: Say, seed: int = 7) -> dict[str, float]:
    (folder / "learnt.json").write_text(json.dumps(sorted(one.id for one in examples)))
    return {"rows": len(examples)}


class Home:
    """A round over a home with these examples; what it says is kept."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.said, self.loaded = folder, [], 0  # type: ignore[var-annotated]

    def tune(
        self, examples: Sequence[Example], kind: Kind = "retrieval", tuner: object = small, there: int = 9
    ) -> Tuned:
        found = Collected(list(examples), there, there)
        turn = Round(self.folder, {kind: tuner}, lambda kinds: found, self._base, self.said.append)  # type: ignore[dict-item]
        (made,) = turn.run([kind])
        return made

    def _base(self) -> Base:
        self.loaded += 1
        return base()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def rows(count: int, good: bool = True) -> list[Example]:
    return [example(n, matched(good=good), customer=f"c{n}") for n in range(count)]


def test_ten_rows_become_a_candidate_with_its_trail(home: Home) -> None:
    made = home.tune(rows(10))
    assert made.candidate
    found = Candidates(home.folder).get(made.candidate.id)
    assert (found.manifest.state, found.manifest.figures, found.manifest.base) == (
        "made",
        {"rows": 10},
        {"encoder": "e1"},
    )
    assert found.customers() == {f"c{n}" for n in range(10)}
    again = home.tune(rows(10)).candidate
    assert again
    assert again.manifest.files["learnt.json"] == found.manifest.files["learnt.json"]


def test_ten_chains_that_do_not_agree_are_one_clear_sentence(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rephrasing, "ground", lambda base, off: ground())
    some = [chain(n, f"wording {n}", WORKS) for n in range(10)]
    made = home.tune(some, "rephrasing", rephrasing.tune)
    assert made.why.startswith("no wording is linked to a better one by 3 customers")
    assert (made.candidate, made.failed, list((home.folder / "candidates").iterdir())) == (None, False, [])


def test_a_link_that_customers_agree_on_is_learnt(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rephrasing, "ground", lambda base, off: ground())
    secret = chain(99, "my box is awol says Quillfeather", WORKS)
    made = home.tune([*repaired(5), secret], "rephrasing", rephrasing.tune).candidate
    assert made
    assert made.manifest.figures["links"] == 1
    assert FAILED in (made.folder / "rewrites.json").read_text()
    assert leaks(made.folder, ["Quillfeather"]) == []


def test_nothing_said_loads_nothing(home: Home) -> None:
    assert home.tune([], there=0).why.startswith("There is no feedback yet")
    assert "of 9 conversations with feedback, all are of customers who opted out" in home.tune([]).why
    assert home.tune(rows(3), "ranking").why == "Nobody has said anything yet that ranking learns from."
    assert home.loaded == 0


def test_thumbs_down_alone_and_equal_pairs_teach_nothing(home: Home) -> None:
    assert home.tune(rows(20, good=False)).why.startswith("All of it is thumbs down")
    pair = {"question": "q", "chosen": "Same.", "rejected": "Same."}
    assert home.tune([example(1, pair, "ranking")], "ranking").why.startswith("Both sides of every pair are the same")
    assert home.loaded == 0


def test_two_at_once(home: Home) -> None:
    with (
        alone(home.folder / "tuning" / "lock", "a tuning"),
        pytest.raises(Busy, match=r"a tuning is going on already \(process"),
    ):
        home.tune(rows(3))
    assert home.tune(rows(3)).candidate


def test_what_waits_for_a_person(home: Home) -> None:
    burst = [example(n, matched(), customer=f"n{n}", minutes=n / 10, new=True) for n in range(60)]
    made = home.tune(burst)
    assert made.why.startswith("all examples wait for a person")
    assert made.aside == len(AsideFile(home.folder).rows()) == 60
    assert {row["reason"] for row in AsideFile(home.folder).rows()} == {"burst"}


def test_a_tuner_that_touches_a_danger_head_makes_no_candidate(home: Home) -> None:
    def wicked(examples: Sequence[Example], base: Base, folder: Path, say: Say, seed: int = 7) -> dict[str, float]:
        base.heads.save(folder)
        heads = Heads.load(folder)
        heads.mark_bias[:] += 1
        heads.save(folder)
        return {}

    made = home.tune(rows(4), tuner=wicked)
    assert made.failed
    assert "danger heads" in made.why
    assert Candidates(home.folder).all() == []


def test_a_tuner_that_breaks_is_no_reason_to_leave_out_the_next(home: Home) -> None:
    def broken(*args: object) -> dict[str, float]:
        raise OSError("the disk is full")

    found = Collected([*rows(3), example(9, {"question": "q", "good": True}, "ranking")], 4, 4)
    turn = Round(home.folder, {"retrieval": broken, "ranking": small}, lambda kinds: found, base, home.said.append)  # type: ignore[dict-item]
    one, two = turn.run(["retrieval", "ranking"])
    assert (one.failed, one.why) == (True, "the disk is full")
    assert two.candidate


# The commands


@pytest.fixture
def pestle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("PESTLE_HOME", str(tmp_path))
    monkeypatch.setattr(command, "_base", lambda settings: base())
    monkeypatch.setattr(rephrasing, "ground", lambda base, off: ground())
    return lambda *words, **more: CliRunner().invoke(cli.app, list(words), **more)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    opened = Shop(f"sqlite:///{tmp_path / 'pestle.db'}")
    yield opened
    opened.database.close()


@pytest.mark.usefixtures("book")
class TestCommands:
    @pytest.fixture
    def book(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("rag.account.open_book", lambda settings: None)

    def test_no_feedback_yet(self, pestle: Callable[..., Result]) -> None:
        done = pestle("tune", "--all")
        assert (done.exit_code, done.output.count("There is no feedback yet")) == (0, 1)
        assert pestle("tune").exit_code == pestle("tune", "speech").exit_code == 2
        assert "Serving: what was trained, nothing learnt." in pestle("candidates").output
        assert pestle("candidates", "--aside").output == "Nothing was set aside.\n"

    def test_from_chat_to_service_and_back_without_a_customer(
        self, pestle: Callable[..., Result], shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for n in range(4):
            key = shop.store.create(f"C-{n}")
            first = shop.turn(key, FAILED, None, outcome="unknown")
            second = shop.turn(key, WORKS, "track")
            shop.feedback.sign(key, first, "rephrased")
            shop.feedback.sign(key, second, "thanked")
        done = pestle("tune", "rephrasing", "--no-compare")
        assert done.exit_code == 0, done.output
        (one,) = Candidates(tmp_path).all()
        assert f"pestle candidates {one.id} --compare" in done.output
        assert "not been compared" in str(pestle("promote", one.id, "--yes").exception)
        compared(one)
        assert pestle("promote", one.id, input="n\n").exit_code == 1
        assert ServingFile(tmp_path / "serving.json").read().learnt == {}
        assert f"Now: {one.id}." in pestle("promote", one.id, "--yes").output
        assert f"* {one.id}  promoted" in pestle("candidates").output
        done = pestle("tune", "--without", "C-2", "--no-compare")
        assert f"{one.id}: withdrawn" in done.output
        assert ServingFile(tmp_path / "serving.json").read().learnt == {}
        *_, two = Candidates(tmp_path).all()
        assert two.id != one.id
        assert Lot.of(tmp_path).customer("C-2", "") in one.customers() - two.customers()
        assert "nothing to make again" in pestle("tune", "--without", "C-2").output

    def test_what_is_damaged_is_told(self, pestle: Callable[..., Result], tmp_path: Path) -> None:
        one, two = candidate(tmp_path), compared(candidate(tmp_path, minute=1))
        (one.folder / "manifest.json").write_text("{")
        (two.folder / "rewrites.json").write_text("[]")
        (tmp_path / "serving.json").write_text("{")
        (tmp_path / "serving.error").write_text("candidate x can't be loaded\n")
        said = pestle("candidates").output
        for told in (
            f"candidate {one.id} can't be read",
            "serving.json can't be used",
            "The running server says",
            two.id,
        ):
            assert told in said
        (tmp_path / "serving.json").unlink()
        assert "is damaged: rewrites.json is not what was made" in str(pestle("promote", two.id, "--yes").exception)
        assert "is damaged" in str(pestle("candidates", two.id, "--compare").exception)
        assert "nothing to go back to" in str(pestle("rollback").exception)


def test_the_tuners_that_there_are() -> None:
    assert set(tuners.tuners()) >= {"routing", "rephrasing"}
    with pytest.raises(NothingToLearn):
        tuners.tuners()["rephrasing"]([], base(), Path("/nowhere"), print)


def test_settings_of_a_home(tmp_path: Path) -> None:
    assert Settings(home=tmp_path, _env_file=None).serving_file == tmp_path / "serving.json"  # type: ignore[call-arg]
