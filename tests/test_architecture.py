"""The folders are the architecture: imports point one way, app → rag → rails, and eval → all three."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {"app": ROOT / "app", "rag": ROOT / "rag", "rails": ROOT / "guardrails" / "rails", "eval": ROOT / "eval"}
MAY_IMPORT = {
    "app": {"app", "rag", "rails", "eval"},
    "rag": {"rag", "rails"},
    "rails": {"rails"},
    "eval": {"eval", "app", "rag", "rails"},
}
NOT_IN = {
    "rails": {"fastapi", "starlette", "uvicorn", "httpx", "streamlit", "sqlalchemy", "chromadb", "langchain_chroma", "bm25s", "typer"},
    "rag": {"fastapi", "starlette", "uvicorn", "streamlit", "typer"},
    "eval": {"fastapi", "starlette", "uvicorn", "streamlit"},
}  # fmt: skip
HTTP_IN_RAG = {
    "rag/account/rest.py",
    "rag/compose/trouble.py",
}  # a client of the business's service; the errors of a model's client


def files(part: str) -> list[Path]:
    return sorted(FOLDERS[part].rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that the file imports, at its top or within a function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            yield node.lineno, node.module or ""
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def faults(part: str, wrong: set[str]) -> list[str]:
    return [
        f"{p.relative_to(ROOT)}:{line}: {name}"
        for p in files(part)
        for line, name in imports(p)
        if name.split(".")[0] in wrong
    ]


@pytest.mark.parametrize("part", FOLDERS)
def test_imports_point_one_way(part: str) -> None:
    assert files(part)
    assert faults(part, {*FOLDERS, "tests"} - MAY_IMPORT[part]) == []


def test_only_the_commands_of_app_import_eval() -> None:
    assert [fault for fault in faults("app", {"eval"}) if not fault.startswith("app/commands/")] == []


@pytest.mark.parametrize("part", NOT_IN)
def test_each_room_keeps_out_what_is_not_its_business(part: str) -> None:
    assert faults(part, NOT_IN[part]) == []


def test_rag_speaks_http_in_few_places() -> None:
    assert {fault.split(":")[0] for fault in faults("rag", {"httpx", "requests", "urllib3", "aiohttp"})} <= HTTP_IN_RAG


def test_the_pages_know_the_api_and_nothing_behind_it() -> None:
    for path in sorted((ROOT / "app" / "ui").rglob("*.py")):
        for line, name in imports(path):
            first, _, rest = name.partition(".")
            assert first not in ("rag", "rails", "eval", "sqlalchemy", "chromadb"), f"{path}:{line}: {name}"
            assert first != "app" or rest == "ui" or rest.startswith("ui."), f"{path}:{line}: {name}"


def test_the_store_knows_no_http() -> None:
    for path in sorted((ROOT / "app" / "store").rglob("*.py")):
        assert not [
            name for _, name in imports(path) if name.split(".")[0] in ("fastapi", "starlette", "httpx", "streamlit")
        ], path


def test_import_guardrails_is_the_library() -> None:
    assert not (ROOT / "guardrails" / "__init__.py").exists()


def test_a_missing_rail_is_an_error() -> None:
    """Guards fail closed: a rail that can't be imported must never be passed over."""
    for path in files("rails"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler) and node.type is not None:
                assert not re.search(r"ImportError|ModuleNotFoundError", ast.unparse(node.type)), (
                    f"{path}:{node.lineno}"
                )
            assert not (isinstance(node, ast.ExceptHandler) and node.type is None), (
                f"{path}:{node.lineno}: a bare except"
            )


@pytest.mark.parametrize("part", FOLDERS)
def test_no_room_for_odds_and_ends(part: str) -> None:
    assert not [p for p in files(part) if re.search(r"util|helper|manager|misc|common", p.stem)]
