"""Least squares with covariates against numpy, and what is left out of it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meta_experiment.errors import DegenerateDataError, UsageError
from meta_experiment.stats.adjusted import ArmProducts, adjusted_means
from meta_experiment.stats.moments import Moments
from meta_experiment.stats.ttest import welch_contrast


def drawn(seed, sizes=(9, 14), columns=2, offset=0.0):
    rng = np.random.default_rng(seed)
    rows = [rng.normal(size=(n, columns)) + offset for n in sizes]
    values = [
        x @ np.arange(1, columns + 1) + rng.normal(scale=1 + arm, size=len(x)) - 0.4 * arm
        for arm, x in enumerate(rows)
    ]
    return values, rows


def products(values, rows):
    return [ArmProducts.of(list(y), x.tolist()) for y, x in zip(values, rows, strict=True)]


def by_least_squares(values, rows):
    """The formulas as they are written down, by numpy."""
    y, x = np.concatenate(values), np.concatenate(rows)
    z = np.repeat([0.0, 1.0], [len(one) for one in values])
    q, total = x.shape[1], len(y)
    beside = np.column_stack([np.ones(total), x])
    found = np.linalg.lstsq(np.column_stack([beside, z]), y, rcond=None)[0]
    left = z - beside @ np.linalg.lstsq(beside, z, rcond=None)[0]
    n_effective = left @ left
    residuals = y - x @ found[1 : 1 + q]
    parts, sizes = [], []
    for arm in (0, 1):
        own = residuals[z == arm]
        parts.append(own.var(ddof=1) / len(own) * (total - 2) / (total - 2 - q))
        sizes.append(len(own))
    inflation = sizes[0] * sizes[1] / total / n_effective
    shares = sum(part**2 / (n - 1) for part, n in zip(parts, sizes, strict=True))
    df = sum(parts) ** 2 / shares - q
    return found[-1], math.sqrt(sum(parts) * inflation), df, n_effective, found[1 : 1 + q]


@given(st.integers(0, 10**6), st.integers(1, 4), st.sampled_from([0.0, 1e6]))
def test_contrast_is_that_of_least_squares(seed, columns, offset):
    values, rows = drawn(seed, columns=columns, offset=offset)
    means = adjusted_means(*products(values, rows))
    found = means.contrast()
    difference, error, df, n_effective, slopes = by_least_squares(values, rows)
    told = (found.difference, found.standard_error, found.df, found.n_effective)
    rough = 1e-7 if offset else 1e-10
    assert told == pytest.approx((difference, error, df, n_effective), rel=rough, abs=rough)
    assert means.slopes == pytest.approx(tuple(slopes), rel=1e-6, abs=1e-6)


def test_it_is_as_if_the_wider_part_had_been_explained():
    """Of a variance of which covariates explain half, about half is left to the error."""
    rng = np.random.default_rng(5)
    rows = [rng.normal(size=(400, 1)) for _ in range(2)]
    values = [x[:, 0] + rng.normal(size=400) for x in rows]
    means = adjusted_means(*products(values, rows))
    plain = welch_contrast(*(Moments.of(y.tolist()) for y in values))
    left = (means.contrast().standard_error / plain.standard_error) ** 2
    assert left == pytest.approx(0.5, abs=0.05)
    assert 1 - means.explained == pytest.approx(left, rel=0.01)


def test_covariates_that_do_not_vary_or_repeat_others_are_dropped():
    values, rows = drawn(3, columns=1)
    more = [
        np.column_stack([np.full(len(x), 7.0), x, 2 * x + 1, np.full(len(x), float(arm))])
        for arm, x in enumerate(rows)
    ]
    one, other = (adjusted_means(*products(values, x)) for x in (rows, more))
    assert other.dropped == (0, 2, 3)
    assert other.contrast() == one.contrast()


def test_too_few_units_and_nothing_that_varies_leave_the_means_as_they_are():
    values, rows = drawn(4, sizes=(3, 4), columns=2)
    assert adjusted_means(*products(values, rows)) is None
    values, rows = drawn(4, sizes=(4, 4), columns=2)
    assert adjusted_means(*products(values, rows)) is not None
    assert adjusted_means(*products(values, [x * 0 for x in rows])) is None


def test_what_is_explained_whole_is_no_evidence():
    rows = [np.arange(8.0)[:, None], np.arange(8.0)[:, None]]
    with pytest.raises(DegenerateDataError):
        adjusted_means(*products([x[:, 0] * 2 for x in rows], rows))


def test_each_value_has_a_row():
    with pytest.raises(UsageError):
        ArmProducts.of([1.0, 2.0], [(1.0,)])
    with pytest.raises(DegenerateDataError):
        ArmProducts.of([1.0, 2.0], [(1.0,), (math.nan,)])


@given(st.integers(0, 1_000), st.floats(0.0, 1.0))
def test_some_degrees_of_freedom_are_left_whichever_arm_has_the_variance(seed, share):
    """At other ratios than 1 the arm of two units may have most of it, less a slope."""
    means = adjusted_means(*products(*drawn(seed, (2, 12), 1)))
    assert means is None or means.df(share, 1.0 - share) >= 0.1
