"""Alerts notify at the sources' thresholds."""

from __future__ import annotations

import pytest
from tests.decide.making import DAY, START, look, plan, spread, trial, trials

from meta_experiment.decide import analyze
from meta_experiment.decide.alerts import alerts, watched
from meta_experiment.decide.horizon import horizon_reached
from meta_experiment.decide.samples import Samples
from meta_experiment.decide.units import arms_of
from meta_experiment.types import AlertKind, Readiness, ReasonCode, Stopping, TrialStatus


def raised(trials, *, days=1.0, **changes):
    chosen = plan(**changes)
    samples = Samples(arms_of(chosen, trials))
    return {item.kind for item in alerts(chosen, watched(chosen, samples), days)}


def failing(control, b, n=100):
    """Return n trials an arm of which so many fail."""
    return [
        trial(
            arm,
            2 * i + j,
            status=TrialStatus.ERROR if i < count else TrialStatus.OK,
        )
        for i in range(n)
        for j, (arm, count) in enumerate({"control": control, "b": b}.items())
    ]


def test_a_part_of_a_day_is_not_nothing():
    """How long it has run is said so that it can be told from its start."""
    chosen = plan(max_duration_days=0.005)
    samples = Samples(arms_of(chosen, []))
    look = Readiness(
        ready=False, needed_per_arm=10, smallest_arm=0, days_running=0.01, days_left=0.0,
        reason="",
    )  # fmt: skip
    (alert,) = alerts(chosen, watched(chosen, samples), look.days_running)
    assert alert.message == "Running for 0.01 days, planned for at most 0.005."
    assert horizon_reached(chosen, look, 0.0) == "after 0.01 of at most 0.005 days"


@pytest.mark.parametrize(("failures", "alert"), [(21, True), (20, False), (5, False)])
def test_an_error_rate_over_twice_the_baseline_alerts(failures, alert):
    """psd-13 and psd-14: a ratio of 2.1 alerts, one of 2.0 does not."""
    assert (AlertKind.ERROR_RATE in raised(failing(10, failures))) is alert


def test_what_is_said_of_chance_follows_the_evidence():
    """Slower by a third: perhaps by chance at first, and no more where the e-value is large."""

    def told(n, **changes):
        made = trials(control=spread(30, n), b=spread(40, n))
        (alert,) = look(plan(**changes), made).alerts
        return alert.message

    assert "that may be chance (evidence 7.8 to 1, needed 30 to 1)" in told(6)
    assert "shown to be worse (evidence " in told(40)
    assert "chance" not in told(40)
    early = told(40, stopping=Stopping.FIXED, sample_size=50)
    assert early.endswith("that may be chance.")


@pytest.mark.parametrize(("value", "alert"), [(0.49, True), (0.5, False), (0.9, False)])
def test_satisfaction_under_a_half_alerts(value, alert):
    """psd-15: 0.49 alerts, 0.5 does not."""
    given = trials("user_satisfaction", control=[0.8] * 6, b=[value] * 6)
    assert (AlertKind.SATISFACTION in raised(given)) is alert


def test_satisfaction_on_another_scale_is_not_judged():
    """Stars from 1 to 5 are no share of satisfied users."""
    given = trials("user_satisfaction", control=[4] * 6, b=[0.1, 3, 0.1, 0.1, 0.1, 0.1])
    assert AlertKind.SATISFACTION not in raised(given)


@pytest.mark.parametrize(("slower", "alert"), [(1.12, True), (1.08, False), (0.8, False)])
def test_a_point_estimate_beyond_the_limit_alerts(slower, alert):
    """12% slower is over the limit of 10%, 8% is not."""
    given = trials(control=spread(60, 10), b=[slower * x for x in spread(60, 10)])
    assert (AlertKind.REGRESSION in raised(given)) is alert


@pytest.mark.parametrize(("last", "alert"), [(600.0, True), (65.0, False)])
def test_a_recent_outlier_alerts(last, alert):
    """A unit ten times as slow among the last three is an anomaly."""
    given = trials(control=spread(60, 15), b=[*spread(60, 14), last])
    assert (AlertKind.ANOMALY in raised(given)) is alert


def test_few_units_raise_no_alert():
    """Four units are too few for any of them."""
    given = trials(control=[10, 11, 12, 13], b=[100, 110, 120, 130])
    assert raised(given) == set()


@pytest.mark.parametrize(("days", "alert"), [(14.5, True), (14.0, False)])
def test_an_old_experiment_alerts(days, alert):
    """After its planned days an experiment is over age."""
    assert (AlertKind.OVER_AGE in raised([], days=days)) is alert


def test_what_has_ended_gets_no_older():
    """Its days are those until its end, whenever it is looked at, and its age alerts nobody."""
    found = analyze(
        plan(),
        trials(control=spread(60, 10), b=spread(60, 10)),
        experiment_id="e",
        as_of=START + 126 * DAY,
        started=START,
        over=START + 9 * DAY,
    )
    assert AlertKind.OVER_AGE not in {item.kind for item in found.alerts}
    assert found.readiness.days_running == 9
    assert found.readiness.days_left == 5
    assert found.reason_code is not ReasonCode.HORIZON_REACHED
