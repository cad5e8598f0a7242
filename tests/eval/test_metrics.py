"""Metrics against examples worked by hand, against ir-measures and scikit-learn, and against what must hold for any input."""

from __future__ import annotations

import contextlib
import math
import random

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import cohen_kappa_score

from eval.metrics.agreement import kappa
from eval.metrics.answers import citation_precision, citation_recall, cosine, grounded_share
from eval.metrics.calibration import expected_calibration_error, reliability
from eval.metrics.decisions import Confusion, confusion, precision_recall
from eval.metrics.intervals import Interval, bootstrap, paired, wilson
from eval.metrics.ranking import ndcg_at, recall_at, reciprocal_rank
from eval.metrics.text import facts, grade, holds, syllables, words

IDS = st.lists(st.sampled_from("abcdefghij"), unique=True)


class TestRanking:
    def test_worked_by_hand(self) -> None:
        ranked, relevant = ["x", "a", "y", "b"], {"a", "b", "c"}
        assert recall_at(ranked, relevant, 1) == 0
        assert recall_at(ranked, relevant, 2) == pytest.approx(1 / 3)
        assert recall_at(ranked, relevant, 10) == pytest.approx(2 / 3)
        assert reciprocal_rank(ranked, relevant) == 0.5
        gain, best = 1 / math.log2(3) + 1 / math.log2(5), 1 + 1 / math.log2(3) + 1 / math.log2(4)
        assert ndcg_at(ranked, relevant, 10) == pytest.approx(gain / best)

    def test_an_id_ranked_twice_counts_once(self) -> None:
        assert reciprocal_rank(["x", "x", "a"], {"a"}) == 0.5
        assert ndcg_at(["a", "a"], {"a", "b"}, 2) < 1

    def test_with_nothing_relevant_there_is_no_score(self) -> None:
        for score in (lambda: recall_at(["a"], [], 3), lambda: reciprocal_rank(["a"], []), lambda: ndcg_at([], [], 3)):
            with pytest.raises(ValueError, match="nothing is relevant"):
                score()

    @settings(max_examples=60, deadline=None)
    @given(IDS, IDS.filter(bool), st.integers(1, 12))
    def test_the_same_as_ir_measures(self, ranked: list[str], relevant: list[str], k: int) -> None:
        wanted = [ir_measures.Qrel("q", name, 1) for name in relevant]
        run = [ir_measures.ScoredDoc("q", name, -float(n)) for n, name in enumerate(ranked)]
        measures = [ir_measures.nDCG @ k, ir_measures.RR, ir_measures.R @ k]
        theirs = ir_measures.calc_aggregate(measures, wanted, run)
        ours = [ndcg_at(ranked, relevant, k), reciprocal_rank(ranked, relevant), recall_at(ranked, relevant, k)]
        assert ours == pytest.approx([theirs[measure] for measure in measures])


class TestDecisions:
    def test_worked_by_hand(self) -> None:
        found = precision_recall([(True, True), (True, False), (False, True), (False, False), (True, True)])
        assert (found.precision, found.recall) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
        assert (found.count, found.false_alarms, found.unexpected) == (5, 1, 2)
        assert found.false_alarm_rate == 0.5

    def test_no_figure_where_there_is_nothing_to_count(self) -> None:
        assert (precision_recall([]).precision, precision_recall([]).recall, precision_recall([]).count) == (None,) * 2 + (0,)  # fmt: skip
        assert precision_recall([(True, False)]).precision is None
        assert precision_recall([(False, True)]).recall is None
        assert precision_recall([(True, True)]).false_alarm_rate is None

    def test_confusion(self) -> None:
        pairs = [("b", "a"), ("a", "a"), ("b", "b"), ("b", "a"), ("a", "c")]
        assert confusion(pairs) == Confusion(("a", "b", "c"), ((1, 0, 1), (2, 1, 0), (0, 0, 0)))
        assert confusion([]) == Confusion((), ())


