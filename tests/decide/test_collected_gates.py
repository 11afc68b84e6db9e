"""Gates of what others draw and of days that come in late."""

from dataclasses import replace

import pytest
from tests.decide.making import DAY
from tests.decide.test_collected_basis import day_of
from tests.support.warehouse_rows import plan_of

from meta_experiment.decide.analysis import analyze_on
from meta_experiment.decide.collected import CollectedSums
from meta_experiment.decide.collected_basis import basis_of_sums
from meta_experiment.decide.collected_days import joined
from meta_experiment.model.collected_document import (
    CollectedState,
    CollectionEntry,
    state_from_document,
    state_to_document,
)
from meta_experiment.types import ReasonCode

PLAN = plan_of("cost_usd", stopping={"sample_size": 20})
FIRST = 20_000


def sums(*units):
    """Return days with so many units of the control and of the treatment each."""
    return CollectedSums(
        tuple(
            day_of(arm, FIRST + day, count)
            for day, counts in enumerate(units)
            for arm, count in zip(("control", "treatment"), counts, strict=True)
        ),
        {},
    )


def seen(collected, plan=PLAN, **heard):
    basis = basis_of_sums(plan, collected, (FIRST + 40) * DAY, **heard)
    return analyze_on(basis, plan, (), experiment_id="e", started=FIRST * DAY + 3600)


def test_shares_that_move_decide_nothing():
    stand = seen(sums((90, 10), (180, 20), (45, 5)))
    assert stand.checks.srm.ok
    assert stand.checks.srm.expected == pytest.approx({"control": 0.9, "treatment": 0.1})
    moved = seen(sums((90, 10), (80, 20), (50, 50)))
    assert moved.reason_code is ReasonCode.SHARES_CHANGED
    assert seen(sums((90, 10))).checks.srm.p_value is None


def retold(*again):
    known = sums((100, 100), (100, 100))
    return joined(known, sums(*again), FIRST + 1).sums


def test_what_came_later_in_one_arm_decides_nothing():
    found = seen(retold((102, 140), (101, 130), (100, 100)))
    assert found.reason_code is ReasonCode.LATENESS_DIFFERS
    assert "units" in found.reason
    late = found.checks.lateness
    assert late.late == pytest.approx({"control": 3 / 203, "treatment": 70 / 270})
    assert late.days == 2
    assert seen(retold((130, 132), (129, 128), (100, 100))).checks.lateness.ok
    assert seen(sums((100, 100))).checks.lateness is None


def test_what_was_retold_is_kept():
    entry = CollectionEntry(0.0, 0.0, "duckdb", "m", FIRST, 1, 1, 0, settles=9.0)
    state = CollectedState(retold((102, 140), (101, 130)), (entry,))
    assert state_from_document(state_to_document(state)) == state
    before = state_to_document(CollectedState(sums((5, 5)), (entry,)))
    del before["retold"], before["collections"][0]["settles"]
    assert state_from_document(before).sums.retold is None


def test_it_ends_when_its_days_have_come_in_and_not_before():
    plan = replace(PLAN, max_duration_days=14.0)
    collected, settles = sums((50, 50), (50, 50)), 7 * DAY
    waiting = seen(collected, plan, through=FIRST + 13, settles=settles)
    assert waiting.reason_code is not ReasonCode.HORIZON_REACHED
    assert waiting.readiness.waits_until == (FIRST + 15) * DAY + settles
    ended = seen(collected, plan, through=FIRST + 14, settles=settles)
    assert ended.reason_code is ReasonCode.HORIZON_REACHED
    assert ended.readiness.waits_until is None


def test_a_unit_of_two_arms_counts_half_in_each():
    plan = plan_of("cost_usd", assignment={"method": "block"})
    days = tuple(
        replace(day_of(arm, FIRST, units), tainted=400)
        for arm, units in (("control", 4600), ("treatment", 4600))
    )
    assert seen(CollectedSums(days, {}), plan).checks.srm.p_value == pytest.approx(1.0)
    weighted = replace(
        plan,
        variants=tuple(
            replace(item, weight=share)
            for item, share in zip(plan.variants, (0.9, 0.1), strict=True)
        ),
    )
    twice = 0.09 * 10_000 * 2  # of 10,000 units drawn twice
    days = tuple(
        replace(day_of(arm, FIRST, round(share * 10_000 - twice / 2)), tainted=round(twice))
        for arm, share in (("control", 0.9), ("treatment", 0.1))
    )
    assert seen(CollectedSums(days, {}), weighted).checks.srm.p_value == pytest.approx(1.0)
