"""Rates within strata: exact odds given the totals, whatever the rate of each stratum is."""

import itertools
import math

import pytest

from meta_experiment.errors import UsageError
from meta_experiment.stats.rate_strata import RateStratum, strata_rule


def tables(control, treatment, successes):
    """Yield every table of these totals with its chance where nothing differs."""
    whole = math.comb(control + treatment, successes)
    for treated in range(max(0, successes - control), min(treatment, successes) + 1):
        ways = math.comb(treatment, treated) * math.comb(control, successes - treated)
        yield RateStratum(control, treatment, successes - treated, treated), ways / whole


@pytest.mark.parametrize("side", ["log_e_greater", "log_e_less"])
def test_it_expects_one_of_arms_that_are_alike_whatever_the_totals_are(side):
    strata = [tables(*totals) for totals in ((9, 1, 4), (3, 7, 9), (60, 8, 30))]
    expected = math.fsum(
        math.exp(getattr(strata_rule(found), side)) * math.prod(chances)
        for made in itertools.product(*map(list, strata))
        for found, chances in [tuple(zip(*made, strict=True))]
    )
    assert expected == pytest.approx(1.0, rel=1e-12)


def test_it_expects_less_where_the_treatment_does_worse_in_every_stratum():
    worse = 0.7  # odds
    found = list(tables(40, 10, 25))
    tilted = [chance * worse**item.treatment_successes for item, chance in found]
    expected = math.fsum(
        math.exp(strata_rule([item]).log_e_greater) * weight
        for (item, _), weight in zip(found, tilted, strict=True)
    )
    assert expected / math.fsum(tilted) < 1.0


def test_levels_that_differ_between_strata_are_no_evidence():
    """Pooled the treatment has 45% and the control 15%: it met the better days more often."""
    days = [RateStratum(900, 100, 90, 10), RateStratum(100, 900, 50, 450)]
    found = strata_rule(days)
    assert max(found.log_e_greater, found.log_e_less) < 0


def test_a_better_treatment_convinces_at_any_share_and_size():
    seen = strata_rule([RateStratum(900, 100, 450, 70)] * 5)
    assert seen.log_e_greater > math.log(20) > 0 > seen.log_e_less
    mirrored = strata_rule([RateStratum(900, 100, 450, 30)] * 5)
    assert mirrored.log_e_less == pytest.approx(seen.log_e_greater, rel=1e-9)
    large = strata_rule([RateStratum(900_000, 100_000, 450_000, 51_000)])
    assert large.log_e_greater > math.log(20)


def test_what_one_arm_alone_met_tells_nothing():
    assert strata_rule([]).log_e_greater == pytest.approx(0.0, abs=1e-12)
    assert strata_rule([RateStratum(50, 0, 20, 0)]).log_e_less == pytest.approx(0.0, abs=1e-12)
    with pytest.raises(UsageError):
        strata_rule([RateStratum(5, 5, 6, 0)])
