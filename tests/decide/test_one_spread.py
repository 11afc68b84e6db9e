"""Costs of a small arm are not taken at the word of its own spread."""

import pytest
from tests.decide.making import COST, DURATION, plan, trial

from meta_experiment.decide.analysis import analyze
from meta_experiment.types import Assignment

EXTERNAL = {"assignment": Assignment.EXTERNAL}


def seen(small, large, metric=COST, covariates=None, **settings):
    """Return what is told of a treatment of few units that spread little."""
    values = [("b", 3.0 + place % 2) for place in range(small)]
    values += [("control", 1.0 + 8.0 * (place % 2)) for place in range(large)]
    trials = [
        trial(arm, place, metrics={metric.name: value}, covariates={"size": float(place % 5)})
        for place, (arm, value) in enumerate(values)
    ]
    watched = plan(primary=metric, covariates=covariates or (), **EXTERNAL | settings)
    found = analyze(watched, trials, experiment_id="x", as_of=2e9, started=None)
    return found.primary.comparisons[0]


@pytest.mark.parametrize("covariates", [(), ("size",)])
def test_a_small_arm_proves_less_than_by_its_own_spread(covariates):
    elsewhere = seen(20, 200, covariates=covariates).sequential
    here = seen(20, 200, covariates=covariates, assignment=Assignment.BLOCK).sequential
    assert 1 < elsewhere.e_promote < 0.5 * here.e_promote
    assert elsewhere.interval.low < here.interval.low


@pytest.mark.parametrize(("small", "metric"), [(100, COST), (20, DURATION)])
def test_arms_of_like_size_and_logarithms_stand_as_they_are(small, metric):
    elsewhere = seen(small, 200, metric)
    assert (
        elsewhere.sequential == seen(small, 200, metric, assignment=Assignment.BLOCK).sequential
    )


def test_the_interval_passes_no_change_as_the_evidence_does():
    for small in (20, 30, 45, 60):
        found = seen(small, 200).sequential
        assert (found.interval.low > 0) == (found.e_promote >= 20)
