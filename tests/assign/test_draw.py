"""Assignment: balanced, reproducible, independent of other experiments."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meta_experiment.assign.arms import weighted_arm
from meta_experiment.assign.draw import arm_for, arms_ahead, takes_part
from meta_experiment.assign.held_blocks import block_of, held_arm, held_parts
from meta_experiment.assign.permuted_blocks import least_used_arm, least_used_of
from meta_experiment.assign.uniform import shuffled, uniform
from meta_experiment.types import (
    Aim,
    Assignment,
    Bandit,
    Direction,
    Holdout,
    Metric,
    MetricKind,
    Plan,
    Scale,
    Variant,
)

METRIC = Metric("duration_seconds", MetricKind.CONTINUOUS, Direction.LOWER, Scale.LOG)


def plan(*names, assignment=Assignment.BLOCK, weights=None, traffic=1.0):
    weights = weights or [1.0] * len(names)
    return Plan(
        name="p",
        hypothesis="h",
        files=("a.md",),
        variants=tuple(map(Variant, names, weights)),
        primary=METRIC,
        assignment=assignment,
        traffic=traffic,
    )


def sequence(wanted, length, seed="seed"):
    return [arm_for(wanted, seed, f"unit-{k}", k) for k in range(length)]


@pytest.mark.long
@settings(max_examples=8)
@given(seed=st.text(max_size=20), arms=st.integers(2, 6))
def test_blocks_are_exactly_balanced_after_every_five_units_per_arm(seed, arms):
    """Permuted blocks give each arm five units in every round."""
    names = [f"arm-{k}" for k in range(arms)]
    drawn = sequence(plan(*names), 15 * arms, seed)
    for turn in range(3):
        counts = Counter(drawn[turn * 5 * arms : (turn + 1) * 5 * arms])
        assert set(counts.values()) == {5}


@given(seed=st.integers(), percent=st.integers(1, 49))
def test_a_share_that_is_held_is_exact_in_every_block(seed, percent):
    """The fewest units that hold it; a share that no twenty units hold has no blocks."""
    share = percent / 100
    size = block_of(share)
    if not size:
        assert all((percent * units) % 100 for units in range(1, 21))
        return
    assert (percent * size) % 100 == 0
    assert all((percent * units) % 100 for units in range(1, size))
    drawn = [held_arm(held_parts(share, size), seed, place) for place in range(4 * size)]
    kept = percent * size // 100
    assert [sum(drawn[turn * size : (turn + 1) * size]) for turn in range(4)] == [kept] * 4


@given(seed=st.integers())
def test_two_arms_in_blocks_are_never_more_than_three_apart(seed):
    """A look at any moment finds nearly equal arms."""
    lead = 0
    for name in sequence(plan("control", "treatment"), 200, seed):
        lead += 1 if name == "control" else -1
        assert abs(lead) <= 3


def test_the_last_unit_of_a_round_is_not_always_predictable_from_the_block_size():
    """The changing block size hides the border: after two units the third is open."""
    thirds = Counter()
    for seed in range(400):
        first, second, third = sequence(plan("a", "b"), 3, seed)
        if first != second:
            thirds[third] += 1
    assert min(thirds.values()) > 0.4 * sum(thirds.values())


@given(seed=st.integers(), arms=st.integers(2, 5), turns=st.integers(1, 5))
def test_least_used_keeps_the_counts_equal_after_every_turn(seed, arms, turns):
    """Least-used assignment is a shuffled turn of all arms."""
    names = [f"arm-{k}" for k in range(arms)]
    drawn = sequence(plan(*names, assignment=Assignment.LEAST_USED), arms * turns, seed)
    assert set(Counter(drawn).values()) == {turns}


@given(seed=st.integers(), arms=st.integers(2, 5), length=st.integers(0, 25))
def test_the_least_used_by_count_are_those_by_position(seed, arms, length):
    """As long as every unit was drawn, both ways give the same sequence."""
    counts = [0] * arms
    for position in range(length):
        arm = least_used_arm(arms, seed, position)
        assert least_used_of(counts, seed) == arm
        counts[arm] += 1
    ahead = [least_used_of([0] * arms, seed, place) for place in range(length)]
    assert ahead == [least_used_arm(arms, seed, place) for place in range(length)]


@given(seed=st.integers(), counts=st.lists(st.integers(0, 9), min_size=2, max_size=5))
def test_arms_that_are_behind_catch_up_first(seed, counts):
    """Units that nobody drew count as used, and never does an arm lie further ahead."""
    used = list(counts)
    for _ in range(sum(max(counts) - count for count in counts)):
        used[least_used_of(used, seed)] += 1
    assert set(used) == {max(counts)}


@pytest.mark.parametrize("method", [Assignment.WEIGHTED, Assignment.HASH])
def test_weighted_and_hashed_draws_meet_their_shares(method):
    """Frequencies stay within four standard errors of the weights."""
    wanted = plan("a", "b", assignment=method, weights=[7.0, 3.0])
    share = Counter(sequence(wanted, 20_000))["a"] / 20_000
    assert abs(share - 0.7) < 4 * (0.7 * 0.3 / 20_000) ** 0.5


def test_the_hash_depends_on_the_unit_and_not_on_its_position():
    """A unit gets the same arm wherever it turns up."""
    wanted = plan("a", "b", assignment=Assignment.HASH)
    assert {arm_for(wanted, "seed", "one", k) for k in range(50)} == {
        arm_for(wanted, "seed", "one", 0)
    }


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"assignment": Assignment.LEAST_USED},
        {"assignment": Assignment.WEIGHTED},
        {"holdout": Holdout("x", 0.04, block=5)},
        {"assignment": Assignment.BANDIT, "bandit": Bandit(Aim.FEW_BAD_USES, 0.05, 7)},
    ],
    ids=lambda other: " ".join(map(str, other.values())) or "blocks",
)
def test_what_is_drawn_ahead_is_what_each_position_draws(other):
    names = ["a", "b"] if "holdout" in other else ["a", "b", "c"]
    weights = [4.0, 1.0] if "holdout" in other else None
    wanted = replace(plan(*names, weights=weights), **other)
    drawn = [names[arm] for arm in arms_ahead(wanted, "seed", 67)]
    assert drawn == [arm_for(wanted, "seed", "", position) for position in range(67)]
    assert set(drawn) == set(names)


def test_experiments_are_assigned_independently_of_each_other():
    """Two seeds agree on half of the units, no more."""
    wanted = plan("a", "b", assignment=Assignment.HASH)
    agree = sum(
        arm_for(wanted, "one", f"u{k}", 0) == arm_for(wanted, "two", f"u{k}", 0)
        for k in range(10_000)
    )
    assert abs(agree - 5_000) < 4 * 50


def test_traffic_takes_its_share_of_units_and_always_the_same_ones():
    """A unit that takes part once takes part always."""
    wanted = plan("a", "b", traffic=0.25)
    chosen = [takes_part(wanted, "seed", f"u{k}", 0.0) for k in range(10_000)]
    assert chosen == [takes_part(wanted, "seed", f"u{k}", 0.0) for k in range(10_000)]
    assert abs(sum(chosen) - 2_500) < 4 * (10_000 * 0.25 * 0.75) ** 0.5


@pytest.mark.parametrize(
    ("fraction", "arm"),
    [(0.0, 0), (0.11, 0), (0.19, 0), (0.2, 1), (0.68, 1), (0.7, 2), (0.999, 2)],
)
def test_a_fraction_falls_into_the_interval_of_its_weight(fraction, arm):
    """Published cases: weights 20, 50, 30 cut the unit interval at 0.2 and 0.7."""
    assert weighted_arm([20, 50, 30], fraction) == arm


def test_weights_that_are_all_zero_give_the_control():
    """Nothing to draw from means nothing changes for the user."""
    assert weighted_arm([0, 0], 0.9) == 0


def test_uniform_numbers_do_not_confuse_the_borders_of_their_parts():
    """('ab', 'c') and ('a', 'bc') are different keys."""
    assert uniform("ab", "c") != uniform("a", "bc")


@pytest.mark.long
@given(st.lists(st.integers(), max_size=12), st.text(max_size=5))
def test_shuffling_keeps_every_item(items, seed):
    """A shuffle is a permutation and repeats itself."""
    assert sorted(shuffled(items, seed)) == sorted(items)
    assert shuffled(items, seed) == shuffled(items, seed)


def test_a_plan_with_unequal_weights_is_drawn_by_weight_even_when_it_names_blocks():
    """Blocks of equal shares would not be what the plan says."""
    wanted = replace(plan("a", "b", weights=[9.0, 1.0]), assignment=Assignment.BLOCK)
    share = Counter(sequence(wanted, 5_000))["a"] / 5_000
    assert 0.87 < share < 0.93