class TestFacts:
    @pytest.mark.parametrize(
        ("text", "fact"),
        [
            ("It costs $5.99.", "$5.99"),
            ("It takes 5 days.", "5"),
            ("It takes 5, not 6.", "5"),
            ("A 5-day supply", "5"),
            ("Within TWO\n  business days", "two  business Days"),
            ("It’s 3–5 days", "it's 3-5 days"),
            ("2 days", "two days | 2 days"),
            ("Take 5mg", "5 mg"),
            ("Take 5 mg", "5mg"),
            ("Order FH-1234567 [1]", "FH-1234567"),
            ("refunds are quick", "refund"),
            ("10:30 a.m.", "10:30"),
            ("free\u00a0of charge", "free of charge"),
            ("50% off", "50 %"),
        ],
    )
    def test_stands_in_the_text(self, text: str, fact: str) -> None:
        assert holds(text, fact)

    @pytest.mark.parametrize(
        ("text", "fact"),
        [
            ("15 days", "5"),
            ("$5.99", "5"),
            ("$5.99", "$5"),
            ("$15", "5"),
            ("3.5 %", "5 %"),
            ("1,005 or 5,000", "5"),
            ("10:30", "30"),
            ("3–5 days", "5 days"),
            ("on 2026-11-20", "11"),
            ("1-800-555-0100", "555"),
            ("FH-1234567", "1234567"),
            ("FH-12345678", "FH-1234567"),
            ("5th", "5"),
            ("on Monday", "day"),
            ("1 2", "12"),
            ("12", "1 2"),
            ("nothing at all", "two days | 2 days"),
        ],
    )
    def test_does_not(self, text: str, fact: str) -> None:
        assert not holds(text, fact)

    def test_an_empty_wording_is_an_error(self) -> None:
        for fact in ("", " ", "a |"):
            with pytest.raises(ValueError, match="empty wording"):
                holds("any text", fact)

    def test_found_and_missing(self) -> None:
        assert facts("Free over $35.", ["$35", "two days", "free | no charge"]) == (("$35", "free | no charge"), ("two days",))  # fmt: skip

    @given(st.text(min_size=1).filter(lambda text: text.strip() and "|" not in text))
    def test_a_text_holds_itself_in_any_case(self, text: str) -> None:
        with contextlib.suppress(ValueError):  # nothing but invisible characters
            assert holds(text, text.upper() if text.isascii() else text)

    @given(st.integers(0, 9999), st.integers(0, 9999))
    def test_a_figure_is_only_in_itself(self, figure: int, other: int) -> None:
        assert holds(f"It is {other} now", str(figure)) == (figure == other)


class TestReading:
    def test_grade_worked_by_hand(self) -> None:
        # 10 words, 2 sentences, 10 syllables: .39 * 5 + 11.8 * 1 - 15.59 is below 0
        assert grade("The cat sat on a mat. It had a nap.") == 0
        # the phar-ma-cist will count the num-ber of dol-lars in sev-en days: 11 words, 16 syllables
        text = "The pharmacist will count the number of dollars in seven days."
        assert grade(text) == pytest.approx(0.39 * 11 + 11.8 * 16 / 11 - 15.59)

    def test_harder_text_asks_for_a_higher_grade(self) -> None:
        easy = grade("We send it in two days. You pay no fee.")
        hard = grade("Notwithstanding aforementioned considerations, reimbursement eligibility determinations necessitate documentation.")  # fmt: skip
        assert easy is not None
        assert hard is not None
        assert easy < 4 < 12 < hard

    def test_prices_lists_and_citation_marks_change_nothing(self) -> None:
        plain = grade("Sending it to your home costs five whole dollars for each order you place.")
        assert grade("Sending it to your home costs five whole dollars for each order you place [1].") == plain
        one = "It costs $9.99 a month for you and for all of us here."
        assert grade(one) == grade(one.replace("9.99", "999"))
        assert grade("1. Open the app now\n2. Tap the word Orders") == grade("1. Open the app now.\n2. Tap the word Orders.")  # fmt: skip

    def test_no_words_no_grade(self) -> None:
        assert grade("") is None
        assert grade(" [1] … ") is None

    @pytest.mark.parametrize(
        ("word", "count"),
        [
            *(("days", 1), ("take", 1), ("asked", 1), ("times", 1), ("5.99", 1)),
            *(("refill", 2), ("table", 2), ("added", 2), ("boxes", 2), ("café", 2)),
            *(("pharmacy", 3), ("prescription", 3), ("Delivery", 4)),
        ],
    )
    def test_syllables(self, word: str, count: int) -> None:
        assert syllables(word) == count

    def test_words(self) -> None:
        assert words("It's $5.99 for 2-3 days [1], isn't it?") == 7
        assert words("") == 0


