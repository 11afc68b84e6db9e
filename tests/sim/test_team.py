"""Teams in small: what many machines measured, looked at as it arrives, errs as promised."""

import numpy as np
import pytest
from tests.sim import shadow, team_tables

WORLDS = team_tables.WORLDS


@pytest.mark.parametrize("name", list(WORLDS))
def test_a_useless_variant_is_promoted_by_a_team_in_at_most_alpha(name):
    rng = np.random.default_rng(5)
    found = shadow.decide(**team_tables.measured(rng, WORLDS[name], 300, 120))
    assert found.rate("promote") <= 0.05
    assert found.rate("reject") <= 0.05


def test_a_better_variant_is_found_over_machines():
    rng = np.random.default_rng(6)
    world = WORLDS["16 machines"]
    found = shadow.decide(**team_tables.measured(rng, world, 200, 200, better=1.0))
    assert found.rate("promote") > 0.8


def test_what_arrives_late_is_of_its_machine_and_in_its_order():
    world = team_tables.TeamWorld(4, offline=20.0)
    who = team_tables.arrivals(np.random.default_rng(7), world, 1, 400)[0]
    runs = 1 + np.count_nonzero(np.diff(who))
    assert runs < 150  # one after the other it is some 250
    arm = team_tables.arms_of(np.random.default_rng(8), world, who[None])[0]
    for machine in range(4):
        own = arm[who == machine]
        whole = own[: len(own) // 4 * 4].reshape(-1, 4)
        assert (whole.sum(axis=1) == 2).all()


@pytest.mark.parametrize(("name", "most"), [("2 machines", 6), ("16 machines", 18)])
def test_arms_stay_balanced_over_machines(name, most):
    mean, worst = team_tables.imbalance(np.random.default_rng(9), WORLDS[name], 200, 40)
    assert mean < most / 2
    assert worst <= most
