"""Gates of collected days seldom close on what is well, and close on what is not."""

from tests.sim import late


def test_what_comes_late_in_both_arms_holds_nothing_back():
    world = {"share": 0.1, "late": (0.2, 0.2), "days": 8}
    assert late.often(late.held_back, 40, 1, **world) <= 0.05
    assert late.often(late.held_back, 20, 2, cheaper=0.4, **world) <= 0.05


def test_what_comes_later_in_one_arm_is_held_back():
    world = {"share": 0.5, "late": (0.05, 0.3), "days": 8}
    assert late.often(late.held_back, 10, 3, **world) >= 0.9


def test_shares_that_stand_pass_and_a_rollout_by_steps_does_not():
    assert late.often(late.shares_alarm, 60, 4, shares=(0.1,)) <= 0.05
    assert late.often(late.shares_alarm, 20, 5, shares=(0.1, 0.3)) >= 0.9


def test_units_that_were_drawn_again_are_no_mismatch_at_any_share():
    world = {"share": 0.1, "again": 0.3}
    assert late.often(late.tainted_alarm, 10, 6, **world) == 0
    assert late.often(late.tainted_alarm, 10, 6, halves=False, **world) >= 0.9
