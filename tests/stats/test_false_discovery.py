"""e-BH: goldens by hand, and what holds of any e-values."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meta_experiment.errors import UsageError
from meta_experiment.stats.false_discovery import e_benjamini_hochberg, needed_e_value

EVIDENCE = st.lists(st.floats(0.01, 1e6), min_size=1, max_size=12)


def levels(values, among):
    return e_benjamini_hochberg([math.log(it) for it in values], among)


@pytest.mark.parametrize(
    ("values", "among", "expected"),
    [
        ((20,), 1, (0.05,)),  # one alone is its own α
        ((20,), 10, (0.5,)),
        # 10/(1·200) = .05, 10/(2·100) = .05, 10/(3·25) = .133
        ((25, 200, 100), 10, (10 / 75, 0.05, 0.05)),
        # 4/(1·40) = .1 and 4/(2·40) = .05: the second lifts the first
        ((40, 40), 4, (0.05, 0.05)),
        ((0.5, 1), 2, (1, 1)),
    ],
)
def test_levels_by_hand(values, among, expected):
    assert levels(values, among) == pytest.approx(expected)


def by_definition(values, among, level):
    """Find the largest k whose k largest are at least N / (level k), as the paper has it."""
    ordered = sorted(values, reverse=True)
    most = max(
        (k for k, it in enumerate(ordered, 1) if it * k * level >= among * (1 + 1e-12)),
        default=0,
    )
    return sorted(ordered[:most])


@pytest.mark.long
@settings(max_examples=200, deadline=None)
@given(EVIDENCE, st.integers(0, 30), st.sampled_from([0.01, 0.05, 0.2]))
def test_what_stands_is_what_the_definition_says(values, others, level):
    among = len(values) + others
    found = levels(values, among)
    near = any(math.isclose(it, level, rel_tol=1e-9) for it in found)
    standing = [it for it, at in zip(values, found, strict=True) if at <= level]
    assert near or sorted(standing) == by_definition(values, among, level)


@settings(max_examples=100, deadline=None)
@given(EVIDENCE, st.integers(0, 30), st.floats(1, 100))
def test_more_evidence_takes_nothing_away_and_more_experiments_add_nothing(
    values, others, more
):
    among = len(values) + others
    before = levels(values, among)
    raised = levels([values[0] * more, *values[1:]], among)
    assert all(after <= it + 1e-12 for it, after in zip(before, raised, strict=True))
    wider = levels(values, among + 1)
    assert all(after >= it - 1e-12 for it, after in zip(before, wider, strict=True))


@settings(max_examples=100, deadline=None)
@given(EVIDENCE, st.integers(0, 30))
def test_one_more_stands_with_just_the_evidence_that_is_said_to_be_needed(values, others):
    among = len(values) + others + 1
    standing = [it for it, at in zip(values, levels(values, among), strict=True) if at <= 0.05]
    needed = needed_e_value(among, len(standing), 0.05)
    stronger = [it for it in standing if it >= needed]
    enough = levels([needed * 1.000001, *standing], among)
    assert enough[0] <= 0.05
    short = levels([needed * 0.99, *standing], among)
    assert short[0] > 0.05 or len(stronger) < len(standing)


def test_evidence_without_bounds_and_none_at_all():
    assert e_benjamini_hochberg([math.inf, -math.inf], 2) == [0.0, 1.0]
    assert e_benjamini_hochberg([], 3) == []


@pytest.mark.parametrize(("logs", "among"), [([math.nan], 1), ([1.0, 2.0], 1)])
def test_what_is_no_evidence_is_refused(logs, among):
    with pytest.raises(UsageError):
        e_benjamini_hochberg(logs, among)
