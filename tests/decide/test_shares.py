"""α is divided once among all that may reject a treatment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.decide.making import COST, DURATION, SCORE, SUCCESS, TOKENS, guardrail, plan

from meta_experiment.decide.rules import rule_of
from meta_experiment.decide.safety import safety_metrics
from meta_experiment.decide.shares import shares_of
from meta_experiment.decide.units import ERROR_RATE
from meta_experiment.types import Stopping

METRICS = [COST, SCORE, SUCCESS, TOKENS, ERROR_RATE]


@given(
    rails=st.lists(st.sampled_from(METRICS), max_size=4, unique=True),
    secondary=st.lists(st.sampled_from(METRICS), max_size=4, unique=True),
    named=st.lists(st.sampled_from([*METRICS, DURATION]), max_size=5),
    primary=st.sampled_from([DURATION, SUCCESS, ERROR_RATE]),
    stopping=st.sampled_from(Stopping),
)
def test_the_shares_sum_to_one(rails, secondary, named, primary, stopping):
    """Whatever a plan watches, and under either rule."""
    chosen = plan(
        primary=primary,
        guardrails=tuple(map(guardrail, rails)),
        secondary=tuple(secondary),
        safety_metrics=tuple(metric.name for metric in named),
        stopping=stopping,
    )
    rule = rule_of(chosen)
    found = shares_of(chosen, rule)
    assert set(found.harm) == {metric.name for metric in safety_metrics(chosen)}
    spent = sum(found.harm.values()) + len(rails) * found.guardrail
    assert spent + (0 if rule.by_e_values else found.look) == pytest.approx(1)
    assert min(found.look, *found.harm.values()) > 0
    assert (found.guardrail > 0) is bool(rails)


def test_what_a_plan_adds_takes_nothing_more_from_the_primary():
    """One guardrail or four, the primary metric keeps its part."""
    rule = rule_of(plan())
    alone, one, four = (
        shares_of(plan(guardrails=tuple(map(guardrail, METRICS[:n]))), rule) for n in (0, 1, 4)
    )
    assert alone.look > one.look == four.look
    assert one.guardrail == pytest.approx(4 * four.guardrail)
