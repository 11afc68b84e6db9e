"""The interval of rates that is shown and the evidence that decides say the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.decide.making import SUCCESS, look, plan, trials
from tests.decide.test_paired import cases

from meta_experiment.types import Claim, Decision, Direction, Unit

arms = st.tuples(st.integers(0, 60), st.integers(2, 60), st.integers(0, 60), st.integers(2, 60))
ERRORS = replace(SUCCESS, name="errors", direction=Direction.LOWER)


def outcomes(successes, units, *, late):
    """Return so many outcomes, the successes first or last."""
    successes = min(successes, units)
    made = [1.0] * successes + [0.0] * (units - successes)
    return made[::-1] if late else made


@pytest.mark.long
@pytest.mark.parametrize("metric", [SUCCESS, ERRORS], ids=lambda metric: metric.name)
@given(counts=arms, late=st.booleans(), alpha=st.sampled_from([0.05, 0.2, 0.4]))
@example(counts=(20, 60, 34, 60), late=False, alpha=0.2)
@example(counts=(0, 30, 12, 30), late=False, alpha=0.05)
@settings(max_examples=60)
def test_an_end_passes_no_change_exactly_when_the_evidence_does(metric, counts, late, alpha):
    """At any counts, sizes, orders and levels, of the better side and of the worse."""
    k, n, more, m = counts
    made = trials(
        metric.name, control=outcomes(k, n, late=late), b=outcomes(more, m, late=not late)
    )
    found = look(plan(primary=metric, alpha=alpha, sample_size=2), made).primary.comparisons[0]
    if found.sequential is None:
        return
    seen = found.sequential.interval
    assert (found.sequential.e_promote >= 1 / alpha) == (seen.low is not None and seen.low > 0)
    assert (found.sequential.e_reject >= 1 / alpha) == (seen.high is not None and seen.high < 0)


@given(st.lists(st.sampled_from([(0, 0), (0, 1), (0, 1), (1, 0), (1, 1)]), min_size=3))
@settings(max_examples=40)
def test_so_they_do_of_cases(pairs):
    """Also where all change alike, from failure to success."""
    control, b = zip(*pairs, strict=True)
    chosen = plan(primary=SUCCESS, unit=Unit.CASE, alpha=0.2, sample_size=2)
    found = look(chosen, cases("success", control=control, b=b)).primary.comparisons[0]
    if found.sequential is None or not any(control):
        return
    seen = found.sequential.interval
    assert (found.sequential.e_promote >= 5) == (seen.low is not None and seen.low > 0)
    assert (found.sequential.e_reject >= 5) == (seen.high is not None and seen.high < 0)


@pytest.mark.long
@example(counts=(5, 47, 3, 3), threshold=0.05)
@given(counts=arms, threshold=st.sampled_from([0.05, 0.15, 0.5]))
def test_a_claim_beyond_a_threshold_is_outside_the_interval(counts, threshold):
    """What is promoted as better by more than 15% has more than that as its lower end."""
    k, n, more, m = counts
    made = trials("success", control=outcomes(k, n, late=False), b=outcomes(more, m, late=True))
    chosen = plan(
        primary=SUCCESS,
        improvement_threshold=threshold,
        claim=Claim.THRESHOLD,
        alpha=0.2,
        sample_size=2,
    )
    found = look(chosen, made)
    evidence = found.primary.comparisons[0].sequential
    if evidence is None:
        return
    low = evidence.interval.low
    shown = low is not None and low > threshold * (1 + 1e-9)
    if abs((low or 0.0) - threshold) > 1e-6:
        assert (evidence.e_promote >= 5) == shown
    assert shown or found.decision is not Decision.PROMOTE
