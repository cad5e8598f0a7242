"""report.html: one file that asks nothing of the network, readable in a browser, on a phone and on paper."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from eval.report import drawn, groups, headline, words
from eval.report.change import change, load
from eval.report.digest import digest
from eval.report.failed import failed_cases
from eval.report.gates import rulings
from eval.report.slices import slices, worst
from eval.report.stored import read
from eval.report.unmeasured import unmeasured

HERE = Path(__file__).parent
NAME = "report.html"


def write(run_folder: Path, before: Path | None, baseline: Path | None) -> Path:
    """Write report.html into the run's folder and give its path.

    `before`: the last run's folder; `baseline`: a run's folder, or a baseline kept in one file. Raises `NoRun`.
    """
    run = read(run_folder)
    found = digest(run)
    changes = [
        change(name, run, found, load(other))
        for name, other in (("the last run", before), ("the baseline", baseline))
        if other is not None
    ]
    rows = slices(found)
    gaps = worst(rows, found)
    ruled = rulings(run)
    css, script = (HERE / "page.css").read_text("utf-8"), (HERE / "page.js").read_text("utf-8")
    html = _environment().get_template("page.html").render(
        run=run,
        css=Markup(css),
        script=Markup(script),
        policy=_policy(css, script),
        headline=headline.headline(run, found),
        rulings=ruled,
        fell=[ruling for ruling in ruled or () if ruling.held is not True],
        changes=headline.changes(changes),
        columns=[words.capital(one.name.removeprefix("the ")) for one in changes],
        suites=groups.suites(run, found, changes),
        worst=gaps,
        slices=drawn.slice_tables(rows, found.rails),
        intents=groups.intents(run),
        confusion=drawn.confusion(run),
        reliability=drawn.reliability(run),
        retrieval=drawn.retrieval(run),
        latency=drawn.latency(run),
        cases=failed_cases(run, found, changes),
        unmeasured=unmeasured(run, found, ruled, changes, gaps),
        versions=headline.versions(run, changes),
    )  # fmt: skip
    target = run_folder / NAME
    target.write_text(html, encoding="utf-8")
    return target


def _environment() -> Environment:
    """Everything is escaped, whatever a file is called."""
    made = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters["label"] = words.label
    made.filters["capital"] = words.capital
    return made


def _policy(css: str, script: str) -> str:
    """Only this style sheet and this script; nothing from anywhere else, not even from a text that was missed."""
    return (
        f"default-src 'none'; style-src {_hash(css)}; script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
