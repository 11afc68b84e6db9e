"""Steps of a ramp: what the next one waits for, and what leads back."""

from dataclasses import replace

import numpy as np
import pytest
from tests.decide.making import (
    DAY,
    DURATION,
    START,
    SUCCESS,
    TOKENS,
    parts_of_step,
    plan,
    trial,
)

from meta_experiment.decide import analyze
from meta_experiment.decide.ramp import expected_units, ramp_standing, step_of
from meta_experiment.types import (
    Aim,
    AlertKind,
    Assignment,
    Bandit,
    Direction,
    Draw,
    Guardrail,
    Metric,
    MetricKind,
    Ramp,
    Scale,
    TrialStatus,
    Variant,
)

ERRORS = Metric("format_errors", MetricKind.PROPORTION, Direction.LOWER, Scale.RAW)
STEPS = (0.05, 0.25, 0.5, 1.0)


def ramped(*treatments, days=1.0, units=3, steps=STEPS, **changes):
    moving = Ramp(steps, days, units)
    return plan(*treatments, assignment=Assignment.RAMP, ramp=moving, **changes)


def drawn(base, units, *, step=0, begin=0, slower=1.0, rng=None, every=4, **more):
    """Return trials drawn at a step, one of four treated; durations spread about 20."""
    rng = rng or np.random.default_rng(begin)
    parts = tuple(parts_of_step(base, step, ()))
    made = []
    for place in range(begin, begin + units):
        name = "b" if place % every == 0 else "control"
        value = 20.0 * rng.lognormal(0, 0.3) * (slower if name == "b" else 1.0)
        metrics = {"duration_seconds": value, "output_tokens": 100.0 + place % 7}
        made.append(trial(name, place, metrics=metrics, draw=Draw(parts, place), **more))
    return made


def stand(base, trials, *, days=1.0, ended=()):
    as_of = START + days * DAY
    seen = analyze(base, trials, experiment_id="x", as_of=as_of, started=START)
    return ramp_standing(base, trials, seen, as_of, ended)


def test_it_begins_at_the_first_step():
    found = stand(ramped(), [])
    assert (found.step, found.share, found.since, found.due) == (1, 0.05, None, None)
    assert found.shares == {"control": 0.95, "b": 0.05}
    assert found.waits == "the first unit of this step"


def test_a_step_waits_for_its_units_its_days_and_nothing_else():
    base = ramped()
    few, enough = drawn(base, 8), drawn(base, 12, slower=0.7)
    assert "1 more closed units" in stand(base, few, days=2).waits
    early = stand(base, enough, days=0.5)
    assert (early.step, early.units, early.waits) == (1, 3, "the end of its 1 days")
    assert early.due == START + DAY
    later = stand(base, enough, days=2)
    assert (later.step, later.since, later.next_share) == (2, None, 0.5)
    assert later.shares == {"control": 0.75, "b": 0.25}
    assert later.known == 12


def test_time_and_units_of_a_step_begin_anew_with_it():
    base = ramped()
    trials = [*drawn(base, 12), *drawn(base, 4, step=1, begin=12)]
    found = stand(base, trials, days=0.9)
    assert (found.step, found.units, found.since) == (2, 1, START + 12 * 60)


@pytest.mark.parametrize("open_", [True, False])
def test_units_that_are_open_or_left_out_are_none(open_):
    base = ramped()
    change = {"status": None} if open_ else {"excluded": "mine"}
    trials = [*drawn(base, 8), *drawn(base, 4, begin=8, **change)]
    assert stand(base, trials, days=1.01).units == 2


def test_a_step_without_control_waits_for_the_evidence_of_a_promotion():
    base = ramped(steps=(0.5, 1.0))
    even = stand(base, drawn(base, 40, slower=0.95, every=2), days=2)
    assert even.step == 1
    assert even.waits.startswith("the evidence of a promotion")
    assert stand(base, drawn(base, 200, slower=0.4, every=2), days=2).step == 2


def test_the_last_step_is_the_last():
    base = ramped()
    trials = drawn(base, 40, step=3)
    found = stand(base, trials, days=30)
    assert (found.step, found.next_share, found.due) == (4, None, None)
    assert found.shares == {"control": 0.0, "b": 1.0}


