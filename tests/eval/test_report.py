"""The report is one file that asks for nothing, shows a run's texts as text, and opens in a real browser."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from eval.report import table, write
from eval.report.digest import digest, fairly
from eval.report.failed import SHOWN
from eval.report.slices import slices, worst
from eval.report.stored import NoRun, read
from eval.report.words import kind_of, points, share
from tests.chromium import browser
from tests.eval.made_rows import HOSTILE, Made, made_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["browser"]
LOADS = re.compile(r"""(?:src|href|action|poster|data|srcset)\s*=\s*["']?\s*(?!#)[^"'\s>]""", re.IGNORECASE)


class Seen(HTMLParser):
    """The tags of a page, as a browser without scripts finds them, and its visible words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


def said(folder: Path, before: Path | None = None, baseline: Path | None = None) -> str:
    return write(folder, before, baseline).read_text(encoding="utf-8")


def flat(html: str) -> str:
    return " ".join(Seen(html).words.replace("\u00a0", " ").split())


def test_it_asks_for_nothing_outside(tmp_path: Path) -> None:
    html = said(made_run(tmp_path, Made()))
    seen = Seen(html)
    assert not LOADS.search(re.sub(r"<(style|script)>.*?</\1>", "", html, flags=re.DOTALL))
    assert "url(" not in html
    assert "@import" not in html
    assert {tag for tag, _ in seen.tags} & {
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "base",
        "audio",
        "video",
    } == set()
    policy = next(attrs["content"] for tag, attrs in seen.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


def test_every_text_of_a_case_is_shown_as_text(tmp_path: Path) -> None:
    html = said(made_run(tmp_path, Made(failed=100, text=HOSTILE)))
    seen = Seen(html)
    assert [tag for tag, _ in seen.tags].count("script") == 1
    assert not any(name.startswith("on") for _, attrs in seen.tags for name in attrs)
    assert HOSTILE in seen.words
    assert not any(tag == "img" for tag, _ in seen.tags)


def test_names_are_shown_as_text_too(tmp_path: Path) -> None:
    folder = made_run(tmp_path, Made(each=3, failed=1, suites=("answers",)))
    rows = [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]
    for row in rows:
        row.update(
            suite='"><script>1</script>', right=False, reason=HOSTILE, slices={'"x': "<b>y"}, citations=[HOSTILE]
        )
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    tags = [tag for tag, _ in Seen(said(folder)).tags]
    assert tags.count("script") == 1
    assert "img" not in tags


def test_no_case_is_no_pass(tmp_path: Path) -> None:
    words = flat(said(made_run(tmp_path, Made(each=0, failed=0))))
    assert "No case was run" in words
    assert "not a pass" in words
    assert "100.0 %" not in words


def test_all_right(tmp_path: Path) -> None:
    words = flat(said(made_run(tmp_path, Made(each=20, failed=0))))
    assert "140 of 140 cases right" in words
    assert "Every case was right." in words


def test_a_run_that_has_not_ended_says_so(tmp_path: Path) -> None:
    folder = made_run(tmp_path, Made(each=4, failed=1, ended=False))
    with (folder / "rows.jsonl").open("a") as rows:
        rows.write('{"suite": "answers", "id": "torn')
    words = flat(said(folder))
    assert "The run has not ended." in words
    assert "27 of 28 cases right" in words


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoRun, match="holds no run"):
        write(tmp_path, None, None)


def test_gates_that_fell_are_named(tmp_path: Path) -> None:
    folder = made_run(tmp_path, Made())
    assert "The gates were not asked." in flat(said(folder))
    kept = [
        {"name": "access", "held": False, "says": "access: 98.0 % right, at least 99 % wanted"},
        {"name": "tone", "held": None, "says": "tone: no cases"},
        {"name": "answers", "held": True, "says": "answers: 95.0 % right, at least 90 % wanted"},
    ]
    (folder / "gates.json").write_text(json.dumps(kept))
    words = flat(said(folder))
    assert "2 of 3 gates fell. access: 98.0 % right, at least 99 % wanted" in words
    assert "A gate had no cases to go by, which is no pass: tone: no cases" in words


def test_the_change_is_judged_case_by_case(tmp_path: Path) -> None:
    before = made_run(tmp_path, Made(each=60, failed=0, id="20261101-0900-0000"))
    folder = made_run(tmp_path, Made(each=60, failed=80, versions=(("policy", "other"),)))
    words = flat(said(folder, before))
    assert "Worse than the last run: −19.0 points" in words
    assert "80 newly wrong and 0 newly right" in words
    assert "Changed between them: policy." in words
    assert "Not compared with the baseline: none was given." in words
    assert "The same as the last run, case by case." in flat(said(before, before))


def test_a_baseline_in_one_file(tmp_path: Path) -> None:
    folder = made_run(tmp_path, Made(each=10, failed=0))
    kept = {"run": {"id": "base", "versions": {}}, "summary": {}, "right": {f"answers-{n:03}": 0.0 for n in range(10)}}
    (tmp_path / "baseline.json").write_text(json.dumps(kept))
    assert "Better than the baseline: +100.0 points" in flat(said(folder, None, tmp_path / "baseline.json"))


def test_of_many_failed_cases_some_of_each_suite_are_shown(tmp_path: Path) -> None:
    folder = made_run(tmp_path, Made(each=120, failed=800))
    html = said(folder)
    found = digest(read(folder))
    assert html.count('<details class="case"') == SHOWN
    assert "800" in html
    assert {one.suite for one in fairly(found.failed, 7)} == set(found.suites)
    assert len(list(fairly(found.failed, 10_000))) == 800


def test_each_failed_case_can_be_replayed(tmp_path: Path) -> None:
    folder = made_run(tmp_path, Made(each=5, failed=3))
    failed = [one.id for one in digest(read(folder)).failed]
    html = said(folder)
    assert all(f"pestle eval --replay {folder.name} {case}" in html for case in failed)


def test_the_worst_slice_is_found_need_by_need(tmp_path: Path) -> None:
    folder = made_run(tmp_path, Made(each=90, failed=0, suites=("fairness",)))
    rows = [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]
    indian = [row for row in rows if row["slices"]["dialect"] == "indian"]
    for row in indian[:4]:
        row.update(right=False, outcome="refused", stopped_by="injection")
        row["scores"]["alarm"] = 1.0
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = digest(read(folder))
    gaps = {gap.metric: gap for gap in worst(slices(found), found)}
    assert gaps["right"].row is not None
    assert gaps["right"].row.value == "indian"
    assert gaps["right"].row.behind("right") == pytest.approx(0.4)
    assert gaps["stopped by injection"].row is not None
    assert gaps["stopped by injection"].row.behind("stopped by injection") == pytest.approx(0.4)
    assert gaps["handover"].says == "No slice is worse off than standard English."
    assert "Indian English: 40.0 points behind standard English" in flat(said(folder))


def test_without_standard_english_each_is_held_against_the_others(tmp_path: Path) -> None:
    folder = made_run(tmp_path, Made(each=18, failed=0, suites=("fairness",)))
    rows = [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]
    rows = [row for row in rows if row["slices"]["dialect"] != "standard"]
    for row in rows:
        row["right"] = row["slices"]["dialect"] != "terse"
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    made = {row.value: row for row in slices(digest(read(folder)))}
    assert made["terse"].behind("right") == 1.0
    assert made["indian"].behind("right") == pytest.approx(-1 / 7)


def test_a_share_is_not_rounded_to_all_or_nothing() -> None:
    assert share(0.99999).startswith("99.999")
    assert share(0.9996).startswith("99.96")
    assert share(1.0).startswith("100.0")
    assert share(None) == "no cases"
    assert points(-0.0123) == "−1.2"
    assert points(0.0001) == "0.0"


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("fact missing: $5.99 (turn 2)", "fact missing"), ("not even run", "not even"), ("", "other")],
)
def test_faults_are_counted_by_kind(fault: str, kind: str) -> None:
    assert kind_of(fault) == kind


def test_the_terminal_table(tmp_path: Path) -> None:
    console = Console(file=io.StringIO(), width=100)
    table(made_run(tmp_path, Made(each=20, failed=10)), console)
    shown = console.file.getvalue()
    assert "Conversations" in shown
    assert re.search(r"all\W+140\W+10\W+92\.9", shown)
    assert "The gates were not asked." in shown


def opened(browser: Browser, path: Path, width: int = 1280, scheme: str = "light") -> Iterator[Page]:
    """The page, with whatever it complained of or asked for."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", lambda request: trouble.append(request.url) if request.url != path.as_uri() else None)
    page.goto(path.as_uri())
    yield page
    assert trouble == []
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize(
    "made", [Made(failed=0), Made(each=0, failed=0), Made(failed=60, text=HOSTILE)], ids=["right", "none", "hostile"]
)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_it_opens_and_fits(browser: Browser, tmp_path: Path, made: Made, width: int, scheme: str) -> None:
    for page in opened(browser, write(made_run(tmp_path, made), None, None), width, scheme):
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.locator("h1").is_visible()


