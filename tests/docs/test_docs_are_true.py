"""The documentation says what there is: settings, commands, endpoints and links are held to the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from app.api.main import create_app
from app.cli import app as cli
from app.settings import Settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
HOST = re.compile(r"https?://([\w.-]+)")
NEARBY = re.compile(r"127\.0\.0\.1|localhost|(.+\.)?example(\.com|\.org)?")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
BESIDES = {"PESTLE_DEBUG", "PESTLE_API_URL"}  # read from the environment, and no fields of Settings


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def commands(command: Any, path: str = "pestle") -> Iterator[tuple[str, list[str]]]:
    """Each command as it is typed, with its long options."""
    for name, found in command.commands.items():
        if hasattr(found, "commands"):
            yield from commands(found, f"{path} {name}")
        else:
            yield f"{path} {name}", [opt for param in found.params for opt in param.opts if opt.startswith("--")]


COMMANDS = [pytest.param(*found, id=found[0]) for found in commands(get_command(cli))]


def operations() -> list[tuple[str, str]]:
    paths = create_app(Settings()).openapi()["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]


def anchors(path: Path) -> set[str]:
    """The anchors that a page's headings make."""
    headings = re.findall(r"^#+ +(.+)$", FENCE.sub("", read(path)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("field", Settings.model_fields)
def test_each_setting_is_documented(field: str) -> None:
    assert f"| `PESTLE_{field.upper()}` |" in read(DOCS / "settings.md")


def test_no_setting_is_documented_that_is_not_there() -> None:
    named = set(re.findall(r"PESTLE_[A-Z_]+", read(DOCS / "settings.md")))
    assert named - BESIDES == {f"PESTLE_{field.upper()}" for field in Settings.model_fields}


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_documented_default_is_the_real_one(name: str) -> None:
    start = f"| `PESTLE_{name.upper()}` |"
    row = next(line for line in read(DOCS / "settings.md").splitlines() if line.startswith(start))
    said, default = row.split("|")[2].strip().strip("`"), Settings.model_fields[name].default
    match default:
        case None:
            assert said == "none"
        case "":
            assert said == "empty"
        case bool():
            assert said == str(default).lower()
        case float():
            assert float(said) == default
        case Path() if default.is_absolute():
            assert said.removesuffix(" of the checkout").strip("`") == str(default.relative_to(ROOT))
        case _:
            assert said == str(default)


@pytest.mark.parametrize(("command", "options"), COMMANDS)
def test_each_command_is_documented(command: str, options: list[str]) -> None:
    page = read(DOCS / "commands.md")
    assert f"## {command}\n" in page
    section = page.split(f"## {command}\n")[1].split("\n## ")[0]
    # a switch that is on by default is documented by the word that turns it off
    missing = [option for option in options if option not in section and f"--no-{option[2:]}" not in section]
    assert not missing


@pytest.mark.parametrize(("method", "path"), operations())
def test_each_endpoint_is_documented(method: str, path: str) -> None:
    assert f"| `{method} {path}` |" in read(DOCS / "http.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_local_link_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(FENCE.sub("", read(page))):
        if "://" in link:
            continue
        target, _, anchor = link.partition("#")
        file = page.parent / target if target else page
        assert file.exists(), f"{page.name} links to {link}"
        assert not anchor or anchor in anchors(file), f"{page.name} links to {link}, and there is no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_only_addresses_of_this_machine_and_examples_are_named(page: Path) -> None:
    assert not [host for host in HOST.findall(read(page)) if not NEARBY.fullmatch(host)]
