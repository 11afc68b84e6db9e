"""The draw alone, beside what decides."""

from __future__ import annotations

import pytest
from tests.decide.making import START, look, plan
from tests.decide.test_robust_plans import drawn

from meta_experiment.decide.exact import exact_evidence
from meta_experiment.errors import UsageError
from meta_experiment.types import Assignment, Unit


def test_the_draw_speaks_where_a_t_finds_no_spread():
    """Constant arms are no evidence for a t; every round of ten falls the same way."""
    made = drawn(40, lambda arm, _: (60, 30)[arm])
    found = exact_evidence(plan(), made, START)
    assert look(plan(), made).primary.comparisons[0].sequential is None
    assert (found.treatment, found.units) == ("b", 40)
    assert found.e_better > 1000
    assert found.e_worse < 1
    turned = exact_evidence(plan(), drawn(40, lambda arm, _: (30, 60)[arm]), START)
    assert (turned.e_worse, turned.e_better) == (found.e_better, found.e_worse)


def test_it_is_what_a_robust_plan_averages_in():
    made = drawn(60, lambda arm, number: (60, 50)[arm] * (1 + number % 7 / 10))
    own, both = (
        look(plan(robust=robust), made).primary.comparisons[0].sequential.e_promote
        for robust in (False, True)
    )
    assert exact_evidence(plan(), made, START).e_better == pytest.approx(2 * both - own)


def test_without_units_there_is_no_evidence():
    found = exact_evidence(plan(), [], START)
    assert found.units == 0
    assert (found.e_better, found.e_worse) == pytest.approx((1, 1))


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (plan("b", "c"), "there are 3 arms"),
        (plan(assignment=Assignment.LEAST_USED), "assigned by least_used, not drawn"),
        (plan(unit=Unit.CASE), "nothing is drawn: every case runs in every arm"),
    ],
)
def test_a_draw_that_is_not_known_is_refused_with_the_one_reason(asked, why):
    with pytest.raises(UsageError, match=why):
        exact_evidence(asked, [], START)