@pytest.mark.browser
def test_failed_cases_are_filtered_sorted_and_paged(browser: Browser, tmp_path: Path) -> None:
    before = made_run(tmp_path, Made(each=60, failed=40, seed=3, id="20261101-0900-0000"))
    folder = made_run(tmp_path, Made(each=60, failed=90))
    for page in opened(browser, write(folder, before, None)):
        shown = page.locator(".case:visible")
        assert shown.count() == 25
        page.get_by_role("button", name="Show 25 more").click()
        assert shown.count() == 50
        page.locator("select[name=suite]").select_option("fairness")
        of_suite = shown.count()
        assert 0 < of_suite < 25
        page.locator("select[name=slice]").select_option("dialect=indian")
        assert shown.count() < of_suite
        page.get_by_role("searchbox").fill("no such words")
        assert shown.count() == 0
        assert page.get_by_role("status").inner_text() == "No failed case fits."
        page.get_by_role("searchbox").fill("")
        first = shown.first
        first.locator("> summary").focus()
        page.keyboard.press("Enter")
        assert first.get_by_text("pestle eval --replay").is_visible()
        page.locator("#suites").get_by_role("button", name="Wrong").click()
        wrong = [int(text) for text in page.locator("#suites table.groups tbody tr td:nth-child(3)").all_inner_texts()]
        assert wrong == sorted(wrong, reverse=True)