def test_what_looks_worse_than_the_plan_tolerates_holds_a_step():
    base = ramped(max_regression=0.1)
    found = stand(base, drawn(base, 20, slower=1.6), days=2)
    assert found.step == 1
    assert "looks" in found.waits
    assert "duration_seconds" in found.waits
    assert found.back is None


def test_a_guardrail_beyond_its_margin_holds_a_step_and_one_without_values_too():
    base = ramped(guardrails=(Guardrail(TOKENS, 0.1),))
    fine = drawn(base, 20)
    assert stand(base, fine, days=2).step == 2
    costly = [
        replace(item, metrics={**item.metrics, "output_tokens": 130.0})
        if item.variant == "b"
        else item
        for item in fine
    ]
    held = stand(base, costly, days=2)
    assert held.step == 1
    assert "output_tokens" in held.waits
    unknown = [
        replace(item, metrics={"duration_seconds": item.metrics["duration_seconds"]})
        for item in fine
    ]
    missing = stand(base, unknown, days=2)
    assert (missing.step, "values of the guardrail" in missing.waits) == (1, True)


def test_harm_leads_back_to_the_first_step():
    base = ramped()
    trials = [*drawn(base, 20), *drawn(base, 200, step=2, begin=20, slower=4.0)]
    found = stand(base, trials, days=3)
    assert (found.step, found.share, found.since) == (1, 0.05, None)
    assert "worse" in found.back or "harm" in found.back
    first = [*trials, *drawn(base, 4, begin=220, slower=4.0)]
    again = stand(base, first, days=3)
    assert (again.step, again.since) == (1, START + 220 * 60)
    assert again.back is not None


def test_alike_units_after_harm_climb_again_from_the_first():
    base = ramped()
    trials = [*drawn(base, 20, step=2), *drawn(base, 12, begin=20)]
    assert stand(base, trials, days=2).step == 2


def test_a_clock_that_jumped_back_moves_nothing_and_is_said():
    base = ramped()
    ahead = [
        replace(item, assigned_at=item.assigned_at + 90 * DAY, closed_at=item.closed_at)
        for item in drawn(base, 12)
    ]
    found = stand(base, ahead, days=2)
    assert found.step == 1
    assert "the clock, which stands before" in found.waits


def test_ends_of_arms_give_their_part_to_the_others_and_of_all_to_the_control():
    base = ramped("b", "c")
    assert parts_of_step(base, 1, ()) == [7500, 1250, 1250]
    assert parts_of_step(base, 1, {"b"}) == [7500, 0, 2500]
    assert parts_of_step(base, 1, {"b", "c"}) == [10_000, 0, 0]
    weighted = replace(
        base, variants=(Variant("control"), Variant("b", 3.0), Variant("c", 1.0))
    )
    assert parts_of_step(weighted, 2, ()) == [5000, 3750, 1250]
    assert [step_of(base.ramp, parts_of_step(base, at, {"b"})) for at in range(4)] == [
        *range(4)
    ]


def test_each_treatment_needs_its_units():
    base = ramped("b", "c")
    found = stand(base, drawn(base, 40), days=2)
    assert (found.step, found.units) == (1, 0)


def test_how_many_units_the_steps_take_is_foreseen():
    assert expected_units(Ramp(STEPS, 1.0, 5), 1) == [100, 20, 10]
    assert expected_units(Ramp((0.5,), 1.0, 5), 2) == []


def test_values_that_rise_in_time_are_compared_at_equal_shares():
    """All get slower day by day, the treatment has the later units: it looks no worse."""
    rng, base, made = np.random.default_rng(4), ramped(steps=(0.1, 0.5, 0.9)), []
    for place in range(600):
        step = place // 200
        parts = tuple(parts_of_step(base, step, ()))
        name = "b" if rng.random() < parts[1] / 10_000 else "control"
        value = 10.0 * (1 + step) * rng.lognormal(0, 0.3)
        metrics = {"duration_seconds": value}
        made.append(trial(name, place, metrics=metrics, draw=Draw(parts, place)))
    seen = analyze(base, made, experiment_id="x", as_of=START + 2 * DAY, started=START)
    (found,) = seen.primary.comparisons
    assert found.effect.relative < -0.5
    assert abs(found.estimate.relative) < 0.1
    assert (found.sequential.e_promote < 20, found.sequential.e_reject < 20) == (True, True)
    assert seen.checks.srm.ok
    assert any("compared at equal shares" in note for note in seen.notes)
    assert seen.alerts == ()


