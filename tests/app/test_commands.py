"""The commands: what they print, what they write, and that a mistake is one sentence and exit code 1."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import jwt
import pytest
from typer.testing import CliRunner, Result

from app import cli
from app.settings import Settings
from app.store.conversations import ConversationStore
from app.store.migrate import migrate
from tests import made
from tests.fakes import scripted

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return made.home_in(tmp_path_factory.mktemp("home"))


@pytest.fixture
def run(prepared: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command of `pestle` in this process, on a home that is set up."""
    for name, value in made.environment(prepared).items():
        monkeypatch.setenv(name, value)
    return lambda *arguments, **named: CliRunner().invoke(cli.app, [str(argument) for argument in arguments], **named)


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def pestle(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """The whole program with its own handling of errors, as a person meets them, in another home and environment."""

    def go(home: Path, *arguments: str, **environment: str) -> Done:
        settings = Settings(home=home, encoder=made.encoder_folder(), _env_file=None)  # type: ignore[call-arg]
        for name, value in made.environment(settings, **environment).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["pestle", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return Done(int(ended.value.code or 0), said.out, said.err)

    return go


def one_sentence(said: str) -> str:
    """What a person is told when something is wrong: short, and no stack trace."""
    assert "Traceback" not in said
    lines = [line for line in said.strip().splitlines() if line.strip()]
    assert len(lines) == 1, said
    assert len(lines[0]) < 400
    return lines[0]


def test_ask(run: Run) -> None:
    done = run("ask", "How do I reset my password?")
    assert done.exit_code == 0, done.output
    assert "Forgot password" in done.stdout
    assert "[1]" in done.stdout.splitlines()[-1]


def test_ask_says_that_nobody_is_called_from_here(run: Run) -> None:
    done = run("ask", "I took too many pills")
    assert done.exit_code == 0, done.output
    assert "Poison Control" in done.stdout
    assert "nobody is called" in done.stderr
    assert "nobody is called" not in done.stdout


def test_ask_as_a_customer_in_json(run: Run) -> None:
    done = run("ask", "Where is order FH-2051846?", "--customer", "C-10001", "--json")
    assert done.exit_code == 0, done.output
    reply = json.loads(done.stdout)
    assert reply["outcome"] == "answered"
    assert [c["article_id"] for c in reply["citations"]] == ["FH-2051846"]
    fixed = {
        "message_id",
        "trace_id",
        "text",
        "citations",
        "intents",
        "outcome",
        "reason",
        "suggestions",
        "handover_id",
    }
    assert fixed <= set(reply)


def test_batch(run: Run, tmp_path: Path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    rows = [
        {"id": "a", "turns": ["Where is my order?", "the second one"], "customer": "C-10002"},
        {"id": 2, "turns": ["How do I reset my password?"], "customer": None},
        {"id": "c", "turns": [], "customer": None, "kept": "as it is"},
    ]
    source.write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    done = run("batch", source, target)
    assert done.exit_code == 0, done.output
    answered = [json.loads(line) for line in target.read_text().splitlines()]
    assert [{k: v for k, v in row.items() if k != "replies"} for row in answered] == rows
    assert [len(row["replies"]) for row in answered] == [2, 1, 0]
    assert answered[0]["replies"][0]["outcome"] == "clarify"
    assert answered[0]["replies"][1]["citations"][0]["article_id"] == "FH-3184410"


def test_classify(run: Run, tmp_path: Path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    texts = ["where is my metformin order FH-2051846", "I want to kill myself", "", "we want a pizza"]
    source.write_text("\n".join(json.dumps({"id": n, "text": text}) for n, text in enumerate(texts)))
    done = run("classify", source, target)
    assert done.exit_code == 0, done.output
    readings = [json.loads(line)["reading"] for line in target.read_text().splitlines()]
    wanted = {
        "intents",
        "in_scope",
        "emergency",
        "self_harm",
        "medical_advice",
        "injection",
        "abuse",
        "wants_human",
        "entities",
        "decision",
        "reason",
    }
    assert all(wanted <= set(reading) for reading in readings)
    assert [(e["type"], e["canonical"]) for e in readings[0]["entities"]] == [
        ("drug", "metformin"),
        ("order", "FH-2051846"),
    ]
    for entity in readings[0]["entities"]:
        assert texts[0][entity["start"] : entity["end"]] == entity["value"]
    assert readings[1]["decision"] == "emergency"
    assert readings[1]["self_harm"] == 1.0
    assert [reading["decision"] for reading in readings[2:]] == ["clarify", "unknown"]


@pytest.mark.parametrize(("line", "says"), [
    ('{"id": 1, "turns": ["x"]', "not JSON"), ('{"id": 1}', "turns"), ('"just text"', "id"), ('{"turns": []}', "id"), ('{"id": 1, "turns": "x"}', "turns"),
])  # fmt: skip
def test_a_bad_row_is_named(run: Run, tmp_path: Path, line: str, says: str) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"id": 0, "turns": []}\n' + line)
    done = run("batch", source, target, env={"COLUMNS": "400", "TERMINAL_WIDTH": "400"})
    assert done.exit_code != 0
    assert "in.jsonl:2" in done.output
    assert says in done.output
    assert not target.exists(), "something was written before the mistake was seen"


@pytest.mark.parametrize(("option", "name"), [("--customer", "C-10001"), ("--agent", "ann"), ("--admin", "root")])
def test_token(run: Run, option: str, name: str) -> None:
    done = run("token", option, name)
    assert done.exit_code == 0, done.output
    claims = jwt.decode(done.stdout.strip(), options={"verify_signature": False})
    assert name in claims["sub"]
    assert claims["exp"] > claims["iat"]


@pytest.mark.parametrize("options", [[], ["--customer", "C-10001", "--admin", "root"], ["--customer", ""]])
def test_a_token_is_for_exactly_one(run: Run, options: list[str]) -> None:
    done = run("token", *options)
    assert done.exit_code == 1
    assert one_sentence(done.output).startswith("No token: ")


def test_trace(run: Run, prepared: Settings) -> None:
    migrate(prepared.conversations_url)
    store = ConversationStore(prepared.conversations_url)
    answer = scripted("All is well")
    store.record(store.create(None), "how are you", answer)
    store.close()
    for key in (answer.reply.trace_id, answer.reply.message_id):
        done = run("trace", key, "--json")
        assert done.exit_code == 0, done.output
        assert json.loads(done.stdout)["timings_ms"] == {"read": 0.4, "turn": 1.2}
    missing = run("trace", "no-such-id")
    assert missing.exit_code == 1
    assert "no-such-id" in one_sentence(missing.output)


def test_ingest_of_a_broken_article(run: Run, prepared: Settings, tmp_path: Path) -> None:
    articles = made.write_small(tmp_path / "articles")
    (articles / "broken.md").write_text("---\nid: broken\ntitle: A title\n---\ntext\n")
    before = (prepared.home / "knowledge" / "current").read_text()
    done = run("ingest", articles)
    assert done.exit_code == 1
    assert f"{articles / 'broken.md'}:" in done.output
    assert "Nothing was ingested." in done.output
    assert "Traceback" not in done.output
    assert (prepared.home / "knowledge" / "current").read_text() == before


def test_ingest_into_a_home_of_ones_own(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PESTLE_HOME", str(tmp_path / "home"))
    articles = made.write_small(tmp_path / "articles")
    first = run("ingest", articles)
    assert first.exit_code == 0, first.output
    assert f"{len(made.SMALL)} articles" in first.output
    again = run("ingest", articles)
    assert "nothing has changed" in again.output
    forced = run("ingest", articles, "--force")
    assert " 0 texts encoded anew" in " ".join(forced.output.split())


def test_accounts_import_says_what_is_wrong(run: Run, tmp_path: Path) -> None:
    orders, mapping = tmp_path / "orders.csv", tmp_path / "mapping.yaml"
    orders.write_text("a,b\n1,2\n")
    mapping.write_text("this is: [no mapping\n")
    done = run("accounts", "import", orders, "--mapping", mapping)
    assert done.exit_code == 1
    assert "mapping.yaml:" in done.output
    assert "Nothing was imported" in done.output
    assert "Traceback" not in done.output
    assert run("accounts", "import", tmp_path / "none.csv", "--mapping", mapping).exit_code != 0


def test_a_home_that_is_not_set_up(pestle: Callable[..., Done], tmp_path: Path) -> None:
    done = pestle(tmp_path / "nothing-here", "ask", "hello")
    assert done.returncode == 1
    assert "pestle" in one_sentence(done.stderr)


def test_a_broken_encoder_says_what_to_run(pestle: Callable[..., Done], tmp_path: Path) -> None:
    done = pestle(tmp_path / "home", "ask", "hello", PESTLE_ENCODER=str(tmp_path))
    assert done.returncode == 1
    assert "pestle setup" in one_sentence(done.stderr)


def test_a_broken_policy_stops_everything(pestle: Callable[..., Done], prepared: Settings, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("version: [1\n")
    done = pestle(prepared.home, "ask", "hello", PESTLE_POLICY=str(tmp_path / "policy.yaml"))
    assert done.returncode == 1
    assert "policy.yaml" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_setting_that_is_nonsense_is_named(pestle: Callable[..., Done], tmp_path: Path) -> None:
    done = pestle(tmp_path, "ask", "hello", PESTLE_API_PORT="ninety")
    assert done.returncode == 1
    assert "api_port" in done.stderr.lower()
    assert "Traceback" not in done.stderr


def test_a_damaged_index_is_no_stack_trace(pestle: Callable[..., Done], tmp_path: Path) -> None:
    home = tmp_path / "home"
    version = (made.knowledge_home() / "knowledge" / "current").read_text()
    generation = home / "knowledge" / version
    shutil.copytree(made.knowledge_home() / "knowledge" / version, generation)
    (home / "knowledge" / "current").write_text(version)
    database = generation / "chroma" / "chroma.sqlite3"
    with database.open("r+b") as file:
        file.write(os.urandom(4096))
    done = pestle(home, "ask", "hello")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_no_command_waits_for_what_it_does_not_use() -> None:
    """`pestle token` and a start of `pestle run` that finds its port busy load no model library."""
    heavy = "chromadb torch onnxruntime sklearn scipy transformers langchain guardrails"
    code = f"import sys, app.cli; print([name for name in '{heavy}'.split() if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=made.ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.strip() == "[]"
