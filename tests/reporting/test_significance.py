"""Exact tests and corrections, held against enumeration and against figures in print."""

import math
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostile_text import unhurried
from vtspec.pipelines.reporting.significance import (
    compute_fisher_p,
    compute_sign_p,
    compute_t_interval,
    compute_welch_p,
    compute_wilson_interval,
    correct_for_number,
)


def test_the_interval_is_wilsons() -> None:
    # Newcombe 1998, table I, method 3: 81 of 263.
    low, high = compute_wilson_interval(81 / 263, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


@unhurried
@given(st.integers(1, 5000), st.data())
def test_the_interval_holds_the_share_and_stays_a_share(count: int, data: st.DataObject) -> None:
    share = data.draw(st.integers(0, count)) / count
    low, high = compute_wilson_interval(share, count)
    assert 0.0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1.0


@pytest.mark.parametrize("wins", range(8))
def test_the_sign_test_counts_every_way_that_is_as_lopsided(wins: int) -> None:
    ways = [abs(2 * sum(coins) - 7) for coins in product((0, 1), repeat=7)]
    lopsided = sum(way >= abs(2 * wins - 7) for way in ways)
    assert compute_sign_p(wins, 7 - wins) == pytest.approx(lopsided / 2**7)


def test_the_sign_test_of_nothing_or_of_very_many_is_a_probability() -> None:
    assert compute_sign_p(0, 0) == 1.0
    assert compute_sign_p(5, 0) == 2 / 2**5
    assert compute_sign_p(6, 0) < 0.05
    # The normal approximation with continuity correction, which is good to so many digits here.
    p = math.erfc((300 - 1) / math.sqrt(20_000) / math.sqrt(2))
    assert compute_sign_p(10_150, 9_850) == pytest.approx(p, rel=1e-3)
    assert compute_sign_p(5_000, 0) == 0.0


def test_the_exact_test_of_two_shares_is_fishers() -> None:
    # Fisher's lady tasting tea, 3 of 4 and 1 of 4, two-sided.
    assert compute_fisher_p(3, 4, 1, 4) == pytest.approx(34 / 70)


@unhurried
@given(st.integers(1, 14), st.integers(1, 14), st.data())
def test_the_exact_test_sums_every_table_that_is_no_likelier(
    count: int, other: int, data: st.DataObject
) -> None:
    hits, others = data.draw(st.integers(0, count)), data.draw(st.integers(0, other))
    both = hits + others
    tables = {
        one: Fraction(math.comb(count, one) * math.comb(other, both - one))
        for one in range(both + 1)
    }
    unlikely = sum(ways for ways in tables.values() if ways <= tables[hits])
    expected = float(unlikely / math.comb(count + other, both))
    assert compute_fisher_p(hits, count, others, other) == pytest.approx(expected)


def test_the_test_of_very_many_goes_on_where_the_sum_ends() -> None:
    # A hundred thousand each, summed, and one more, by the normal distribution.
    summed = compute_fisher_p(50_200, 100_000, 49_800, 100_000)
    assert compute_fisher_p(50_200, 100_000, 49_800, 100_001) == pytest.approx(summed, rel=0.02)
    assert compute_fisher_p(10**12, 10**12, 10**12, 10**12) == 1.0


def test_p_values_are_corrected_as_holm_does() -> None:
    corrected = correct_for_number({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    # 4 x 0.005, 3 x 0.01, 2 x 0.03, and 0.04 that may not be below the one before it.
    assert corrected == pytest.approx({"d": 0.02, "a": 0.03, "c": 0.06, "b": 0.06})


@unhurried
@given(st.dictionaries(st.text(max_size=3), st.floats(0, 1), max_size=12))
def test_a_corrected_p_value_is_never_smaller_and_keeps_its_place(
    p_values: dict[str, float],
) -> None:
    corrected = correct_for_number(p_values)
    assert corrected.keys() == p_values.keys()
    for name, p in p_values.items():
        assert p <= corrected[name] <= 1.0
        assert all(corrected[o] >= corrected[name] for o in p_values if p_values[o] > p)


# Student's distribution in print: NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2.
@pytest.mark.parametrize(("count", "quantile"), [(2, 12.706), (3, 4.303), (5, 2.776), (20, 2.093)])
def test_few_seeds_need_students_many_standard_errors(count: int, quantile: float) -> None:
    values = [float(n) for n in range(count)]
    low, high = compute_t_interval(values)
    error = math.sqrt((count + 1) / 12)
    assert (low + high) / 2 == pytest.approx((count - 1) / 2)
    assert (high - low) / 2 / error == pytest.approx(quantile, abs=5e-4)


@pytest.mark.parametrize(
    ("first", "second", "p"),
    [
        # As SciPy's `ttest_ind(equal_var=False)` has it: 4.3 degrees of freedom.
        ([0.91, 0.93, 0.9, 0.94], [0.95, 0.96, 0.953, 0.97], 0.0168961859),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], 1.0),
        # One value against three: t = 2 / sqrt(4/3), two degrees: 1 - t / sqrt(2 + t * t).
        ([0.0], [1.0, 2.0, 3.0], 1 - math.sqrt(3) / math.sqrt(2 + 3)),
    ],
)
def test_two_samples_differ_as_welch_says(
    first: list[float], second: list[float], p: float
) -> None:
    assert compute_welch_p(first, second) == pytest.approx(p)
    assert compute_welch_p(second, first) == pytest.approx(p)
