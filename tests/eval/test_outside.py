"""Cases from outside: what is read, what is refused and with which line, and what the signed result proves."""

from __future__ import annotations

import io
import json
import tracemalloc
from itertools import islice
from pathlib import Path

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from app.jwks import usable
from app.keys import KeyRing
from app.settings import Settings
from app.tokens import BadToken, Tokens
from eval import outside
from eval.cases import CaseErrors
from eval.outside_cases import MOST_MISTAKES, read_outside
from eval.outside_rows import rows
from eval.runs import RunError
from eval.signed import ResultError, canonical, file_digest, rows_digest, verify, write
from tests.eval.made_cases import KNOWN
from tests.made import home_in

CSV = "question,expected_article,facts,never,outcome,customer,id,reference\n"


def written(folder: Path, text: str | bytes, name: str = "cases.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def mistakes(path: Path) -> list[str]:
    with pytest.raises(CaseErrors) as errors:
        read_outside(path, KNOWN)
    return [line.removeprefix(str(path)) for line in errors.value.mistakes]


class TestReading:
    def test_a_table(self, tmp_path: Path) -> None:
        text = (
            CSV
            + '"How much,\nand when?",track-order;delivery-speeds,$5.99; two days | 2 days ,,answered;clarify,C-10001,q1,\nHm?,,,,,,,\n'
        )
        found = read_outside(written(tmp_path, text), KNOWN)
        first, second = (task.case for task in found)
        assert first.said == ("How much,\nand when?",)
        assert first.final is not None
        assert first.final.articles == ["track-order", "delivery-speeds"]
        assert first.final.facts == ["$5.99", "two days | 2 days"]
        assert first.final.outcomes == {"answered", "clarify"}
        assert first.customer == "C-10001"
        assert (second.id, second.final) == ("line-4", None)
        assert (found.count, found.open) == (2, {"line-4"})

    @pytest.mark.parametrize("separator", [";", "\t", ","])
    def test_a_table_as_spreadsheets_write_it(self, tmp_path: Path, separator: str) -> None:
        text = (
            "\ufeff"
            + separator.join(["Question", "articles", ""])
            + "\r\n"
            + separator.join(["How?", "track-order", ""])
            + "\r\n"
        )
        (task,) = read_outside(written(tmp_path, text), KNOWN)
        assert task.case.final is not None
        assert task.case.final.articles == ["track-order"]

    def test_json_lines_flat_and_in_our_format(self, tmp_path: Path) -> None:
        lines = [
            {"question": "How?", "facts": ["a", "b"], "id": 7},
            {"question": "How now?", "expected_article": "track-order", "slice": {"dialect": "indian"}},
            {"turns": ["How?", "and then?"], "expect": {"handover": False}},
            {"turns": ["a question"]},
            {"question": "near?", "reference": "a good answer"},
        ]
        path = written(tmp_path, "\n\n".join(map(json.dumps, lines)), "cases.jsonl")
        found = read_outside(path, KNOWN)
        cases = [task.case for task in found]
        assert [case.id for case in cases] == ["7", "line-3", "line-5", "line-7", "line-9"]
        assert cases[1].slice == {"dialect": "indian"}
        assert found.open == {"line-7", "line-9"}

    def test_yaml_as_a_list_and_as_a_suite(self, tmp_path: Path) -> None:
        case = "- id: a\n  question: How?\n  outcome: answered\n- say: And?\n"
        found = read_outside(written(tmp_path, case, "a.yaml"), KNOWN)
        assert [(task.suite, task.case.id) for task in found] == [("outside", "a"), ("outside", "line-4")]
        head = "suite: mine\nkind: account\nabout: Mine.\ntoday: 2026-10-01\nseed: 3\ncases:\n"
        (task, _) = read_outside(written(tmp_path, head + case, "b.yml"), KNOWN)
        assert (task.suite, task.kind, task.today.isoformat(), task.seed) == ("mine", "account", "2026-10-01", 3)

    @given(st.lists(st.text(min_size=1).filter(lambda text: text.strip()), min_size=1, max_size=5))
    def test_any_text_comes_through_json_lines(
        self, tmp_path_factory: pytest.TempPathFactory, texts: list[str]
    ) -> None:
        path = tmp_path_factory.mktemp("any") / "a.jsonl"
        path.write_text("".join(json.dumps({"question": text}) + "\n" for text in texts))
        assert [task.case.said[0] for task in read_outside(path, KNOWN)] == texts

    @pytest.mark.parametrize(("kind", "count"), [("csv", 100_000), ("jsonl", 100_000), ("yaml", 10_000)])
    def test_a_hundred_thousand_rows_are_never_held_at_once(self, tmp_path: Path, kind: str, count: int) -> None:
        path = tmp_path / f"many.{kind}"
        with path.open("w") as file:
            file.write("question,facts\n" if kind == "csv" else "")
            for n in range(count):
                row = {"question": f"How long is way number {n}?", "facts": [f"{n} miles"]}
                file.write(
                    f"{row['question']},{n} miles\n"
                    if kind == "csv"
                    else f"{'- ' if kind == 'yaml' else ''}{json.dumps(row)}\n"
                )
        tracemalloc.start()
        try:
            assert sum(1 for _ in islice(rows(path), 5_000)) == 5_000
            assert tracemalloc.get_traced_memory()[1] < 1_000_000
        finally:
            tracemalloc.stop()
        assert read_outside(path, KNOWN).count == count


class TestMistakes:
    @pytest.mark.parametrize(
        ("text", "name", "said"),
        [
            ("", "a.csv", ": the file is empty"),
            (" \n\n", "a.csv", ": the file is empty"),
            ("question\n", "a.csv", ": there are no cases in it"),
            ("[]\n", "a.yaml", ": there are no cases in it"),
            (b"question\nWo ist der K\xe4se?\n", "a.csv", ":2: this is not UTF-8"),
            ("question\nHow?\n".encode("utf-16"), "a.csv", ": this is UTF-16"),
            (b"PK\x03\x04\x14\x00\x00", "a.csv", ": this is a spreadsheet"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1", "a.csv", ": this is an old spreadsheet"),
            (b"question\nH\x00w?\n", "a.csv", ":2: this is no text"),
            ("question\nHow?\n", "a.xlsx", ": the name must end in .csv"),
            ("qestion\nHow?\n", "a.csv", ":1: there is no column 'qestion'; there are question, expected_article"),
            ("articles\ntrack-order\n", "a.csv", ":1: no column is called question"),
            ("question,question\na,b\n", "a.csv", ":1: column 'question' is there twice"),
            ("question,id\na,b,c\n", "a.csv", ":2: 3 cells in a table of 2 columns"),
            ('question\n"How?\n', "a.csv", ":2: unexpected end of data"),
            ("question,articles,expected_article\na,b,c\n", "a.csv", ":2: expected_article and articles are the same"),
            ("question,articles\nHow?,gone-away\n", "a.csv", ":2: there is no article 'gone-away' (any more)"),
            ("question,outcome\nHow?,solved\n", "a.csv", ":2: expect.outcome"),
            ("question,customer\nHow?,C-99999\n", "a.csv", ":2: there is no customer 'C-99999'"),
            ("question,id\nHow?,x\n\nWhy?,x\n", "a.csv", ":4: id 'x' is used already, in line 2"),
            ("question,facts,never\nHow?,a;B,b\n", "a.csv", ":2: expect: 'B' must appear and must never appear"),
            ("question,outcome,articles\nHow?,unknown,track-order\n", "a.csv", ":2: expect: the outcome is unknown"),
            ("question,outcome\nHow?,answered\nhow? ,unknown\n", "a.csv", ":3: the same question has the outcome answered in line 2"),
            ("question,id\nHow?,a b\n", "a.csv", ":2: id: "),
            ("question,slice\nHow?,indian\n", "a.csv", ":2: slice 'indian' must be written as name=value"),
            ("question,facts\n,two days\n", "a.csv", ":2: the question is missing"),
            ('{"question": "How?"}\n{"question": \n', "a.jsonl", ":2: no JSON"),
            ('[{"question": "How?"}]\n', "a.jsonl", ":1: each line must be one object"),
            ('{"question": "How?", "fact": "x"}\n', "a.jsonl", ":1: there is no key 'fact'; there are question"),
            ('{"question": "How?", "question": "Why?"}\n', "a.jsonl", ":1: key 'question' is there twice"),
            ('{"question": "a \\ud800 b"}\n', "a.jsonl", ":1: there is half a character in it"),
            ('{"question": "  "}\n', "a.jsonl", ":1: the question is empty"),
            ('{"question": 5}\n', "a.jsonl", ":1: say: "),
            ('{"question": "How?", "turns": ["a"]}\n', "a.jsonl", ":1: question stands beside say or turns"),
            ("[" * 100_000, "a.jsonl", ":1: it is nested too deeply"),
            ("- question: How?\n- question: Why?\n  fact: x\n", "a.yaml", ":3: there is no key 'fact'"),
            ("- question: How?\n  expect:\n    outcom: unknown\n", "a.yaml", ":3: expect.outcom: there is no such key; there are outcome"),
            ("- question: &a How?\n- question: *a\n", "a.yaml", ":1: anchors and aliases"),
            ("- question: How?\n  question: Why?\n", "a.yaml", ":2: key 'question' is there twice"),
            ("- " * 200 + "a", "a.yaml", ":1: it is nested too deeply"),
            ("just words", "a.yaml", ":1: the file must be a list of cases"),
            ("- just words", "a.yaml", ":1: a case must be keys and values"),
            ("- question: 'How?\n", "a.yaml", ": found unexpected end of stream"),
            ("suite: mine\n", "a.yaml", ":1: the file has no list called cases"),
            ("suite: mine\ncases: all\n", "a.yaml", ":2: cases must be a list"),
            ("site: mine\ncases:\n- question: How?\n", "a.yaml", ":1: site: there is no such key; there are suite"),
            ("cases:\n- question: How?\nsuite: mine\n", "a.yaml", ":3: suite must stand before cases"),
            ("cases:\n- question: !!python/object:os.system x\n", "a.yaml", ": could not determine a constructor"),
        ],
    )  # fmt: skip
    def test_each_is_told_with_its_line(self, tmp_path: Path, text: str | bytes, name: str, said: str) -> None:
        found = mistakes(written(tmp_path, text, name))
        start, _, rest = said.partition(": ")
        assert any(one.startswith(start) and rest in one for one in found), found

    def test_all_are_told_together_up_to_fifty(self, tmp_path: Path) -> None:
        assert len(mistakes(written(tmp_path, "question,articles\n" + "How?,gone\n" * 3))) == 3
        many = mistakes(written(tmp_path, "question,articles\n" + "How?,gone\n" * 300))
        assert len(many) == MOST_MISTAKES + 1
        assert "there may be more" in many[-1]

    def test_no_such_file_and_a_folder(self, tmp_path: Path) -> None:
        assert "no such file" in mistakes(tmp_path / "none.csv")[0]
        assert "no such file" in mistakes(tmp_path)[0]


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return KeyRing(tmp_path / "keys")


def believed(ring: KeyRing):
    return usable({"keys": [key.public_jwk for key in ring.all().values()]})


class TestSignature:
    ROWS = ({"id": "a", "right": True, "ms": 1.0}, {"id": "b", "text": "ü\n\u2028"})

    def signed(self, folder: Path, ring: KeyRing) -> tuple[Path, Path]:
        data = written(folder, "question\nHow?\n")
        lines = [canonical(row) for row in self.ROWS]
        about = {"data": {"sha256": file_digest(data)}, "scores": {"right": 1.0}}
        write(folder / "r.json", about | {"rows_sha256": rows_digest(lines)}, lines, ring.newest())
        return folder / "r.json", data

    def test_what_is_whole_is_believed(self, tmp_path: Path, ring: KeyRing) -> None:
        path, data = self.signed(tmp_path, ring)
        found = verify(path, believed(ring), data)
        assert (found.kid, found.data_seen) == (ring.newest().kid, True)
        assert not verify(path, believed(ring)).data_seen
        assert json.loads(path.read_text())["rows"] == list(self.ROWS)
        ring.rotate()
        assert verify(path, believed(ring))

    def test_any_library_can_read_what_was_signed(self, tmp_path: Path, ring: KeyRing) -> None:
        path, _ = self.signed(tmp_path, ring)
        document = json.loads(path.read_text())
        key = jwt.PyJWK.from_dict(ring.newest().public_jwk)
        assert json.loads(jwt.api_jws.decode(document["signature"], key, algorithms=["EdDSA"])) == document["result"]

    def test_any_change_is_noticed(self, tmp_path: Path, ring: KeyRing) -> None:
        path, data = self.signed(tmp_path, ring)
        good = path.read_text()

        def refused(text: str, said: str, *more: Path) -> None:
            path.write_text(text)
            with pytest.raises(ResultError, match=said):
                verify(path, believed(ring), *more)

        refused(good.replace('"right": 1.0', '"right": 0.9'), "not the one that was signed")
        refused(good.replace('"right":true', '"right":false'), "the rows are not the ones")
        refused(good.replace('{"id":"a"', '{"id":"a","id":"c"'), "is no JSON")
        document = json.loads(good)
        refused(json.dumps(document | {"rows": document["rows"][:1]}), "the rows are not the ones")
        head, body, end = document["signature"].split(".")
        refused(json.dumps(document | {"signature": f"{head}.{body}.{end[::-1]}"}), "was not signed with|is no JWS")
        refused(json.dumps(document | {"signature": "x"}), "is no JWS")
        refused(json.dumps({"rows": []}), "is no result")
        refused("[]", "is no result")
        refused("{", "is no JSON")
        data.write_text("question\nWhy?\n")
        refused(good, "the file's hash is another one", data)

    def test_strangers_and_unsigned_are_not_believed(self, tmp_path: Path, ring: KeyRing) -> None:
        path, _ = self.signed(tmp_path, KeyRing(tmp_path / "other"))
        with pytest.raises(ResultError, match="not among the keys given"):
            verify(path, believed(ring))
        document = json.loads(path.read_text())
        kid = ring.newest().kid
        for algorithm, secret in (("none", ""), ("HS256", "x" * 32)):
            forged = jwt.api_jws.encode(
                canonical(document["result"]), secret, algorithm, {"kid": kid, "typ": "pestle-result+jws"}
            )
            path.write_text(json.dumps(document | {"signature": forged}))
            with pytest.raises(ResultError, match="was not signed"):
                verify(path, believed(ring))

    def test_a_result_is_no_token_and_a_token_no_result(self, tmp_path: Path) -> None:
        settings = Settings(home=tmp_path, _env_file=None)  # type: ignore[call-arg]
        tokens = Tokens(settings)
        path, _ = self.signed(tmp_path, tokens.keys)
        document = json.loads(path.read_text())
        with pytest.raises(BadToken):
            tokens.verify(document["signature"])
        path.write_text(json.dumps(document | {"signature": tokens.mint("admin", "eve")}))
        with pytest.raises(ResultError, match="not one of a result"):
            verify(path, believed(tokens.keys))


def console() -> Console:
    return Console(file=io.StringIO(), width=160)


def said(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


class TestWhole:
    @pytest.fixture(scope="class")
    def settings(self, tmp_path_factory: pytest.TempPathFactory) -> Settings:
        return home_in(tmp_path_factory.mktemp("home") / "h")

    TEXT = CSV + (
        "How much is overnight delivery?,delivery-speeds,$12.99 | $19.99 | $5.99,,answered,,q1,It is dearer than the standard one.\n"
        "Do you sell cars?,,,,unknown;refused,,q2,\n"
        "Do you sell boats?,,,,answered,,q3,\n"
        "What is your phone number?,,,,,,q4,\n"
        "wheres my metformin,,,,answered,C-10001,q5,\n"
    )

    def test_from_file_to_verified_result(self, settings: Settings, tmp_path: Path) -> None:
        path, heard = written(tmp_path, self.TEXT), console()
        place = outside.run(path, settings, heard)
        assert place == tmp_path / "cases.csv.result.json"
        document = json.loads(place.read_text())
        result, found = document["result"], {row["id"]: row for row in document["rows"]}
        assert {name: row["right"] for name, row in found.items()} == {
            "q1": True,
            "q2": True,
            "q3": False,
            "q4": None,
            "q5": True,
        }
        assert result["counts"]["rows"] == 5
        assert (result["counts"]["right"], result["counts"]["wrong"], result["counts"]["no_expectation"]) == (3, 1, 1)
        assert result["scores"]["right"]["value"] == 0.75
        assert result["scores"]["right"]["count"] == 4
        assert result["scores"]["similarity"]["count"] == 1
        assert result["versions"]["composer"] == "extractive"
        assert "1 without an expectation and so without a verdict" in said(heard)
        checked = console()
        outside.verify(place, settings, checked, data=path)
        assert "The signature holds" in said(checked)
        jwks = written(
            tmp_path, json.dumps({"keys": [KeyRing(settings.home / "keys").newest().public_jwk]}), "jwks.json"
        )
        outside.verify(place, settings, console(), keys=jwks)
        jwks.write_text("{}")
        with pytest.raises(ResultError, match="holds no usable keys"):
            outside.verify(place, settings, console(), keys=jwks)

    def test_without_any_expectation_nothing_is_passed(self, settings: Settings, tmp_path: Path) -> None:
        path, heard = written(tmp_path, "question\nDo you sell cars?\n"), console()
        result = json.loads(outside.run(path, settings, heard, out=tmp_path / "out.json").read_text())["result"]
        assert result["scores"]["right"] == {"value": None, "low": None, "high": None, "count": 0, "says": "no cases"}
        assert result["counts"]["right"] == 0
        assert "no cases" in said(heard)

    def test_the_same_file_twice_gives_the_same_rows(self, settings: Settings, tmp_path: Path) -> None:
        path = written(tmp_path, self.TEXT)
        first, second = (json.loads(outside.run(path, settings, console()).read_text()) for _ in range(2))
        assert first["rows"] == second["rows"]
        assert first["result"]["scores"] == second["result"]["scores"]

    def test_the_file_itself_is_never_overwritten(self, settings: Settings, tmp_path: Path) -> None:
        path = written(tmp_path, self.TEXT)
        with pytest.raises(RunError, match="name another with --out"):
            outside.run(path, settings, console(), out=path)
        assert path.read_text() == self.TEXT
        with pytest.raises(ResultError, match="name another place"):
            outside.run(path, settings, console(), out=tmp_path / "nowhere" / "r.json")