class TestAnswers:
    def test_worked_by_hand(self) -> None:
        assert grounded_share([True, True, False, True]) == 0.75
        assert citation_precision(["a", "x", "a"], ["a", "b"]) == 0.5
        assert citation_recall(["a", "x"], ["a", "b"]) == 0.5
        assert cosine([1, 0], [1, 1]) == pytest.approx(1 / math.sqrt(2))
        assert cosine([1, 2], [-1, -2]) == pytest.approx(-1)

    def test_nothing_to_score(self) -> None:
        assert grounded_share([]) is None
        assert citation_precision([], ["a"]) is None
        assert citation_recall(["a"], []) is None
        assert cosine([0, 0], [1, 0]) == 0
        with pytest.raises(ValueError):
            cosine([1], [1, 2])


class TestBootstrap:
    def test_zero_cases_say_so_and_pass_nothing(self) -> None:
        none = bootstrap([])
        assert none == Interval(None, None, None, 0)
        assert none.says == "no cases"
        assert not none.at_least(0)
        assert not none.at_most(1)

    def test_the_interval_of_a_share_is_near_the_binomial_one(self) -> None:
        found = bootstrap([1] * 80 + [0] * 20)
        assert found.value == pytest.approx(0.8)
        assert found.low == pytest.approx(0.8 - 1.96 * math.sqrt(0.16 / 100), abs=0.02)
        assert found.high == pytest.approx(0.8 + 1.96 * math.sqrt(0.16 / 100), abs=0.02)
        assert "100 cases" in found.says

    def test_the_interval_of_a_mean_is_near_the_normal_one(self) -> None:
        values = [random.Random(1).gauss(5, 2) for _ in range(1)] + list(np.random.default_rng(1).normal(5, 2, 399))
        found = bootstrap(values)
        half = 1.96 * float(np.std(values)) / math.sqrt(len(values))
        assert found.low == pytest.approx(float(np.mean(values)) - half, abs=0.05)
        assert found.high == pytest.approx(float(np.mean(values)) + half, abs=0.05)

    def test_all_right_is_not_beyond_doubt(self) -> None:
        # Wilson's lower bound for 10 of 10: 1 / (1 + 1.96² / 10)
        assert bootstrap([1] * 10) == Interval(1.0, pytest.approx(0.7225, abs=1e-3), 1.0, 10)
        assert bootstrap([0] * 10) == Interval(0.0, 0.0, pytest.approx(0.2775, abs=1e-3), 10)

    def test_wilson_is_scipys(self) -> None:
        for right, count in ((0, 7), (3, 7), (7, 7), (180, 200)):
            theirs = binomtest(right, count).proportion_ci(method="wilson")
            assert wilson(right, count) == pytest.approx((theirs.low, theirs.high), abs=1e-6)

    def test_what_could_not_be_scored_must_be_left_out(self) -> None:
        with pytest.raises(ValueError, match="finite"):
            bootstrap([1, float("nan")])

    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.floats(-100, 100), min_size=1, max_size=60), st.randoms())
    def test_the_order_of_cases_plays_no_part(self, values: list[float], dice: random.Random) -> None:
        found = bootstrap(values)
        shuffled = values[:]
        dice.shuffle(shuffled)
        assert bootstrap(shuffled) == found
        assert found.low <= found.value <= found.high  # type: ignore[operator]