@pytest.mark.parametrize("worse", [False, True])
@pytest.mark.parametrize(
    "moves",
    [
        {"assignment": Assignment.RAMP, "ramp": Ramp((0.1, 0.5, 0.9))},
        {"assignment": Assignment.BANDIT, "bandit": Bandit(Aim.FEW_BAD_USES, 0.05)},
    ],
    ids=["ramp", "bandit"],
)
def test_an_alert_tells_of_the_arms_and_not_of_their_times(moves, worse):
    """Late units are slower and fail more often, and the treatment has more of them."""
    rng, base, made = np.random.default_rng(6), plan(**moves), []
    for place in range(600):
        step = place // 200
        parts = ((9000, 1000), (5000, 5000), (1000, 9000))[step]
        name = "b" if rng.random() < parts[1] / 10_000 else "control"
        harm = worse and name == "b"
        failed = rng.random() < (0.02, 0.1, 0.3)[step] * (3 if harm else 1)
        value = 10.0 * (1 + step) * rng.lognormal(0, 0.3) * (2.0 if harm else 1.0)
        status = TrialStatus.ERROR if failed else TrialStatus.OK
        draw = Draw(parts, place)
        metrics = {"duration_seconds": value}
        made.append(trial(name, place, status=status, metrics=metrics, draw=draw))
    seen = analyze(base, made, experiment_id="x", as_of=START + 2 * DAY, started=START)
    assert seen.primary.comparisons[0].effect.relative < -0.5
    raised = {item.kind for item in seen.alerts} - {AlertKind.ANOMALY}
    assert raised == ({AlertKind.REGRESSION, AlertKind.ERROR_RATE} if worse else set())


def test_a_rate_rests_on_the_draw_alone():
    rng, base, made = np.random.default_rng(5), ramped(primary=SUCCESS, steps=(0.1, 0.9)), []
    for place in range(400):
        step = place // 200
        parts = tuple(parts_of_step(base, step, ()))
        name = "b" if rng.random() < parts[1] / 10_000 else "control"
        value = float(rng.random() < (0.2, 0.8)[step])
        made.append(trial(name, place, metrics={"success": value}, draw=Draw(parts, place)))
    seen = analyze(base, made, experiment_id="x", as_of=START + 2 * DAY, started=START)
    (found,) = seen.primary.comparisons
    assert found.effect.relative > 0.5
    assert found.sequential.e_promote < 20


def test_status_of_trials_is_no_step():
    base = ramped(units=2)
    made = drawn(base, 12, status=TrialStatus.ERROR)
    assert stand(base, made, days=0.1).units == 3
    assert DURATION.name in made[0].metrics


@pytest.mark.parametrize("primary", [SUCCESS, DURATION])
@pytest.mark.parametrize("count", range(1, 6))
def test_before_a_treatment_has_units_nothing_is_decided_and_nothing_fails(primary, count):
    base = ramped(primary=primary, guardrails=(Guardrail(ERRORS, 0.1),))
    made = [
        replace(item, metrics={primary.name: 1.0, ERRORS.name: 0.0}, variant="control")
        for item in drawn(base, count)
    ]
    assert stand(base, made, days=2).step == 1
    one = [replace(item, variant="b") for item in made[:1]] + made[1:]
    assert stand(base, one, days=2).step == 1


@pytest.mark.parametrize("worse", [False, True])
def test_a_rate_is_held_by_what_the_draw_leans_to_and_not_by_the_time(worse):
    """A third of the late units fail whatever they got, or more of the treatment's."""
    base = ramped(primary=SUCCESS, steps=(0.25, 0.5, 0.75))
    made = []
    for item in [*drawn(base, 60), *drawn(base, 120, step=1, begin=60, every=2)]:
        fails = item.order >= 60 and item.order % 3 == 0
        fails |= worse and item.variant == "b" and item.order % 4 == 0
        made.append(replace(item, metrics={"success": float(not fails)}))
    seen = analyze(base, made, experiment_id="x", as_of=START + 2 * DAY, started=START)
    assert seen.primary.comparisons[0].effect.relative < -0.05
    found = stand(base, made, days=2)
    assert (found.step < 3) is worse, found.waits
