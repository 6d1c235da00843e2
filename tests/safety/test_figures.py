"""Published figures are right: known intervals, hand-computed areas, and laws for every count."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safety.figures import Share, auroc_interval, calibrate, quantile, rank, roc_curve
from safety.intervals import wilson

PROBABILITIES = st.floats(0, 1)
COUNTS = st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        # Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_wilson_interval_has_its_published_values(k, n, low, high):
    assert wilson(k, n) == pytest.approx((low, high), abs=5e-5)


@settings(max_examples=50, deadline=None)
@given(COUNTS)
def test_the_wilson_interval_holds_its_share_and_mirrors(counts):
    k, n = counts
    low, high = wilson(k, n)

    assert 0 <= low <= k / n <= high <= 1
    assert wilson(n - k, n) == pytest.approx((1 - high, 1 - low), abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(COUNTS)
def test_more_rows_of_the_same_share_say_more(counts):
    k, n = counts
    width = [high - low for low, high in (wilson(k, n), wilson(4 * k, 4 * n))]

    assert width[1] < width[0]


def test_a_share_of_nothing_says_nothing():
    nothing = Share(0, 0)

    assert nothing.value is None
    assert nothing.interval == (0.0, 1.0)
    assert Share(3, 4).rest == Share(1, 4)


@pytest.mark.parametrize(("k", "n"), [(-1, 3), (4, 3)])
def test_more_than_all_is_no_share(k, n):
    with pytest.raises(ValueError, match="no share"):
        Share(k, n)


def test_ranking_is_what_counting_pairs_by_hand_gives():
    ranking = rank([0.9, 0.6, 0.4], [0.5, 0.4, 0.1])

    # Pairs won: 3 (0.9) + 3 (0.6) + 1.5 (0.4 beats 0.1, ties with 0.4, loses to 0.5) of 9.
    assert ranking is not None
    assert ranking.auroc == pytest.approx(7.5 / 9)
    # Precision 1 at the first third of recall, 1 at the second, 3 of 5 at the last.
    assert ranking.auprc == pytest.approx((1 + 1 + 3 / 5) / 3)
    assert (ranking.positives, ranking.negatives) == (3, 3)
    assert ranking.interval[0] < ranking.auroc < ranking.interval[1]


def test_without_one_side_there_is_no_ranking():
    assert rank([], [0.1]) is None
    assert rank([0.1], []) is None
    assert roc_curve([], [0.1]) == []


@settings(max_examples=50, deadline=None)
@given(st.lists(PROBABILITIES, min_size=1, max_size=30), st.lists(PROBABILITIES, min_size=1, max_size=30))
def test_ranking_the_other_way_round_gives_the_rest(positives, negatives):
    one, other = rank(positives, negatives), rank(negatives, positives)

    assert one is not None
    assert other is not None
    assert one.auroc + other.auroc == pytest.approx(1)


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 1), st.integers(1, 5000), st.integers(1, 5000))
def test_the_interval_of_an_auroc_holds_it_and_stays_a_share(auroc, positives, negatives):
    low, high = auroc_interval(auroc, positives, negatives)

    assert 0 <= low <= auroc <= high <= 1
    assert high > low


def test_a_perfect_auroc_of_few_rows_is_not_certain():
    low, high = auroc_interval(1.0, 10, 10)

    assert high == 1.0
    assert 0.7 < low < 0.9
    assert auroc_interval(1.0, 1000, 1000)[0] > 0.99


def test_the_roc_curve_runs_from_corner_to_corner():
    curve = roc_curve([0.9, 0.4], [0.5, 0.1])

    assert curve[0] == (0.0, 0.0)
    assert curve[-1] == (1.0, 1.0)
    assert (0.0, 0.5) in curve  # at 0.9: half of the positives, none of the negatives


def test_calibration_is_the_weighted_gap_between_announced_and_found():
    calibration = calibrate([0.9, 0.9, 0.2], [0.9, 0.2])

    # Bin of 0.9: three rows, two present: gap 0.9 - 2/3. Bin of 0.2: two rows, one present: gap 0.5 - 0.2.
    assert calibration is not None
    assert calibration.ece == pytest.approx((3 * (0.9 - 2 / 3) + 2 * 0.3) / 5)
    assert calibration.brier == pytest.approx((0.01 + 0.01 + 0.64 + 0.81 + 0.04) / 5)
    assert [(each.n, each.low) for each in calibration.bins] == [(2, 0.2), (3, 0.9)]


@settings(max_examples=50, deadline=None)
@given(st.lists(PROBABILITIES, max_size=40), st.lists(PROBABILITIES, max_size=40))
def test_every_row_lies_in_one_bin_and_errors_are_shares(positives, negatives):
    calibration = calibrate(positives, negatives)

    if calibration is None:
        assert positives + negatives == []
        return
    assert sum(each.n for each in calibration.bins) == len(positives) + len(negatives)
    assert 0 <= calibration.ece <= 1
    assert 0 <= calibration.brier <= 1
    assert all(each.low <= each.mean_score <= each.high for each in calibration.bins)


def test_what_is_no_probability_is_not_calibrated():
    for value in (1.5, -0.1, math.nan):
        with pytest.raises(ValueError, match="probabilities"):
            calibrate([value], [0.5])


def test_quantiles_lie_between_neighbours():
    assert quantile([4.0, 1.0, 2.0, 3.0], 0.5) == 2.5
    assert quantile([1.0, 2.0], 0.95) == pytest.approx(1.95)
    assert quantile([7.0], 0.95) == 7.0
    assert quantile([], 0.5) is None
    with pytest.raises(ValueError, match="share"):
        quantile([1.0], 95)