class TestPaired:
    def test_zero_cases_in_both(self) -> None:
        found = paired({"a": 1}, {"b": 1})
        assert (found.value, found.p, found.count) == (None, None, 0)
        assert found.says == "no cases in both"

    def test_the_same_run_twice(self) -> None:
        run = {"a": 1.0, "b": 0.0}
        found = paired(run, run)
        assert (found.value, found.low, found.high, found.p, found.count) == (0, 0, 0, 1, 2)

    def test_worked_by_hand(self) -> None:
        # 1, 2 and 4 better: of 8 sign patterns only all plus and all minus are as far from 0
        found = paired({"a": 0, "b": 0, "c": 0}, {"a": 1, "b": 2, "c": 4})
        assert found.value == pytest.approx(7 / 3)
        assert found.p == pytest.approx(2 / 8)

    def test_right_and_wrong_is_the_exact_test_of_mcnemar(self) -> None:
        before = {str(n): float(n >= 10) for n in range(100)}
        after = {str(n): float(n >= 2 and n != 50) for n in range(100)}  # 8 better, 1 worse
        assert paired(before, after).p == pytest.approx(binomtest(1, 9).pvalue)

    def test_drawn_and_exact_agree(self) -> None:
        dice = np.random.default_rng(5)
        steps = dice.normal(0.3, 1, 40)
        ids = [str(n) for n in range(40)]
        found = paired(dict.fromkeys(ids, 0.0), dict(zip(ids, map(float, steps), strict=True)))
        z = abs(steps.sum()) / math.sqrt((steps**2).sum())
        assert found.p == pytest.approx(math.erfc(z / math.sqrt(2)), abs=0.03)

    @settings(max_examples=30, deadline=None)
    @given(st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30))  # fmt: skip
    def test_turned_round_the_sign_turns_and_p_stays(self, both: dict[str, tuple[float, float]]) -> None:
        before, after = {k: v[0] for k, v in both.items()}, {k: v[1] for k, v in both.items()}
        there, back = paired(before, after), paired(after, before)
        assert there.value == pytest.approx(-back.value)  # type: ignore[operator]
        assert there.p == pytest.approx(back.p, abs=0.03)
        assert 0 < there.p <= 1  # type: ignore[operator]


class TestCalibration:
    def test_worked_by_hand(self) -> None:
        pairs = [(True, 0.95), (True, 1.0), (False, 0.9), (False, 0.05), (True, 0.05), (False, 0.0)]
        low, high = reliability(pairs)
        assert (low.bin, low.count, low.share, low.mean) == (0.0, 3, pytest.approx(1 / 3), pytest.approx(0.1 / 3))
        assert (high.bin, high.count, high.share, high.mean) == (0.9, 3, pytest.approx(2 / 3), pytest.approx(0.95))
        assert expected_calibration_error(pairs) == pytest.approx((0.3 + 2.85 / 3 - 2 / 3) / 2, abs=1e-9)

    def test_no_cases_and_no_probability(self) -> None:
        assert reliability([]) == ()
        assert expected_calibration_error([]) is None
        with pytest.raises(ValueError, match="no probability"):
            reliability([(True, 1.2)])

    @given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1), st.integers(1, 20))
    def test_every_case_is_in_one_bin(self, pairs: list[tuple[bool, float]], bins: int) -> None:
        assert sum(one.count for one in reliability(pairs, bins)) == len(pairs)
        error = expected_calibration_error(pairs, bins)
        assert error is not None
        assert 0 <= error <= 1


class TestKappa:
    def test_worked_by_hand(self) -> None:
        # 50 cases, 35 alike; by chance .5 * .6 + .5 * .4 = .5
        a = ["yes"] * 20 + ["yes"] * 5 + ["no"] * 10 + ["no"] * 15
        b = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
        found = kappa(a, b)
        assert found.value == pytest.approx(0.4)
        assert found.low < 0.4 < found.high  # type: ignore[operator]

    def test_zero_cases_and_one_label(self) -> None:
        assert kappa([], []).says == "no cases"
        assert kappa([1, 1], [1, 1]).says == "undefined"
        assert kappa([1, 1], [1, 1]).value is None
        with pytest.raises(ValueError, match="can't be compared"):
            kappa([1], [1, 2])

    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=4, max_size=40), st.booleans())
    def test_the_same_as_scikit_learn(self, pairs: list[tuple[int, int]], weighted: bool) -> None:
        a, b = [x for x, _ in pairs], [y for _, y in pairs]
        found = kappa(a, b, weighted)
        if found.value is not None:
            labels = list(range(1, 6)) if weighted else None
            assert found.value == pytest.approx(cohen_kappa_score(a, b, labels=labels, weights="quadratic" if weighted else None))  # fmt: skip
