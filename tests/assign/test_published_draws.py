"""Assignments that others published, drawn by this product's methods.

The tests name the case they rest on; inputs and figures stand in `published_draws.json`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from tests.decide.making import plan
from tests.published import Cases

from meta_experiment.assign.arms import weighted_arm
from meta_experiment.assign.draw import arm_for
from meta_experiment.assign.permuted_blocks import least_used_arm
from meta_experiment.types import Assignment

CASES = Cases(Path(__file__).with_name("published_draws.json"))
SEEDS = 400


def test_a_tie_among_the_least_used_is_broken_by_chance():
    """gh-aw-03: with nothing used yet, either variant may come first, equally often."""
    inputs, expected = CASES.case("gh-aw-03")
    names = inputs["variants"]
    first = Counter(names[least_used_arm(len(names), seed, 0)] for seed in range(SEEDS))
    assert sorted(first) == expected["variants"]
    assert abs(first["A"] - SEEDS / 2) < 4 * (SEEDS / 4) ** 0.5


@pytest.mark.parametrize("name", ["gh-aw-05", "gh-aw-06"])
def test_least_used_gives_every_variant_its_share(name):
    """gh-aw-05 and -06: ten runs over two variants, nine over three, whatever the seed."""
    inputs, expected = CASES.case(name)
    arms = [f"arm-{k}" for k in range(inputs["variants"])]
    chosen = plan(*arms[1:], assignment=Assignment.LEAST_USED)
    for seed in range(20):
        drawn = Counter(arm_for(chosen, str(seed), "", k) for k in range(inputs["runs"]))
        assert list(drawn.values()) == expected["per_variant"]


def test_nothing_to_draw_from_is_the_control():
    """gh-aw-08: when every weight is zero, the first variant stays, whatever the draw."""
    inputs, expected = CASES.case("gh-aw-08")
    for fraction in (0.0, 0.5, 0.999):
        arm = weighted_arm(inputs["weight"], fraction)
        assert inputs["variants"][arm] == expected["variant"]


@pytest.mark.parametrize("name", ["gh-aw-10", "gh-aw-13", "gh-aw-14"])
def test_a_draw_falls_into_the_interval_of_its_weight(name):
    """gh-aw-10, -13 and -14: 0.11 and 0.19 lie below 20%, 0.68 between 20% and 70%."""
    inputs, expected = CASES.case(name)
    arm = weighted_arm(inputs["weight"], inputs["r"])
    assert inputs["variants"][arm] == expected["variant"]
