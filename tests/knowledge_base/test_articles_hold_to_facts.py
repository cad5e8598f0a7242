"""The articles say nothing that the facts file doesn't: each figure in an article stands in facts.yaml."""

import re
from pathlib import Path

import pytest
import yaml

from rag.articles import Article, read_articles

KNOWLEDGE = Path(__file__).parents[2] / "knowledge_base"
NUMBER = r"\d[\d,]*(?:\.\d+)?"
UNIT = r"(?:(?:business|calendar|federal) )?(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|MB|refills?|times|plans?|people|caregivers?)"
FIGURES = re.compile(
    rf"\$ ?{NUMBER}|{NUMBER} ?%|\b1?-?\d{{3}}-\d{{3}}-\d{{4}}\b|[\w.]+@[\w.]+\w|\b{NUMBER} (?:am|pm)\b|{NUMBER}°F"
    rf"|\b{NUMBER}(?: ?(?:to|–|-|or) ?{NUMBER})?[ -]{UNIT}\b|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|fourteen|thirty|ninety)[ -]{UNIT}\b",
    re.IGNORECASE,
)
WORDS = dict(
    zip(
        [
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "twelve",
            "fourteen",
            "thirty",
            "ninety",
        ],
        (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 30, 90),
        strict=True,
    )
)


def figures(text: str) -> set[str]:
    """Amounts, shares, phone numbers, addresses, clock times and spans of time, in one spelling."""
    found = set()
    for match in FIGURES.findall(text):
        figure = match.lower().replace("–", " to ").replace(" or ", " to ").replace("$ ", "$")
        figure = re.sub(r"(\d)-(\d+[ -][a-z])", r"\1 to \2", figure)
        figure = re.sub(r"^([a-z]+)(?=[ -])", lambda m: str(WORDS.get(m[1], m[1])), figure)
        figure = re.sub(r"(?<=\d)-(?=[a-z])", " ", re.sub(r"\s+", " ", figure))
        found.add(re.sub(r"(?<=[a-z]{3})s$", "", figure).replace("peopl", "person"))
    return found


def allowed() -> set[str]:
    facts = yaml.safe_load((KNOWLEDGE / "facts.yaml").read_text(encoding="utf-8"))
    text = "\n".join(str(fact) for group in facts.values() if isinstance(group, dict) for fact in group.values())
    return figures(text)


def strays(article: Article) -> set[str]:
    everything = "\n".join((article.title, article.body, *article.next_steps))
    return figures(everything) - allowed()


ARTICLES = read_articles(KNOWLEDGE / "articles")


def test_there_are_enough_articles() -> None:
    assert len(ARTICLES) >= 150


@pytest.mark.parametrize("article", ARTICLES, ids=lambda article: article.id)
def test_an_article_states_only_figures_of_the_facts_file(article: Article) -> None:
    assert not strays(article), f"{article.path.name}: not in facts.yaml"


@pytest.mark.parametrize("article", ARTICLES, ids=lambda article: article.id)
def test_an_article_is_short_enough_to_quote(article: Article) -> None:
    lead, *rest = article.sections
    assert not lead.heading, "an article opens with its answer, before the first heading"
    assert len(lead.text.split()) <= 60
    assert all(len(section.text.split()) <= 110 for section in rest)
    assert len({question.lower() for question in article.questions}) == len(article.questions)


def test_no_question_stands_in_two_articles() -> None:
    seen: dict[str, str] = {}
    for article in ARTICLES:
        for question in article.questions:
            key = re.sub(r"\W+", " ", question.lower()).strip()
            assert seen.setdefault(key, article.id) == article.id, (
                f"{question!r} stands in {seen[key]} and {article.id}"
            )


@pytest.mark.parametrize("article", ARTICLES, ids=lambda article: article.id)
def test_an_article_names_no_amount_of_medicine_to_take(article: Article) -> None:
    dosing = re.compile(
        r"\b(take|inject|use|swallow|skip|double|increase|reduce)\b[^.]{0,40}\b(\d+(\.\d+)? ?(mg|mcg|ml|units?|tablets?|pills?|capsules?|drops?)|(half|one|two) (a )?(tablet|pill|dose)s?)\b",
        re.I,
    )
    assert not dosing.search(article.body)
